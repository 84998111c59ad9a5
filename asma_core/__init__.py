"""Targeted attacks on medical image segmentation networks, with the record of every run."""

from asma_core.version import __version__ as __version__
