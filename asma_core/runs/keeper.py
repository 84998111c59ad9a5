"""What carrying a run out asks of whoever keeps its record: the store, or files alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from asma_core.runs.run import FAILED, Run
from asma_core.runs.spec import RunInputs


class RunKeeper(Protocol):
    """Keeps the records of runs that are carried out; `RunStore` is one."""

    def get(self, run_id: str, /) -> Run:
        """Return a run."""
        ...

    def claim(self, run_id: str, /) -> bool:
        """Take a run for this process; False when it is not to be carried out any more."""
        ...

    def finish(
        self, run_id: str, state: str, staged: Path, results: Mapping[str, Any], message: str = ""
    ) -> None:
        """Say that a run ended with a result, whose files are staged."""
        ...

    def fail(self, run_id: str, message: str, state: str = FAILED) -> None:
        """Say that a run ended without a result, and why."""
        ...

    def stop_wanted(self, run_id: str, /) -> bool:
        """Tell whether a run shall stop."""
        ...

    def inputs(self, run: Run, /) -> RunInputs:
        """Read the image and the masks of a run."""
        ...

    def work_folder(self, run_id: str, /) -> Path:
        """Return where a running attack shows what it is at."""
        ...

    def staging_folder(self, run_id: str, /) -> Path:
        """Return where the files of a run's result are written aside."""
        ...

    def finished_with(self, inputs_hash: str, /) -> list[Run]:
        """Return the runs that finished with the same image and target."""
        ...
