"""What happens inside a worker process."""

from __future__ import annotations

import os
import signal
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path


def start(home: str, server: Connection) -> None:
    """Prepare a worker process: end with the server, share the cores, import what is slow.

    Args:
        home: The data folder.
        server: Of a pipe whose other end the server closes when the worker shall end.
    """
    os.environ["ASMA_HOME"] = home
    # Ctrl-C in a terminal reaches this process too, but the server says when it ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Before anything imports torch.
    from asma_core.models.spinning import spin_only_alone

    spin_only_alone()
    threading.Thread(target=_end_with_server, args=(server,), daemon=True).start()
    import asma_core.runs.execute  # noqa: F401
    from asma_core.models.memory import keep_freed_memory

    keep_freed_memory()


def _end_with_server(server: Connection) -> None:
    """End this process when the server is gone, however it went; its runs are then recovered."""
    try:
        server.recv_bytes()
    except (EOFError, OSError):
        os._exit(1)


def ready() -> int:
    """Return the process number; waiting for it warms the worker."""
    import monai.networks.nets  # noqa: F401

    return os.getpid()


def carry_out(home: str, run_id: str) -> str:
    """Carry out a queued run; return the state in which it ended."""
    from asma_core.runs.execute import execute
    from asma_core.runs.store import RunStore

    with _settled_or_gone():
        return execute(RunStore(Path(home)), run_id).state


def carry_out_training(home: str, training_id: str) -> None:
    """Carry out a queued training."""
    from asma_core.jobs.trainings import carry_out_here

    with _settled_or_gone():
        carry_out_here(home, training_id)


@contextmanager
def _settled_or_gone() -> Iterator[None]:
    """Give memory back after a job; end this process when not even the job's end can be written.

    When the process is gone, recovery settles the job.
    """
    from asma_core.errors import StoreError
    from asma_core.models.memory import give_back_memory

    try:
        yield
    except StoreError:
        traceback.print_exc()
        os._exit(1)
    finally:
        give_back_memory()
