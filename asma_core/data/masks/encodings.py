"""What the values of mask files mean: class numbers, greys, colours, votes.

An `Encoding` is part of a data set's card. It is guessed from the values that are found, shown to
the user with their counts, and corrected by hand where the guess is wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from asma_core.data.masks.label_maps import BYTE_MIDDLE, VOID, Labels, Mask
from asma_core.errors import InputError

VALUES: Final = "values"
SHARE: Final = "share"
MOST_CLASSES: Final = 32

Counts = Mapping[int, int]
# Whole numbers, (H, W), of as few bits as the file has.
Codes = NDArray[Any]


@dataclass(frozen=True)
class Encoding:
    """How mask files are turned into class numbers.

    Attributes:
        kind: "values": each value means a class. "share": a soft map or votes; above `threshold`
            of `full` is the structure, and several files of one class are averaged first.
        values: Value and class, or `VOID`; a colour is packed as 0xRRGGBB.
        nearest: Whether another value counts as the nearest of `values`; else it is refused.
        colours: Whether the values are colours.
        full: The value that stands for all of it.
        threshold: Share of `full` above which a pixel is structure, in [0, 1).
    """

    kind: str = VALUES
    values: tuple[tuple[int, int], ...] = ((0, 0), (255, 1))
    nearest: bool = True
    colours: bool = False
    full: float = 255.0
    threshold: float = 0.5

    @property
    def classes(self) -> int:
        """The number of classes that the encoding speaks of, background counted."""
        if self.kind == SHARE:
            return 2
        return max((label for _, label in self.values if label != VOID), default=0) + 1

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for a card."""
        return {
            "kind": self.kind,
            "values": [list(pair) for pair in self.values],
            "nearest": self.nearest,
            "colours": self.colours,
            "full": self.full,
            "threshold": self.threshold,
        }


def exchanged(encoding: Encoding | None) -> Encoding | None:
    """Return an encoding of two classes with structure and background exchanged."""
    if encoding is None:
        return None
    if encoding.kind == SHARE:
        return Encoding(values=((0, 1), (round(encoding.full), 0)))
    other = {0: 1, 1: 0}
    pairs = tuple((value, other.get(label, label)) for value, label in encoding.values)
    return replace(encoding, values=pairs)


def encoding_from_dict(content: Any, where: str) -> Encoding:
    """Read an encoding of a card.

    Raises:
        InputError: A field is unknown, absent or of another kind.
    """
    try:
        pairs = tuple((int(value), int(label)) for value, label in content["values"])
        encoding = Encoding(**{**content, "values": pairs})
    except (TypeError, ValueError, KeyError) as error:
        raise InputError(f"{where} has an encoding that can't be; import the set again") from error
    labels = [label for _, label in encoding.values]
    fits = (
        encoding.kind in (VALUES, SHARE)
        and all(0 <= label < MOST_CLASSES or label == VOID for label in labels)
        and isinstance(encoding.full, int | float)
        and isinstance(encoding.threshold, int | float)
        and encoding.full > 0
        and 0 <= encoding.threshold < 1
        and (encoding.values or encoding.kind == SHARE)
    )
    if not fits:
        raise InputError(f"{where} has an encoding that can't be; import the set again")
    return encoding


def pack(values: NDArray[Any]) -> tuple[Codes, bool]:
    """Return the values of a mask as (H, W), colours as 0xRRGGBB, and whether they are colours."""
    if values.ndim == 2:
        # As small as they come: of a large mask 64 bits would be 130 MB.
        return (values if values.dtype.kind in "ui" else values.astype(np.int64)), False
    channels = values[..., :3].astype(np.int64)
    return (channels[..., 0] << 16) | (channels[..., 1] << 8) | channels[..., 2], True


def count_values(codes: Codes) -> Counter[int]:
    """Return how many pixels have each value."""
    if codes.size and codes.min() >= 0 and codes.max() < 1 << 16:
        counts = np.bincount(codes.ravel())
        return Counter({int(value): int(counts[value]) for value in np.flatnonzero(counts)})
    found, counts = np.unique(codes, return_counts=True)
    return Counter(dict(zip(found.tolist(), counts.tolist(), strict=True)))


def decode(codes: Codes, colours: bool, encoding: Encoding, label: str) -> Mask:
    """Turn the values of one mask file into class numbers.

    Args:
        codes: Whole numbers (H, W), of `pack`.
        colours: Whether they are colours.
        encoding: Of kind "values", or of kind "share" for a structure and its background.
        label: What to call the file in errors.

    Raises:
        InputError: A value that the encoding does not know.
    """
    if encoding.kind == SHARE:
        return _mask((shares(codes, encoding) > encoding.threshold).astype(np.int64))
    if encoding.colours and not colours:
        codes = codes.astype(np.int64) * 0x010101
    elif colours and not encoding.colours:
        raise InputError(
            f"{label} is in colours, the others of its data set are grey; save it like them"
        )
    if encoding.nearest and not encoding.colours and len(encoding.values) == 2:
        return _mask(_split(codes, encoding))
    return _mask(_looked_up(codes, encoding, label))


def _split(codes: Codes, encoding: Encoding) -> Labels:
    (low, below), (high, above) = sorted(encoding.values)
    # As for masks without a card: the middle itself is still the lower one.
    middle = BYTE_MIDDLE if (low, high) == (0, 255) else (low + high) / 2
    return np.where(codes > middle, above, below).astype(np.int64)


def _looked_up(codes: Codes, encoding: Encoding, label: str) -> Labels:
    labels = np.full(codes.shape, -1, dtype=np.int64)
    for value, number in encoding.values:
        labels[np.equal(codes, value)] = number
    others = labels < 0
    if others.any():
        found, places = np.unique(codes[others], return_inverse=True)
        if not encoding.nearest:
            raise InputError(
                f"{label} holds {value_name(int(found[0]), encoding.colours)}, which means no "
                "class of its data set; import the set again and say what it means"
            )
        labels[others] = _nearest(found, encoding)[places]
    return labels


def _nearest(found: Codes, encoding: Encoding) -> Labels:
    known = np.array([value for value, _ in encoding.values], dtype=np.int64)
    numbers = np.array([label for _, label in encoding.values], dtype=np.int64)
    if not encoding.colours:
        return np.asarray(numbers[np.abs(found[:, None] - known).argmin(axis=1)])
    apart = [
        ((found[:, None] >> shift & 255) - (known >> shift & 255)) ** 2 for shift in (0, 8, 16)
    ]
    return np.asarray(numbers[np.add.reduce(apart).argmin(axis=1)])


def _mask(labels: Labels) -> Mask:
    valid = labels != VOID
    return Mask(np.where(valid, labels, 0), valid)


def shares(codes: Codes, encoding: Encoding) -> NDArray[np.float64]:
    """Return how much of a class each pixel is, in [0, 1], by a soft map or a hard mask."""
    return np.clip(codes / encoding.full, 0.0, 1.0)


def value_name(value: int, colours: bool) -> str:
    """Return a value as a person reads it: a number, or a colour."""
    return f"the colour #{value:06X}" if colours else f"the value {value}"
