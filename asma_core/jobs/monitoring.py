"""How a server stands, in figures: what waits and runs, disk, GPU; as Prometheus reads them.

The format is the text of https://prometheus.io/docs/instrumenting/exposition_formats/ (0.0.4).
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from asma_core.files import as_store_error
from asma_core.runs.database import Database
from asma_core.runs.run import QUEUED, RUNNING
from asma_core.version import __version__

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
# Tables of jobs, and what a job of each is called.
KINDS: Final = {"runs": "run", "trainings": "training", "universal": "universal"}
# Looking at every file of a large folder takes seconds.
MEASURED_EVERY: Final = 600.0
_GPU_QUESTION: Final = (
    "--query-gpu=index,memory.used,memory.total",
    "--format=csv,noheader,nounits",
)
_GPU_WAIT: Final = 20.0
_MIB: Final = 2**20


@dataclass(frozen=True)
class Gauge:
    """One figure, or one for each of several things.

    Attributes:
        name: Ends with the unit.
        help: What it is.
        values: By the label's values.
        label: Its name; "" where there is none.
    """

    name: str
    help: str
    values: Mapping[str, float]
    label: str = ""

    def lines(self) -> Iterator[str]:
        """Yield the lines of Prometheus' text."""
        yield f"# HELP {self.name} {self.help}"
        yield f"# TYPE {self.name} gauge"
        for of, value in self.values.items():
            named = f'{{{self.label}="{_escaped(of)}"}}' if self.label else ""
            yield (
                f"{self.name}{named} {value:g}"
                if value != int(value)
                else (f"{self.name}{named} {int(value)}")
            )


def prometheus_text(gauges: Iterable[Gauge]) -> str:
    """Return the text; a figure without a value is left out."""
    lines = [line for gauge in gauges if gauge.values for line in gauge.lines()]
    return "\n".join(lines) + "\n"


class Monitor:
    """Looks at a data folder and the machine."""

    def __init__(self, home: Path) -> None:
        """Look at a data folder.

        Raises:
            StoreError: Its database can't be opened.
        """
        self._home = home
        self._database = Database(home / "runs.sqlite")
        self._folder = _FolderSize(home)

    def text(self) -> str:
        """Return all figures.

        Raises:
            StoreError: The store can't be read.
        """
        return prometheus_text([*self._jobs(), *self._disk(), *gpu_memory(), *_processes()])

    def _jobs(self) -> list[Gauge]:
        found = {kind: self._counts(table) for table, kind in KINDS.items()}
        waiting = {kind: counts.get(QUEUED, 0) for kind, counts in found.items()}
        running = {kind: counts.get(RUNNING, 0) for kind, counts in found.items()}
        oldest = {kind: self._waited(table) for table, kind in KINDS.items()}
        return [
            Gauge("asma_queue_length", "Jobs that wait for their turn.", waiting, "kind"),
            Gauge("asma_running", "Jobs under way.", running, "kind"),
            Gauge("asma_oldest_waiting_seconds", "How long the first waits.", oldest, "kind"),
            Gauge("asma_runs", "Runs in the store.", found["run"], "state"),
        ]

    def _counts(self, table: str) -> dict[str, float]:
        query = f"SELECT state, count(*) FROM {table} GROUP BY state ORDER BY state"
        with self._database.reading() as database:
            return {row[0]: row[1] for row in database.execute(query)}

    def _waited(self, table: str) -> float:
        query = f"SELECT min(created) FROM {table} WHERE state = ?"
        with self._database.reading() as database:
            since = database.execute(query, (QUEUED,)).fetchone()[0]
        return 0.0 if since is None else max(round(time.time() - since, 1), 0.0)

    def _disk(self) -> list[Gauge]:
        with as_store_error(self._home):
            disk = shutil.disk_usage(self._home)
        size = self._folder.last()
        used = {} if size is None else {"": float(size)}
        return [
            Gauge("asma_disk_free_bytes", "Free on the data folder's disk.", {"": disk.free}),
            Gauge("asma_disk_total_bytes", "Size of the data folder's disk.", {"": disk.total}),
            Gauge("asma_data_folder_bytes", "What the data folder holds.", used),
        ]


def gpu_memory() -> list[Gauge]:
    """Return the memory of each GPU, as the driver says; nothing where there is none.

    Asked of `nvidia-smi`, as the server's process has no torch.
    """
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    try:
        answer = subprocess.run(
            [program, *_GPU_QUESTION],
            capture_output=True, text=True, timeout=_GPU_WAIT, check=True,
        )  # fmt: skip
        rows = [line.split(",") for line in answer.stdout.splitlines()]
        used = {row[0].strip(): float(row[1]) * _MIB for row in rows}
        total = {row[0].strip(): float(row[2]) * _MIB for row in rows}
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        # A driver without a GPU, or one that hangs, must not hide the other figures.
        return []
    return [
        Gauge("asma_gpu_memory_used_bytes", "Memory in use.", used, "gpu"),
        Gauge("asma_gpu_memory_total_bytes", "Memory that there is.", total, "gpu"),
    ]


def _processes() -> list[Gauge]:
    alive = len(multiprocessing.active_children())
    return [
        Gauge("asma_worker_processes", "Living worker processes of this server.", {"": alive}),
        Gauge("asma_info", "The workbench's version.", {__version__: 1}, "version"),
    ]


class _FolderSize:
    """How much a folder holds, measured now and then in a thread of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._begun = -MEASURED_EVERY
        self._size: int | None = None

    def last(self) -> int | None:
        """Return the size in bytes; None before it was measured for the first time."""
        with self._lock:
            if time.monotonic() - self._begun >= MEASURED_EVERY:
                self._begun = time.monotonic()
                threading.Thread(target=self._measure, daemon=True).start()
        return self._size

    def _measure(self) -> None:
        self._size = sum(_sizes(self._folder))


def _sizes(folder: Path) -> Iterator[int]:
    """Yield the bytes on the disk of each file below; what goes meanwhile is left out."""
    for above, _, names in os.walk(folder):
        for name in names:
            try:
                yield (Path(above) / name).lstat().st_blocks * 512
            except FileNotFoundError:
                continue


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
