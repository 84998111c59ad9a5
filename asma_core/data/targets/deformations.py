"""Changes of a mask that an attacker would want: hide, grow, shrink, move, mirror, enlarge.

Every function takes a label mask, int64 (H, W), and gives a new one of the same shape; the mask
it was given is left alone. "The structure" is the union of all foreground classes.
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from asma_core.errors import InputError, UnknownNameError

Labels = NDArray[np.int64]
# Whole-pixel distances tie by the hundred; a little smoothing orders them along the outline.
SMOOTHING: Final = 1.5


def hide(mask: Labels, classes: tuple[int, ...] | None = None) -> Labels:
    """Take the structure away: its pixels become background.

    Args:
        mask: Label mask, int64 (H, W).
        classes: The classes to take away; all of them unless said.

    Returns:
        The new label mask.

    Raises:
        InputError: There is nothing to take away.
    """
    labels = _checked(mask)
    gone = labels > 0 if classes is None else (labels > 0) & np.isin(labels, classes)
    if not gone.any():
        raise InputError("the mask has none of these classes; choose a mask that shows them")
    return np.where(gone, 0, labels)


def grow(mask: Labels, percent: float) -> Labels:
    """Enlarge the structure along its outline, each class by the same share of its area.

    Args:
        mask: Label mask, int64 (H, W).
        percent: How much larger the area gets, in (0, 400].

    Returns:
        The new label mask; its area is exact, or all of the image where that is smaller.

    Raises:
        InputError: The mask shows no structure, or `percent` is out of range.
    """
    return _resize(mask, 1 + _within("percent", percent, 0, 400) / 100)


def shrink(mask: Labels, percent: float) -> Labels:
    """Reduce the structure along its outline, each class by the same share of its area.

    Args:
        mask: Label mask, int64 (H, W).
        percent: How much smaller the area gets, in (0, 95].

    Returns:
        The new label mask; its area is exact, and never less than one pixel.

    Raises:
        InputError: The mask shows no structure, or `percent` is out of range.
    """
    return _resize(mask, 1 - _within("percent", percent, 0, 95) / 100)


def move(mask: Labels, dx: float, dy: float) -> Labels:
    """Shift the structure; what leaves the image is lost.

    Args:
        mask: Label mask, int64 (H, W).
        dx: Shift to the right as a fraction of the width, in [-1, 1].
        dy: Shift down as a fraction of the height, in [-1, 1].

    Returns:
        The new label mask.

    Raises:
        InputError: The mask shows no structure, or none of it would stay in the image.
    """
    labels = _structure(mask)
    for name, value in (("dx", dx), ("dy", dy)):
        if not -1 <= value <= 1:
            raise InputError(f"expected {name} between -1 and 1, got {value:g}")
    height, width = labels.shape
    right, down = round(dx * width), round(dy * height)
    moved = np.zeros_like(labels)
    kept = labels[max(-down, 0) : height - max(down, 0), max(-right, 0) : width - max(right, 0)]
    top, left = max(down, 0), max(right, 0)
    moved[top : top + kept.shape[0], left : left + kept.shape[1]] = kept
    if not moved.any():
        raise InputError("this moves the structure out of the image; choose a smaller shift")
    return moved


def mirror(
    mask: Labels,
    axis: Literal["horizontal", "vertical"] = "horizontal",
    about: Literal["image", "structure"] = "image",
) -> Labels:
    """Swap the sides of the structure.

    About the image's centre it lands on the wrong side, which is what an attacker wants as a
    rule: an optic disc is nearly round, and mirrored in place it would hardly differ.

    Args:
        mask: Label mask, int64 (H, W).
        axis: "horizontal" swaps left and right, "vertical" swaps top and bottom.
        about: The centre of the "image", or of the box around the "structure".

    Returns:
        The new label mask.

    Raises:
        InputError: The mask shows no structure, or a name is unknown.
    """
    labels = _structure(mask)
    axes = {"horizontal": 1, "vertical": 0}
    if axis not in axes:
        raise UnknownNameError("axis", axis, axes)
    if about not in ("image", "structure"):
        raise UnknownNameError("centre", about, ("image", "structure"))
    if about == "image":
        return np.flip(labels, axes[axis]).copy()
    box = ndimage.find_objects((labels > 0).astype(np.int8))[0]
    mirrored = np.zeros_like(labels)
    mirrored[box] = np.flip(labels[box], axes[axis])
    return mirrored


def enlarge_class(mask: Labels, percent: float, inner: int = 2, outer: int = 1) -> Labels:
    """Let an inner class grow at the cost of the one around it: a larger cup in the same disc.

    Args:
        mask: Label mask, int64 (H, W).
        percent: How much larger the inner area gets, in (0, 400].
        inner: The class that grows.
        outer: The class that it grows into.

    Returns:
        The new label mask; the inner area is exact, or all of both where that is smaller.

    Raises:
        InputError: A class is absent, or `percent` is out of range.
    """
    labels = _structure(mask)
    factor = 1 + _within("percent", percent, 0, 400) / 100
    for label in (inner, outer):
        if label <= 0 or not (labels == label).any():
            raise InputError(f"the mask has no class {label}; choose a mask that shows it")
    both = np.isin(labels, (inner, outer))
    grown = _nearest(
        _signed_distance(labels == inner), both, round(factor * (labels == inner).sum())
    )
    return np.where(grown, inner, np.where(both, outer, labels))


def _checked(mask: Labels) -> Labels:
    labels = np.asarray(mask)
    if labels.ndim != 2 or labels.dtype.kind not in "iu":
        raise InputError(
            f"expected a label mask of integers of shape (H, W), got {labels.dtype} of shape "
            f"{labels.shape}; pass one mask without a channel"
        )
    return labels.astype(np.int64)


def _structure(mask: Labels) -> Labels:
    labels = _checked(mask)
    if not (labels > 0).any():
        raise InputError("the mask shows no structure; start from one that does, or draw it")
    return labels


def _within(name: str, value: float, above: float, most: float) -> float:
    if not above < value <= most:
        raise InputError(f"expected {name} above {above:g} and at most {most:g}, got {value:g}")
    return value


def _signed_distance(region: NDArray[np.bool_]) -> NDArray[np.float64]:
    outside: NDArray[np.float64] = ndimage.distance_transform_edt(~region)
    inside: NDArray[np.float64] = ndimage.distance_transform_edt(region)
    smooth: NDArray[np.float64] = ndimage.gaussian_filter(outside - inside, SMOOTHING)
    return smooth


def _nearest(
    distance: NDArray[np.float64], allowed: NDArray[np.bool_], count: int
) -> NDArray[np.bool_]:
    """Return the `count` allowed pixels of the smallest distance."""
    candidates = np.flatnonzero(allowed)
    count = min(max(count, 0), candidates.size)
    chosen = np.zeros(distance.shape, dtype=bool)
    if count:
        order = np.argpartition(distance.ravel()[candidates], count - 1)[:count]
        chosen.ravel()[candidates[order]] = True
    return chosen


def _resize(mask: Labels, factor: float) -> Labels:
    """Scale the area of the structure and of each class in it by `factor`."""
    labels = _structure(mask)
    classes = [int(label) for label in np.unique(labels[labels > 0])]
    distances = {label: _signed_distance(labels == label) for label in classes}
    area = max(round(factor * (labels > 0).sum()), 1)
    left = _nearest(_signed_distance(labels > 0), np.ones(labels.shape, dtype=bool), area)
    reached = int(left.sum()) / int((labels > 0).sum())
    resized = np.zeros_like(labels)
    # From the highest class down, as inner classes have the higher numbers: each takes its share
    # of the pixels that are nearer to it than to the classes still to come.
    for label in reversed(classes[1:]):
        rivals = [distances[other] for other in classes if other < label]
        advantage = distances[label] - np.minimum.reduce(rivals)
        taken = _nearest(advantage, left, round(reached * (labels == label).sum()))
        resized[taken] = label
        left &= ~taken
    resized[left] = classes[0]
    return resized
