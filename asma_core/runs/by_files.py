"""Runs carried out on another machine: all that is known of them comes and goes by files.

SQLite must not be opened over a network file system. So a worker elsewhere gets the runs with its
call and gives back how each ended; the server's process alone writes that into the database and
moves the files into place. Between them stand, in the folder that both see:

    inputs/HASH.npz            image and masks
    work/ID/live.json, ...     what the attack shows
    work/ID/attempt            the attempt that counts, the last that began: host, process, token
    work/ID/stop               somebody asked the run to stop
    work/ID/result-TOKEN/      the files of an attempt's result

Where a worker is taken for dead and its run is begun again elsewhere, it may still be alive: it
finds another's token and stops, and what it has written is nobody's.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from asma_core.errors import StoreError
from asma_core.files import as_store_error, write_bytes
from asma_core.runs.run import FAILED, Run
from asma_core.runs.spec import RunInputs
from asma_core.runs.store import STOP, read_inputs

ATTEMPT: Final = "attempt"


@dataclass(frozen=True)
class Outcome:
    """How a run ended elsewhere.

    Attributes:
        run_id: The run.
        state: In which it ended.
        message: Why, in a sentence; "" where there is nothing to say.
        results: Figures; empty without a result.
        token: Of the attempt, whose result lies in `staged`.
    """

    run_id: str
    state: str
    message: str
    results: Mapping[str, Any]
    token: str

    def staged(self, work_folder: Path) -> Path:
        """Return where the files of the result are."""
        return _staged(work_folder, self.token)


class RunsByFiles:
    """Keeps the records of runs without a database; see the module's text.

    Attributes:
        outcomes: Of those that have ended, by the run.
    """

    def __init__(self, home: Path, runs: Sequence[Run], others: Sequence[Run]) -> None:
        """Begin an attempt.

        Args:
            home: The data folder.
            runs: To be carried out.
            others: Finished ones that they are compared with.
        """
        self.outcomes: dict[str, Outcome] = {}
        self._home = home
        self._runs = {run.id: run for run in runs}
        self._others = list(others)
        self._token = f"{_host()}-{os.getpid()}-{secrets.token_hex(8)}"

    def get(self, run_id: str) -> Run:
        """Return a run as it was when it was handed over."""
        return self._runs[run_id]

    def claim(self, run_id: str) -> bool:
        """Begin an attempt, the only one that counts from now on; False when nobody waits for it.

        Raises:
            StoreError: This machine does not see the data folder.
        """
        if not (self._home / "work").is_dir():
            raise StoreError(
                f"a worker does not see the data folder {self._home}; mount it there, under the "
                "same path as on the server"
            )
        folder = self.work_folder(run_id)
        if not folder.is_dir():
            return False
        write_bytes(folder / ATTEMPT, self._token.encode())
        # What an attempt of before has shown, and its half result.
        for path in folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif path.name not in (STOP, ATTEMPT):
                path.unlink(missing_ok=True)
        return True

    def stop_wanted(self, run_id: str) -> bool:
        """Tell whether somebody asked to stop, or waits for another attempt or none."""
        return (self.work_folder(run_id) / STOP).exists() or not self._counts(run_id)

    def _counts(self, run_id: str) -> bool:
        file = self.work_folder(run_id) / ATTEMPT
        with as_store_error(file):
            try:
                return file.read_bytes() == self._token.encode()
            except FileNotFoundError:
                return False

    def finish(
        self, run_id: str, state: str, staged: Path, results: Mapping[str, Any], message: str = ""
    ) -> None:
        """Keep that a run ended with a result; its files stay staged."""
        self.outcomes[run_id] = Outcome(run_id, state, message, results, self._token)

    def fail(self, run_id: str, message: str, state: str = FAILED) -> None:
        """Keep that a run ended without a result, and why."""
        self.outcomes[run_id] = Outcome(run_id, state, message, {}, self._token)
        folder = self.work_folder(run_id)
        if not (folder / ATTEMPT).exists():
            # The server has settled the run; what was shown after that made the folder again.
            shutil.rmtree(folder, ignore_errors=True)

    def inputs(self, run: Run) -> RunInputs:
        """Read the image and the masks of a run.

        Raises:
            StoreError: The file is gone or damaged.
        """
        return read_inputs(self._home, run)

    def work_folder(self, run_id: str) -> Path:
        """Return where a running attack shows what it is at."""
        return self._home / "work" / run_id

    def staging_folder(self, run_id: str) -> Path:
        """Return where the files of this attempt's result are written aside.

        Raises:
            StoreError: It does not count any more, so nothing shall be written.
        """
        if not self._counts(run_id):
            raise StoreError(f"nobody waits for this attempt at run {run_id}; nothing is lost")
        return _staged(self.work_folder(run_id), self._token)

    def finished_with(self, inputs_hash: str) -> list[Run]:
        """Return the finished runs of the same image and target, as they were handed over."""
        return [run for run in self._others if run.spec.inputs_hash == inputs_hash]


def _host() -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", socket.gethostname())


def _staged(work_folder: Path, token: str) -> Path:
    return work_folder / f"result-{token}"
