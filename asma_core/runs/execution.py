"""How a run is carried out: all that is asked for beside network, image, target and attack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from asma_core.errors import InputError
from asma_core.models.wrapper.precision import AUTO, PRECISIONS

LARGEST_SEED: Final = 2**63 - 1


@dataclass(frozen=True)
class Execution:
    """How a run is carried out.

    A new argument is a field here and what `runs.execute` does with it: requests, records, plans
    and hashes carry it along.

    Attributes:
        device: "auto", "cpu", "cuda" or "cuda:N".
        seed: Of torch's generator, at least 0.
        precision: Of the attack's passes; see `asma_core.models.wrapper.backend`.
        compiled: Whether the network is compiled for the attack.
    """

    device: str = "auto"
    seed: int = 0
    precision: str = AUTO
    compiled: bool = False

    def check(self) -> None:
        """Check the values.

        Raises:
            InputError: One is out of range.
        """
        if not 0 <= self.seed <= LARGEST_SEED:
            raise InputError(
                f"seed is {self.seed}; it must be at least 0 and at most {LARGEST_SEED}"
            )
        if self.precision not in PRECISIONS:
            raise InputError(
                f"no precision is called {self.precision!r}; choose {', '.join(PRECISIONS)}"
            )

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


DEFAULT: Final = Execution()


def split_off(values: Mapping[str, Any]) -> tuple[Execution, dict[str, Any]]:
    """Return the execution among the values of a record, which holds them flat, and the others."""
    names = {item.name for item in fields(Execution)}
    own = {name: value for name, value in values.items() if name in names}
    return Execution(**own), {name: value for name, value in values.items() if name not in names}
