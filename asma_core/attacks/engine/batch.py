"""The checked inputs of an attack, and what every attack asks about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from asma_core.attacks.contract import AttackInputs
from asma_core.errors import InputError
from asma_core.lazy import Tensor, torch
from asma_core.models.wrapper.calls import checked_shape


@dataclass(frozen=True)
class AttackBatch:
    """A batch under attack, all of it on one device.

    Attributes:
        indices: int64 (B,), places of the images in the batch that was given.
        images: float32 (B, C, H, W), the originals.
        target: int64 (B, H', W'), 0 where void.
        valid: bool (B, H', W').
        region: bool (B, 1, H, W).
        everywhere: Whether the region is all of every image.
        no_void: Whether all pixels of every image count.
    """

    indices: Tensor
    images: Tensor
    target: Tensor
    valid: Tensor
    region: Tensor
    everywhere: bool
    no_void: bool

    def select(self, rows: Tensor) -> AttackBatch:
        """Return the batch of some rows, bool (B,)."""
        return replace(
            self,
            indices=self.indices[rows],
            images=self.images[rows],
            target=self.target[rows],
            valid=self.valid[rows],
            region=self.region[rows],
        )

    def within(self, gradient: Tensor) -> Tensor:
        """Return a gradient, (B, C, H, W), as 0 outside the region."""
        return gradient if self.everywhere else gradient * self.region


def make_batch(inputs: AttackInputs) -> AttackBatch:
    """Check the inputs of an attack and complete them.

    Raises:
        InputError: Shapes, types or values that do not fit, or nothing that may change or count.
    """
    images, target = inputs.images, inputs.target
    check_batch(images)
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
    count, _, height, width = images.shape
    device = images.device
    counted = _mask(inputs.valid, tuple(target.shape), "valid", device)
    changeable = _mask(inputs.region, (count, height, width), "region", device)
    no_void = bool(counted.all())
    target = target.to(device)
    return AttackBatch(
        indices=torch.arange(count, device=device),
        images=images.detach(),
        target=target if no_void else target.where(counted, 0),
        valid=counted,
        region=changeable[:, None],
        everywhere=bool(changeable.all()),
        no_void=no_void,
    )


def check_batch(images: Tensor) -> None:
    """Check that a batch is one tensor.

    Raises:
        InputError: It is not, such as a list of images of several sizes.
    """
    if not isinstance(images, torch.Tensor):
        raise InputError(
            "expected images of float32 (B, C, H, W) in one tensor, got a "
            f"{type(images).__name__}; stack images of one size, and attack each size by itself"
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


def forward(model: Callable[[Tensor], Tensor], images: Tensor, batch: AttackBatch) -> Tensor:
    """Return the logits of a batch, which may be NaN or infinite.

    Raises:
        ModelError: Logits of the wrong shape.
        InputError: A target mask of another size.
    """
    logits = checked_shape(model(images))
    height, width = logits.shape[2:]
    if (height, width) != tuple(batch.target.shape[1:]):
        raise InputError(
            f"expected a target mask of shape ({height}, {width}), "
            f"got {tuple(batch.target.shape[1:])}; resize it or choose another image"
        )
    return logits


def check_classes(batch: AttackBatch, classes: int) -> None:
    """Check that a network has the classes of the target mask.

    Raises:
        InputError: It has not.
    """
    low, high = int(batch.target.min()), int(batch.target.max())
    if low < 0 or high >= classes:
        wrong = low if low < 0 else high
        raise InputError(f"the target mask holds class {wrong}; the network has 0 to {classes - 1}")


def as_saved(images: Tensor) -> Tensor:
    """Round images in [0, 1] to the 256 values that an 8-bit file can hold."""
    # Over a tensor: CUDA turns a division by a number into a product, which is one bit off.
    return (images * 255.0).round_().div_(images.new_full((1,), 255.0))


def per_image(values: Tensor) -> Tensor:
    """Give (B,) the shape (B, 1, 1, 1), to multiply a batch with."""
    return values.view(-1, 1, 1, 1)


def norms(perturbation: Tensor) -> Tensor:
    """Return the Euclidean norm of each image of (B, C, H, W), float64 (B,)."""
    # Summed in float32, whose error over a million values is far below a figure's last digit;
    # in float64 it would take as long as a tenth of the network's own passes.
    lengths: Tensor = torch.linalg.vector_norm(perturbation.flatten(1), dim=1)
    return lengths.double()


def largest(perturbation: Tensor) -> Tensor:
    """Return the largest absolute value of each image of (B, C, H, W), float32 (B,)."""
    return perturbation.abs().flatten(1).amax(dim=1)
