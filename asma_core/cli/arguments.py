"""Arguments that several commands take."""

from __future__ import annotations

import argparse
from typing import Any


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
    """Add which picture of a file of several is meant."""
    parser.add_argument("--frame", type=from_zero, help="of a file of several; the middle one")
    parser.add_argument("--axis", type=from_zero, default=2, help="of a NIfTI volume (2, axial)")


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
