"""All attacks by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from asma_core.attacks.budget_configs import BudgetConfig, CosPgdConfig, DagConfig
from asma_core.attacks.configs import CommonConfig, ConstantConfig, DynamicConfig
from asma_core.attacks.ensemble_configs import EnsembleConfig, SquareConfig, WorstCaseConfig
from asma_core.attacks.minimal_configs import MinimalConfig
from asma_core.attacks.proximal_configs import AlmaConfig, PdpgdConfig
from asma_core.errors import UnknownNameError

if TYPE_CHECKING:
    from asma_core.attacks.contract import Attack

PAPER: Final = {"target_iou": 1.0, "steps": 2501, "stop_at_target": False, "rounding": False}
DYNAMIC_PRESETS: Final = {
    "quick": {"steps": 100, "target_iou": 0.9},
    "strong": {"steps": 1000, "target_iou": 0.99},
    "paper": PAPER | {"tau": 1e-7, "beta": 1e-6},
}
CONSTANT_PRESETS: Final = DYNAMIC_PRESETS | {"paper": PAPER | {"alpha": 1e-6}}

BUDGET_PRESETS: Final[Mapping[str, Mapping[str, Any]]] = {
    "quick": {"steps": 40, "target_iou": 0.9},
    "strong": {"steps": 300},
}


@dataclass(frozen=True)
class AttackEntry:
    """An attack of the registry.

    Attributes:
        name: On the command line and in records.
        title: For people.
        summary: One line: how it works.
        source: Paper and place.
        config: Class of its settings.
        function: Where it is, as "module:name"; imported when it is first called.
        presets: Settings that differ from the defaults, by the preset's name.
        black_box: Whether it uses no gradients.
    """

    name: str
    title: str
    summary: str
    source: str
    config: type[CommonConfig]
    function: str
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    black_box: bool = False

    def load(self) -> Attack:
        """Import the attack."""
        module, _, name = self.function.partition(":")
        attack: Attack = getattr(import_module(module), name)
        return attack


_ENTRIES: Final = (
    AttackEntry(
        "asma",
        "ASMA",
        "Raises the target's logit on the pixels that are not there yet; the multiplier grows "
        "with the overlap.",
        "arXiv:1907.13124, ASM + DPM",
        DynamicConfig,
        "asma_core.attacks.asma:ASMA",
        DYNAMIC_PRESETS,
    ),
    AttackEntry(
        "asm",
        "ASM",
        "As ASMA, with a constant multiplier.",
        "arXiv:1907.13124, eq. 4",
        ConstantConfig,
        "asma_core.attacks.asma:ASM",
        CONSTANT_PRESETS,
    ),
    AttackEntry(
        "ssm-dpm",
        "SSM + DPM",
        "Raises the target's logit on all pixels; the multiplier grows with the overlap.",
        "arXiv:1907.13124, eq. 3 and 5",
        DynamicConfig,
        "asma_core.attacks.asma:SSM_DPM",
        DYNAMIC_PRESETS,
    ),
    AttackEntry(
        "ssm",
        "SSM",
        "Raises the target's logit on all pixels, with a constant multiplier.",
        "arXiv:1907.13124, eq. 3",
        ConstantConfig,
        "asma_core.attacks.asma:SSM",
        CONSTANT_PRESETS,
    ),
    AttackEntry(
        "minimal",
        "Minimal",
        "The smallest change whose saved file reaches the target, by shrinking a ball around the "
        "original; nothing is to be tuned.",
        "ours; direction and norm decoupled as in arXiv:1811.09600",
        MinimalConfig,
        "asma_core.attacks.minimal:MINIMAL",
        {"quick": {"steps": 50, "target_iou": 0.9}, "strong": {"steps": 500}},
    ),
    AttackEntry(
        "pgd",
        "PGD",
        "Signed (or unit) steps down the mean cross-entropy within a budget.",
        "arXiv:1706.06083",
        BudgetConfig,
        "asma_core.attacks.pgd:PGD",
        BUDGET_PRESETS,
    ),
    AttackEntry(
        "segpgd",
        "SegPGD",
        "PGD that turns from pixels still to be won to those that are.",
        "arXiv:2207.12391",
        BudgetConfig,
        "asma_core.attacks.segpgd:SEGPGD",
        BUDGET_PRESETS,
    ),
    AttackEntry(
        "cospgd",
        "CosPGD",
        "PGD that weighs pixels by how well softmax and label agree.",
        "arXiv:2302.02213",
        CosPgdConfig,
        "asma_core.attacks.cospgd:COSPGD",
        BUDGET_PRESETS,
    ),
    AttackEntry(
        "dag",
        "DAG",
        "Raises the target over its rival where it is not there; no budget.",
        "arXiv:1703.08603",
        DagConfig,
        "asma_core.attacks.dag:DAG",
        {},
    ),
    AttackEntry(
        "alma-prox",
        "ALMA prox",
        "The smallest Linf change: augmented Lagrangian with a proximal step.",
        "arXiv:2206.07179",
        AlmaConfig,
        "asma_core.attacks.alma_prox:ALMA_PROX",
    ),
    AttackEntry(
        "pdpgd",
        "PDPGD",
        "The smallest L2 or Linf change: primal-dual proximal gradient descent.",
        "arXiv:2106.01538",
        PdpgdConfig,
        "asma_core.attacks.pdpgd:PDPGD",
    ),
    AttackEntry(
        "apgd-ensemble",
        "APGD ensemble",
        "Three losses with shrinking radii and step sizes of their own; the worst counts.",
        "arXiv:2306.12941",
        EnsembleConfig,
        "asma_core.attacks.apgd:APGD_ENSEMBLE",
        {},
    ),
    AttackEntry(
        "square",
        "Square (black box)",
        "Random squares of plus or minus the budget; asks for no gradient.",
        "arXiv:1912.00049",
        SquareConfig,
        "asma_core.attacks.square:SQUARE",
        {},
        black_box=True,
    ),
    AttackEntry(
        "worst-case",
        "Worst case",
        "Minimal, ASMA and PGD on every image; the nearest success counts.",
        "several attacks",
        WorstCaseConfig,
        "asma_core.attacks.worst_case:WORST_CASE",
        {},
    ),
)
ATTACKS: Final = {entry.name: entry for entry in _ENTRIES}


def find_attack(name: str) -> AttackEntry:
    """Return the attack of that name.

    Raises:
        UnknownNameError: There is none.
    """
    if name not in ATTACKS:
        raise UnknownNameError("attack", name, ATTACKS)
    return ATTACKS[name]
