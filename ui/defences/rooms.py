"""The page's rooms: defences, detectors, attacks on other networks, one change for all images."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from asma_core.jobs.plan_runner import CarriesPlans
from ui.address.views import DETECTION, TRANSFER, UNIVERSAL
from ui.common import services
from ui.defences import (
    detection_result,
    detection_text,
    robustness_result,
    robustness_text,
    transfer_result,
    transfer_text,
    universal_result,
    universal_text,
)
from ui.defences.detection_form import detection_form
from ui.defences.robustness_form import robustness_form
from ui.defences.transfer_form import transfer_form
from ui.defences.universal_form import universal_form


def title(plan: Any) -> str:
    """Return what a plan is about: network and data set."""
    return f"{plan.model} on {plan.dataset}"


@dataclass(frozen=True)
class Room:
    """What is asked, and how the answer is shown.

    Attributes:
        name: As `DefencesView.room` has it.
        question: In a few words.
        what: The question in a sentence or two.
        runner: What carries its plans out.
        form: Shows the form of a new plan.
        title: Says what a plan is about.
        about: Says what a plan asks.
        looking: Said while the files are looked at.
        result: Shows what a plan comes to; gets the plan, the answer, and the files by name.
        files: Words and kind of each file that is offered, by its name; the first is primary.
        unit: What there is to be of a plan, in the plural.
        kept: What stays, or goes, when a plan is deleted.
    """

    name: str
    question: str
    what: str
    runner: Callable[[], CarriesPlans[Any]]
    form: Callable[[], None]
    title: Callable[[Any], str]
    about: Callable[[Any], str]
    looking: str
    result: Callable[[Any, Mapping[str, Any], Mapping[str, bytes]], None]
    files: Mapping[str, tuple[str, str]]
    unit: str = "runs"
    kept: str = "Its runs and its networks stay."


_ROOMS: Final = (
    Room(
        "",
        "Does a defence hold?",
        "Each attack is made twice: on the bare network, which is what a defence stops, and "
        "through the defence, which is what counts. A black box is the check that no defence "
        "merely hides its gradients.",
        lambda: services.robustness(),
        robustness_form,
        title,
        robustness_text.about,
        "Showing the files to the defended networks",
        robustness_result.robustness_result,
        robustness_result.FILES,
    ),
    Room(
        DETECTION,
        "Would anybody notice, by machine?",
        "Detectors look at original files, at attacked ones and at originals with noise of the "
        "same L2. A detector is worth what it finds of files that were made to evade it.",
        lambda: services.detection(),
        detection_form,
        title,
        detection_text.about,
        "Showing the files to the detectors",
        detection_result.detection_result,
        detection_result.FILES,
    ),
    Room(
        TRANSFER,
        "Does another network's attack work?",
        "Who does not have your network attacks one that is like it, and sends you the file. Each "
        "network is attacked, and its files are shown to all of them; with three or more, all but "
        "one are attacked together for that one.",
        lambda: services.transfer(),
        transfer_form,
        transfer_text.title,
        transfer_text.about,
        "Showing the files to the networks",
        transfer_result.transfer_result,
        transfer_result.FILES,
    ),
    Room(
        UNIVERSAL,
        "Does one change fool all images?",
        "One change is learned on a few images and put on others that it has never seen, as a film "
        "on a lens would be. Whoever has it needs to know nothing of the next image. It is learned "
        "on 1, 2, 4, ... images, and noise of the same size stands beside it.",
        lambda: services.universal(),
        universal_form,
        title,
        universal_text.about,
        "Reading what was learned",
        universal_result.universal_result,
        universal_result.FILES,
        "steps",
        "What was learned goes with it.",
    ),
)
ROOMS: Final = {room.name: room for room in _ROOMS}
