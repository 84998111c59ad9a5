"""What the viewer is sent: a JSON header and the pictures as PNG, in one run of bytes."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from asma_core.errors import InputError
from asma_core.runs.difference import (
    FACTORS,
    MIDDLE,
    ON_DARK,
    ON_LIGHT,
    RANGES,
    automatic_factors,
)
from ui.pictures.packing import MASK_LOOKS, Packet, labels_png

LARGEST_SIDE: Final = 2048
# Each rerun copies and hashes the bytes, so a long run's snapshots are thinned to this much.
FRAME_BYTES: Final = 32 * 2**20
# Pictures of more runs than four would be too small to judge by.
MOST_BESIDE: Final = 3
Figures = tuple[tuple[str, str], ...]
LOOKS: Final[dict[str, Any]] = {
    **MASK_LOOKS,
    "difference": {
        "middle": MIDDLE,
        "light": ON_LIGHT,
        "dark": ON_DARK,
        "factors": FACTORS,
        "ranges": RANGES,
    },
}


@dataclass(frozen=True)
class Frame:
    """One snapshot of a run.

    Attributes:
        label: What the scrubber says, such as "step 84".
        step: The step it was taken at.
        adversarial_png: 8-bit RGB or grey PNG, the size of the original.
        prediction_png: The network's labels on it, as `Comparison.truth_png`.
        figures: (name, value) of this step.
    """

    label: str
    step: int
    adversarial_png: bytes
    prediction_png: bytes | None = None
    figures: Figures = ()


@dataclass(frozen=True)
class Curves:
    """What a run was at, step by step.

    Attributes:
        label: Of the score.
        wanted: Score at which the goal is reached.
        step: Updates made.
        score: In [0, 1], one for each of `step`; None where undefined.
        l2: The same.
    """

    label: str
    wanted: float
    step: tuple[int, ...]
    score: tuple[float | None, ...]
    l2: tuple[float | None, ...]


@dataclass(frozen=True)
class Beside:
    """The result of another run of the same image, to be shown beside.

    Attributes:
        key: That run's id.
        label: What its panel says.
        adversarial_png: As `Frame.adversarial_png`.
        prediction_png: The network's labels on it, as `Comparison.truth_png`.
        target_png: The labels that its attack wanted.
        figures: (name, value) of the result, as of `Frame`.
        visible: (name, value) of how visible its 8-bit file is.
    """

    key: str
    label: str
    adversarial_png: bytes
    prediction_png: bytes | None = None
    target_png: bytes | None = None
    figures: Figures = ()
    visible: Figures = ()


@dataclass(frozen=True)
class SuspicionMaps:
    """Where a detector finds the original and the result suspicious, on one scale.

    Attributes:
        name: Of the detector, in the address.
        title: For people.
        unit: Of the scale.
        end: What a value of 255 stands for, as a text; 0 stands for 0.
        original_png: 8-bit grey PNG of the original's size.
        adversarial_png: The same of the result.
    """

    name: str
    title: str
    unit: str
    end: str
    original_png: bytes
    adversarial_png: bytes


@dataclass(frozen=True)
class Comparison:
    """The pictures of one run.

    Attributes:
        key: The run's id.
        original_png: 8-bit RGB or grey PNG.
        frames: Snapshots in order; the last one is the result.
        truth_png: True labels, an indexed or grey PNG whose values are class numbers.
        prediction_png: The network's labels on the original, in the same form.
        target_png: The labels that the attack wants, in the same form.
        class_names: One name for each class; the background first.
        beside: Results of other runs of the same image, at most `MOST_BESIDE`.
        curves: Of the run, if it has any.
        visible: (name, value) of how visible the result's 8-bit file is.
        suspicions: Of each detector that has looked at the run.
    """

    key: str
    original_png: bytes
    frames: tuple[Frame, ...]
    truth_png: bytes | None = None
    prediction_png: bytes | None = None
    target_png: bytes | None = None
    class_names: tuple[str, ...] = ()
    beside: tuple[Beside, ...] = ()
    curves: Curves | None = None
    visible: Figures = ()
    suspicions: tuple[SuspicionMaps, ...] = ()


def thinned(frames: tuple[Frame, ...], budget: int = FRAME_BYTES) -> list[int]:
    """Return which frames to send: all, or every n-th back from the last within `budget` bytes."""
    if not frames:
        raise InputError("expected at least one frame to compare; give the run's result as one")
    sizes = [len(frame.adversarial_png) + len(frame.prediction_png or b"") for frame in frames]
    stride = 1
    while stride < len(frames) and sum(sizes[::-1][::stride]) > budget:
        stride += 1
    return list(range(len(frames) - 1, -1, -stride))[::-1]


@lru_cache(maxsize=4)
def pack(comparison: Comparison, view: str) -> bytes:
    """Pack a comparison for the browser.

    Args:
        comparison: What to show.
        view: The view to show, as JSON, with the number of the order to show it.

    Returns:
        Four bytes with the header's length (little endian), the header as JSON, the PNGs.

    Raises:
        InputError: A picture can't be read, or its size is not the original's.
    """
    body = _Body(comparison)
    add = body.add
    kept = thinned(comparison.frames)
    frames = [comparison.frames[index] for index in kept]
    header = {
        "key": comparison.key,
        "view": json.loads(view),
        "width_px": body.size[0],
        "height_px": body.size[1],
        "reduced": body.factor,
        "class_names": list(comparison.class_names),
        "looks": LOOKS,
        "frame_count": len(comparison.frames),
        "original": add(comparison.original_png, _picture),
        "truth": add(comparison.truth_png, _labels),
        "before": add(comparison.prediction_png, _labels),
        "target": add(comparison.target_png, _labels),
        "frames": [
            {
                "index": index,
                "label": frame.label,
                "step": frame.step,
                "figures": frame.figures,
                "adversarial": add(frame.adversarial_png, _picture),
                "after": add(frame.prediction_png, _labels),
            }
            for index, frame in zip(kept, frames, strict=True)
        ],
        "beside": [
            {
                "key": other.key,
                "label": other.label,
                "figures": other.figures,
                "visible": other.visible,
                "adversarial": add(other.adversarial_png, _picture),
                "after": add(other.prediction_png, _labels),
                "target": add(other.target_png, _labels),
            }
            for other in comparison.beside[:MOST_BESIDE]
        ],
        "suspicions": [
            {
                "name": one.name,
                "title": one.title,
                "unit": one.unit,
                "end": one.end,
                "original": add(one.original_png, _picture),
                "adversarial": add(one.adversarial_png, _picture),
            }
            for one in comparison.suspicions
        ],
        "curves": asdict(comparison.curves) if comparison.curves else None,
        "visible": comparison.visible,
        "automatic": _factors(comparison),
    }
    return body.sealed(header)


def _factors(comparison: Comparison) -> dict[str, int]:
    """Return the automatic factors of the results: the same at all steps and for all runs."""
    others = [other.adversarial_png for other in comparison.beside[:MOST_BESIDE]]
    results = [comparison.frames[-1].adversarial_png, *others]
    found = [_factors_of(comparison.original_png, png) for png in results]
    return {name: min(one[name] for one in found) for name in found[0]}


# What is shown changes with each link and each run beside it, the pictures do not.
@lru_cache(maxsize=16)
def _factors_of(original_png: bytes, adversarial_png: bytes) -> dict[str, int]:
    return automatic_factors(_pixels(original_png), [_pixels(adversarial_png)])


def _pixels(png: bytes) -> NDArray[np.uint8]:
    return np.asarray(_opened(png).convert("RGB"))


class _Body:
    """Collects the pictures one behind the other."""

    def __init__(self, comparison: Comparison) -> None:
        self.size = _opened(comparison.original_png).size
        self.factor = -(-max(self.size) // LARGEST_SIDE)
        self._packet = Packet()

    def add(
        self, png: bytes | None, encode: Callable[[Image.Image, bytes, int], bytes]
    ) -> dict[str, int] | None:
        """Add a picture and return where it lies."""
        if png is None:
            return None
        image = _opened(png)
        if image.size != self.size:
            raise InputError(
                f"expected pictures of {self.size[0]} x {self.size[1]} like the original, "
                f"got {image.size[0]} x {image.size[1]}; resize it first"
            )
        return self._packet.add(encode(image, png, self.factor))

    def sealed(self, header: dict[str, Any]) -> bytes:
        """Return header and pictures, with a fingerprint that tells new pictures from old."""
        named = header | {"view": None}
        digest = hashlib.blake2b(json.dumps(named).encode(), digest_size=16)
        digest.update(self._packet.pictures)
        return self._packet.sealed(header | {"fingerprint": digest.hexdigest()})


def _opened(png: bytes) -> Image.Image:
    """Open a picture; checking its sums is enough where the browser will do the decoding."""
    try:
        Image.open(io.BytesIO(png), formats=["PNG"]).verify()
        return Image.open(io.BytesIO(png), formats=["PNG"])
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError("a picture to compare is no readable PNG; write it again") from error


def _picture(image: Image.Image, png: bytes, factor: int) -> bytes:
    """Return the PNG itself where the browser can show its very pixels, else a plain copy."""
    if factor == 1 and image.mode in ("L", "RGB"):
        return png
    plain = image if image.mode in ("L", "RGB") else image.convert("RGB")
    return _png(plain.reduce(factor) if factor > 1 else plain)


def _labels(image: Image.Image, _png_bytes: bytes, factor: int) -> bytes:
    """Return labels as grey values: a browser would turn a palette into colours."""
    if image.mode not in ("P", "L", "1"):
        raise InputError(
            f"expected a mask whose values are class numbers (indexed or grey PNG), "
            f"got mode {image.mode}; save it with one channel of 8 bits"
        )
    labels = np.asarray(image).astype(np.uint8)
    rows, columns = (_middles(length, factor) for length in labels.shape)
    return labels_png(labels[np.ix_(rows, columns)])


def _middles(length: int, factor: int) -> NDArray[np.int64]:
    """Return the middle of each run of `factor` pixels; the last run may be shorter."""
    return np.minimum(np.arange(0, length, factor) + factor // 2, length - 1)


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
