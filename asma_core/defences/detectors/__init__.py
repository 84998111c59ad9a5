"""What tells that an image was attacked: one idea a file."""
