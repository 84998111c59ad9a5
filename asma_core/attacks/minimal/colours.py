"""The norm of what people see: CIEDE2000 over the image, to first order around the original.

Close to a colour, CIEDE2000 is the length of the change in a metric of that colour's own,
sqrt(d' M d), M being 3 x 3 (for grey a number). With the Cholesky factor M = L L' the search moves
u = L' d instead of d, whose plain length is what is seen: blue is cheap and grey dear, as eyes are.
The mean over the pixels is what people name, so small changes of many pixels must not be cheaper
than a larger one of few: a pixel's share is weighed as that of an L1 norm up to twice the typical
change, and beyond it as that of an L2 norm, which keeps single pixels from standing out.

Source: that CIEDE2000 makes changes that are seen less, Zhao et al., arXiv:1911.02466; the metric
and the weights are ours.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from asma_core.attacks.engine.batch import AttackBatch, norms, per_image
from asma_core.attacks.minimal.norms import Euclidean
from asma_core.attacks.minimal.settings import MinimalConfig
from asma_core.data.formats.images import to_bytes
from asma_core.errors import InputError
from asma_core.lazy import Tensor, torch
from asma_core.metrics.colour import ciede2000, srgb_to_lab

# Added to the metric as a share of its trace: some direction is next to free for nearly every
# colour, and differences of one level are not exact.
RIDGE: Final = 0.01
# A pixel counts as much as in an L1 norm up to so many times the typical change of a pixel, but
# those that hardly change at most so many times as much as in an L2 norm.
TYPICAL: Final = 2.0
DEAREST: Final = 10.0


class ColourDifference(Euclidean):
    """The L2 norm of weighed colour differences; its measure is the mean CIEDE2000. See `Norm`."""

    def __init__(self, batch: AttackBatch, config: MinimalConfig) -> None:
        """Take in how well each change of each pixel would be seen.

        Raises:
            InputError: Images that are neither grey nor RGB.
        """
        super().__init__(batch, config)
        self.smallest = 0.0
        channels = batch.images.shape[1]
        if channels not in (1, 3):
            raise InputError(
                f"CIEDE2000 is of grey and RGB images, and these have {channels} channels; choose "
                "L2 or Linf"
            )
        made = [_factors(np.atleast_3d(to_bytes(image.cpu().numpy()))) for image in batch.images]
        # L, and its inverse: (B, C, C, H, W).
        self._factors = torch.stack([factors for factors, _, _ in made]).to(batch.images)
        self._inverse = torch.stack([inverse for _, inverse, _ in made]).to(batch.images)
        self._seen = batch.images.new_tensor([size * 255.0 for _, _, size in made])
        # What a pixel's length counts for.
        self._weights = batch.images.new_ones((len(batch.images), 1, 1, 1))

    def length(self, change: Tensor) -> Tensor:
        """Return the length of changes, in units of grey levels' L2."""
        return norms(self._as_seen(change) * self._weights).to(change)

    def measured(self, images: Tensor, originals: Tensor) -> Tensor:
        """Return the mean CIEDE2000 over the pixels of each image, (B,)."""
        seen = self._as_seen(images - originals).square().sum(dim=1).sqrt()
        return self._seen * seen.flatten(1).mean(dim=1)

    def settle(self, change: Tensor, close: Tensor) -> Tensor:
        """Weigh the pixels of images that have been at the target by how far they went."""
        seen = self._as_seen(change).square().sum(dim=1, keepdim=True)
        typical = TYPICAL**2 * seen.flatten(1).mean(dim=1).clamp_min(1e-30)
        squares = (per_image(typical) / seen.clamp_min(1e-30)).sqrt_().clamp_(1.0, DEAREST)
        before = (self._weights.square() * seen).flatten(1).sum(dim=1)
        after = (squares * seen).flatten(1).sum(dim=1).clamp_min(1e-30)
        # The change as a whole stays as long as it was.
        weights = (squares * per_image(before / after)).sqrt_()
        usable = close & (before > 0)
        self._weights = weights.where(per_image(usable), self._weights)
        return before.sqrt()

    def steepest(self, gradient: Tensor) -> tuple[Tensor, Tensor]:
        """Return the gradient in what is seen."""
        seen = torch.einsum("bijhw,bjhw->bihw", self._inverse, gradient) / self._weights
        return seen, norms(seen).to(gradient)

    def _stepped(self, change: Tensor, direction: Tensor, stride: Tensor) -> Tensor:
        """Step in what is seen."""
        seen = direction * stride / self._weights
        return change.add_(torch.einsum("bijhw,bihw->bjhw", self._inverse, seen))

    def _as_seen(self, change: Tensor) -> Tensor:
        return torch.einsum("bijhw,bihw->bjhw", self._factors, change)


def _factors(pixels: NDArray[np.uint8]) -> tuple[Tensor, Tensor, float]:
    """Return L of each pixel in units of a size, its inverse, and the size.

    The length of L' d, times the size, is the CIEDE2000 of a change by d levels. The size is that
    of a typical change of one level.

    Args:
        pixels: uint8 (H, W, C) with C of 1 or 3.

    Returns:
        float32 (C, C, H, W), lower triangular; the same; above 0.
    """
    channels = pixels.shape[2]
    # An image has many pixels of few colours.
    places = 256 ** np.arange(channels)
    found, where, counts = np.unique(pixels @ places, return_inverse=True, return_counts=True)
    metric = _metric((found[:, None] // places % 256).astype(np.uint8))
    ridge = RIDGE * np.trace(metric, axis1=-2, axis2=-1) / channels
    factors = np.linalg.cholesky(metric + ridge[:, None, None] * np.eye(channels))
    logs = np.log(np.diagonal(factors, axis1=-2, axis2=-1)).mean(axis=-1)
    size = float(np.exp(np.average(logs, weights=counts)))
    at = torch.from_numpy(where.reshape(pixels.shape[:2]))

    def everywhere(matrices: NDArray[Any]) -> Tensor:
        return torch.from_numpy(matrices).float().permute(1, 2, 0)[:, :, at]

    return everywhere(factors / size), everywhere(np.linalg.inv(factors / size)), size


def _metric(colours: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the metric at colours, float64 (N, C, C), from differences of one level."""
    channels = colours.shape[1]
    way = np.where(colours < 255, 1, -1)

    def squared(*moved: int) -> NDArray[np.float64]:
        other = colours.astype(np.int64)
        for channel in moved:
            other[:, channel] += way[:, channel]
        found: NDArray[np.float64] = ciede2000(_lab(colours), _lab(other)) ** 2
        return found

    metric = np.zeros((len(colours), channels, channels))
    for row in range(channels):
        metric[:, row, row] = squared(row)
    for row in range(channels):
        for column in range(row):
            both = squared(row, column) - metric[:, row, row] - metric[:, column, column]
            mixed = both / 2 * way[:, row] * way[:, column]
            metric[:, row, column] = metric[:, column, row] = mixed
    return metric


def _lab(colours: NDArray[Any]) -> NDArray[np.float64]:
    pixels = colours.astype(np.uint8)
    return srgb_to_lab(np.repeat(pixels, 3, axis=1) if pixels.shape[1] == 1 else pixels)
