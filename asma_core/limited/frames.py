"""Messages through a pipe: one letter that says what it is, a length, and so many bytes."""

from __future__ import annotations

from typing import IO, Final

ANSWER: Final = b"a"
# The question is read, and only now is what it asks for begun.
BEGUN: Final = b"b"
# An `AsmaError`, which is for the user.
ERROR: Final = b"e"
# The trace of anything else, which is a bug.
FAULT: Final = b"f"
# How much is done, of how much.
PROGRESS: Final = b"p"
MEMORY: Final = b"m"
# A file became larger than it may be.
TOO_LARGE: Final = b"t"
QUESTION: Final = b"q"
HEAD: Final = 9


def head_of(kind: bytes, length: int) -> bytes:
    """Return what stands before so many bytes."""
    return kind + length.to_bytes(8, "little")


def read_head(head: bytes | bytearray) -> tuple[bytes, int]:
    """Return what a message is, and its length."""
    return bytes(head[:1]), int.from_bytes(head[1:], "little")


def send(pipe: IO[bytes], kind: bytes, data: bytes = b"") -> None:
    """Write a message."""
    pipe.write(head_of(kind, len(data)))
    pipe.write(data)
    pipe.flush()


def receive(pipe: IO[bytes]) -> tuple[bytes, bytes]:
    """Read a message.

    Raises:
        EOFError: The pipe ended.
    """
    kind, length = read_head(_read(pipe, HEAD))
    return kind, _read(pipe, length)


def _read(pipe: IO[bytes], count: int) -> bytes:
    data = pipe.read(count)
    if len(data) < count:
        raise EOFError
    return data
