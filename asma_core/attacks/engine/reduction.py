"""The change of a large file, as the network sees it: few numbers that stand for many pixels.

A network that sees h x w of a file of H x W pixels gets R x, R being the resizing. A change of the
file that R takes no notice of only costs norm, so the smallest change lies in the span of R's
transpose. With the Cholesky factor R R' = L L' of either axis, it is R' L'^-1 e for some e of
h x w, the network sees x + L e, and the file's L2 is that of e: a search for a small e is one for
a small change of the file, at the network's own size. e is kept in units in which its values are
about those of what is seen: times `scale` its norm is the file's.

In Linf the values that are searched are enlarged to the file bilinearly, whose weights sum to one:
no value of the file changes by more than they do.

Left out of the search, and made good where a file is tried (`large_files.py`): the box of the
file's single pixels, of which only what is seen is held in [0, 1], and rounding, which is ordered
dithering here: a change of a tenth of a grey level is one level for every tenth pixel.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from asma_core.attacks.settings import LINF
from asma_core.lazy import Tensor, torch
from asma_core.models.wrapper.resizing import resized

# Where a change of zero lies in the box of images that the search moves in, [0, 1]; a grey level.
ZERO: Final = 128 / 255
# Pixels of the file over those that the network sees, from which on the search is the smaller.
LEAST_AREA: Final = 4.0
# Each side alone: R R' has an inverse only where the file is the larger.
LEAST_SIDE: Final = 1.25
# Side of the square of thresholds of the dithering, a power of two.
DITHER: Final = 8
# Rows of a file that are looked at at once, a multiple of it.
STRIP: Final = 256


class Reduction:
    """Files of one size and what a network sees of them.

    Attributes:
        size: (H, W), of the files.
        seen: (h, w), what the network sees of them.
        scale: The norm of a file's change over that of the values that the search moves.
    """

    def __init__(
        self, size: tuple[int, int], seen: tuple[int, int], norm: str, like: Tensor
    ) -> None:
        """Prepare files of a size for a network that sees `seen` of them, on a tensor's device."""
        self.size, self.seen = size, seen
        self._enlarges = norm == LINF
        area = size[0] * size[1] / (seen[0] * seen[1])
        self.scale = 1.0 if self._enlarges else area**0.5
        axes = [_axis(*sides, self._enlarges) for sides in zip(size, seen, strict=True)]
        (rows, to_rows), (columns, to_columns) = (
            (inner.to(like), outer.to(like)) for inner, outer in axes
        )
        # What is seen of the values searched, and what the file gets of them, by axis.
        self._rows, self._columns = rows, columns
        self._to_rows, self._to_columns = to_rows, to_columns

    def shown(self, moved: Tensor) -> Tensor:
        """Return what the network sees of changes, (B, C, h, w), by the values searched."""
        change = self._rows @ ((moved - ZERO) * self.scale)
        return change.matmul(self._columns.T)

    def as_file(self, image: Tensor, moved: Tensor, rounding: bool) -> Tensor:
        """Return an image with a change as a file, float32 (C, H, W) in [0, 1].

        Args:
            image: The original, float32 (C, H, W).
            moved: The values searched, float32 (C, h, w).
            rounding: To 8 bits: each value goes up or down so that the mean over any square of
                `DITHER` pixels a side is what the change asks for. The original's own values are
                rounded to the nearest.
        """
        change = (moved - ZERO) * self.scale
        if not self._enlarges:
            change = torch.linalg.solve_triangular(self._rows.T, change, upper=True)
            change = torch.linalg.solve_triangular(self._columns, change, upper=False, left=False)
        change = change @ self._to_columns.T
        file = torch.empty_like(image)
        # Some rows at a time: whole they would take the file's memory several times.
        for rows in strips(self.size[0]):
            weights = self._to_rows[rows]
            used = weights.any(dim=0).nonzero()
            near = slice(int(used[0]), int(used[-1]) + 1)
            own = weights[:, near] @ change[:, near]
            file[:, rows] = _rounded(image[:, rows], own) if rounding else image[:, rows] + own
        return file.clamp_(0.0, 1.0)


def strips(height: int) -> Iterator[slice]:
    """Yield the rows of a file, some at a time."""
    for start in range(0, height, STRIP):
        yield slice(start, min(start + STRIP, height))


def is_worth_it(size: tuple[int, int], seen: tuple[int, int]) -> bool:
    """Tell whether files of a size are searched at what the network sees of them."""
    sides = [outer / inner for outer, inner in zip(size, seen, strict=True)]
    return min(sides) >= LEAST_SIDE and sides[0] * sides[1] >= LEAST_AREA


def _axis(outer: int, inner: int, enlarges: bool) -> tuple[Tensor, Tensor]:
    """Return, for one axis, what is seen of the values searched, and what the file gets of them.

    Returns:
        float32 (inner, inner), lower triangular unless enlarged, and float32 (outer, inner); the
        latter takes the values as they are where they are enlarged, else solved by the first.
    """
    weights = _resizing(outer, inner)
    if enlarges:
        enlarging = _resizing(inner, outer)
        return (weights @ enlarging).float(), enlarging.float()
    factor: Tensor = torch.linalg.cholesky(weights @ weights.T)
    return factor.float(), weights.T.contiguous().float()


def _resizing(outer: int, inner: int) -> Tensor:
    """Return the weights of resizing an axis, float64 (inner, outer)."""
    return resized(torch.eye(outer)[None, None], (inner, outer))[0, 0].double()


def _rounded(image: Tensor, change: Tensor) -> Tensor:
    """Return rows of a file, (C, rows, W), that begin where the dithering does."""
    change.mul_(255.0).add_(_thresholds(image)).floor_()
    # Over a tensor, as in `batch.as_saved`.
    return change.add_((image * 255.0).round_()).div_(image.new_full((1,), 255.0))


def _thresholds(image: Tensor) -> Tensor:
    """Return thresholds in (0, 1), (rows, W), of ordered dithering (Bayer 1973)."""
    square = torch.zeros(1, 1)
    while len(square) < DITHER:
        above = torch.cat([4 * square, 4 * square + 2], dim=1)
        below = torch.cat([4 * square + 3, 4 * square + 1], dim=1)
        square = torch.cat([above, below])
    height, width = image.shape[-2:]
    tiles = square.repeat(-(-height // DITHER), -(-width // DITHER))[:height, :width]
    return ((tiles + 0.5) / DITHER**2).to(image)
