"""Targeted attacks on medical image segmentation networks, with the record of every run."""

__version__ = "0.1.0"
