"""What a folder's image processor does to an image, as the card's input."""

from __future__ import annotations

from typing import Final

from asma_core.models.sources.plain_json import Fields
from asma_core.models.wrapper.specs import IMAGENET, InputSpec

LARGEST_SIDE: Final = 4096
# Networks that take one size only, as their positions are counted.
_FIXED_SIZE: Final = ("beit", "data2vec-vision", "dpt")
# Networks whose processor takes a single number for the shorter side.
_SHORTER_SIDE: Final = ("mobilevit", "mobilevitv2", "mobilenet_v2")
Notes = tuple[str, ...]


def read_input(processor: Fields | None, config: Fields, kind: str) -> tuple[InputSpec, Notes]:
    """Return what a network takes, and what a person should know of it.

    Args:
        processor: preprocessor_config.json, None where there is none.
        config: config.json.
        kind: The network's `model_type`.

    Raises:
        ModelError: A field can't be, such as a standard deviation of 0.
    """
    channels = config.whole("num_channels", 1, 3, 3)
    if channels == 2:
        raise config.wrong("num_channels")
    if processor is None:
        mean, std = IMAGENET[channels]
        exact, area, notes = _own_size(config, kind)
        said = "It has no preprocessor_config.json: ImageNet's normalisation is taken."
        return InputSpec(channels, area, 1, mean, std, exact), (said, *notes)
    mean, std = _figures(processor, channels)
    exact, area, notes = _size(processor, config, kind)
    if processor.flag("do_reduce_labels", False):
        said = "It was trained without a background: its first class is not one, as scores take it."
        notes = (*notes, said)
    order = "bgr" if processor.flag("do_flip_channel_order", False) else "rgb"
    multiple = processor.whole("ensure_multiple_of", 1, 1024, 1)
    return InputSpec(channels, area, multiple, mean, std, exact, order=order), notes


def _figures(processor: Fields, channels: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation, of values in [0, 1].

    The processor takes values from 0 to 255, times its own factor.
    """
    rescales = processor.flag("do_rescale", True)
    factor = 255 * (processor.number("rescale_factor", 1 / 255) if rescales else 1.0)
    if not 1e-6 < factor < 1e6:
        raise processor.wrong("rescale_factor")
    if not processor.flag("do_normalize", True):
        return (0.0,) * channels, (1 / factor,) * channels
    return tuple(
        tuple(value / factor for value in _each(processor, name, channels))
        for name in ("image_mean", "image_std")
    )  # type: ignore[return-value]


def _each(processor: Fields, name: str, channels: int) -> list[float]:
    """Return a figure for each channel, of a list or of one for all."""
    if not processor.has(name):
        return list(IMAGENET[channels][0 if name == "image_mean" else 1])
    found = processor.get(name)
    values = found if isinstance(found, list) else [found]
    values = values * channels if len(values) == 1 else values
    if len(values) != channels:
        raise processor.wrong(name)
    figures = [Fields({name: value}, processor.label).number(name) for value in values]
    if name == "image_std" and min(figures) <= 0:
        raise processor.wrong(name)
    return figures


Size = tuple[tuple[int, int] | None, int, Notes]


def _size(processor: Fields, config: Fields, kind: str) -> Size:
    """Return the exact size, or the area, that images are resized to."""
    crops = processor.flag("do_center_crop", False)
    notes: Notes = ()
    if crops:
        notes = ("Its processor cuts out the centre; here the whole image is taken.",)
    if not processor.flag("do_resize", True) or not processor.has("size"):
        exact, area, more = _own_size(config, kind)
        return exact, area, notes + more
    size = processor.get("size")
    if not isinstance(size, dict):
        side = processor.whole("size", 1, LARGEST_SIDE)
        size = {"shortest_edge": side} if kind in _SHORTER_SIDE else {"height": side, "width": side}
    table = Fields(size, f"size of {processor.label}")
    if table.has("height") or table.has("width"):
        height = table.whole("height", 1, LARGEST_SIDE)
        return (height, table.whole("width", 1, LARGEST_SIDE)), 0, notes
    name = "shortest_edge" if table.has("shortest_edge") else "longest_edge"
    side = table.whole(name, 1, LARGEST_SIDE)
    which = "shorter" if name == "shortest_edge" else "longer"
    said = (
        f"Its processor makes the {which} side {side} pixels long; here images get an area of "
        f"{side} x {side}, which is the same for square ones."
    )
    return None, side, (*notes, said)


def _own_size(config: Fields, kind: str) -> Size:
    if kind not in _FIXED_SIZE or not config.has("image_size"):
        return None, 0, ()
    side = config.whole("image_size", 1, LARGEST_SIDE)
    return (side, side), 0, ()
