"""The views of the pages: what can stand in their addresses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final, Self

from asma_core.data.masks.palette import ROLES
from asma_core.defences.detectors.registry import DETECTORS
from asma_core.runs.difference import CHANNELS, KINDS
from ui.address.view import View, parameter

SORTS: Final = {
    "name": "Name",
    "largest": "Area, largest first",
    "smallest": "Area, smallest first",
    "worst": "Network's IoU, worst first",
}
DISTANCE: Final = "distance"
DETECTION: Final = "detection"
TRANSFER: Final = "transfer"
UNIVERSAL: Final = "universal"
SIDE: Final = "side"
MODES: Final = (SIDE, "slider", "blink")
USUAL_OVERLAYS: Final = ("before", "target", "after")
# What can be drawn over an image of a data set: its mask and the network's prediction.
OF_AN_IMAGE: Final = ("truth", "before")


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
        overlays: Of `truth` and `before`, what is drawn over the open image; None for both.
        fill: Whether those are filled.
        opacity: Of them, in per cent.
        zoom: How much larger than the whole image it is shown, at least 1.
        x: The image's point in the middle, as a share of its width.
        y: The same of its height.
        model: The network; "" for the one that fits best.
        page: Of the grid, from 1.
        add: Whether a data set is being added.
    """

    PAGE: ClassVar[str] = "pages/datasets.py"
    LAID_OVER: ClassVar[tuple[str, ...]] = ("overlays", "fill", "opacity")

    dataset: str = ""
    sample: str = parameter("", opens=True)
    split: str = ""
    classes: tuple[int, ...] = ()
    low: int = parameter(0, high=100)
    high: int = parameter(100, high=100)
    with_runs: bool = False
    sort: str = parameter("name", choices=tuple(SORTS))
    prediction: bool = False
    overlays: tuple[str, ...] | None = parameter(None, choices=OF_AN_IMAGE)
    fill: bool = False
    opacity: int = parameter(100, low=10, high=100)
    zoom: float = parameter(1.0, low=1.0, high=10_000.0)
    x: float = parameter(0.5, high=1.0)
    y: float = parameter(0.5, high=1.0)
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

    def of_dataset(self, dataset: str) -> DatasetsView:
        """Return the same for another data set; what hangs on the old one goes."""
        kept = {name: getattr(self, name) for name in ("sort", "prediction", *self.LAID_OVER)}
        return DatasetsView(dataset=dataset, **kept)

    def of_sample(self, sample: str) -> DatasetsView:
        """Return the same with another image open, the whole of it; "" for the grid."""
        return replace(self, sample=sample, zoom=1.0, x=0.5, y=0.5)


@dataclass(frozen=True)
class ModelsView(View):
    """The Models page; without anything it lists the networks.

    Attributes:
        model: The network that is open, if one is.
        training: The training that is open, if one is.
        add: Whether a network is being added.
        train: Whether the form of a training is open.
        dataset: What it is to be trained on.
        start: The network that it is to start from.
        check: Whether the open network is to be checked at once.
    """

    PAGE: ClassVar[str] = "pages/models.py"

    model: str | None = parameter(None, opens=True)
    training: str | None = parameter(None, opens=True)
    add: bool = parameter(False, opens=True)
    train: bool = parameter(False, opens=True)
    dataset: str = ""
    start: str = ""
    check: bool = False


@dataclass(frozen=True)
class AttackView(View):
    """The Attack page.

    What it says of attack and target is complete when it names an attack; an address without one,
    as of "Attack this image", leaves the rest as it was.

    Attributes:
        run: The run that is watched; None shows the editor.
        dataset: Of the image.
        sample: The image.
        own: Key of an uploaded image.
        window: Of that, lowest and highest value as "LOW,HIGH"; "" for the automatic one.
        network: To attack.
        attack: Name of the attack.
        preset: Of its settings.
        settings: What differs from the preset and from how a run is usually carried out, each as
            "name:value".
        from_run: A run whose target and settings are to be changed.
        draft: Key of a target that was not run yet: its start, and what was drawn over it.
    """

    PAGE: ClassVar[str] = "pages/attack.py"

    run: str | None = parameter(None, opens=True)
    dataset: str = parameter("", opens=True, filled=True)
    sample: str = parameter("", opens=True, filled=True)
    own: str = parameter("", opens=True, filled=True)
    window: str = ""
    network: str = ""
    attack: str = ""
    preset: str = ""
    settings: tuple[str, ...] = parameter((), name="set")
    from_run: str = parameter("", name="from")
    draft: str = ""


