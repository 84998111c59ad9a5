"""What a trained network is called where nobody says."""

from __future__ import annotations

from typing import Final

from asma_core.models.sources.names import network_name

# The kind of a training that attacks nothing.
PLAIN: Final = "none"


def usual_name(dataset: str, start: str, adversarial: str, architecture: str) -> str:
    """Return what a network is called where nobody says.

    Args:
        dataset: Name of what it is trained on.
        start: Of the network that it starts from, or "".
        adversarial: As in a plan.
        architecture: Of a fresh one.
    """
    name = start or network_name(dataset, architecture)
    if adversarial != PLAIN:
        return f"{name}-robust"
    return f"{name}-tuned" if start else name
