"""All attacks by name, in the order in which they are offered: one line an attack."""

from __future__ import annotations

from typing import Final

from asma_core.attacks import (
    alma_prox,
    apgd,
    cospgd,
    dag,
    pdpgd,
    pgd,
    segpgd,
    square,
    worst_case,
)
from asma_core.attacks.asma import attack as asma
from asma_core.attacks.contract import AttackEntry
from asma_core.attacks.minimal import attack as minimal
from asma_core.errors import UnknownNameError

_ENTRIES: Final[tuple[AttackEntry, ...]] = (
    *asma.ENTRIES,
    minimal.ENTRY,
    pgd.ENTRY,
    segpgd.ENTRY,
    cospgd.ENTRY,
    dag.ENTRY,
    alma_prox.ENTRY,
    pdpgd.ENTRY,
    apgd.ENTRY,
    square.ENTRY,
    worst_case.ENTRY,
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
