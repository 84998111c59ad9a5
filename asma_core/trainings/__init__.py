"""Training a network on a data set: what is asked for, carrying it out, and its record."""
