"""A limited process from within: it reads what strangers brought, and answers until nobody asks.

It is started as a module with the modules that it shall have imported before the first question,
so that nobody waits for them, and asked through its standard input and output. Its memory is
limited to so much beyond what it has then, its processor time for each question.
"""

from __future__ import annotations

import json
import os
import pickle
import resource
import signal
import sys
import threading
import traceback
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from typing import IO, Any, Final

from asma_core.accounts.account import Account
from asma_core.accounts.current import acting_as
from asma_core.errors import AsmaError
from asma_core.limited.answers import to_bytes
from asma_core.limited.frames import (
    ANSWER,
    BEGUN,
    ERROR,
    FAULT,
    MEMORY,
    PROGRESS,
    TOO_LARGE,
    receive,
    send,
)

# Pages come before the reading of files.
_NICE: Final = 5
# Set by the system's signal: a file that was written came to its limit.
_FILE_IS_FULL: Final = threading.Event()


@dataclass(frozen=True)
class Question:
    """What a process is asked.

    Attributes:
        module: Of the function.
        function: Its name.
        arguments: Its own.
        told: Whether it takes `on_progress`.
        who: On whose behalf.
        environment: What the asking process has set of ours.
        megabytes: That it may take beyond what the process has.
        seconds: Of the processor.
        file_megabytes: That one file may have which it writes; 0 for no limit.
    """

    module: str
    function: str
    arguments: tuple[Any, ...]
    told: bool
    who: Account
    environment: dict[str, str]
    megabytes: int
    seconds: float
    file_megabytes: int


def main(line: int, modules: list[str]) -> None:
    """Import what is needed, say so, and answer.

    Args:
        line: Of a pipe whose other end is closed when this process shall end.
        modules: To import.
    """
    threading.Thread(target=_end_with_asker, args=(line,), daemon=True).start()
    questions = sys.stdin.buffer
    # Libraries print to where the answers go.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    # Ctrl-C in a terminal reaches this process too, but whoever asks says when it ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGXFSZ, lambda *_: _FILE_IS_FULL.set())
    os.nice(_NICE)
    for module in modules:
        import_module(module)
    # What a library needs once, such as its threads, is not of the first file's.
    size = _address_space()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    send(answers, ANSWER)
    while True:
        try:
            _, data = receive(questions)
        except EOFError:
            return
        send(answers, BEGUN)
        # Of the process that started this one, so it may be any pickle.
        question: Question = pickle.loads(data)  # noqa: S301
        del data
        _limit(question, size)
        send(answers, *_answered(question, answers))


def _end_with_asker(line: int) -> None:
    """End this process when nobody is there any more to answer."""
    os.read(line, 1)
    os._exit(1)


def _limit(question: Question, size: int) -> None:
    """Limit memory, processor time and the size of a file for one question."""
    if size and not _holds_a_device():
        # macOS has the name and not the limit.
        with suppress(ValueError, OSError):
            most = size + question.megabytes * 1_000_000
            resource.setrlimit(resource.RLIMIT_AS, (most, resource.RLIM_INFINITY))
    used = resource.getrusage(resource.RUSAGE_SELF)
    until = int(used.ru_utime + used.ru_stime + question.seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (until, resource.RLIM_INFINITY))
    largest = question.file_megabytes * 1_000_000 or resource.RLIM_INFINITY
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))


def _holds_a_device() -> bool:
    """Tell whether a GPU is there: its library takes address space without end, and no memory."""
    torch = sys.modules.get("torch")
    return torch is not None and bool(torch.cuda.is_available())


def _address_space() -> int:
    """Return the bytes of addresses that this process has; 0 where the system doesn't say."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
            return int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 0


def _answered(question: Question, answers: IO[bytes]) -> tuple[bytes, bytes]:
    """Return what is to be sent."""
    _FILE_IS_FULL.clear()
    answer = _called(question, answers)
    # Whatever became of the error that it led to.
    return (TOO_LARGE, b"") if _FILE_IS_FULL.is_set() else answer


def _called(question: Question, answers: IO[bytes]) -> tuple[bytes, bytes]:

    def tell(done: int, count: int) -> None:
        send(answers, PROGRESS, json.dumps([done, count]).encode())

    more = {"on_progress": tell} if question.told else {}
    _take_over(question.environment)
    try:
        call = getattr(import_module(question.module), question.function)
        with acting_as(question.who):
            return ANSWER, to_bytes(call(*question.arguments, **more))
    except AsmaError as error:
        return ERROR, to_bytes(error)
    except MemoryError:
        return MEMORY, b""
    except Exception:  # noqa: BLE001 - a bug, which is shown as one by whoever asks
        return FAULT, traceback.format_exc().encode("utf-8", "backslashreplace")


def _take_over(environment: dict[str, str]) -> None:
    """Have the asking process's settings, and none of those of before."""
    for name in [name for name in os.environ if name.startswith("ASMA_")]:
        del os.environ[name]
    os.environ.update(environment)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
