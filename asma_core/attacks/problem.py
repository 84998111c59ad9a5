"""The checked inputs of an attack, and what every attack asks about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from asma_core.errors import InputError
from asma_core.models.contract import checked_logits


@dataclass(frozen=True)
class Problem:
    """A batch under attack, all of it on one device.

    Attributes:
        indices: int64 (B,), places of the images in the batch that was given.
        images: float32 (B, C, H, W), the originals.
        target: int64 (B, H', W'), 0 where void.
        valid: bool (B, H', W').
        region: bool (B, 1, H, W).
    """

    indices: Tensor
    images: Tensor
    target: Tensor
    valid: Tensor
    region: Tensor

    def only(self, rows: Tensor) -> Problem:
        """Return the problem of some rows, bool (B,)."""
        return replace(self, **{item.name: getattr(self, item.name)[rows] for item in fields(self)})


def make_problem(
    images: Tensor, target: Tensor, valid: Tensor | None, region: Tensor | None
) -> Problem:
    """Check the inputs of an attack and complete them.

    Raises:
        InputError: Shapes, types or values that do not fit, or nothing that may change or count.
    """
    if images.ndim != 4 or images.dtype != torch.float32 or images.numel() == 0:
        raise InputError(
            f"expected images of float32 (B, C, H, W), got {images.dtype} {tuple(images.shape)}"
        )
    if not bool(((images >= 0) & (images <= 1)).all()):
        raise InputError("expected images in [0, 1]; divide 8-bit values by 255")
    if target.ndim != 3 or len(target) != len(images) or target.dtype != torch.int64:
        raise InputError(
            f"expected a target mask of int64 ({len(images)}, H, W), "
            f"got {target.dtype} {tuple(target.shape)}"
        )
    batch, _, height, width = images.shape
    device = images.device
    counted = _mask(valid, tuple(target.shape), "valid", device)
    return Problem(
        indices=torch.arange(batch, device=device),
        images=images.detach(),
        target=target.to(device).where(counted, 0),
        valid=counted,
        region=_mask(region, (batch, height, width), "region", device)[:, None],
    )


def _mask(mask: Tensor | None, shape: tuple[int, ...], name: str, device: torch.device) -> Tensor:
    if mask is None:
        return torch.ones(shape, dtype=torch.bool, device=device)
    if mask.dtype != torch.bool or tuple(mask.shape) != shape:
        raise InputError(
            f"expected a {name} mask of bool {shape}, got {mask.dtype} {tuple(mask.shape)}"
        )
    if not bool(mask.flatten(1).any(dim=1).all()):
        raise InputError(f"the {name} mask of an image is empty; leave at least one pixel in it")
    return mask.to(device)


def answer(model: Callable[[Tensor], Tensor], images: Tensor, problem: Problem) -> Tensor:
    """Return the checked logits of a batch.

    Raises:
        ModelError: Logits that are not finite or have the wrong shape.
        InputError: A target mask of another size, or with a class that the network lacks.
    """
    logits = checked_logits(model(images))
    _, classes, height, width = logits.shape
    if (height, width) != tuple(problem.target.shape[1:]):
        raise InputError(
            f"expected a target mask of shape ({height}, {width}), "
            f"got {tuple(problem.target.shape[1:])}; resize it or choose another image"
        )
    low, high = int(problem.target.min()), int(problem.target.max())
    if low < 0 or high >= classes:
        wrong = low if low < 0 else high
        raise InputError(f"the target mask holds class {wrong}; the network has 0 to {classes - 1}")
    return logits


def as_saved(images: Tensor) -> Tensor:
    """Round images in [0, 1] to the 256 values that an 8-bit file can hold."""
    # Over a tensor: CUDA turns a division by a number into a product, which is one bit off.
    return (images * 255.0).round() / images.new_full((1,), 255.0)


def per_image(values: Tensor) -> Tensor:
    """Give (B,) the shape (B, 1, 1, 1), to multiply a batch with."""
    return values.view(-1, 1, 1, 1)


def norms(perturbation: Tensor) -> Tensor:
    """Return the Euclidean norm of each image of (B, C, H, W), float64 (B,)."""
    flat = perturbation.flatten(1)
    lengths: Tensor = torch.linalg.vector_norm(flat, dim=1, dtype=torch.float64)
    return lengths
