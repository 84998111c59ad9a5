"""What happens to a file on its way: mailed as JPEG, resized by a viewer, turned, made noisy."""
