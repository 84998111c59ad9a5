"""The command `store`."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from asma_core import paths
from asma_core.cli.progress import counted
from asma_core.upkeep.backup import backup
from asma_core.upkeep.check import check
from asma_core.upkeep.reindex import reindex
from asma_core.upkeep.restore import restore


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    asked = parser.add_subparsers(dest="asked", required=True, metavar="WHAT")
    look = _add(asked, "check", "say what is wrong with the data folder; exits with 1 if anything")
    look.add_argument("--repair", action="store_true", help="mend what loses nothing")
    keep = _add(asked, "backup", "write a backup, also while the server runs")
    keep.add_argument("path", type=Path, metavar="PATH", help="a folder that is not there yet")
    back = _add(asked, "restore", "put a backup into an empty data folder")
    back.add_argument("path", type=Path, metavar="PATH", help="of the backup")
    back.add_argument("--into", type=Path, metavar="FOLDER", help="the data folder (ASMA_HOME)")
    _add(asked, "reindex", "make the database anew from the folders; the one of before is kept")


def _add(asked: Any, name: str, told: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = asked.add_parser(name, help=told, description=f"{told}.")
    # Not to undo what stands before the name.
    parser.add_argument("--json", action="store_true", default=argparse.SUPPRESS)
    return parser


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Look after the data folder."""
    home = paths.home()
    if options.asked == "check":
        return {"data_folder": str(home), **vars(check(repair=options.repair))}
    if options.asked == "backup":
        made = backup(home, options.path.expanduser(), counted("backup"))
        return _plain(made) | {"size": _size(made.bytes)}
    if options.asked == "restore":
        into = options.into.expanduser().resolve() if options.into else home
        back = restore(options.path.expanduser(), into)
        when = datetime.fromtimestamp(back.made).strftime("%Y-%m-%d %H:%M:%S")
        return _plain(back) | {"made": when, "size": _size(back.bytes)}
    return _plain(reindex(home))


def status(answer: Mapping[str, Any]) -> int:
    """Return the exit status: 1 where something is wrong still."""
    return int(bool(answer.get("problems")))


def _plain(told: Any) -> dict[str, Any]:
    return {
        name: str(value) if isinstance(value, Path) else value for name, value in vars(told).items()
    }


def _size(count: int) -> str:
    """Return a number of bytes in words."""
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
