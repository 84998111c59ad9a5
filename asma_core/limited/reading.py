"""Reading what people bring, in limited processes: pictures, volumes, zips, data sets, networks.

What they hold may be damaged or hostile. Whoever looks at it does so in a process of its own
(`asma_core.limited`), so that one file neither takes the server's memory nor delays others.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, TypeVar

from asma_core.errors import InputError, ModelError
from asma_core.limited.pool import LimitedPool
from asma_core.limited.process import FileLimitError, LimitError, Limits, OnProgress
from asma_core.server_config import settings

# What each kind of process imports before its first question.
_OF_FILES: Final = ("asma_core.data.importing", "asma_core.runs.sources", "pydicom", "nibabel")
_OF_NETWORKS: Final = (
    "asma_core.jobs.brought_networks",
    "asma_core.jobs.checks",
    "monai.networks.nets",
)
# What `runs.sqlite` of a million runs stays below: what is taken in is written down there.
DATABASE_MB: Final = 8000
Answer = TypeVar("Answer")


@lru_cache(maxsize=1)
def files() -> LimitedPool:
    """Return the processes that read pictures, volumes, zips and data sets."""
    return LimitedPool(_OF_FILES)


@lru_cache(maxsize=1)
def pictures() -> LimitedPool:
    """Return the processes that read single pictures of what was looked at before.

    They are others than those of `files`, so that pages do not wait for a large upload.
    """
    return LimitedPool(_OF_FILES)


@lru_cache(maxsize=1)
def networks() -> LimitedPool:
    """Return the processes that read weights, build networks and try them."""
    return LimitedPool(_OF_NETWORKS)


def read(
    what: str,
    call: Callable[..., Answer],
    *arguments: Any,
    on_progress: OnProgress | None = None,
) -> Answer:
    """Return what a function makes of what somebody brings, in a limited process.

    Args:
        what: Is read; in errors.
        call: A function of a module.
        *arguments: Its own.
        on_progress: Called with what is done and how much there is; the function is then given
            such a thing.

    Raises:
        AsmaError: As the function does.
        InputError: It takes more memory or time than it may, or writes too large a file.
    """
    known = settings()
    # What is unpacked of a zip; the database, which grows with the runs, is a file, too.
    largest = max(known.max_archive_mb, DATABASE_MB)
    return _read(files(), what, call, arguments, largest, on_progress)


def see(what: str, call: Callable[..., Answer], *arguments: Any) -> Answer:
    """Return what a function makes of a file that was looked at before; see `read`.

    Raises:
        AsmaError: As the function does.
        InputError: It takes more memory or time than it may, or writes too large a file.
    """
    # It writes nothing but what it works out of a picture.
    return _read(pictures(), what, call, arguments, settings().max_image_mb, None)


def _read(
    pool: LimitedPool,
    what: str,
    call: Callable[..., Answer],
    arguments: tuple[Any, ...],
    largest: int,
    on_progress: OnProgress | None,
) -> Answer:
    known = settings()
    limits = Limits(known.max_reading_mb, known.max_reading_s, largest)
    try:
        return pool.carry_out(call, *arguments, limits=limits, on_progress=on_progress)
    except FileLimitError as error:
        raise InputError(
            f"reading {what} {error}; bring a smaller one, or let the owner of this server raise "
            "max_archive_mb or max_image_mb"
        ) from error
    except LimitError as error:
        raise InputError(
            f"reading {what} {error}; bring a smaller one, or let the owner of this server raise "
            "max_reading_mb or max_reading_s"
        ) from error


def read_network(what: str, call: Callable[..., Answer], *arguments: Any) -> Answer:
    """Return what a function makes of somebody's network, in a limited process.

    Raises:
        AsmaError: As the function does.
        ModelError: It takes more memory or time than it may, or writes too large a file.
    """
    known = settings()
    # Weights of half precision take twice as much in the form in which they are kept.
    largest = max(2 * known.max_weights_mb, known.max_archive_mb, DATABASE_MB)
    limits = Limits(known.max_network_mb, known.max_network_s, largest)
    try:
        return networks().carry_out(call, *arguments, limits=limits)
    except FileLimitError as error:
        raise ModelError(
            f"the network of {what} {error}; bring a smaller one, or let the owner of this server "
            "raise max_weights_mb or max_archive_mb"
        ) from error
    except LimitError as error:
        raise ModelError(
            f"the network of {what} {error}; bring a smaller one, or let the owner of this server "
            "raise max_network_mb or max_network_s"
        ) from error
