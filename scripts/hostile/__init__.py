"""Hostile inputs: whatever people may bring, damaged and made up, from seeds."""
