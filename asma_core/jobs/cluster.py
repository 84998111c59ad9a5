"""Workers of a Dask cluster, beyond this machine: `executor = "dask://HOST:PORT"` in config.toml.

The scheduler says who is there and who is lost; a lost worker's call it gives to another. A worker
says by its resources what it is for, one thing at a time: `RUN=1` for runs, `ASK=1` for
predictions, which would otherwise wait for the runs.

`distributed` is imported where it is used, as it is not there on most machines.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from asma_core.errors import InputError
from asma_core.jobs.local import is_ending
from asma_core.server_config import DASK

if TYPE_CHECKING:
    import distributed

RUN: Final = "RUN"
ASK: Final = "ASK"
# Seconds between two looks at who is there.
LOOK_EVERY: Final = 2.0
CONNECT_TIMEOUT: Final = 10.0

_LOG: Final = logging.getLogger(__name__)


class UnreachableError(BrokenExecutor):
    """The scheduler can't be reached, or was lost with the calls that it had."""


class Cluster:
    """A connection to a scheduler, made in the background and again when it is lost."""

    def __init__(self, address: str) -> None:
        """Begin to connect.

        Args:
            address: As config.toml has it.

        Raises:
            InputError: `distributed` is not installed.
        """
        try:
            import distributed  # noqa: F401
        except ImportError as error:
            raise InputError(
                f"config.toml has executor = {address!r}, which needs the package distributed; "
                'install it (pip install distributed==2026.8.0) or set executor = "local"'
            ) from error
        self.address = address
        self._client: distributed.Client | None = None
        self._most = Counter[str]()
        self._closed = threading.Event()
        threading.Thread(target=self._watch, name="cluster", daemon=True).start()

    def most(self, resource: str) -> int:
        """Return how many workers have a resource now; 0 while the scheduler can't be reached."""
        return self._most[resource]

    def submit(
        self, resource: str, call: Callable[..., Any], *arguments: Any
    ) -> distributed.Future:
        """Hand in a call for a worker that has a resource.

        Raises:
            UnreachableError: The scheduler can't be reached.
        """
        client = self._client
        if client is None or client.status != "running":
            raise UnreachableError(f"{self.address} can't be reached")
        return client.submit(call, *arguments, pure=False, resources={resource: 1})

    def restart_worker_of(self, asked: distributed.Future) -> None:
        """Drop a call, and end the process of the worker that has it.

        Where it has a nanny, that starts another.
        """
        client = self._client
        if client is None:
            return
        try:
            busy = client.processing()
            having = [address for address, keys in busy.items() if asked.key in keys]
            # First, or the scheduler would give it to the next worker.
            client.cancel([asked], force=True)
            if having:
                _end_process(client, having)
        except (OSError, TimeoutError, RuntimeError) as error:
            _LOG.warning("a worker that hangs could not be restarted: %s", error)

    def close(self) -> None:
        """Let go of the scheduler."""
        self._closed.set()
        client, self._client, self._most = self._client, None, Counter()
        if client is not None:
            client.close(timeout=CONNECT_TIMEOUT)

    def _watch(self) -> None:
        while not self._closed.is_set() and not is_ending():
            try:
                self._look()
            except (OSError, TimeoutError, RuntimeError, AttributeError) as error:
                # What `distributed` raises while a connection comes or goes.
                if self._most:
                    _LOG.warning("%s was lost (%s); it is tried again", self.address, error)
                self._most = Counter()
            self._closed.wait(LOOK_EVERY)

    def _look(self) -> None:
        import distributed

        if self._client is None or self._client.status == "closed":
            self._client = distributed.Client(
                self.address.replace(DASK, "tcp://"),
                timeout=CONNECT_TIMEOUT,
                set_as_default=False,
                name="asma-workbench",
            )
        if self._client.status != "running":
            self._most = Counter()
            return
        found = Counter[str]()
        for worker in self._client.scheduler_info()["workers"].values():
            found.update({name: int(many) for name, many in worker["resources"].items()})
        self._most = found


def _end_process(client: distributed.Client, workers: list[str]) -> None:
    try:
        client.restart_workers(workers, timeout=CONNECT_TIMEOUT, raise_for_error=False)
    except ValueError:
        # It has no nanny. It still does what it is told, unless the step holds Python's own lock.
        client.run(os._exit, 1, workers=workers, on_error="ignore")


class WorkersFor:
    """Makes executors of the workers of a cluster that are for one thing."""

    def __init__(self, cluster: Cluster, resource: str) -> None:
        """Name the workers.

        Args:
            cluster: Of theirs.
            resource: `RUN` or `ASK`.
        """
        self._cluster = cluster
        self._resource = resource

    def __call__(self, home: str) -> Executor:
        """Return an executor."""
        return ClusterExecutor(self._cluster, self._resource)

    def most(self) -> int:
        """Return how many calls they carry out at once, at this moment."""
        return self._cluster.most(self._resource)


class ClusterExecutor(Executor):
    """Hands calls to workers of a cluster."""

    def __init__(self, cluster: Cluster, resource: str) -> None:
        """Prepare to hand calls to the workers that have a resource."""
        self._cluster = cluster
        self._resource = resource
        self._lock = threading.Lock()
        self._calls: dict[Future[Any], distributed.Future] = {}

    def submit(self, call: Callable[..., Any], /, *arguments: Any, **more: Any) -> Future[Any]:
        """Hand in a call.

        Raises:
            UnreachableError: The scheduler can't be reached.
        """
        asked = self._cluster.submit(self._resource, call, *arguments)
        future: Future[Any] = Future()
        with self._lock:
            self._calls[future] = asked
        asked.add_done_callback(lambda done: self._came(future, done))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Forget all calls: the scheduler drops those that nobody waits for."""
        with self._lock:
            calls, self._calls = list(self._calls.values()), {}
        if cancel_futures and calls:
            for asked in calls:
                asked.release()

    def kill(self, future: Future[Any]) -> bool:
        """Drop a call, and end the process of its worker; the other workers keep theirs."""
        with self._lock:
            asked = self._calls.pop(future, None)
        if asked is not None:
            self._cluster.restart_worker_of(asked)
        return True

    def _came(self, future: Future[Any], asked: distributed.Future) -> None:
        with self._lock:
            if self._calls.pop(future, None) is None:
                return
        if asked.status == "finished":
            future.set_result(asked.result())
        elif asked.status == "error":
            error = asked.exception()
            future.set_exception(error if error is not None else RuntimeError("no reason given"))
        else:
            # Lost with the connection; whoever asked must ask anew.
            future.set_exception(UnreachableError(f"{self._cluster.address} was lost"))


@lru_cache(maxsize=4)
def cluster_at(address: str) -> Cluster:
    """Return this process's connection to a scheduler.

    Raises:
        InputError: `distributed` is not installed.
    """
    return Cluster(address)
