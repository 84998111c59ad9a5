"""Where the target mask of a run comes from, as data that is shown as a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from asma_core.data.targets.scenarios import SCENARIOS

SAMPLE: Final = "sample"
PREDICTION: Final = "prediction"
TRUTH: Final = "truth"
FILE: Final = "file"
RUN: Final = "run"
NOTHING: Final = "nothing"
NO_TARGET: Final = "no target"
# Of records of before 2026-11-28, which hold the sentence alone.
DESCRIBED: Final = "described"
_WORDS: Final = {SAMPLE: "mask of {}", FILE: "file {}", RUN: "target of run {}", DESCRIBED: "{}"}


@dataclass(frozen=True)
class TargetSource:
    """Where a target mask comes from.

    Attributes:
        kind: What it begins with: `SAMPLE` (the mask of another image of the data set, the paper's
            way), `PREDICTION` or `TRUTH` of the image itself, `FILE`, `RUN` (the target of an
            earlier run), `NOTHING`, or `NO_TARGET` for a run that leads away.
        name: Of that sample, file or run; else "".
        scenario: What was made of it, a name among `SCENARIOS`, or "".
        values: The scenario's parameters.
        edits: How many shapes were drawn over it by hand.
    """

    kind: str
    name: str = ""
    scenario: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    edits: int = 0

    def text(self) -> str:
        """Return it in words, such as "mask of 0007, grow, 3 drawn by hand"."""
        words = [_WORDS.get(self.kind, self.kind).format(self.name)]
        if self.scenario:
            known = SCENARIOS.get(self.scenario)
            words.append(known.label.lower() if known else self.scenario)
        if self.edits:
            words.append(f"{self.edits} drawn by hand")
        return ", ".join(words)
