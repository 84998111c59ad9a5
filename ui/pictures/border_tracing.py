"""The borders of the classes in a mask, as lines along the edges of the pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def contours(labels: NDArray[np.integer], label: int) -> list[NDArray[np.float64]]:
    """Trace the border of a class along the edges of its pixels.

    Where it meets a higher class the line is left to that one, so that a cup inside a disc keeps
    the style of the cup.

    Args:
        labels: Label mask, int (H, W).
        label: The class.

    Returns:
        Lines, float (N, 2) of (x, y) in pixels; a closed one ends where it begins.
    """
    starts, ends = _border_edges(labels, label)
    width = labels.shape[1] + 1
    following: dict[int, list[int]] = {}
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        following.setdefault(start, []).append(end)
    lines = []
    loose = set(starts.tolist()) - set(ends.tolist())
    while following:
        first = loose.pop() if loose else next(iter(following))
        corners = _walk(following, first)
        lines.append(np.stack([corners % width, corners // width], axis=1).astype(np.float64))
    return lines


def _border_edges(
    labels: NDArray[np.integer], label: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return start and end corners, as flat indices, with the class on the right hand."""
    covered = np.pad(labels >= label, 1)
    inside = labels == label
    width = labels.shape[1] + 1
    starts, ends = [], []
    for beyond, start, end in (
        (covered[:-2, 1:-1], (0, 0), (0, 1)),
        (covered[1:-1, 2:], (0, 1), (1, 1)),
        (covered[2:, 1:-1], (1, 1), (1, 0)),
        (covered[1:-1, :-2], (1, 0), (0, 0)),
    ):
        rows, columns = np.nonzero(inside & ~beyond)
        starts.append((rows + start[0]) * width + columns + start[1])
        ends.append((rows + end[0]) * width + columns + end[1])
    return np.concatenate(starts), np.concatenate(ends)


def _walk(following: dict[int, list[int]], first: int) -> NDArray[np.int64]:
    """Take one line out of the edges, until it closes or there is no way on."""
    corners = [first]
    while corners[-1] in following:
        ends = following[corners[-1]]
        if len(ends) == 1:
            del following[corners[-1]]
        corners.append(ends.pop())
        if corners[-1] == first:
            break
    return np.array(corners, dtype=np.int64)


def smoothed(line: NDArray[np.float64]) -> NDArray[np.float64]:
    """Take the staircase out of a line; no point moves by more than half a pixel.

    Args:
        line: float (N, 2), as `contours` gives it.

    Returns:
        The line with as many points.
    """
    closed = bool((line[0] == line[-1]).all())
    for _ in range(2):
        ends = (line[-2:-1], line[1:2]) if closed else (line[:1], line[-1:])
        padded = np.concatenate([ends[0], line, ends[1]])
        line = (padded[:-2] + 2 * line + padded[2:]) / 4
    return line
