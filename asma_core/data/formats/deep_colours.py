"""Colours of 16 bits a channel, of which Pillow alone reads the upper 8.

Its decoders take either byte of a number, by the name of the format that they are told: read once
as it is and once with the bytes' order exchanged, a picture has both. Formats in which that can't
be done (JPEG 2000, compressed TIFF of a plane a channel) stay at 8 bits.
"""

from __future__ import annotations

import struct
import sys
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from asma_core.data.formats.windows import Values

FULL: Final = 65535.0
Deep = NDArray[np.uint16]
# Tags of TIFF.
_COMPRESSION, _STRIPS, _LENGTHS, _PLANAR, _BITS = 259, 273, 279, 284, 258
_GREY_AND_OPACITY: Final = "LA;16B"
_EXCHANGED: Final = {
    "16B": "16L",
    "16L": "16B",
    "16N": "16B" if sys.byteorder == "little" else "16L",
}
# Of JPEG 2000: the marker of its sizes, and how far after it come the count of components and the
# bits of the first.
_SIZ: Final = b"\xff\x51"
_COMPONENTS: Final = 38


def is_deep_colour(picture: Image.Image) -> bool:
    """Tell from a picture that is open but not decoded if its colours have more than 8 bits."""
    if picture.mode.startswith(("I", "F")) or picture.mode in ("1", "L", "P"):
        return False
    return (
        any(";16" in str(tile[3]) for tile in picture_tiles(picture))
        or _planes(picture)
        or _most_of_ppm(picture) > 255
    )


def picture_tiles(picture: Image.Image) -> list[Any]:
    """Return what Pillow will decode; nothing once it has."""
    return list(getattr(picture, "tile", ()))


def is_jpeg_2000_of_16_bits(picture: Image.Image, data: bytes) -> bool:
    """Tell a JPEG 2000 picture of colours whose lower bits can't be read."""
    if picture.format != "JPEG2000" or picture.mode not in ("RGB", "RGBA"):
        return False
    place = data.find(_SIZ)
    bits = data[place + _COMPONENTS + 2 : place + _COMPONENTS + 3]
    return place >= 0 and bool(bits) and (bits[0] & 0x7F) + 1 > 8


def deep_values(picture: Image.Image, again: Image.Image, data: bytes) -> Deep | None:
    """Return the colours of a picture with all their bits; None where they can't be had.

    Args:
        picture: Open, on its page, not decoded. It is decoded by this call.
        again: The same once more.
        data: The file.

    Returns:
        uint16 (H, W, 3), or (H, W, 4) with opacity; (H, W, 2) of grey with opacity.
    """
    if _most_of_ppm(picture) > 255:
        return _of_ppm(picture, data)
    if _planes(picture):
        return _of_planes(picture, data)
    if getattr(picture, "tag_v2", {}).get(_PLANAR) == 2:
        return None
    tiles = picture_tiles(again)
    if all(str(_raw(tile)) == _GREY_AND_OPACITY for tile in tiles):
        # Four bytes a pixel, as of four channels.
        _set_raw(again, "RGBA")
        packed = np.asarray(again).astype(np.uint16)
        return np.stack(
            [packed[..., 0] << 8 | packed[..., 1], packed[..., 2] << 8 | packed[..., 3]], -1
        )
    for name, other in _EXCHANGED.items():
        if all(str(_raw(tile)).endswith(name) for tile in tiles):
            _set_raw(again, str(_raw(tiles[0])).replace(name, other))
            low, high = np.asarray(again), np.asarray(picture)
            both: Deep = high.astype(np.uint16) << 8 | low
            return both
    return None


def over_black(values: Deep) -> Deep:
    """Return colours, or greys as (H, W), as they are seen where their opacity lies over black."""
    channels = values.shape[2]
    if channels in (2, 4):
        seen = values[..., :-1] * (values[..., -1:] / FULL)
        values = np.rint(seen).astype(np.uint16)
    return values[..., 0] if channels == 2 else values


def deep_mask(values: Deep) -> Values:
    """Return what a mask of 16 bits a channel holds, as a mask of 8 bits is read.

    Greys as (H, W), with all their bits; where only the opacity shows a shape that; else colours,
    uint8 (H, W, 3): small numbers as they are, others by their upper 8 bits.
    """
    channels = values.shape[2]
    colours = values[..., :1].repeat(3, 2) if channels == 2 else values[..., :3]
    if channels in (2, 4) and only_opacity_shows(colours, values[..., -1]):
        return values[..., -1]
    if not (colours != colours[..., :1]).any():
        return colours[..., 0]
    return (colours if colours.max() < 256 else colours >> 8).astype(np.uint8)


def only_opacity_shows(colours: Values, opacity: Values) -> bool:
    """Tell whether what is seen has one colour, which is what lies hidden around it too."""
    hidden = opacity == 0
    if hidden.all() or not hidden.any():
        return False
    seen_colours = colours[~hidden]
    one = bool((seen_colours == seen_colours[0]).all())
    return one and bool((colours[hidden] == seen_colours[0]).all(axis=-1).any())


def _raw(tile: Any) -> Any:
    args = tile[3]
    return args[0] if isinstance(args, tuple) else args


def _set_raw(picture: Image.Image, raw: str) -> None:
    made = []
    for tile in picture_tiles(picture):
        args = (raw, *tile[3][1:]) if isinstance(tile[3], tuple) else raw
        made.append(type(tile)(*tile[:3], args))
    picture.tile = made  # type: ignore[attr-defined]


def _planes(picture: Image.Image) -> bool:
    """Tell a TIFF of 16 bits whose channels lie one after the other, not packed."""
    tags = getattr(picture, "tag_v2", {})
    bits = tags.get(_BITS, (8,))
    return bool(tags.get(_PLANAR) == 2 and tags.get(_COMPRESSION, 1) == 1 and bits[0] == 16)


def _of_planes(picture: Image.Image, data: bytes) -> Deep:
    tags: Any = picture.tag_v2  # type: ignore[attr-defined]
    parts = [data[at : at + size] for at, size in zip(tags[_STRIPS], tags[_LENGTHS], strict=True)]
    width, height = picture.size
    kind = np.dtype(np.uint16).newbyteorder(">" if data[:2] == b"MM" else "<")
    values = np.frombuffer(b"".join(parts), kind)
    found = values.reshape(-1, height, width)[: len(picture.getbands())]
    return found.transpose(1, 2, 0).astype(np.uint16)


def _most_of_ppm(picture: Image.Image) -> int:
    """Return the highest value that a colour PPM may have; 0 of other pictures."""
    if picture.format != "PPM" or picture.mode != "RGB":
        return 0
    tiles = picture_tiles(picture)
    args = tiles[0][3] if tiles else None
    return int(args[1]) if tiles and tiles[0][0] == "ppm" and isinstance(args, tuple) else 0


def _of_ppm(picture: Image.Image, data: bytes) -> Deep | None:
    width, height = picture.size
    most, start = _most_of_ppm(picture), picture_tiles(picture)[0][2]
    whole = data[start : start + 6 * width * height]
    if len(whole) < 6 * width * height:
        raise struct.error("a PPM that is cut")
    values = np.frombuffer(whole, ">u2").reshape(height, width, 3)
    # Of 12 bits, say, to the 16 that the window counts in.
    scaled: Deep = np.rint(np.minimum(values, most) * (FULL / most)).astype(np.uint16)
    return scaled
