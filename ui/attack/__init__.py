"""The Attack page's pieces."""
