"""The Runs page's pieces."""
