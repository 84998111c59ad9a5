"""Writing files so that a reader sees the old one, the new one, and never a part."""

from __future__ import annotations

import errno
import json
import math
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Final

from asma_core.errors import StoreError

# For who writes it alone, whatever a process lets others read.
PRIVATE: Final = 0o600
# As the process lets it: what is its own alone is kept by `keep_to_ourselves`.
_USUAL: Final = 0o666
# Where the system lets another process of ours open a file that has no name.
_OPEN_FILES: Final = Path("/proc/self/fd")


@contextmanager
def as_store_error(path: Path) -> Iterator[None]:
    """Turn what the system says of a path (disk full, no permission) into a `StoreError`."""
    try:
        yield
    except OSError as error:
        raise StoreError(_reason(error, path)) from error


def _reason(error: OSError, path: Path) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"the disk that holds {path} is full; free some space and repeat"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{path} can't be written; check its permissions or set ASMA_HOME to another folder"
    return f"{path} can't be read or written ({error.strerror}); check the folder and repeat"


def file_state(path: Path) -> tuple[str, int, int]:
    """Return what tells one state of a file from another: path, time in ns, bytes.

    Zeros stand for a file that is gone: who reads it says so, in a sentence.
    """
    try:
        status = path.stat()
    except OSError:
        return str(path), 0, 0
    return str(path), status.st_mtime_ns, status.st_size


def write_bytes(path: Path, data: bytes, mode: int = _USUAL) -> None:
    """Write a file aside and rename it into place; its folder is made when absent.

    Args:
        path: The file.
        data: All that is in it then.
        mode: Who may read and write it at most.

    Raises:
        StoreError: The disk is full or the folder can't be written; nothing is left behind.
    """
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    with as_store_error(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)


def append(path: Path, data: bytes, *, sync: bool = False) -> None:
    """Add lines to a file that others can't read; its folder is made when absent.

    They begin on a line of their own also where a crash or a full disk has left half of one.

    Args:
        path: The file.
        data: The lines, with the end of the last one.
        sync: Whether they are on the disk when this returns.

    Raises:
        StoreError: The disk is full, half of them may be there; or the folder can't be written.
    """
    with as_store_error(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, PRIVATE)
        try:
            data = data if _is_whole(handle) else b"\n" + data
            if os.write(handle, data) < len(data):
                raise OSError(errno.ENOSPC, "only a part did fit")
            if sync:
                os.fsync(handle)
        finally:
            os.close(handle)


def _is_whole(handle: int) -> bool:
    """Tell whether a file ends with a line's end."""
    size = os.fstat(handle).st_size
    return not size or os.pread(handle, 1, size - 1) == b"\n"


@contextmanager
def put_aside(data: bytes | memoryview) -> Iterator[Path]:
    """Write a file that is there within the block, for who reads it in another process.

    It has no name in a folder where the system has such files (Linux): however this process ends,
    nothing of it is left.

    Raises:
        StoreError: The disk is full.
    """
    with as_store_error(Path(tempfile.gettempdir())), _unnamed_or_named() as file:
        file.write(data)
        file.flush()
        yield _path_of(file)


def _unnamed_or_named() -> AbstractContextManager[IO[bytes]]:
    return tempfile.TemporaryFile() if _OPEN_FILES.is_dir() else tempfile.NamedTemporaryFile()


def _path_of(file: IO[bytes]) -> Path:
    # What `TemporaryFile` gives is named by its number.
    if isinstance(file.name, int):
        return Path(f"/proc/{os.getpid()}/fd/{file.name}")
    return Path(file.name)


def keep_to_ourselves() -> None:
    """Let no other account of the machine read what this process and its workers write from now on.

    Files get 0600, folders 0700. For processes that are ours alone: it holds for all they write.
    """
    os.umask(0o077)


def close_to_others(folder: Path) -> None:
    """Let no other account look into a folder of ours; one that can't be changed stays as it is."""
    with suppress(OSError):
        if folder.stat().st_uid == os.geteuid() and folder.stat().st_mode & 0o077:
            folder.chmod(0o700)


def folder_size(folder: Path) -> int:
    """Return how many bytes the files of a folder take; 0 of one that is not there."""
    if not folder.is_dir():
        return 0
    size = 0
    for path in folder.rglob("*"):
        try:
            size += path.lstat().st_size if path.is_file() else 0
        except FileNotFoundError:
            # Deleted meanwhile.
            continue
    return size


def remove_old(folder: Path, seconds: float = 24 * 3600) -> None:
    """Remove what has lain in a folder for longer than that, such as uploads that nobody kept."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if time.time() - path.stat().st_mtime > seconds:
            shutil.rmtree(path, ignore_errors=True)


def clear_image_caches(home: Path) -> None:
    """Remove what was worked out of images and is worked out again when it is asked for.

    For when somebody's images are deleted: a cache does not know whose each of its files is.
    """
    for name in ("predictions", "drawn-masks", "training"):
        shutil.rmtree(home / "cache" / name, ignore_errors=True)


def json_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values for JSON: None for what is undefined (NaN, infinite), lists for tuples."""
    return {name: _json_value(value) for name, value in values.items()}


def _json_value(value: Any) -> Any:
    if isinstance(value, Mapping):
        return json_values(value)
    if isinstance(value, list | tuple):
        return [_json_value(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def to_json(value: Any) -> str:
    """Return indented JSON text; NaN and infinities are not JSON and raise ValueError.

    Only ASCII, as a file's name may hold bytes that no encoding can write.
    """
    return json.dumps(value, indent=2, allow_nan=False)


def write_json(path: Path, value: Any, mode: int = _USUAL) -> None:
    """Write a JSON file aside and rename it into place; see `write_bytes`."""
    write_bytes(path, to_json(value).encode(), mode)


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        StoreError: It is absent or not JSON.
    """
    with as_store_error(path):
        content = path.read_bytes()
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise StoreError(f"{path} is not JSON; remove it or restore it from a copy") from error
