"""What is asked for when a network is to be trained: the one list of a training's settings."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass
from typing import Any, Final, Literal, get_args

from asma_core.attacks.settings import LINF, NORMS, norm_setting
from asma_core.errors import InputError
from asma_core.fields import BUTTONS, SLIDER, Settings, config_from_dict, declared, setting
from asma_core.training.naming import PLAIN, usual_name

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
# Fewer in an adversarial training, as each attacks the validation images.
ROBUST_VALIDATIONS: Final = 12
# Of a plan, what the command that trains the same again does not say.
_UNSAID: Final = ("name", "device")
# What an adversarial training attacks its images by; `PLAIN` is a training without.
Adversarial = Literal["none", "pgd", "segpgd", "asma"]
# The automatic budgets: the largest change of a value, and in L2 the root mean square of all.
LINF_BUDGET: Final = 4.0 / 255.0
L2_BUDGET_RMS: Final = 2.0 / 255.0
# What only an adversarial training has, in the order of the form.
OF_THE_ATTACK: Final = ("norm", "budget", "attack_steps", "attacked")
# What is the starting network's, where there is one.
OF_THE_START: Final = ("architecture", "width")
_LATER: Final = ("start_from", "adversarial", *OF_THE_ATTACK)


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
        f"There are {VALIDATIONS} in all, {ROBUST_VALIDATIONS} in an adversarial training; 0 never "
        "stops early.",
        minimum=0,
        maximum=1000,
        advanced=True,
    )
    device: str = setting("auto", "Device", "auto, cpu, cuda or cuda:N.")
    start_from: str = setting(
        "",
        "Start from",
        "A network whose weights the training begins with; random ones by default.",
    )
    adversarial: Adversarial = setting(
        PLAIN,
        "Adversarial training",
        "Images are attacked while the network learns, by PGD, by SegPGD, or by ASMA's objective "
        "towards masks of other images.",
        offered={"none": "no", "pgd": "PGD", "segpgd": "SegPGD", "asma": "ASMA"},
    )
    norm: Literal["linf", "l2"] = norm_setting(LINF, "In which the budget is measured.")
    budget: float | None = setting(
        None,
        "Budget",
        "Largest norm of the change, in [0, 1] units. Automatic: 4/255 in Linf; in L2 a root mean "
        "square of 2/255. An L2 budget is of images of the size that is trained at, and in "
        "proportion to the side of others.",
        minimum=0.0,
        maximum=1e4,
        open_minimum=True,
    )
    attack_steps: int = setting(
        2,
        "Steps of the attack",
        "From a random start; each costs about half as much as a training step without.",
        minimum=1,
        maximum=1000,
    )
    attacked: float = setting(
        1.0,
        "Share of attacked images",
        "Of each step; the others are seen as they are.",
        minimum=0.05,
        maximum=1.0,
        step=0.05,
        shown_as=SLIDER,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_start()
        self._check_attack()
        # Instance norm needs more than one pixel at the lowest level.
        if self.image_size < 2 * self.multiple:
            raise InputError(
                f"image_size is {self.image_size}; it must be at least {2 * self.multiple} for a "
                f"network of width {self.width!r}"
            )

    def _check_start(self) -> None:
        if self.start_from and self._changed(OF_THE_START):
            raise InputError(
                f"a training that starts from {self.start_from} trains that network; leave out "
                f"{' and '.join(self._changed(OF_THE_START))}"
            )

    def _check_attack(self) -> None:
        if not self.is_adversarial:
            if self._changed(OF_THE_ATTACK):
                raise InputError(
                    f"{' and '.join(self._changed(OF_THE_ATTACK))} belong to an adversarial "
                    "training; choose by what: pgd, segpgd or asma"
                )
            return
        within = self.budget is None or 1.0 / 255.0 - 1e-9 <= self.budget <= 1.0
        if self.norm == LINF and not within:
            raise InputError(
                f"a Linf budget of {self.budget:g} can't be; it must be at least 1/255 = 0.00392, "
                "or no 8-bit file can change, and at most 1"
            )
        if self.adversarial == "asma" and self.batch_size < 2:
            raise InputError(
                "ASMA leads towards masks of other images of a step, and there is one image a "
                "step; raise batch_size, or choose pgd or segpgd"
            )

    def _changed(self, names: Sequence[str]) -> list[str]:
        known = declared(type(self))
        return [name for name in names if getattr(self, name) != known[name].default]

    @property
    def is_adversarial(self) -> bool:
        """Whether images are attacked while the network learns."""
        return self.adversarial != PLAIN

    def budget_at(self, channels: int, height: int, width: int) -> float:
        """Return the budget for images of a size, in the plan's norm and [0, 1] units."""
        if self.norm == LINF:
            return LINF_BUDGET if self.budget is None else self.budget
        side = math.sqrt(height * width)
        if self.budget is None:
            return L2_BUDGET_RMS * math.sqrt(channels) * side
        return self.budget * side / self.image_size

    def against(self) -> str:
        """Return in words what an adversarial training is to withstand."""
        if self.budget is not None:
            return f"{NORMS[self.norm]} {_as_levels(self.budget, self.norm)}"
        return "Linf 4/255" if self.norm == LINF else "L2 of root mean square 2/255"

    def named(self, dataset: str) -> str:
        """Return the name of the network, for the name of the data set itself."""
        usual = usual_name(dataset, self.start_from, self.adversarial, self.architecture)
        return self.name or usual

    @property
    def identity(self) -> str:
        """A text that tells one training from another; name and device are no part of it."""
        said = {name: getattr(self, name) for name in declared(type(self))}
        # As plans of before said it, so that their trainings can still be gone on with.
        said |= {"name": "", "device": ""}
        later = self._changed(_LATER)
        told = ", ".join(
            f"{name}={value!r}" for name, value in said.items() if name not in _LATER or later
        )
        return f"TrainingPlan({told})"

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
        return max(1, self.steps // (ROBUST_VALIDATIONS if self.is_adversarial else VALIDATIONS))

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


def _as_levels(budget: float, norm: str) -> str:
    """Return a budget as people say it: in levels of 255 where it is a whole number of them."""
    levels = budget * 255.0
    if norm == LINF and abs(levels - round(levels)) < 1e-3:
        return f"{round(levels)}/255"
    return f"{budget:.4g}"


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
