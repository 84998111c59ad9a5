"""What is asked of a universal change: network, images to learn and to judge on, goal."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from asma_core.attacks.universal import UniversalConfig
from asma_core.data.datasets import Dataset
from asma_core.data.samples import Sample
from asma_core.errors import InputError
from asma_core.experiments.plan_folder import KeptPlan, PlanFolder
from asma_core.fields import config_from_dict
from asma_core.models.sources.cards import check_fits, network_hash
from asma_core.models.sources.model_card import ModelCard

HIDE: Final = "hide"
MASK: Final = "mask"
AWAY: Final = "away"
GOALS: Final = (HIDE, MASK, AWAY)
# From which score on an image is fooled, unless said: nearly all of it; away, half of its IoU.
WANTED: Final = {HIDE: 0.9, MASK: 0.9, AWAY: 0.5}


@dataclass(frozen=True)
class UniversalPlan(KeptPlan):
    """What is asked.

    Attributes:
        model: Name of the network.
        dataset: Name or folder of the data set.
        learned_on: Names of the images that it is learned on: on the first, the first two, ...
        judged_on: Names of images that it has never seen.
        goal: One of `GOALS`.
        target: Name of the image whose mask all shall be segmented as, for `MASK`; else "".
        wanted: Score from which on an image is fooled.
        config: Of the change.
        stamp: What the network and the images were when it was asked; see `stamp_of`.
        device: As `choose_device` takes it.
        seed: Of torch's generator.
    """

    model: str
    dataset: str
    learned_on: tuple[str, ...]
    judged_on: tuple[str, ...]
    goal: str
    target: str
    wanted: float
    config: UniversalConfig
    stamp: str
    device: str = "auto"
    seed: int = 0

    @property
    def counts(self) -> tuple[int, ...]:
        """On how many images it is learned, rising."""
        return doubled(len(self.learned_on))

    @property
    def steps(self) -> int:
        """How many steps there are to be of all changes."""
        return len(self.counts) * self.config.steps

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, as `universal_plan_from_dict` takes them."""
        names = {"learned_on": list(self.learned_on), "judged_on": list(self.judged_on)}
        return asdict(self) | names | {"config": self.config.as_dict()}


def universal_plan_from_dict(values: Mapping[str, Any]) -> UniversalPlan:
    """Return the plan that `UniversalPlan.as_dict` made plain."""
    names = {key: tuple(map(str, values[key])) for key in ("learned_on", "judged_on")}
    config = config_from_dict(UniversalConfig, values["config"])
    return UniversalPlan(**{**values, **names, "config": config})


class UniversalPlans(PlanFolder[UniversalPlan]):
    """The plans that somebody asked for, each a file of the data folder."""

    def __init__(self, home: Path) -> None:
        """Find them under `home`/universal."""
        super().__init__(home / "universal", universal_plan_from_dict)


def universal_plan(
    card: ModelCard,
    dataset: Dataset,
    images: int,
    unseen: int,
    goal: str,
    *,
    target: str = "",
    wanted: float | None = None,
    **more: Any,
) -> UniversalPlan:
    """Return a plan whose change is judged on test images, and learned on none of these.

    Without a test split the first images are for learning and the next ones for judging.

    Args:
        card: The network.
        dataset: Of as many classes; without masks where the goal needs none.
        images: Most images to learn on.
        unseen: Most images to judge on.
        goal: One of `GOALS`.
        target: Name of the image whose mask it is, for `MASK`.
        wanted: Score from which on an image is fooled; as `WANTED` has it unless given.
        more: `config`, `device`, `seed` of the plan.

    Raises:
        InputError: A goal that there is not, too few images, a goal without its target, or a
            network that takes no gradients.
    """
    _check_asked(card, dataset, goal, target)
    if wanted is not None and not 0.0 < wanted <= 1.0:
        raise InputError(f"the wanted score is {wanted:g}; it must be above 0 and at most 1")
    seen, judged = parted(dataset, images)
    if not 0 < images <= len(seen) or not judged:
        raise InputError(
            f"{dataset.name} has {len(seen)} images to learn on and {len(judged)} to judge on; "
            f"ask for fewer than {images}"
        )
    chosen, judged = seen[:images], judged[:unseen]
    aimed = (dataset.find(target),) if goal == MASK else ()
    return UniversalPlan(
        card.name,
        dataset.name,
        tuple(one.name for one in chosen),
        tuple(one.name for one in judged),
        goal,
        aimed[0].name if aimed else "",
        WANTED[goal] if wanted is None else wanted,
        stamp=stamp_of(card, dataset, (*chosen, *judged, *aimed)),
        **more,
    )


def _check_asked(card: ModelCard, dataset: Dataset, goal: str, target: str) -> None:
    check_fits(card, dataset)
    if goal not in GOALS:
        raise InputError(f"{goal!r} is no goal; choose {', '.join(GOALS)}")
    if goal == MASK:
        dataset.check_masked()
        if not target:
            raise InputError("the goal mask needs the image whose mask it is: --target-sample NAME")
    if not card.takes_gradients:
        raise InputError(f"{card.name} takes no gradients, and a universal change needs them")


def parted(dataset: Dataset, images: int) -> tuple[tuple[Sample, ...], tuple[Sample, ...]]:
    """Return the samples that can be learned on, and those to judge on.

    Args:
        dataset: The data set.
        images: How many are to be learned on, where no split says which are for it.
    """
    test = tuple(one for one in dataset.samples if one.split == "test")
    others = tuple(one for one in dataset.samples if one.split != "test")
    return (others, test) if test else (others[:images], others[images:])


def most_to_learn_on(dataset: Dataset) -> int:
    """Return on how many images a change can be learned at most, with one left to judge on."""
    seen, judged = parted(dataset, len(dataset.samples))
    return len(seen) if judged else len(dataset.samples) - 1


def stamp_of(card: ModelCard, dataset: Dataset, samples: Sequence[Sample]) -> str:
    """Return what changes when the network or one of these images or masks does.

    Raises:
        ModelError: The network's weights can't be read any more.
    """
    told = [network_hash(card), *(dataset.fingerprint(one) for one in samples)]
    return hashlib.sha256(" ".join(told).encode()).hexdigest()[:16]


def doubled(most: int) -> tuple[int, ...]:
    """Return 1, 2, 4, ... up to a number, which is the last."""
    counts = [2**power for power in range(most.bit_length()) if 2**power < most]
    return (*counts, most)
