"""A scheduler and workers of Dask, each a process of this machine."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from asma_core.jobs.cluster import cluster_at

PROJECT = Path(__file__).resolve().parents[2]
# A worker that does not hear of the scheduler for so long gives up; nobody stays after a test.
_ENVIRONMENT = {"DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "60s"}


class LocalCluster:
    """A scheduler and what joined it.

    Attributes:
        address: As config.toml names it.
        workers: The processes.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self._tcp = f"tcp://127.0.0.1:{self._port}"
        self.address = f"dask://127.0.0.1:{self._port}"
        self.workers: list[subprocess.Popen[bytes]] = []
        self.start_scheduler()

    def start_scheduler(self) -> None:
        """Start the scheduler, at first or after it was killed."""
        self._scheduler = self._start(
            "scheduler", "--host", "127.0.0.1", "--port", str(self._port), "--no-dashboard"
        )

    def kill_scheduler(self) -> None:
        """Kill the scheduler."""
        self._scheduler.kill()
        self._scheduler.wait()

    def join(self, resources: str = "RUN=1", nanny: bool = False) -> subprocess.Popen[bytes]:
        """Start one more worker, or a nanny that does, and again when it is gone."""
        worker = self._start(
            "worker", self._tcp, "--nthreads", "1", "--nanny" if nanny else "--no-nanny",
            "--no-dashboard",
            "--memory-limit", "0", "--resources", resources,
            "--local-directory", str(self._folder), "--name", f"worker-{len(self.workers)}",
        )  # fmt: skip
        self.workers.append(worker)
        return worker

    def end(self) -> None:
        """Kill all of it."""
        for process in [*self.workers, self._scheduler]:
            process.send_signal(signal.SIGKILL)
            process.wait()

    def _start(self, *command: str) -> subprocess.Popen[bytes]:
        with (self._folder / f"{command[0]}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "dask", *command],
                cwd=PROJECT,
                # Where the data folder is, the call itself says.
                env={name: value for name, value in os.environ.items() if name != "ASMA_HOME"}
                | _ENVIRONMENT,
                stdout=log,
                stderr=log,
            )


@contextmanager
def cluster_of(folder: Path, workers: Sequence[str]) -> Iterator[LocalCluster]:
    """Give a cluster with workers of the given resources."""
    found = LocalCluster(folder)
    try:
        for resources in workers:
            found.join(resources)
        yield found
    finally:
        cluster_at(found.address).close()
        found.end()
