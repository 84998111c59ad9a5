"""A limited process from without: asked, watched, and ended when it takes too much."""

from __future__ import annotations

import io
import json
import os
import pickle
import selectors
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from asma_core import paths
from asma_core.accounts.account import Account
from asma_core.limited.answers import from_bytes
from asma_core.limited.child import Question
from asma_core.limited.frames import (
    BEGUN,
    ERROR,
    FAULT,
    HEAD,
    MEMORY,
    PROGRESS,
    QUESTION,
    TOO_LARGE,
    read_head,
    send,
)

OnProgress = Callable[[int, int], None]
# Seconds between two looks at the memory.
LOOK: Final = 0.05
# Only a machine at its end takes so long to start a process, in seconds.
START: Final = 300.0
# What a process may take to end by itself, in seconds.
LEAVE: Final = 1.0
_PIECE: Final = 1 << 20
# Every thread's arena would be counted as memory; and threads that spin take cores from pages.
_QUIET: Final = {"MALLOC_ARENA_MAX": "4", "OMP_WAIT_POLICY": "PASSIVE"}


@dataclass(frozen=True)
class Limits:
    """What one question may take.

    Attributes:
        megabytes: Of memory, beyond what the process has before.
        seconds: Of the clock and of the processor, since it last told how far it is.
        file_megabytes: Most that one file has which it writes; 0 for no limit.
    """

    megabytes: int
    seconds: float
    file_megabytes: int = 0


class LimitError(Exception):
    """A process was ended, or ended itself; the text says why, in words that follow "reading"."""


class FileLimitError(LimitError):
    """It wrote a file that is larger than it may be."""


class GoneError(Exception):
    """A process was gone before it read its question, which another one can be asked."""


class ChildError(RuntimeError):
    """Something else than an `AsmaError` was raised in a limited process: a bug, with its trace."""


