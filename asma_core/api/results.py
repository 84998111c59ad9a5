"""What an attack made of an image, or of many: arrays, figures, files, and a notebook's view."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, overload

import numpy as np
from numpy.typing import NDArray

from asma_core.api import showing
from asma_core.attacks.contract import StepMetrics
from asma_core.data.formats.images import FloatImage, encode_png, to_bytes
from asma_core.data.masks.label_maps import encode_mask
from asma_core.files import write_bytes
from asma_core.runs.artefacts import ADVERSARIAL, ORIGINAL, TARGET

if TYPE_CHECKING:
    import pandas as pd

# Of each image, in `Results.table`; the others stand in `Result.figures`.
COLUMNS: Final = ("outcome", "iou", "l2", "linf", "steps", "gradient_evaluations", "seconds")


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """What an attack made of one image; a notebook shows its pictures and figures.

    Attributes:
        name: Of the image: "DATASET / NAME", a file's name, or its place among those given.
        attack: Name of the attack.
        original: float32 (C, H, W) in [0, 1], the values of its 8-bit file.
        adversarial: The same of the adversarial image.
        target: int64 (H, W), 0..K-1; None of an attack that leads away.
        prediction_before: int64 (H, W), what the network says of the original.
        prediction_after: int64 (H, W), what it says of the adversarial file.
        figures: As a run records them: names that end in "_before" are of the original, in "_8bit"
            of the adversarial file (these count), the others of the image before it was rounded.
            Undefined ones are NaN.
        seconds: That the attack took; of many images at once, the mean.
        warnings: Sentences that tell when not to trust it.
    """

    name: str
    attack: str
    original: FloatImage
    adversarial: FloatImage
    target: NDArray[np.int64] | None
    prediction_before: NDArray[np.int64]
    prediction_after: NDArray[np.int64]
    figures: Mapping[str, Any]
    seconds: float
    warnings: tuple[str, ...] = ()
    course: tuple[StepMetrics, ...] = field(default=())

    @property
    def perturbation(self) -> FloatImage:
        """Adversarial minus original, float32 (C, H, W), of the 8-bit files."""
        return self.adversarial - self.original

    @property
    def outcome(self) -> str:
        """Whether the goal was reached: "success", "already there" or "goal not reached".

        An original that is at its goal is "already there", which is no success.
        """
        return str(self.figures["outcome"])

    @property
    def success(self) -> bool:
        """Whether a change has reached the goal."""
        return bool(self.figures["success"])

    @property
    def iou(self) -> float:
        """Mean IoU of the foreground classes with the target, in [0, 1].

        NaN where the target has no structure, and of an attack that leads away; `figures` has
        "structure_removed_8bit" and "iou_lost_8bit" then.
        """
        return float(self.figures["iou_8bit"])

    @property
    def l2(self) -> float:
        """Euclidean norm of the perturbation in [0, 1] units."""
        return float(self.figures["l2_8bit"])

    @property
    def linf(self) -> float:
        """Largest absolute value of the perturbation in [0, 1] units."""
        return float(self.figures["linf_8bit"])

    @property
    def ciede2000(self) -> float:
        """How different the colours look, mean over the pixels; NaN unless grey or RGB."""
        return float(self.figures["ciede2000_8bit"])

    @property
    def frontier(self) -> pd.DataFrame:
        """How small a change was enough for which IoU, along the way: score and norms.

        l2, linf and, of an attack that makes it small, ciede2000. NaN where it was not reached.
        Empty where the goal is no IoU with a target.
        """
        import pandas as pd

        columns = ["score", "l2", "linf", "ciede2000"]
        return pd.DataFrame(self.figures.get("frontier", []), columns=columns, dtype=float)

    @property
    def steps(self) -> int:
        """Updates made."""
        return int(self.figures["steps"])

    @property
    def gradient_evaluations(self) -> int:
        """Forward passes with a backward pass spent."""
        return int(self.figures["gradient_evaluations"])

    @property
    def trajectory(self) -> pd.DataFrame:
        """A row for each step: step, score, iou, pixel_accuracy, l2, linf, kind (of the score)."""
        import pandas as pd

        columns = ["step", "score", "iou", "pixel_accuracy", "l2", "linf", "kind"]
        return pd.DataFrame([asdict(now) for now in self.course], columns=columns)

    def save(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write original.png, adversarial.png and, where there is one, target.png.

        The pictures are the 8-bit files that were measured. The target is an indexed PNG whose
        values are the class numbers.

        Args:
            folder: Made when absent.

        Returns:
            The files.

        Raises:
            StoreError: It can't be written.
        """
        files = {
            ORIGINAL: encode_png(to_bytes(self.original)),
            ADVERSARIAL: encode_png(to_bytes(self.adversarial)),
        }
        if self.target is not None:
            files[TARGET] = encode_mask(self.target)
        written = {Path(folder) / name: data for name, data in files.items()}
        for path, data in written.items():
            write_bytes(path, data)
        return [*written]

    def row(self) -> dict[str, Any]:
        """Return what stands in a table of results."""
        return {"image": self.name, **{name: getattr(self, name) for name in COLUMNS}}

    def __repr__(self) -> str:
        kind = str(self.figures["score_name"])
        score = f"{kind} {self.figures['score_8bit']:.3f}, L2 {self.l2:.3f}, Linf {self.linf:.4f}"
        made = ", made to survive" if self.figures.get("made_to_survive") else ""
        return f"Result({self.attack}{made} on {self.name!r}: {self.outcome}, {score})"

    def _repr_html_(self) -> str:
        return showing.result_html(self)


class Results(Sequence[Result]):
    """The results of several images, in their order; a notebook shows a row for each."""

    def __init__(self, results: Sequence[Result]) -> None:
        """Keep the results."""
        self._results = tuple(results)

    @overload
    def __getitem__(self, place: int) -> Result: ...

    @overload
    def __getitem__(self, place: slice) -> Results: ...

    def __getitem__(self, place: int | slice) -> Result | Results:
        if isinstance(place, slice):
            return Results(self._results[place])
        return self._results[place]

    def __len__(self) -> int:
        return len(self._results)

    def __iter__(self) -> Iterator[Result]:
        return iter(self._results)

    def table(self) -> pd.DataFrame:
        """Return a row for each image.

        Its columns are image, outcome, iou, l2, linf, steps, gradient_evaluations and seconds.
        """
        import pandas as pd

        return pd.DataFrame([one.row() for one in self], columns=["image", *COLUMNS])

    def __repr__(self) -> str:
        won = sum(one.success for one in self)
        return f"Results({len(self)} images, {won} successes)"

    def _repr_html_(self) -> str:
        return showing.results_html(self)
