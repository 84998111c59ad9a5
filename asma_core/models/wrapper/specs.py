"""What a network takes and how its answer is read; part of its card."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from asma_core.errors import InputError

LOGITS: Final = "logits"
PROBABILITIES: Final = "probabilities"
ONE_LOGIT: Final = "one-logit"
ONE_PROBABILITY: Final = "one-probability"
READINGS: Final = (LOGITS, PROBABILITIES, ONE_LOGIT, ONE_PROBABILITY)

RESIZE: Final = "resize"
CENTRE: Final = "centre"
FITS: Final = (RESIZE, CENTRE)

FIXED: Final = "fixed"
PER_IMAGE: Final = "image"
PER_CHANNEL: Final = "channels"
PER_RANGE: Final = "range"
NORMALISATIONS: Final = (FIXED, PER_IMAGE, PER_CHANNEL, PER_RANGE)

# Mean and standard deviation by the number of channels, of most networks that began there.
IMAGENET: Final = {
    1: ((0.449,), (0.226,)),
    3: ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}

PADS: Final = ("", "zeros", "reflect", "edge")
ORDERS: Final = ("rgb", "bgr")

# What is said of a network of which only the outputs are there.
NO_GRADIENTS: Final = "takes no gradients: only square and dla attack it"


@dataclass(frozen=True)
class InputSpec:
    """How a network wants its images.

    Attributes:
        channels: 1 (grey) or 3 (RGB).
        size: Images are resized, keeping their aspect, to an area of size x size pixels;
            0 keeps their own size.
        multiple: Both sides are rounded to a multiple of this.
        mean: Per channel, subtracted from values in [0, 1].
        std: Per channel, divided by.
        exact: Height and width that every image is resized to, whatever its aspect; outranks
            size and multiple.
        pad: "zeros", "reflect" or "edge": an image of its own size is padded to the multiple at
            the right and the bottom, after normalising, and not resized. "" resizes.
        normalisation: "fixed" takes mean and std; "image" each image's own, over all its pixels
            and channels; "channels" those of each of its channels, as numpy and MONAI count them;
            "range" stretches each image to 0..1, and then takes mean and std.
        order: Of the channels: "rgb", or "bgr" as OpenCV reads them.
        batch: 1 for a network that takes one image at a time; 0 for any number.
    """

    channels: int
    size: int
    multiple: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    exact: tuple[int, int] | None = None
    pad: str = ""
    normalisation: str = FIXED
    order: str = "rgb"
    batch: int = 0

    def inner_size(self, height: int, width: int) -> tuple[int, int]:
        """Return the height and width to which an image of that size is resized."""
        if self.exact is not None:
            return self.exact
        if self.pad and not self.size:
            return height, width
        scale = self.size / (height * width) ** 0.5 if self.size else 1.0
        if self.pad:
            return max(1, round(height * scale)), max(1, round(width * scale))
        return self._rounded(height * scale), self._rounded(width * scale)

    def padding(self, height: int, width: int) -> tuple[int, int]:
        """Return how many rows below and columns to the right an inner image is padded by."""
        if not self.pad or self.exact is not None:
            return 0, 0
        return -height % self.multiple, -width % self.multiple

    def _rounded(self, side: float) -> int:
        return max(1, round(side / self.multiple)) * self.multiple


# Most networks halve their images five times at most.
USUAL_MULTIPLE: Final = 32


def usual_input(channels: int) -> InputSpec:
    """Return what a network takes of which nothing is said: images of about their own size."""
    return InputSpec(channels, 0, USUAL_MULTIPLE, (0.0,) * channels, (1.0,) * channels)


@dataclass(frozen=True)
class OutputSpec:
    """How a network's answer is read.

    Attributes:
        reading: "logits" or "probabilities" of all classes, "one-logit" or "one-probability" of
            the structure alone.
        element: Where the map is in a tuple, a list or a dict, outermost first. With deep
            supervision in one tensor (B, S, K, H, W), the index along S.
        fit: What an answer smaller than the image means. "resize": the whole image, coarser.
            "centre": its centre, pixel for pixel, as of a network without padding.
        channels: The answer's channel for each class; () in the order of the classes.
        counts_as: For each class that the network itself tells apart, the class that it counts as;
            () where these are the classes.
    """

    reading: str = LOGITS
    element: tuple[int | str, ...] = ()
    fit: str = RESIZE
    channels: tuple[int, ...] = ()
    counts_as: tuple[int, ...] = ()

    def own_classes(self, classes: int) -> int:
        """Return how many classes the network itself tells apart, of a card with so many."""
        return len(self.counts_as) or classes


def figures_from_text(text: str, count: int) -> tuple[float, ...]:
    """Read figures per channel, separated by commas; a single one stands for each channel.

    Raises:
        InputError: Not numbers.
    """
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(f"{text!r} is not {count} numbers separated by commas") from error
    return values * count if len(values) == 1 else values


def input_table(spec: InputSpec) -> dict[str, Any]:
    """Return an input spec as the card's table, without what is by default."""
    table: dict[str, Any] = {
        "channels": spec.channels,
        "size": list(spec.exact) if spec.exact else spec.size,
        "multiple": spec.multiple,
    }
    if spec.normalisation in (FIXED, PER_RANGE):
        table |= {"mean": list(spec.mean), "std": list(spec.std)}
    if spec.normalisation != FIXED:
        table["normalisation"] = spec.normalisation
    defaults = {"pad": "", "order": "rgb", "batch": 0}
    return table | {
        name: getattr(spec, name)
        for name, default in defaults.items()
        if getattr(spec, name) != default
    }


_OUTPUT: Final = ("reading", "element", "fit", "channels", "counts_as")


def output_table(spec: OutputSpec) -> dict[str, Any]:
    """Return an output spec as the card's table, without what is by default."""
    defaults = OutputSpec()
    values = {name: getattr(spec, name) for name in _OUTPUT}
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in values.items()
        if value != getattr(defaults, name)
    }
