"""What is asked for when a network is to be trained: the one list of a training's settings."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import MISSING, dataclass
from typing import Any, Final, Literal, get_args

from asma_core.errors import InputError
from asma_core.fields import BUTTONS, SLIDER, Settings, config_from_dict, declared, setting

Architecture = Literal["UNet", "SegResNet", "AttentionUnet"]
Width = Literal["tiny", "small", "medium"]
# What can be trained here, as MONAI calls it.
ARCHITECTURES: Final[tuple[str, ...]] = get_args(Architecture)
# Channels of each level.
WIDTHS: Final[Mapping[str, tuple[int, ...]]] = {
    "tiny": (8, 16, 32),
    "small": (16, 32, 64, 128, 160),
    "medium": (32, 64, 128, 256, 320),
}
# Share of the steps that see smaller images, which is cheaper.
EARLY_SHARE: Final = 0.7
VALIDATIONS: Final = 25
_SIDES: Final = (64, 96, 128, 192, 256, 320, 384, 512)
# Of a plan, what the command that trains the same again does not say.
_UNSAID: Final = ("name", "device")


@dataclass(frozen=True)
class TrainingPlan(Settings):
    """What is to be trained, on what, and how.

    Raises:
        InputError: A value of another type or outside its range, or too small an image.
    """

    dataset: str = setting(MISSING, "Data set", "A data set's name or a folder.")
    name: str = setting("", "Name", "Of the network; made of the data set's by default.")
    architecture: Architecture = setting(
        "UNet",
        "Architecture",
        "Of MONAI: UNet, SegResNet or AttentionUnet.",
        offered={"UNet": "U-Net", "SegResNet": "SegResNet", "AttentionUnet": "Attention U-Net"},
    )
    width: Width = setting(
        "small",
        "Size",
        "tiny for a try, small for a CPU, medium for a GPU.",
        shown_as=BUTTONS,
    )
    steps: int = setting(
        1000, "Steps", "Updates of the weights.", minimum=1, maximum=1_000_000, step=100
    )
    batch_size: int = setting(
        8, "Images a step", "More need more memory.", minimum=1, maximum=1024, advanced=True
    )
    image_size: int = setting(
        256,
        "Images seen at an area of",
        "Side of a square of the area that every image is resized to, in pixels.",
        minimum=8,
        maximum=4096,
        unit="pixels",
        offered={side: f"{side} x {side}" for side in _SIDES},
        shown_as=SLIDER,
    )
    learning_rate: float = setting(
        3e-3,
        "Highest learning rate",
        "Of the one-cycle schedule.",
        minimum=0.0,
        maximum=1.0,
        open_minimum=True,
        step=0.001,
        advanced=True,
    )
    seed: int = setting(
        0,
        "Seed",
        "Of weights, order and augmentation.",
        minimum=0,
        maximum=2**31 - 1,
        advanced=True,
    )
    validation: float = setting(
        0.15,
        "Share of the training images for validation",
        "They choose the best weights; a validation split of the data set's own goes before.",
        minimum=0.0,
        maximum=0.5,
        step=0.05,
        advanced=True,
        shown_as=SLIDER,
    )
    patience: int = setting(
        8,
        "Validations without a gain before it stops",
        f"There are {VALIDATIONS} in all; 0 never stops early.",
        minimum=0,
        maximum=1000,
        advanced=True,
    )
    device: str = setting("auto", "Device", "auto, cpu, cuda or cuda:N.")

    def __post_init__(self) -> None:
        super().__post_init__()
        # Instance norm needs more than one pixel at the lowest level.
        if self.image_size < 2 * self.multiple:
            raise InputError(
                f"image_size is {self.image_size}; it must be at least {2 * self.multiple} for a "
                f"network of width {self.width!r}"
            )

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels of each level of the network."""
        return WIDTHS[self.width]

    @property
    def multiple(self) -> int:
        """Both sides of what the network sees are a multiple of this."""
        return int(2 ** (len(self.channels) - 1))

    @property
    def validation_every(self) -> int:
        """Steps between two validations."""
        return max(1, self.steps // VALIDATIONS)

    @property
    def early_size(self) -> int:
        """As `image_size`, for the first part of the training."""
        return max(self.image_size * 5 // 8 // 16 * 16, 32)

    def size_at(self, step: int) -> int:
        """Return the size at which the images of a step (from 0) are seen."""
        early = step < EARLY_SHARE * self.steps
        return min(self.early_size, self.image_size) if early else self.image_size

    def command(self) -> str:
        """Return the command that trains the same again."""
        said = [
            f"{item.option} {shlex.quote(str(getattr(self, name)))}"
            for name, item in declared(type(self)).items()
            if name not in _UNSAID and getattr(self, name) != item.default
        ]
        return " ".join(["python -m asma_core train", *said, "--out DIR"])


def plan_from_dict(content: Any) -> TrainingPlan:
    """Read a plan that was kept; what only another version knows is left out.

    Raises:
        InputError: It is none.
    """
    known = declared(TrainingPlan)
    try:
        values = {name: value for name, value in content.items() if name in known}
        return config_from_dict(TrainingPlan, values)
    except (TypeError, AttributeError) as error:
        raise InputError(f"this training's plan can't be read ({error}); start it anew") from error
