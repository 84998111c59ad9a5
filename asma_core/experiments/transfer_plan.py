"""What is asked of transfer: which networks, attacked how, shown to each other on what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from asma_core.attacks.engine.projected import BUDGET_PRESETS
from asma_core.attacks.registry import ATTACKS, find_attack, suited
from asma_core.attacks.settings import AWAY, TOWARDS
from asma_core.data.datasets import open_dataset
from asma_core.errors import InputError
from asma_core.experiments.plan import Plan, Variant, plan_from_dict, variant
from asma_core.experiments.plan_folder import KeptPlan, PlanFolder
from asma_core.fields import declared
from asma_core.models.sources.cards import (
    check_fits,
    find_card,
    model_cards,
    unfit_member,
    weights_hash,
)
from asma_core.models.sources.ensembles import MOST_MEMBERS, ensemble, keep_ensemble
from asma_core.models.sources.model_card import ModelCard
from asma_core.models.sources.names import free_model_name
from asma_core.runs.execution import DEFAULT, Execution

# What the row of the ensembles of all but one is called.
OTHERS: Final = "all others"
# Where a goal leads, as it is asked for.
GOALS: Final = {"towards": TOWARDS, "away": AWAY}
# Of the attacks that lead away: what counts is that half of the outline is gone, not all of it.
USUAL_LOSS: Final = "0.5"
# Settings of the attacks by a budget that make files for other networks, as texts.
MADE_TO_TRANSFER: Final = {
    name: str(value).lower() for name, value in BUDGET_PRESETS["transfer"].items()
}


@dataclass(frozen=True)
class TransferPlan(KeptPlan):
    """What is asked.

    Attributes:
        models: Names of the networks, each attacked and each shown the files of the others.
        dataset: Name or folder of the data set.
        pairs: Names of an image and of the image whose mask is its target.
        attacks: The attacks with their settings; see `asked_attacks`.
        others: Whether the ensemble of all networks but one is attacked too, for that one.
        execution: How the runs are carried out.
    """

    models: tuple[str, ...]
    dataset: str
    pairs: tuple[tuple[str, str], ...]
    attacks: tuple[Variant, ...]
    others: bool = True
    execution: Execution = DEFAULT

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, as `transfer_plan_from_dict` takes them."""
        own = Plan("", self.dataset, self.pairs, self.attacks, self.execution).as_dict()
        return own | {"models": list(self.models), "others": self.others}


def transfer_plan_from_dict(values: Mapping[str, Any]) -> TransferPlan:
    """Return the plan that `TransferPlan.as_dict` made plain."""
    rest = dict(values)
    models, others = tuple(rest.pop("models")), bool(rest.pop("others"))
    own = plan_from_dict(rest)
    return TransferPlan(models, own.dataset, own.pairs, own.variants, others, own.execution)


class TransferPlans(PlanFolder[TransferPlan]):
    """The plans that somebody asked for, each a file of the data folder."""

    def __init__(self, home: Path) -> None:
        """Find them under `home`/transfer."""
        super().__init__(home / "transfer", transfer_plan_from_dict)


def asked_attacks(
    names: Iterable[str], goals: Sequence[str], settings: Mapping[str, str], loss: str = USUAL_LOSS
) -> tuple[Variant, ...]:
    """Return the attacks, each towards the target, away from the prediction, or both.

    Args:
        names: Of attacks.
        goals: Of `GOALS`; an attack that can't lead away is asked for towards the target alone.
        settings: Of the attacks, as texts; those that one does not have are left.
        loss: How much of the IoU with the prediction must be lost for a success away from it.

    Raises:
        UnknownNameError: No such attack.
        InputError: No such goal, a value outside its range, or nothing is left to attack with.
    """
    unknown = [goal for goal in goals if goal not in GOALS]
    if unknown:
        raise InputError(f"{unknown[0]!r} is no goal; choose {' or '.join(GOALS)}, or both")
    found = []
    for name in names:
        leads = "goal_is" in declared(find_attack(name).config)
        if "towards" in goals:
            found.append(variant(name, {**settings, "goal_is": TOWARDS}))
        if "away" in goals and leads:
            away = variant(name, {**settings, "goal_is": AWAY, "target_iou": loss})
            found.append(replace(away, label=f"{name}, away"))
    if not found:
        raise InputError("none of these attacks leads away; add pgd, or the goal towards")
    return tuple(found)


def attack_title(label: str) -> str:
    """Return the title of an attack for a row's label, such as "PGD (away)" for "pgd, away"."""
    name, _, rest = label.partition(",")
    known = ATTACKS[name].title if name in ATTACKS else name
    return f"{known} ({rest.strip()})" if rest else known


@dataclass(frozen=True)
class Attacker:
    """A network that is attacked, and whom its files are shown to.

    Attributes:
        label: Its name, or `OTHERS`.
        card: The network.
        shown_to: Names of networks.
        part: Its experiment.
    """

    label: str
    card: ModelCard
    shown_to: tuple[str, ...]
    part: Plan


def attackers(plan: TransferPlan) -> list[Attacker]:
    """Return each network, then for each the ensemble of all others, which is kept if it is new.

    A network without gradients is attacked by black boxes alone, and is in no ensemble; with fewer
    than two others there is none.

    Raises:
        UnknownNameError: There is no such network or data set.
        InputError: Fewer than two networks, one twice, or classes that differ.
        StoreError: The data folder can't be written.
    """
    cards = networks(plan)
    every = tuple(cards)
    alone = [(name, card, every) for name, card in cards.items()]
    asked = [*alone, *(_all_but(cards) if plan.others else [])]
    found = []
    for label, card, shown_to in asked:
        suits = suited(card.takes_gradients)
        rows = tuple(row for row in plan.attacks if row.attack in suits)
        if rows:
            part = Plan(card.name, plan.dataset, plan.pairs, rows, plan.execution)
            found.append(Attacker(label, card, shown_to, part))
    return found


def networks(plan: TransferPlan) -> dict[str, ModelCard]:
    """Return the networks by their names, checked; see `attackers`."""
    if len(plan.models) < 2:
        raise InputError("transfer is from one network to another; name two or more")
    twice = [name for place, name in enumerate(plan.models) if name in plan.models[:place]]
    if twice:
        raise InputError(f"{twice[0]} is named twice; name each network once")
    dataset = open_dataset(plan.dataset)
    cards = {name: find_card(name) for name in plan.models}
    for card in cards.values():
        check_fits(card, dataset)
    return cards


def _all_but(cards: Mapping[str, ModelCard]) -> list[tuple[str, ModelCard, tuple[str, ...]]]:
    found: list[tuple[str, ModelCard, tuple[str, ...]]] = []
    for name, own in cards.items():
        members = [
            other
            for other, card in cards.items()
            if other != name
            and card.classes == own.classes
            and not unfit_member(card, len(own.classes))
        ][:MOST_MEMBERS]
        if len(members) >= 2:
            found.append((OTHERS, _kept(members, name), (name,)))
    return found


def _kept(members: list[str], but: str) -> ModelCard:
    """Return the ensemble of some networks: one that is kept already, else a new one."""
    wanted = weights_hash(ensemble(members, "wanted"))
    for card in model_cards().values():
        if set(card.members) == set(members) and not card.defences and weights_hash(card) == wanted:
            return card
    return keep_ensemble(members, free_model_name(f"all-but-{but}"))
