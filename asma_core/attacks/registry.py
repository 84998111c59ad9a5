"""All attacks by name, in the order in which they are offered: one line an attack."""

from __future__ import annotations

from typing import Final

from asma_core.attacks import (
    alma_prox,
    apgd,
    cospgd,
    dag,
    dla,
    evade,
    pdpgd,
    pgd,
    segpgd,
    square,
    worst_case,
)
from asma_core.attacks.asma import attack as asma
from asma_core.attacks.contract import AttackEntry
from asma_core.attacks.minimal import attack as minimal
from asma_core.errors import InputError, UnknownNameError

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
    evade.ENTRY,
    square.ENTRY,
    dla.ENTRY,
    worst_case.ENTRY,
)
ATTACKS: Final = {entry.name: entry for entry in _ENTRIES}


def suited(takes_gradients: bool) -> dict[str, AttackEntry]:
    """Return the attacks by name that suit a network; without gradients only black boxes do."""
    return {name: entry for name, entry in ATTACKS.items() if takes_gradients or entry.black_box}


def check_suits(entry: AttackEntry, network: str, takes_gradients: bool) -> None:
    """Check that an attack can attack a network.

    Args:
        entry: The attack.
        network: What to call the network.
        takes_gradients: Whether gradients flow through it.

    Raises:
        InputError: It needs gradients, and the network takes none.
    """
    if entry.name not in suited(takes_gradients):
        raise InputError(
            f"{network} is a black box (ONNX), which takes no gradients, and {entry.name} needs "
            f"them; choose {', '.join(suited(takes_gradients))}"
        )


def find_attack(name: str) -> AttackEntry:
    """Return the attack of that name.

    Raises:
        UnknownNameError: There is none.
    """
    if name not in ATTACKS:
        raise UnknownNameError("attack", name, ATTACKS)
    return ATTACKS[name]
