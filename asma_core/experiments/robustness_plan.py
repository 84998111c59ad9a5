"""What is asked of defences: which, against which attacks, before which network and on what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from asma_core.attacks.registry import ATTACKS
from asma_core.defences.contract import Defence
from asma_core.defences.registry import in_words
from asma_core.errors import InputError
from asma_core.experiments.plan import Plan, Variant, plan_from_dict
from asma_core.experiments.plan_files import PlanFiles, id_of
from asma_core.fields import named_values_in
from asma_core.models.sources.cards import find_card, model_cards, weights_hash
from asma_core.models.sources.defending import defence_from_text, keep_defended
from asma_core.models.sources.model_card import ModelCard
from asma_core.models.sources.names import free_model_name
from asma_core.runs.execution import DEFAULT, Execution

# Uses no gradients, so that no defence can hide any from it.
BLACK_BOX: Final = "square"


@dataclass(frozen=True)
class RobustnessPlan:
    """What is asked.

    Attributes:
        model: Name of the bare network.
        dataset: Name or folder of the data set.
        pairs: Names of an image and of the image whose mask is its target.
        attacks: The attacks with their settings, the black box among them.
        defences: Each stands before the network by itself.
        execution: How the runs are carried out.
    """

    model: str
    dataset: str
    pairs: tuple[tuple[str, str], ...]
    attacks: tuple[Variant, ...]
    defences: tuple[Defence, ...]
    execution: Execution = DEFAULT

    def part(self, network: str) -> Plan:
        """Return the experiment of one of its networks."""
        return Plan(network, self.dataset, self.pairs, self.attacks, self.execution)

    @property
    def total(self) -> int:
        """How many runs it takes."""
        return len(self.pairs) * len(self.attacks) * (1 + len(self.defences))

    @property
    def id(self) -> str:
        """Eight hexadecimal digits; the same for the same plan."""
        return id_of(self.as_dict())

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, as `robustness_plan_from_dict` takes them."""
        defences = [asdict(defence) for defence in self.defences]
        return self.part(self.model).as_dict() | {"defences": defences}


def robustness_plan_from_dict(values: Mapping[str, Any]) -> RobustnessPlan:
    """Return the plan that `RobustnessPlan.as_dict` made plain."""
    rest = dict(values)
    defences = tuple(Defence(**defence) for defence in rest.pop("defences"))
    own = plan_from_dict(rest)
    return RobustnessPlan(own.model, own.dataset, own.pairs, own.variants, defences, own.execution)


def with_check(attacks: list[str]) -> list[str]:
    """Return names of attacks with the black box among them, which is the check of the others."""
    checked = any(name in ATTACKS and ATTACKS[name].black_box for name in attacks)
    return attacks if checked else [*attacks, BLACK_BOX]


def networks(plan: RobustnessPlan) -> list[ModelCard]:
    """Return the bare network, and it behind each defence, under a name of its own.

    Raises:
        UnknownNameError: There is no such network.
        InputError: It stands behind a defence itself, or Python code makes it.
        StoreError: The data folder can't be written.
    """
    bare = find_card(plan.model)
    if bare.defences:
        raise InputError(
            f"{bare.name} stands behind a defence already; name the bare network, {bare.base}"
        )
    return [bare, *(behind(bare, defence) for defence in plan.defences)]


def behind(bare: ModelCard, defence: Defence) -> ModelCard:
    """Return the network behind a defence: one that is kept already, else a new one.

    Raises:
        UnknownNameError, InputError, StoreError: As for `keep_defended`.
    """
    words = in_words([defence])
    for card in model_cards().values():
        mine = card.base == bare.name and in_words(card.defences) == words
        if mine and weights_hash(card) == weights_hash(bare):
            return card
    return keep_defended(bare, defence, free_model_name(f"{bare.name}-{defence.name}"))


def parsed(text: str) -> Defence | None:
    """Return the defence that a text means, such as "jpeg" or "jpeg:quality=85"; None of "none".

    Raises:
        UnknownNameError: No such defence, or no such setting.
        InputError: A text that is no value, or a value outside its range.
    """
    if text.partition(":")[0] == "none":
        return None
    return defence_from_text(*named_values_in(text, "defence", "jpeg or jpeg:quality=85"))


class RobustnessPlans(PlanFiles[RobustnessPlan]):
    """The plans that somebody asked for, each a file of the data folder."""

    def __init__(self, home: Path) -> None:
        """Find them under `home`/robustness."""
        super().__init__(home / "robustness", robustness_plan_from_dict, "Defences")
