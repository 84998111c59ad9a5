"""Arguments that several commands take."""

from __future__ import annotations

import argparse
from typing import Any

from asma_core.data.formats.slices import Slice
from asma_core.data.formats.windows import Window, chosen_window
from asma_core.errors import InputError


def model_option(parser: argparse.ArgumentParser) -> None:
    """Add the network."""
    parser.add_argument("--model", required=True, help="name of a network; `models` lists them")


def device_option(parser: argparse.ArgumentParser) -> None:
    """Add the device of a command that attacks nothing; of the others see `Execution`."""
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N (auto)")


def batch_option(parser: argparse.ArgumentParser) -> None:
    """Add how many pairs of an experiment are attacked at once."""
    parser.add_argument(
        "--batch",
        type=count,
        metavar="N",
        help="most pairs at once (as many as fit on a GPU, one on a CPU)",
    )


def slice_options(parser: Any) -> None:
    """Add which picture of a file of several is meant, and its window."""
    parser.add_argument(
        "--frame", type=from_zero, help="of a file or series of several; the middle one"
    )
    parser.add_argument("--axis", type=from_zero, default=2, help="of a NIfTI volume (2, axial)")
    parser.add_argument(
        "--volume", type=from_zero, default=0, help="of a NIfTI file of four dimensions (0)"
    )
    window_option(parser)


def window_option(parser: Any) -> None:
    """Add the window of deep images."""
    parser.add_argument(
        "--window",
        type=_window,
        metavar="LOW,HIGH",
        help="the intensities that become 0 and 1, of a file of more than 8 bits, in its own units "
        "(the file's own, else its percentiles 0.5 and 99.5)",
    )


def slice_of(options: argparse.Namespace) -> Slice:
    """Return which picture of a file is meant."""
    return Slice(options.frame, options.axis, options.window, options.volume)


def _window(text: str) -> Window:
    try:
        low, high = map(float, text.split(","))
        return chosen_window(low, high)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text[:40]!r} is no window; give the lowest and the highest value, as in -160,240"
        ) from error


def count(text: str) -> int:
    """Read a whole number from 1 on."""
    return _whole_number(text, 1)


def from_zero(text: str) -> int:
    """Read a whole number from 0 on."""
    return _whole_number(text, 0)


def _whole_number(text: str, least: int) -> int:
    # The longest that fits into 63 bits for sure has 18 digits.
    if not (text.isdecimal() and text.isascii() and len(text) < 19 and int(text) >= least):
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is not a whole number from {least} on")
    return int(text)
