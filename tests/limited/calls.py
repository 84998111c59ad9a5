"""What a limited process is asked in tests."""

from __future__ import annotations

import os
import resource
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asma_core.accounts.current import account
from asma_core.data.formats.windows import Picture, Window
from asma_core.errors import InputError, UnknownNameError
from asma_core.files import write_bytes


def picture(value: float) -> Picture:
    return Picture(np.full((1, 2, 3), value, np.float32), Window(0.0, 2.0))


def process() -> int:
    return os.getpid()


def home() -> str:
    return os.environ["ASMA_HOME"]


def who() -> str:
    return account().name


def refuse(text: str) -> None:
    raise InputError(text)


def know_nothing() -> None:
    raise UnknownNameError("model", "x", ["a", "b"])


def fail() -> None:
    raise ZeroDivisionError("a bug")


def take(megabytes: int) -> int:
    return len(bytearray(megabytes * 1_000_000))


def take_bit_by_bit(megabytes: int) -> int:
    # As with a GPU, where the system can't limit it.
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    taken = [np.ones(1_000_000, np.uint8) for _ in range(megabytes)]
    time.sleep(3600)
    return len(taken)


def answer_much(megabytes: int) -> NDArray[np.uint8]:
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return np.ones(megabytes * 1_000_000, np.uint8)


def crash() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def sleep() -> None:
    time.sleep(3600)


def count(until: int, on_progress: Callable[[int, int], None]) -> int:
    for done in range(until):
        on_progress(done + 1, until)
    return until


def wait_for(begun: Path, end: Path) -> str:
    begun.touch()
    while not end.exists():
        time.sleep(0.01)
    return account().name


def tell_and_hang(told: Path) -> None:
    aside = told.with_suffix(".aside")
    aside.write_text(str(os.getpid()))
    aside.rename(told)
    time.sleep(3600)


class Led:
    """What a process would answer that has been led astray."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


def led_astray(path: Path) -> Led:
    return Led(path)


def write(path: Path, megabytes: int) -> int:
    with path.open("wb") as file:
        for _ in range(megabytes):
            file.write(bytes(1_000_000))
    return path.stat().st_size


def write_and_say_nothing(path: Path, megabytes: int) -> str:
    with suppress(OSError):
        write(path, megabytes)
    return "well"


def write_as_numpy_does(path: Path, megabytes: int) -> None:
    np.ones(megabytes * 1_000_000, np.uint8).tofile(path)


def write_as_the_store_does(path: Path, megabytes: int) -> None:
    write_bytes(path, bytes(megabytes * 1_000_000))
