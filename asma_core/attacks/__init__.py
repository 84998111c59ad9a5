"""Attacks: one paper a file, the pieces that they share, and the registry."""