@dataclass(frozen=True)
class CompareView(View):
    """The Compare page; of the viewer only what is not as usual.

    Attributes:
        run: The run; "" for the newest.
        beside: Other runs of its image.
        mode: One of `MODES`.
        frame: The snapshot; None for the result.
        times: The amplification of the difference; 0 for the automatic one.
        difference: One of `KINDS`.
        channel: Of the difference, one of `CHANNELS`.
        suspicion: Detector whose maps stand in the place of the pictures; "" for the pictures.
        overlays: Names out of `ROLES`; None for the usual ones.
        fill: Whether the outlines are filled.
        opacity: Of the outlines, in [0, 1].
        zoom: How much larger than the whole picture it is shown, at least 1.
        x: The picture's point in the middle of the panels, as a share of its width.
        y: The same of its height.
        divider: Where the slider's divider is, as a share of the panel's width.
        left: Left of it: "original", "run", or the id of a run beside.
        right: Right of it.
        still: What blink is paused at, as `left`; "" while it runs.
    """

    PAGE: ClassVar[str] = "pages/compare.py"
    # What means nothing for another run.
    OF_A_RUN: ClassVar[tuple[str, ...]] = ("beside", "frame", "left", "right", "still")

    run: str = parameter("", opens=True, filled=True)
    beside: tuple[str, ...] = parameter((), name="with")
    mode: str = parameter(SIDE, choices=MODES)
    frame: int | None = None
    times: int = parameter(0, high=100)
    difference: str = parameter(KINDS[0], choices=KINDS)
    channel: str = parameter(CHANNELS[0], choices=CHANNELS)
    suspicion: str = parameter("", choices=tuple(DETECTORS))
    overlays: tuple[str, ...] | None = parameter(None, choices=tuple(ROLES))
    fill: bool = False
    opacity: float = parameter(1.0, low=0.1, high=1.0)
    zoom: float = parameter(1.0, low=1.0, high=10_000.0)
    x: float = parameter(0.5, high=1.0)
    y: float = parameter(0.5, high=1.0)
    divider: float = parameter(0.5, high=1.0)
    left: str = "original"
    right: str = "run"
    still: str = ""

    def of_run(self, run: str) -> CompareView:
        """Return the same view of another run; what hangs on the old one goes."""
        kept = {name: value for name, value in vars(self).items() if name not in self.OF_A_RUN}
        return CompareView(**kept | {"run": run})

    def viewer(self) -> dict[str, Any]:
        """Return what the viewer is to show, as the viewer has it."""
        said = {name: value for name, value in vars(self).items() if name not in ("run", "beside")}
        overlays = USUAL_OVERLAYS if self.overlays is None else self.overlays
        return said | {"overlays": list(overlays)}

    def showing(self, viewer: Mapping[str, Any]) -> CompareView:
        """Return the view with what the viewer shows."""
        overlays = tuple(viewer["overlays"])
        usual = overlays == USUAL_OVERLAYS
        return replace(self, **dict(viewer) | {"overlays": None if usual else overlays})


@dataclass(frozen=True)
class RunsView(View):
    """The Runs page: what narrows the runs, where an empty text asks for nothing, and their order.

    Attributes:
        text: Words that all occur in the names, the message or what people said.
        outcome: As `ui.common.format.outcome` says it.
        attack: Name of an attack.
        model: Name of a network.
        dataset: Name of a data set, or `asma_core.runs.search.OWN_IMAGE`.
        verdict: A verdict, or `asma_core.runs.search.NO_VERDICT`.
        author: Who asked for it, or `asma_core.runs.search.NOBODY`.
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
    author: str = ""
    sort: str = "newest"
    view: str = "table"
    page: int = parameter(1, low=1)

    @property
    def narrows(self) -> bool:
        """Whether runs may be left out."""
        said = (self.text, self.outcome, self.attack, self.model, self.dataset, self.verdict)
        return any((*said, self.author))


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


@dataclass(frozen=True)
class DefencesView(View):
    """The Defences page.

    Attributes:
        plan: The one that is open; None lists them.
        room: `DETECTION` for what asks about detectors, `TRANSFER` about other networks,
            `UNIVERSAL` about one change for all images, "" about defences.
    """

    PAGE: ClassVar[str] = "pages/defences.py"

    plan: str | None = parameter(None, opens=True)
    room: str = parameter("", choices=(DETECTION, TRANSFER, UNIVERSAL))


@dataclass(frozen=True)
class ReviewView(View):
    """The Review page.

    Attributes:
        review: The one that is open; None lists them.
        take: Whether it is answered; else its result is shown.
        reviewer: Who answers, where nobody signs in.
        runs: Those that a new one is to be made of.
    """

    PAGE: ClassVar[str] = "pages/review.py"

    review: str | None = parameter(None, opens=True)
    take: bool = parameter(False, opens=True)
    reviewer: str = parameter("", name="as")
    runs: tuple[str, ...] = ()


VIEWS: Final[tuple[type[View], ...]] = (
    DatasetsView,
    ModelsView,
    AttackView,
    CompareView,
    RunsView,
    ExperimentsView,
    DefencesView,
    ReviewView,
)
