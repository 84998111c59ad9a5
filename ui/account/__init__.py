"""The Account page's pieces."""
