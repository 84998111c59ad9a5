"""The comparison viewer: original, adversarial image and difference under one view."""

from ui.comparison.viewer import Comparison, Frame, comparison_viewer

__all__ = ["Comparison", "Frame", "comparison_viewer"]
