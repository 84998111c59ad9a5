"""Which weights of a training are kept, and whether it has collapsed.

An adversarial training is chosen by its robust IoU among the states whose clean IoU is at most
`MOST_LOST` below the best that was seen, the starting network's among them: robustness alone would
choose a network that draws the same everywhere, which nothing can change. Where none is, the most
robust one is kept all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from torch import Tensor, nn

# The most that clean IoU may be lower than the best: what the figure of issue 15 allows.
MOST_LOST: Final = 0.05
# A robust IoU below this is none.
NONE_LEFT: Final = 0.01
# A training that so far into it has no state worth keeping will have none.
HOPELESS_AFTER: Final = 0.5
# Validations in a row that must be bad, as one may be an accident of a high learning rate.
IN_A_ROW: Final = 2


@dataclass(frozen=True)
class Scores:
    """What a network reaches on the validation images.

    Attributes:
        step: Steps of training done.
        iou: Mean IoU of the clean images.
        robust: Of the attacked ones; None in a training that attacks none.
        one_class: Whether it says one class everywhere on all of them.
    """

    step: int
    iou: float
    robust: float | None = None
    one_class: bool = False

    @property
    def figure(self) -> float:
        """What is to be raised."""
        return self.iou if self.robust is None else self.robust

    @property
    def is_good(self) -> bool:
        """Whether such a state is worth keeping."""
        return self.robust is None or (self.robust >= NONE_LEFT and not self.one_class)


class Choice:
    """The best state so far.

    Attributes:
        best: Its scores; None before there is one.
        weights: Its weights; empty before there is one.
        without_gain: Validations since.
    """

    def __init__(self) -> None:
        self.best: Scores | None = None
        self.weights: dict[str, Tensor] = {}
        self.without_gain = 0
        self._cleanest = 0.0
        self._bad = 0

    def refer_to(self, start: Scores) -> None:
        """Take in the scores of the weights that the training starts from."""
        self._cleanest = max(self._cleanest, start.iou)

    def consider(self, now: Scores, model: nn.Module) -> None:
        """Keep the weights if they are the best so far."""
        self._cleanest = max(self._cleanest, now.iou)
        self._bad = 0 if now.is_good else self._bad + 1
        self.without_gain += 1
        if now.is_good and (self.best is None or self._rank(now) > self._rank(self.best)):
            self.best, self.without_gain = now, 0
            state = model.state_dict()
            self.weights = {key: value.detach().clone() for key, value in state.items()}

    def _rank(self, scores: Scores) -> tuple[bool, float]:
        return scores.robust is None or not self.lost(scores), scores.figure

    def lost(self, scores: Scores) -> bool:
        """Tell whether more clean IoU went than may."""
        return scores.iou < self._cleanest - MOST_LOST

    def fault(self, now: Scores, steps: int) -> str:
        """Return how a training of so many steps has collapsed, in words; "" if it has not."""
        hopeless = self.best is None and now.step >= HOPELESS_AFTER * steps
        if now.is_good or not (hopeless or (self.best is not None and self._bad >= IN_A_ROW)):
            return ""
        if now.one_class:
            return "the network says one class everywhere"
        return "nothing of the robust IoU is left"

    def as_dict(self) -> dict[str, Any]:
        """Return all of it, as `take_up` takes it."""
        best = None if self.best is None else asdict(self.best)
        return {"best": best, "weights": self.weights, "without_gain": self.without_gain,
                "cleanest": self._cleanest, "bad": self._bad}  # fmt: skip

    def take_up(self, said: Mapping[str, Any]) -> None:
        """Go on where `as_dict` was made."""
        self.best = None if said["best"] is None else Scores(**said["best"])
        self.weights, self.without_gain = said["weights"], said["without_gain"]
        self._cleanest, self._bad = said["cleanest"], said["bad"]


def choice_of_before(checkpoint: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `Choice.take_up` takes of a checkpoint from before there was a choice."""
    iou = checkpoint["best"]
    return {
        "best": None if iou is None else {"step": 0, "iou": iou},
        "weights": checkpoint["best_weights"],
        "without_gain": checkpoint["without_gain"],
        "cleanest": iou or 0.0,
        "bad": 0,
    }
