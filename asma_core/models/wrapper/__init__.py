"""The contract of a network: resizing, normalising, outputs, precision, devices."""
