"""Programs that keep the repository, not the work itself."""
