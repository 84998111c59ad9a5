"""The Models page's pieces."""
