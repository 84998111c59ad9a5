"""Calls in forked children: one that answers, and one that is killed at a step or after a time.

The parent never opens a database, as SQLite's locks do not go well with a fork.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sqlite3
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import psutil

from asma_core.runs.database import Database
from tests.waiting import PATIENCE, until

# What changes files, or is about to.
CHANGES = {
    *("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.truncate", "os.chmod"),
    *("shutil.rmtree", "shutil.copyfile", "sqlite3.connect", "os.utime"),
}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def answer(call: Callable[[], Any]) -> Any:
    """Call in a child and return what it returns, as JSON carries it."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _answer_and_end(call, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        data = pipe.read()
    os.waitpid(child, 0)
    until(lambda: not _left_of(child))
    said = json.loads(data)
    if "raised" in said:
        raise AssertionError(said["raised"])
    return said["answer"]


def _answer_and_end(call: Callable[[], Any], writer: int) -> NoReturn:
    _begin()
    try:
        said = {"answer": call()}
    except BaseException:  # noqa: BLE001 - told to the parent
        said = {"raised": traceback.format_exc()}
    with os.fdopen(writer, "wb") as pipe:
        pipe.write(json.dumps(said).encode())
    os._exit(0)


def imported_by(call: Callable[[], Any]) -> None:
    """Import here what a call imports in a child, so that the children to come need not."""

    def names() -> list[str]:
        call()
        return list(sys.modules)

    for name in answer(names):
        if name.startswith(("asma_core.", "monai.", "torch.", "PIL.", "numpy.", "scipy.")):
            with suppress(Exception):
                import_module(name)


def steps_of(call: Callable[[], Any]) -> tuple[int, float]:
    """Let a call end in a child; return how many steps it has and how many seconds it took."""

    def counted() -> tuple[int, float]:
        steps = [0]
        watch(lambda: steps.__setitem__(0, steps[0] + 1))
        begun = time.monotonic()
        call()
        return steps[0], time.monotonic() - begun

    count, seconds = answer(counted)
    return int(count), float(seconds)


def killed_at_step(call: Callable[[], Any], step: int) -> bool:
    """Call in a child that kills itself before its n-th step; tell whether it came to that."""

    def dying() -> None:
        left = [step]

        def one_more() -> None:
            left[0] -= 1
            if left[0] <= 0:
                os.kill(os.getpid(), signal.SIGKILL)

        watch(one_more)
        call()

    return _ended_by_kill(_started(dying))


def killed_after(call: Callable[[], Any], seconds: float) -> bool:
    """Kill a child after a time; tell whether it was still at work."""
    child = _started(call)
    _wait(child, seconds)
    with suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    return _ended_by_kill(child)


def worker_killed_at_step(call: Callable[[], Any], step: int) -> bool:
    """Kill the worker processes of a child before the child's n-th step, and let the child end.

    Returns:
        Whether there was one to kill.
    """
    killed = Path(tempfile.mkdtemp()) / "killed"

    def killing() -> None:
        left = [step]

        def one_more() -> None:
            left[0] -= 1
            if left[0] == 0:
                for worker in workers_of(os.getpid()):
                    worker.kill()
                    killed.touch()

        watch(one_more)
        call()

    _end_well(_started(killing))
    return killed.exists()


def worker_killed_after(call: Callable[[], Any], seconds: float) -> bool:
    """Kill the worker processes of a child after a time, and let the child end."""
    child = _started(call)
    _wait(child, seconds)
    workers = workers_of(child)
    for worker in workers:
        with suppress(psutil.NoSuchProcess):
            worker.kill()
    _end_well(child)
    return bool(workers)


def workers_of(process: int) -> list[psutil.Process]:
    """Return the spawned processes of a process that carry jobs out."""
    with suppress(psutil.NoSuchProcess):
        return [one for one in psutil.Process(process).children() if _is_worker(one)]
    return []


def _is_worker(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return any("spawn_main" in word for word in process.cmdline())
    return False


def _wait(child: int, seconds: float) -> None:
    descriptor = os.pidfd_open(child)
    try:
        select.select([descriptor], [], [], seconds)
    finally:
        os.close(descriptor)


def _started(call: Callable[[], Any]) -> int:
    child = os.fork()
    if child == 0:
        _begin()
        signal.alarm(int(PATIENCE))
        try:
            call()
        except BaseException:  # noqa: BLE001 - the parent sees that it did not end well
            os._exit(1)
        os._exit(0)
    return child


def _begin() -> None:
    """Begin a child: silent, as what commands print is not looked at, and known by its session."""
    os.setsid()
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)


def _ended_by_kill(child: int) -> bool:
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    # Its workers end with it, each by itself; until then they may write.
    until(lambda: not _left_of(child))
    return code == -signal.SIGKILL


def _end_well(child: int) -> None:
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    until(lambda: not _left_of(child))
    assert code == 0, f"it did not go on when its worker was killed: {code}"


def _left_of(session: int) -> list[int]:
    """Return the processes that a child has left."""
    return [process for process in psutil.pids() if _is_in(process, session)]


def _is_in(process: int, session: int) -> bool:
    try:
        inside = os.getsid(process) == session
        return inside and psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except (ProcessLookupError, psutil.NoSuchProcess):
        return False


def watch(step: Callable[[], object]) -> None:
    """Have each change of a file and each SQL statement of this process told, before it happens."""

    def hook(event: str, given: tuple[Any, ...]) -> None:
        if event in CHANGES or (event == "open" and _writes(given)):
            step()

    def connect(self: Database) -> sqlite3.Connection:
        connection = usual(self)
        connection.set_trace_callback(lambda _: step())
        return connection

    usual = Database._connect
    Database._connect = connect
    sys.addaudithook(hook)


def _writes(given: tuple[Any, ...]) -> bool:
    path, _, flags = given
    writes = isinstance(flags, int) and bool(flags & WRITING)
    return writes and isinstance(path, str | bytes | Path) and "/dev/" not in str(path)
