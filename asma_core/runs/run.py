"""A run, and the states that it goes through."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from asma_core.attacks.settings import (
    AWAY,
    AWAY_FROM_TRUTH,
    FORMERLY_AWAY,
    L2,
    TOWARDS,
)
from asma_core.metrics.frontier import in_words
from asma_core.metrics.score import ALREADY_THERE, IOU, NOT_REACHED, SUCCESS
from asma_core.runs.spec import RunSpec

QUEUED: Final = "queued"
RUNNING: Final = "running"
DONE: Final = "done"
CANCELLED: Final = "cancelled"
FAILED: Final = "failed"
INTERRUPTED: Final = "interrupted"
# Of no row: what a run is whose row can't be read.
DAMAGED: Final = "damaged"
# What records of before 2026-11-28 say.
FORMER_ENDINGS: Final = {"target reached": "goal reached"}
UNENDED: Final = (QUEUED, RUNNING)
STATES: Final = (*UNENDED, DONE, CANCELLED, FAILED, INTERRUPTED)


@dataclass(frozen=True)
class Run:
    """A run as the store knows it.

    Attributes:
        id: Eight hexadecimal digits.
        created: Seconds since 1970.
        finished: The same, or None.
        state: One of `STATES`, or `DAMAGED`.
        cancel: Whether somebody asked it to stop.
        spec: What it is made from.
        results: Figures; empty without a result.
        message: Why it failed or was interrupted, in a sentence.
        verdict: A person's judgement.
        note: A person's words.
        tags: Words, separated by commas.
        author: Who asked for it; "" of before people signed in.
        private: Whether only its author sees it, and owners of the server.
        pinned: Whether it stays when old runs are deleted.
        damage: Why its record can't be read, and what to do, in a sentence; "" of one that can.
    """

    id: str
    created: float
    finished: float | None
    state: str
    cancel: bool
    spec: RunSpec
    results: Mapping[str, Any]
    message: str
    verdict: str
    note: str
    tags: str
    author: str = ""
    private: bool = False
    pinned: bool = False
    damage: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state not in UNENDED

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the network's classes, background first; numbers in records of before."""
        if self.spec.classes:
            return self.spec.classes
        count = len(self.results.get("iou_per_class", [])) or 2
        return ("background", *(f"class {number}" for number in range(1, count)))

    @property
    def outcome(self) -> str:
        """Whether its goal was reached, as `metrics.score` names it; "" without a result."""
        return outcome_of(self.results)

    @property
    def success(self) -> bool:
        """Whether a change has reached the goal."""
        return self.outcome == SUCCESS

    @property
    def ending(self) -> str:
        """Why it ended: as the attack says, else its state; "" as long as it has not.

        It says nothing of the outcome: a run that was stopped may have reached its goal before.
        """
        if not self.ended:
            return ""
        ending = str(self.results.get("stopped") or self.state)
        return FORMER_ENDINGS.get(ending, ending)

    @property
    def frontier(self) -> str:
        """Which IoU it reached at which change, in a sentence; "" where nobody knows."""
        marks = self.results.get("frontier") or []
        norm = str(self.spec.config.get("norm", L2))
        return in_words(marks, norm, int(self.results.get("gradient_evaluations", 0)))

    @property
    def score_kind(self) -> str:
        """What it is judged by, as `metrics.score` names it."""
        return str(self.results.get("score_name", IOU))

    @property
    def wanted(self) -> float:
        """The score at which its goal is reached, in [0, 1]."""
        return float(self.spec.config.get("target_iou", 1.0))

    @property
    def aim(self) -> str:
        """Where it was to lead, as `attacks.configs` names it."""
        return str(self.spec.config.get("goal_is", TOWARDS))

    @property
    def goal(self) -> str:
        """What was asked of it, in words that follow the image's name."""
        words = {
            AWAY: "away from what the network says of it",
            AWAY_FROM_TRUTH: "away from the truth",
            FORMERLY_AWAY: f"away from {self.spec.target_name}",
        }
        return words.get(self.aim, f"towards {self.spec.target_name}")


def outcome_of(results: Mapping[str, Any]) -> str:
    """Return the outcome that the figures of a run tell; "" without any."""
    if not results or "outcome" in results:
        return str(results.get("outcome", ""))
    # A record of before 2026-11-28: an original at its goal counted as a success.
    if not results.get("success"):
        return NOT_REACHED
    return ALREADY_THERE if results.get("best_step") == 0 else SUCCESS


def counted_warnings(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the warnings in the results of many runs, each once, with how many have it."""
    said = Counter(warning for one in results for warning in one.get("warnings", []))
    return [f"{count} of {len(results)} runs: {text}" for text, count in said.most_common()]
