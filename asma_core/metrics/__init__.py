"""Figures of overlap and of distance. Uses nothing else of ours."""
