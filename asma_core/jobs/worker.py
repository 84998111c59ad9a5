"""The beginning and the end of a worker process, and of a job in it."""

from __future__ import annotations

import os
import signal
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

from asma_core.models.wrapper.own_gpu import OWN_GPU


def start(home: str, server: Connection, gpu: int | None = None) -> None:
    """Prepare a worker process: end with the server, share the cores, import what is slow.

    Args:
        home: The data folder.
        server: Of a pipe whose other end the server closes when the worker shall end.
        gpu: What "auto" and "cuda" mean here; None for the GPU with the most free memory.
    """
    if gpu is not None:
        os.environ[OWN_GPU] = str(gpu)
    # Ctrl-C in a terminal reaches this process too, but the server says when it ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_server, args=(server,), daemon=True).start()
    prepare(home)


def prepare(home: str) -> None:
    """Prepare a process for work on a data folder: share the cores, import what is slow."""
    os.environ["ASMA_HOME"] = home
    # Before anything imports torch.
    from asma_core.models.wrapper.spinning import spin_only_alone

    spin_only_alone()
    import asma_core.runs.execute  # noqa: F401
    from asma_core.models.wrapper.memory import keep_freed_memory

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


@contextmanager
def settled_or_gone() -> Iterator[None]:
    """Give memory back after a job; end this process when not even the job's end can be written.

    When the process is gone, recovery settles the job.
    """
    from asma_core.errors import StoreError
    from asma_core.models.wrapper.memory import give_back_memory

    try:
        yield
    except StoreError:
        traceback.print_exc()
        os._exit(1)
    finally:
        give_back_memory()
