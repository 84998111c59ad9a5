"""Is a network what its card says, and what is likely to be wrong."""
