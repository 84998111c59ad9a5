"""What goes into an attack and what comes out of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from asma_core.attacks.settings import CommonConfig
from asma_core.fields import AttackConfig
from asma_core.metrics.score import IOU

# Records and pages name these types too, and must not import torch.
if TYPE_CHECKING:
    from torch import Tensor, nn

GOAL_REACHED: Final = "goal reached"
STEPS_USED: Final = "steps used"
CONVERGED: Final = "nothing more to gain"
# The original is at the goal; the outcome of such a run is `metrics.score.ALREADY_THERE`.
NO_STEP_NEEDED: Final = "already there"
CANCELLED: Final = "cancelled"
# What ends one image of a batch and leaves the others be.
NO_GRADIENT: Final = "no gradient"
NETWORK_FAILED: Final = "NaN or infinite values"

# What an attack is taken for.
THE_PAPERS: Final = "The paper's"
SMALLEST_CHANGE: Final = "Smallest change"
WITHIN_BUDGET: Final = "Within a budget"
ANY_CHANGE: Final = "Any change that works"
BLACK_BOX: Final = "Black box"
THE_WORST: Final = "Worst case"


@dataclass(frozen=True)
class StepMetrics:
    """Figures of one image before its update at one step; undefined ones are NaN.

    Attributes:
        index: Place of the image in the batch.
        step: Updates made so far.
        score: What the image is judged by, in [0, 1]; see `asma_core.metrics.score`.
        iou: Mean IoU of the foreground classes with the mask, in [0, 1]; NaN where the mask has no
            structure.
        pixel_accuracy: In [0, 1].
        l2: Euclidean norm of the perturbation in [0, 1] units.
        linf: Largest absolute value of the perturbation in [0, 1] units.
        kind: Of the score, as `asma_core.metrics.score` names it.
        ciede2000: Mean CIEDE2000 over the pixels, to first order around the original; NaN unless
            the attack makes it small.
        suspicion: By how much a detector's score is off that of the original, at least 0; NaN
            unless the attack evades one.
    """

    index: int
    step: int
    score: float
    iou: float
    pixel_accuracy: float
    l2: float
    linf: float
    kind: str = IOU
    ciede2000: float = math.nan
    suspicion: float = math.nan


@dataclass(frozen=True)
class Pictures:
    """What an attack is at, on the CPU.

    Attributes:
        indices: Places in the batch of the images below.
        images: float32 (N, C, H, W) in [0, 1].
        predictions: int64 (N, H', W').
    """

    indices: tuple[int, ...]
    images: Tensor
    predictions: Tensor


@dataclass(frozen=True)
class StepReport:
    """What `on_step` gets.

    Attributes:
        step: Updates made so far.
        steps: Most updates.
        images: Figures of the images still under attack.
        pictures: Copies the current images and predictions when called.
    """

    step: int
    steps: int
    images: tuple[StepMetrics, ...]
    pictures: Callable[[], Pictures]


# What it returns, if true, cancels the attack; places in the batch cancel those images alone.
OnStep = Callable[[StepReport], bool | Collection[int] | None]


@dataclass(frozen=True)
class AttackResult:
    """What an attack made of one image.

    Attributes:
        adversarial: float32 (C, H, W) in [0, 1] on the CPU: the best image.
        success: Whether the best image is a change that met the target IoU (as rounded to 8 bits,
            if the config says so). An original that is there already is none.
        best: Figures of the best image.
        steps: Updates made.
        gradient_evaluations: Forward passes with a backward pass spent.
        forward_passes: All forward passes spent, those with a backward pass among them.
        ending: Why it ended: `GOAL_REACHED`, `STEPS_USED`, `CONVERGED`, `NO_STEP_NEEDED`,
            `CANCELLED`, `NO_GRADIENT` (the first has no length) or `NETWORK_FAILED` (a gradient, or
            logits after the first, that are not finite); it says nothing of success.
        chosen: What the attack chose by itself, such as tau and beta.
        trajectory: Figures of each step.
        flat: Of the gradient evaluations, those whose gradient was 0.
        classes: That the network predicted at any step, on pixels that count.
        notes: What else there is to say, such as which of several attacks was the best.
    """

    adversarial: Tensor
    success: bool
    best: StepMetrics
    steps: int
    gradient_evaluations: int
    forward_passes: int
    ending: str
    chosen: Mapping[str, float]
    trajectory: tuple[StepMetrics, ...]
    flat: int = 0
    classes: frozenset[int] = frozenset()
    notes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class AttackInputs:
    """What an attack works on, besides the network.

    Attributes:
        images: float32 (B, C, H, W) in [0, 1].
        target: int64 (B, H', W'), 0..K-1; the mask to get away from, if the config's goal says so.
        valid: bool (B, H', W'): pixels that count; all unless given.
        region: bool (B, H, W): where the image may change; everywhere unless given.
    """

    images: Tensor
    target: Tensor
    valid: Tensor | None = None
    region: Tensor | None = None

    def select(self, rows: slice | list[int]) -> AttackInputs:
        """Return the inputs of some images."""
        masks = (None if mask is None else mask[rows] for mask in (self.valid, self.region))
        return AttackInputs(self.images[rows], self.target[rows], *masks)


class Attack(Protocol):
    """An attack: a function of this form, found through the registry."""

    def __call__(
        self,
        model: nn.Module,
        inputs: AttackInputs,
        config: AttackConfig,
        *,
        on_step: OnStep | None = None,
    ) -> list[AttackResult]:
        """Attack a batch; every image has its own state.

        Args:
            model: Takes images and returns logits (B, K, H', W'); left as it was found.
            inputs: The images, what they are to be segmented as, and where.
            config: Of the attack's own class.
            on_step: Called before each update; what it returns, if true, cancels the attack. Places
                of images in the batch cancel those alone, and the others go on.

        Returns:
            One result per image, in order.

        Raises:
            InputError: Shapes, types or values that do not fit.
            ModelError: Logits of an original that are not finite, or that no image can change.
        """
        ...


@dataclass(frozen=True)
class AttackEntry:
    """An attack with what a person needs to know of it.

    Attributes:
        name: On the command line and in records.
        title: For people.
        answers: What it is taken for, such as `SMALLEST_CHANGE`.
        summary: One line: how it works.
        source: Paper and place.
        config: Class of its settings.
        attack: The attack itself.
        presets: Settings that differ from the defaults, by the preset's name.
        black_box: Whether it uses no gradients.
        monotone: Whether every step is meant to raise the score, so that one that falls to the end
            is worth a warning; others go back and forth across the target on purpose.
    """

    name: str
    title: str
    answers: str
    summary: str
    source: str
    config: type[CommonConfig]
    attack: Attack
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    black_box: bool = False
    monotone: bool = False
