"""The comparison viewer: original, adversarial images and differences under one view."""

from ui.comparison.payload import Beside, Comparison, Curves, Frame, SuspicionMaps
from ui.comparison.viewer import comparison_viewer

__all__ = ["Beside", "Comparison", "Curves", "Frame", "SuspicionMaps", "comparison_viewer"]
