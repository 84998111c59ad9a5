"""The Datasets page's pieces."""
