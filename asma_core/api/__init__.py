"""The public way in for Python; `import asma_core` has all of its names."""
