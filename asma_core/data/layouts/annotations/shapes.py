"""What annotation files say of a picture, whatever their format: shapes, each of a class."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from asma_core.data.formats.tree import stem
from asma_core.data.layouts.names import composed
from asma_core.errors import InputError
from asma_core.server_config import settings

MOST_BYTES: Final = 300_000_000
# Corners of the polygon that an ellipse becomes.
_CORNERS: Final = 72
# The name of shapes that count neither as a class nor as background.
IGNORED: Final = "\0ignored"
Points = tuple[float, ...]


@dataclass(frozen=True)
class Shape:
    """One region of a picture; all of its parts together, without the holes.

    Attributes:
        name: Of its class.
        outlines: Each x, y, x, y, ... in pixels of the picture, at least three corners.
        holes: The same.
        mask: bool (h, w), True inside, where the region is not made of outlines.
        corner: x and y of the mask's first pixel.
    """

    name: str
    outlines: tuple[Points, ...] = ()
    holes: tuple[Points, ...] = ()
    mask: NDArray[np.bool_] | None = None
    corner: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Picture:
    """The shapes of one image.

    Attributes:
        image: Its path relative to the data set's folder.
        shapes: In the order of the file.
        split: As in `Entry`.
        size: Height and width that the shapes are drawn for; None for the image's own.
        named: Names of the shapes that are read later.
        later: Returns more shapes when they are drawn, so that not all masks are held at once.
    """

    image: str
    shapes: tuple[Shape, ...]
    split: str = ""
    size: tuple[int, int] | None = None
    named: tuple[str, ...] = ()
    later: Callable[[], tuple[Shape, ...]] | None = None


@dataclass(frozen=True)
class Annotated:
    """What annotation files say of a folder.

    Attributes:
        layout: Name of the format.
        pictures: The images that they speak of.
        names: Of all classes in the format's order, without the background.
        notes: What is to be told.
        used: Pictures of the folder that are masks, and no images without one.
    """

    layout: str
    pictures: tuple[Picture, ...]
    names: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())
    used: tuple[str, ...] = ()


def load_json(path: Path) -> Any:
    """Return what a JSON file holds.

    Raises:
        InputError: Too large, or not JSON.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"{path.name} is larger than {MOST_BYTES // 1_000_000} MB; split it")
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path.name} can't be read as JSON; export it again") from error


def polygon(points: Any) -> Points:
    """Return corners, given as pairs or flat, as floats.

    Raises:
        InputError: Fewer than three corners, or no finite numbers.
    """
    try:
        flat = [float(v) for pair in points for v in (pair if _is_list(pair) else (pair,))]
    except (TypeError, ValueError) as error:
        raise InputError("an outline's corners are no numbers; export it again") from error
    if len(flat) < 6 or len(flat) % 2 or not all(map(math.isfinite, flat)):
        raise InputError("an outline has fewer than three corners; draw it again")
    return tuple(flat)


def _is_list(value: object) -> bool:
    return isinstance(value, list | tuple)


def box(x: float, y: float, width: float, height: float, degrees: float = 0.0) -> Points:
    """Return the corners of a box, turned clockwise around its first."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    corners = ((0.0, 0.0), (width, 0.0), (width, height), (0.0, height))
    turned = [(x + cos * a - sin * b, y + sin * a + cos * b) for a, b in corners]
    return polygon(turned)


def ellipse(x: float, y: float, across: float, down: float, degrees: float = 0.0) -> Points:
    """Return corners on an ellipse by its centre and half its axes, turned clockwise around it."""
    turns = np.linspace(0.0, 2.0 * np.pi, _CORNERS, endpoint=False)
    a, b = across * np.cos(turns), down * np.sin(turns)
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return polygon(np.stack([x + cos * a - sin * b, y + sin * a + cos * b], axis=1).tolist())


def bitmap(data: bytes) -> NDArray[np.bool_]:
    """Return where a small picture of a region is not empty: its opacity where it has any.

    Raises:
        InputError: Not a PNG, or too large.
    """
    try:
        picture = Image.open(io.BytesIO(data), formats=("PNG",))
        if picture.width * picture.height > settings().max_image_megapixels * 1_000_000:
            raise InputError("a region's picture is too large; export it again")
        values = np.asarray(picture.convert("RGBA" if "A" in picture.mode else "L"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError("a region's picture can't be read; export it again") from error
    return np.asarray((values[..., 3] if values.ndim == 3 else values) > 0)


class Images:
    """The images of a folder, to be found by what annotation files call them."""

    def __init__(self, paths: Sequence[str]) -> None:
        """Take in relative paths."""
        self.paths = tuple(paths)
        self._by_path = {composed(path): path for path in paths}
        self._by_name = _unique(paths, lambda path: composed(path.rpartition("/")[2]))
        self._by_stem = _unique(paths, lambda path: composed(stem(path)))

    def find(self, said: str) -> str | None:
        """Return the image of a name or path, in whatever folder; None where there is none."""
        parts = composed(said.replace("\\", "/").partition("?")[0]).split("/")
        for start in range(len(parts)):
            path = self._by_path.get("/".join(parts[start:]))
            if path is not None:
                return path
        name = parts[-1]
        return self._by_name.get(name) or self._by_stem.get(name.rpartition(".")[0] or name)


def _unique(paths: Sequence[str], key: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    twice = set()
    for path in paths:
        if key(path) in found:
            twice.add(key(path))
        found[key(path)] = path
    return {name: path for name, path in found.items() if name not in twice}


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Return each name once, in the order in which they first come."""
    return tuple(dict.fromkeys(names))