class LimitedProcess:
    """A process that answers one question after the other.

    Attributes:
        alive: Whether it can be asked again.
        asked: How many questions it has answered.
    """

    def __init__(self, modules: tuple[str, ...]) -> None:
        """Start a process, without waiting for it.

        Args:
            modules: That it imports before its first question.
        """
        # It ends when the other end of this line is closed, however this process ends.
        theirs, line = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "asma_core.limited.child", str(theirs), *modules],
            pass_fds=[theirs],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            env=_QUIET | os.environ | {"PYTHONPATH": _import_path()},
        )
        os.close(theirs)
        self.alive, self.asked = True, 0
        self._ready = False
        self._begun = 0.0
        self._base = 0
        self._end = weakref.finalize(self, _end, self._process, line)

    def ask(
        self,
        call: Callable[..., Any],
        arguments: tuple[Any, ...],
        limits: Limits,
        who: Account,
        on_progress: OnProgress | None = None,
    ) -> Any:
        """Return what a function of a module returns.

        Args:
            call: The function.
            arguments: Its own.
            limits: What it may take.
            who: On whose behalf.
            on_progress: Called with what is done and how much there is; the function is then given
                such a thing.

        Raises:
            AsmaError: As the function does.
            LimitError: It took more than it may, or ended its process.
            ChildError: It raised anything else.
            GoneError: The process, which had answered before, was gone already.
        """
        begun = False
        try:
            self._wait_until_ready()
            self._put(call, arguments, limits, who, on_progress is not None)
            begun = self._message(limits)[0] == BEGUN
            kind, data = self._answer(limits, on_progress)
        except (EOFError, OSError) as error:
            ending = self._ending()
            if self.asked and not begun:
                raise GoneError(ending) from error
            raise LimitError(ending) from error
        except BaseException:
            # Whoever asked is gone, or it took too much: nobody waits for its answer.
            self.end()
            raise
        self.asked += 1
        return self._outcome(kind, data, limits)

    @property
    def runs(self) -> bool:
        """Whether the process is there; the system may have ended it while nobody asked."""
        return self._process.poll() is None

    def end(self) -> None:
        """End the process at once."""
        self.alive = False
        self._end()

    def _wait_until_ready(self) -> None:
        if not self._ready:
            self._begun = time.monotonic()
            self._message(Limits(0, START))
            self._ready, self._base = True, _memory(self._process.pid)

    def _put(self, call: Any, arguments: Any, limits: Limits, who: Account, told: bool) -> None:
        ours = {name: value for name, value in os.environ.items() if name.startswith("ASMA_")}
        question = Question(
            *(call.__module__, call.__qualname__, arguments, told, who, ours),
            *(limits.megabytes, limits.seconds, limits.file_megabytes),
        )
        assert self._process.stdin is not None
        with open(self._process.stdin.fileno(), "wb", closefd=False) as questions:
            send(questions, QUESTION, pickle.dumps(question, protocol=5))
        self._begun = time.monotonic()

    def _answer(self, limits: Limits, on_progress: OnProgress | None) -> tuple[bytes, bytearray]:
        while True:
            kind, data = self._message(limits)
            if kind != PROGRESS:
                return kind, data
            self._begun = time.monotonic()
            if on_progress is not None:
                done, count = json.loads(data)
                on_progress(int(done), int(count))

    def _outcome(self, kind: bytes, data: bytearray, limits: Limits) -> Any:
        if kind == FAULT:
            raise ChildError(data.decode("utf-8", "replace"))
        if kind == MEMORY:
            self.end()
            raise LimitError("takes more memory than it may, so it was ended")
        if kind == TOO_LARGE:
            self.end()
            raise FileLimitError(
                f"writes a file of more than {limits.file_megabytes} MB, the limit, so it was ended"
            )
        try:
            answer = from_bytes(data)
        except Exception as error:
            self.end()
            raise LimitError("led to an answer that makes no sense") from error
        if kind == ERROR:
            raise answer
        return answer

    def _message(self, limits: Limits) -> tuple[bytes, bytearray]:
        kind, length = read_head(self._read(HEAD, limits))
        if limits.megabytes and length > limits.megabytes * 1_000_000:
            raise LimitError(_too_much_memory(limits))
        return kind, self._read(length, limits)

    def _read(self, count: int, limits: Limits) -> bytearray:
        """Read so many bytes, with an eye on time and memory."""
        pipe, data, done = self._pipe, bytearray(count), 0
        with selectors.DefaultSelector() as selector, memoryview(data) as place:
            selector.register(pipe, selectors.EVENT_READ)
            while done < count:
                if not selector.select(LOOK):
                    self._check(limits)
                    continue
                taken = pipe.readinto(place[done : done + _PIECE])
                if not taken:
                    raise EOFError
                done += taken
        return data

    def _check(self, limits: Limits) -> None:
        if time.monotonic() - self._begun > limits.seconds:
            raise LimitError(f"takes longer than {limits.seconds:g} s, the limit, so it was ended")
        if limits.megabytes:
            taken = _memory(self._process.pid) - self._base
            if taken > limits.megabytes * 1_000_000:
                raise LimitError(_too_much_memory(limits))

    @property
    def _pipe(self) -> io.FileIO:
        assert isinstance(self._process.stdout, io.FileIO)
        return self._process.stdout

    def _ending(self) -> str:
        """Return why the process ended."""
        with suppress(subprocess.TimeoutExpired):
            # One that fails is let fail, so that its own end is told.
            self._process.wait(LEAVE)
        self.end()
        code = self._process.returncode
        if code == -signal.SIGXCPU:
            return "takes too much of the processor's time, so it was ended"
        return f"ended its process ({_name(code)})"


def _name(code: int) -> str:
    """Return what ended a process, in the system's word where it has one."""
    known = {-one: one.name for one in signal.Signals}
    return known.get(code, str(code))


def _too_much_memory(limits: Limits) -> str:
    return f"takes more than {limits.megabytes} MB of memory, the limit, so it was ended"


def _memory(process: int) -> int:
    """Return the bytes of memory that a process has; 0 where the system doesn't say."""
    try:
        text = Path(f"/proc/{process}/statm").read_text(encoding="ascii")
        return int(text.split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def _end(process: subprocess.Popen[bytes], line: int) -> None:
    os.close(line)
    end_process(process)


def end_process(process: subprocess.Popen[bytes]) -> None:
    """Kill a process, wait until it is gone, and close its pipes."""
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            try:
                pipe.close()
            except OSError:
                continue  # what was not yet written has no reader any more


def _import_path() -> str:
    """Return where a new process finds what this one finds."""
    found = dict.fromkeys([str(paths.PROJECT), *(one for one in sys.path if one)])
    return os.pathsep.join(found)
