"""What an experiment is: pairs of images and target masks, times attacks with their settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from asma_core.attacks.registry import find_attack
from asma_core.attacks.settings import AWAY, TOWARDS
from asma_core.data.datasets import Dataset
from asma_core.errors import InputError
from asma_core.fields import config_from_dict, config_from_text
from asma_core.runs.execution import DEFAULT, Execution, split_off


@dataclass(frozen=True)
class Variant:
    """One attack with its settings: a row of the table.

    Attributes:
        label: What the row is called.
        attack: Name of the attack.
        config: All its settings.
        study: Whether it belongs to the study of the distance term.
    """

    label: str
    attack: str
    config: Mapping[str, Any]
    study: bool = False


@dataclass(frozen=True)
class Plan:
    """An experiment.

    Attributes:
        model: Name of the network.
        dataset: Name or folder of the data set.
        pairs: Names of an image and of the image whose mask is its target.
        variants: The rows of the table.
        execution: How the runs are carried out.
    """

    model: str
    dataset: str
    pairs: tuple[tuple[str, str], ...]
    variants: tuple[Variant, ...]
    execution: Execution = DEFAULT

    def cells(self) -> list[tuple[tuple[str, str], Variant]]:
        """Return pair and row of each run, image by image and within it row by row."""
        return [(pair, row) for pair in self.pairs for row in self.variants]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, as `plan_from_dict` takes them."""
        values = asdict(self)
        del values["execution"]
        return values | self.execution.recorded()


def plan_from_dict(values: Mapping[str, Any]) -> Plan:
    """Return the plan that `Plan.as_dict` made plain."""
    pairs = tuple((str(one), str(other)) for one, other in values["pairs"])
    rows = tuple(Variant(**row) for row in values["variants"])
    execution, rest = split_off(values)
    return Plan(**(rest | {"pairs": pairs, "variants": rows, "execution": execution}))


def pairs_of(dataset: Dataset, count: int) -> tuple[tuple[str, str], ...]:
    """Pair each test image with the masks that follow, one further on in each round.

    Without masks each image is its own other, once: there is nothing to lead to, only away.

    Args:
        dataset: Its test images, or all where there is no test split.
        count: How many pairs, at least 1.

    Raises:
        InputError: Fewer than two images, or more pairs than there are.
    """
    samples = dataset.split("test") or dataset.samples
    total = len(samples)
    if not dataset.masked:
        if count > total:
            raise InputError(
                f"{count} are more than the {total} images that {dataset.name} has; ask for fewer"
            )
        return tuple((one.name, one.name) for one in samples[:count])
    if total < 2:
        raise InputError(f"{dataset.name} has {total} images to attack; two are needed for a pair")
    if count > total * (total - 1):
        raise InputError(
            f"{count} pairs are more than the {total * (total - 1)} that {dataset.name} has; "
            "ask for fewer"
        )
    places = [(n % total, (n + 1 + n // total) % total) for n in range(count)]
    return tuple((samples[i].name, samples[j].name) for i, j in places)


def check_goals(dataset: Dataset, rows: Sequence[Variant]) -> None:
    """Check that attacks have something to lead to, or away from.

    Raises:
        InputError: The data set has no masks, and one leads towards a mask or away from the truth.
    """
    for row in rows if not dataset.masked else ():
        if row.config.get("goal_is", TOWARDS) != AWAY:
            raise InputError(
                f"{dataset.name} has no masks, so {row.label} has no target; choose an attack that "
                f'leads away from the prediction, such as pgd with --set "goal_is={AWAY}"'
            )


def variant(attack: str, settings: Mapping[str, str]) -> Variant:
    """Make a row from an attack's name and settings as texts; settings it does not have are left.

    Raises:
        UnknownNameError: No such attack.
        InputError: A value outside its range.
    """
    entry = find_attack(attack)
    known = config_from_dict(entry.config, {}).as_dict()
    own = {name: text for name, text in settings.items() if name in known}
    return Variant(entry.name, attack, config_from_text(entry.config, own).as_dict())


def distance_study(
    attack: str, weights: Sequence[str], settings: Mapping[str, str]
) -> tuple[Variant, ...]:
    """Make the rows of the distance term's study: one attack, its distance weight varied.

    Raises:
        InputError: The attack has no distance term, or a weight is no number.
    """
    if "distance_weight" not in config_from_dict(find_attack(attack).config, {}).as_dict():
        raise InputError(f"{attack} has no distance term; study asma, asm, ssm or ssm-dpm")
    return tuple(
        replace(
            variant(attack, {**settings, "distance_weight": weight}),
            label=f"{attack}, distance {weight}",
            study=True,
        )
        for weight in weights
    )
