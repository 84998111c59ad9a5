"""How a network is trained, and what a training tells while it runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from asma_core.errors import InputError
from asma_core.training.augmentation_config import Augmentation

# What can be trained here.
ARCHITECTURES: Final = ("UNet", "SegResNet", "AttentionUnet")


@dataclass(frozen=True)
class TrainingConfig:
    """How a network is trained.

    Attributes:
        steps: Updates of the weights.
        batch_size: Images per step.
        learning_rate: Highest learning rate of the one-cycle schedule.
        weight_decay: Decoupled weight decay of AdamW.
        seed: Of weights, order and augmentation, at least 0.
        image_size: Images are seen resized to an area of this size squared, in pixels.
        early_size: The same for the first part of the training, which is cheaper for it.
        early_share: Share of the steps that use `early_size`, in [0, 1].
        channels: Channels of each level of the U-Net.
        residual_units: Residual units per level.
        threads: CPU threads; 0 leaves torch's own choice. Rounding depends on it slightly.
        augmentation: How far training images are changed.
        architecture: "UNet", "SegResNet" or "AttentionUnet", as MONAI has them.
        evaluate_every: Steps between two looks at the validation images; 0 for 25 looks in all.
        patience: Looks without a better IoU after which the training stops; 0 for never.
        mixed_precision: Whether a GPU computes in bfloat16 where that is safe.
    """

    steps: int = 1000
    batch_size: int = 8
    learning_rate: float = 3e-3
    weight_decay: float = 1e-4
    seed: int = 0
    image_size: int = 256
    early_size: int = 160
    early_share: float = 0.7
    channels: tuple[int, ...] = (16, 32, 64, 128, 160)
    residual_units: int = 2
    threads: int = 2
    augmentation: Augmentation = field(default_factory=Augmentation)
    architecture: str = "UNet"
    evaluate_every: int = 0
    patience: int = 0
    mixed_precision: bool = True

    def __post_init__(self) -> None:
        """Refuse what can't be trained with."""
        for name in ("steps", "batch_size", "learning_rate", "image_size"):
            if getattr(self, name) <= 0:
                raise InputError(f"expected {name} above 0, got {getattr(self, name)}")
        if self.seed < 0 or self.threads < 0 or self.residual_units < 0:
            raise InputError("expected seed, threads and residual_units of at least 0")
        if self.architecture not in ARCHITECTURES:
            raise InputError(
                f"{self.architecture!r} is not trained here; there is: {', '.join(ARCHITECTURES)}"
            )
        if len(self.channels) < 2:
            raise InputError(f"expected at least two levels of channels, got {self.channels}")
        # Instance norm needs more than one pixel at the lowest level.
        if min(self.image_size, self.early_size) < 2 * self.multiple:
            raise InputError(
                f"expected image_size and early_size of at least {2 * self.multiple} for "
                f"{len(self.channels)} levels, got {self.image_size} and {self.early_size}"
            )

    @property
    def look_every(self) -> int:
        """Steps between two looks at the validation images."""
        return self.evaluate_every or max(1, self.steps // 25)

    def size_at(self, step: int) -> int:
        """Return the size at which the images of a step (from 0) are seen."""
        early = step < self.early_share * self.steps
        return min(self.early_size, self.image_size) if early else self.image_size

    @property
    def multiple(self) -> int:
        """Both sides of what the network sees are a multiple of this."""
        return int(2 ** (len(self.channels) - 1))


@dataclass(frozen=True)
class TrainingProgress:
    """Where a training is.

    Attributes:
        step: Steps done.
        steps: Steps in all.
        loss: Dice plus cross-entropy of the last batch.
        learning_rate: Of the last step.
        seconds: Since the training began.
        validation: Mean IoU on the validation images, where this step looked at them.
        best: The best of these so far.
    """

    step: int
    steps: int
    loss: float
    learning_rate: float
    seconds: float
    validation: float | None = None
    best: float | None = None
