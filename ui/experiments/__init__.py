"""The Experiments page's pieces."""
