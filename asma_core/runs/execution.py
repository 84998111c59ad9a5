"""How a run is carried out: all that is asked for beside network, image, target and attack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from asma_core.fields import Settings, setting
from asma_core.models.wrapper.precision import AUTO, Precision

LARGEST_SEED: Final = 2**63 - 1
# Fields that records of before 2026-11-30 don't have; off, they change nothing.
_LATER: Final = ("survives",)


@dataclass(frozen=True)
class Execution(Settings):
    """How a run is carried out.

    A new argument is a field here and what `runs.execute` does with it: forms, options of the
    command line, requests, records, plans and hashes carry it along.

    Raises:
        InputError: A value of another type or outside its range.
    """

    device: str = setting(
        "auto",
        "Device",
        "auto: the GPU with the most free memory, else the CPU.",
        offered={"auto": "auto", "cpu": "cpu", "cuda": "cuda"},
    )
    seed: int = setting(
        0,
        "Seed",
        "Of torch's generator. The same seed on the same CPU gives the same files.",
        minimum=0,
        maximum=LARGEST_SEED,
    )
    precision: Precision = setting(
        AUTO,
        "Precision",
        "Of the attack's passes; what is scored is always float32. auto: TF32 on a GPU that has "
        "it, else float32.",
    )
    compiled: bool = setting(
        False,
        "Compile the network",
        "Half a minute once for each network, image size and number of images at once; then each "
        "step is faster. It pays from some hundred steps on.",
        option="compile",
    )
    survives: bool = setting(
        False,
        "Made to survive",
        "The search goes through random draws of JPEG, resizing, a turn and noise, so that the "
        "change is still there after them. About five times as long a step, and a larger change; "
        "what counts is the network itself on the saved file, as ever.",
        option="survive",
    )

    def recorded(self) -> dict[str, Any]:
        """Return the values for a record, as plain types.

        What came later than records is there only where it is not as before, so that an old run
        and a new one of the same have the same record, hashes and plan.
        """
        values = self.as_dict()
        return {name: value for name, value in values.items() if name not in _LATER or value}


DEFAULT: Final = Execution()


def split_off(values: Mapping[str, Any]) -> tuple[Execution, dict[str, Any]]:
    """Return the execution among the values of a record, which holds them flat, and the others."""
    names = {item.name for item in fields(Execution)}
    own = {name: value for name, value in values.items() if name in names}
    return Execution(**own), {name: value for name, value in values.items() if name not in names}
