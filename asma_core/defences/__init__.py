"""What stands before or around a network to make it harder to fool: one idea a file."""
