"""The views of the pages: what can stand in their addresses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final, Self

from asma_core.data.masks.palette import ROLES
from ui.address.view import View, parameter

SORTS: Final = {
    "name": "Name",
    "largest": "Area, largest first",
    "smallest": "Area, smallest first",
    "worst": "Network's IoU, worst first",
}
SIGNED: Final = "signed"
ABSOLUTE: Final = "absolute"
DISTANCE: Final = "distance"


@dataclass(frozen=True)
class DatasetsView(View):
    """The Datasets page.

    Attributes:
        dataset: Name of the data set.
        sample: The image that is open; "" shows the grid.
        split: Only images of this split; "" for all.
        classes: Only images whose masks have all of these, as class numbers.
        low: Least area of the structure, per cent of the image.
        high: Greatest area.
        with_runs: Only images that have been attacked.
        sort: One of `SORTS`.
        prediction: Whether the grid outlines the network's prediction.
        model: The network; "" for the one that fits best.
        page: Of the grid, from 1.
        add: Whether a data set is being added.
    """

    PAGE: ClassVar[str] = "pages/datasets.py"

    dataset: str = ""
    sample: str = parameter("", opens=True)
    split: str = ""
    classes: tuple[int, ...] = ()
    low: int = parameter(0, high=100)
    high: int = parameter(100, high=100)
    with_runs: bool = False
    sort: str = parameter("name", choices=tuple(SORTS))
    prediction: bool = False
    model: str = ""
    page: int = parameter(1, low=1)
    add: bool = parameter(False, opens=True)

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> Self:
        """Read the parameters of an address."""
        view = super().from_query(query)
        return replace(view, high=max(view.low, view.high))

    @property
    def filters(self) -> bool:
        """Whether anything narrows what is shown."""
        return bool(self.split or self.classes or self.with_runs or self.by_area)

    @property
    def by_area(self) -> bool:
        """Whether the area of the structure narrows what is shown."""
        return (self.low, self.high) != (0, 100)

    def of_dataset(self, name: str) -> DatasetsView:
        """Return the same for another data set; what hangs on the old one goes."""
        return DatasetsView(dataset=name, sort=self.sort, prediction=self.prediction)


@dataclass(frozen=True)
class ModelsView(View):
    """The Models page; without anything it lists the networks.

    Attributes:
        model: The network that is open, if one is.
        training: The training that is open, if one is.
        add: Whether a network is being added.
        train: Whether the form of a training is open.
        dataset: What it is to be trained on.
        check: Whether the open network is to be checked at once.
    """

    PAGE: ClassVar[str] = "pages/models.py"

    model: str | None = parameter(None, opens=True)
    training: str | None = parameter(None, opens=True)
    add: bool = parameter(False, opens=True)
    train: bool = parameter(False, opens=True)
    dataset: str = ""
    check: bool = False


@dataclass(frozen=True)
class AttackView(View):
    """The Attack page.

    Attributes:
        run: The run that is watched; None shows the editor.
        dataset: Of the image.
        sample: The image.
        own: Key of an uploaded image.
        network: To attack.
        from_run: A run whose target and settings are to be changed.
        draft: Key of a drawing that was not run yet.
    """

    PAGE: ClassVar[str] = "pages/attack.py"

    run: str | None = parameter(None, opens=True)
    dataset: str = parameter("", opens=True, filled=True)
    sample: str = parameter("", opens=True, filled=True)
    own: str = parameter("", opens=True, filled=True)
    network: str = ""
    from_run: str = parameter("", name="from")
    draft: str = ""


@dataclass(frozen=True)
class CompareView(View):
    """The Compare page; of the viewer only what is not as usual.

    Attributes:
        run: The run; "" for the newest.
        beside: Other runs of its image.
        mode: "side", "slider" or "blink".
        frame: The snapshot; None for the result.
        times: The amplification of the difference.
        difference: `SIGNED` or `ABSOLUTE`.
        channel: Of the difference.
        overlays: Names out of `ROLES`.
    """

    PAGE: ClassVar[str] = "pages/compare.py"

    run: str = parameter("", opens=True, filled=True)
    beside: tuple[str, ...] = parameter((), name="with")
    mode: str = ""
    frame: int | None = None
    times: int | None = None
    difference: str = parameter("", choices=(SIGNED, ABSOLUTE))
    channel: str = ""
    overlays: tuple[str, ...] | None = parameter(None, choices=tuple(ROLES))

    def viewer(self) -> dict[str, Any]:
        """Return what the address says of the viewer, as the viewer has it."""
        said = {
            "mode": self.mode or None,
            "frame": self.frame,
            "amplification": self.times,
            "signed": self.difference == SIGNED if self.difference else None,
            "channel": self.channel or None,
            "overlays": None if self.overlays is None else list(self.overlays),
        }
        return {name: value for name, value in said.items() if value is not None}

    def showing(self, viewer: Mapping[str, Any], usual: Mapping[str, Any]) -> CompareView:
        """Return the view with what the viewer shows, without what is as usual."""
        said = {name: value for name, value in viewer.items() if value != usual.get(name)}
        signed, overlays = said.get("signed"), said.get("overlays")
        return replace(
            self,
            mode=said.get("mode", ""),
            frame=said.get("frame"),
            times=said.get("amplification"),
            difference="" if signed is None else SIGNED if signed else ABSOLUTE,
            channel=said.get("channel", ""),
            overlays=None if overlays is None else tuple(overlays),
        )


@dataclass(frozen=True)
class RunsView(View):
    """The Runs page: what narrows the runs, where an empty text asks for nothing, and their order.

    Attributes:
        text: Words that all occur in the names, the message or what people said.
        outcome: As `ui.common.format.outcome` says it.
        attack: Name of an attack.
        model: Name of a network.
        dataset: Name of a data set, or `ui.runs.filter.OWN_IMAGE`.
        verdict: A verdict, or `ui.runs.filter.NO_VERDICT`.
        sort: A key of `ui.runs.filter.SORTS`.
        view: "table" or "cards".
        page: From 1.
    """

    PAGE: ClassVar[str] = "pages/runs.py"

    text: str = ""
    outcome: str = ""
    attack: str = ""
    model: str = ""
    dataset: str = ""
    verdict: str = ""
    sort: str = "newest"
    view: str = "table"
    page: int = parameter(1, low=1)

    @property
    def narrows(self) -> bool:
        """Whether runs may be left out."""
        return any((self.text, self.outcome, self.attack, self.model, self.dataset, self.verdict))


@dataclass(frozen=True)
class ExperimentsView(View):
    """The Experiments page.

    Attributes:
        experiment: The one that is open; None lists them.
        rows: `DISTANCE` for the study of the distance term.
        goal: Of the runs.
        figure: Of the box plot.
    """

    PAGE: ClassVar[str] = "pages/experiments.py"

    experiment: str | None = parameter(None, opens=True)
    rows: str = parameter("", choices=(DISTANCE,))
    goal: str = ""
    figure: str = ""


VIEWS: Final[tuple[type[View], ...]] = (
    DatasetsView,
    ModelsView,
    AttackView,
    CompareView,
    RunsView,
    ExperimentsView,
)
