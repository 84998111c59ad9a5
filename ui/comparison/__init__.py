"""The comparison viewer: original, adversarial images and differences under one view."""

from ui.comparison.payload import Beside, Comparison, Curves, Frame
from ui.comparison.viewer import comparison_viewer

__all__ = ["Beside", "Comparison", "Curves", "Frame", "comparison_viewer"]
