"""What is asked for when a network is to be trained."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from asma_core.errors import InputError
from asma_core.training.config import ARCHITECTURES, TrainingConfig

# The first channels of each architecture for the sizes that a page offers.
WIDTHS: Final[Mapping[str, tuple[int, ...]]] = {
    "tiny": (8, 16, 32),
    "small": (16, 32, 64, 128, 160),
    "medium": (32, 64, 128, 256, 320),
}
LEAST_VALIDATION: Final = 40


@dataclass(frozen=True)
class TrainingPlan:
    """What is to be trained, on what, and how.

    Attributes:
        dataset: Name of the data set.
        name: Of the network; made of the data set's by default.
        architecture: One of `ARCHITECTURES`.
        width: One of `WIDTHS`.
        steps: Updates of the weights.
        batch_size: Images per step.
        image_size: Images are seen resized to an area of this size squared, in pixels.
        learning_rate: The highest.
        seed: Of weights, order and augmentation.
        validation: Share of the training images that choose the best weights, in [0, 0.5]; used
            from `LEAST_VALIDATION` training images on, or where the data set has such a split.
        patience: Looks at them without a gain after which it stops; 0 for never.
        device: "auto", "cpu", "cuda" or "cuda:N".
    """

    dataset: str
    name: str = ""
    architecture: str = "UNet"
    width: str = "small"
    steps: int = 1000
    batch_size: int = 8
    image_size: int = 256
    learning_rate: float = 3e-3
    seed: int = 0
    validation: float = 0.15
    patience: int = 8
    device: str = "auto"

    def __post_init__(self) -> None:
        """Refuse what can't be trained with."""
        if self.architecture not in ARCHITECTURES or self.width not in WIDTHS:
            raise InputError(
                f"{self.architecture!r} of width {self.width!r} is not trained here; there is: "
                f"{', '.join(ARCHITECTURES)}, {' and '.join(WIDTHS)}"
            )
        if not 0 <= self.validation <= 0.5:
            raise InputError(f"expected a validation share in 0 to 0.5, got {self.validation}")
        self.config()

    def config(self) -> TrainingConfig:
        """Return how to train."""
        return TrainingConfig(
            steps=self.steps,
            batch_size=self.batch_size,
            image_size=self.image_size,
            early_size=max(self.image_size * 5 // 8 // 16 * 16, 32),
            learning_rate=self.learning_rate,
            seed=self.seed,
            channels=WIDTHS[self.width],
            architecture=self.architecture,
            patience=self.patience,
        )

    def command(self) -> str:
        """Return the command that trains the same again."""
        options = {
            "--dataset": self.dataset,
            "--architecture": self.architecture,
            "--width": self.width,
            "--steps": self.steps,
            "--batch-size": self.batch_size,
            "--image-size": self.image_size,
            "--learning-rate": self.learning_rate,
            "--seed": self.seed,
            "--validation": self.validation,
            "--patience": self.patience,
        }
        defaults = {f"--{field.name.replace('_', '-')}": field.default for field in fields(self)}
        said = [
            f"{name} {shlex.quote(str(value))}"
            for name, value in options.items()
            if value != defaults[name]
        ]
        return " ".join(["python -m asma_core train", *said, "--out DIR"])

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def plan_from_dict(content: Any) -> TrainingPlan:
    """Read a plan that was kept.

    Raises:
        InputError: It is none.
    """
    known = {field.name for field in fields(TrainingPlan)}
    try:
        return TrainingPlan(**{k: v for k, v in content.items() if k in known})
    except (TypeError, AttributeError) as error:
        raise InputError(f"this training's plan can't be read ({error}); start it anew") from error
