"""The command line: `python -m asma_core COMMAND ...`.

With `--json` a command prints one JSON document on standard output. Progress goes to standard
error. The exit status is 0 when the command did what was asked and 2, with one line that says
why, when it could not; `store check` and `store reindex` end with 1 where something is wrong still.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final, NoReturn

from asma_core.errors import AsmaError
from asma_core.files import keep_to_ourselves, to_json
from asma_core.models.wrapper.memory import keep_freed_memory
from asma_core.models.wrapper.spinning import spin_only_alone

# Each is a file of its own here: `run(options)` and, where it takes any, `add_options(parser)`.
COMMANDS: Final = {
    "datasets": "list the data sets",
    "models": "list the networks",
    "attacks": "list the attacks with their settings",
    "runs": "list the newest runs",
    "review": "list the reviews, say what one has come to, print its answers as CSV",
    "survives": "see what is left of a run when its file is mailed, resized, turned",
    "predict": "segment one image",
    "attack": "attack one image",
    "ablation": "compare attacks on many images, as the paper's Table 1",
    "train": "train a network on a data set",
    "import-model": "take in a network: its card, its weights, or a folder of another tool",
    "check-model": "see whether a network can be trusted",
    "map-classes": "keep a network in the classes of a data set",
    "defences": "list the defences with their settings",
    "defend": "keep a network behind a defence",
    "ensemble": "keep networks as one that answers their mean",
    "certify": "see which pixels of an image no small change can move",
    "robustness": "see what defences are worth, against attacks that know them",
    "transfer": "see whether attacks on one network fool another",
    "universal": "learn one change that fools a network on all images",
    "detectors": "list the detectors with their settings",
    "detect": "see what detectors are worth, against attacks that know them",
    "import-dataset": "take in a folder or a zip of images and masks",
    "store": "look after the data folder: check, back up, restore, make its database anew",
}

_WINDOW: Final = "--window"
# Of an answer: lists of sentences, which are read line by line.
SENTENCES: Final = ("problems", "mended", "warnings", "notes", "sentences")


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {' '.join(message.split())}; see {self.prog} --help\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return the exit status."""
    words = _windows_joined(sys.argv[1:] if arguments is None else list(arguments))
    options = parser_of(words).parse_args(words)
    try:
        answer = _run(options)
    except AsmaError as error:
        print(f"asma_core: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("asma_core: stopped from the keyboard", file=sys.stderr)
        return 130
    try:
        print(to_json(answer) if options.json else _printable(_readable(answer)), flush=True)
    except BrokenPipeError:
        # Whoever reads, such as `head`, has enough; Python would complain once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    told = getattr(_module(options.command), "status", None)
    return 0 if told is None else int(told(answer))


def _windows_joined(words: Sequence[str]) -> list[str]:
    """Join `--window` and a value that begins with a minus, which argparse takes for an option."""
    joined: list[str] = []
    for word in words:
        if joined and joined[-1] == _WINDOW and word[:1] == "-" and "," in word:
            joined[-1] = f"{_WINDOW}={word}"
        else:
            joined.append(word)
    return joined


def _printable(text: str) -> str:
    """Return a text that the terminal's encoding can write."""
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _run(options: argparse.Namespace) -> Any:
    # Before anything imports torch; what a command needs of it, it imports itself.
    keep_to_ourselves()
    spin_only_alone()
    keep_freed_memory()
    return _module(options.command).run(options)


def _module(command: str) -> Any:
    """Return the module of a command; it is imported when the command is named."""
    return import_module(f"asma_core.cli.{command.replace('-', '_')}")


def _readable(answer: Any, indent: str = "") -> str:
    """Return an answer as `name: value` lines, a list of them with empty lines between.

    What is a text already, such as a table for a file, stays as it is.
    """
    if isinstance(answer, str):
        return answer.removesuffix("\n")
    if isinstance(answer, list):
        return "\n\n".join(_readable(item, indent) for item in answer) or "none"
    lines = []
    for name, value in answer.items():
        if name in SENTENCES and value:
            lines += [f"{indent}{name}:", *(f"{indent}  {sentence}" for sentence in value)]
        elif isinstance(value, dict) or _is_table(value):
            lines += [f"{indent}{name}:", _readable(value, indent + "  ")]
        else:
            lines.append(f"{indent}{name}: {_word(value)}")
    return "\n".join(lines)


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(item, dict) for item in value)


def _word(value: Any) -> str:
    if value is None:
        return "n/a"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return ", ".join(_word(item) for item in value)
    return str(value)


def parser_of(words: Sequence[str]) -> argparse.ArgumentParser:
    """Return a parser of all commands, with the options of those that are named."""
    parser = _Parser(prog="python -m asma_core", description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, told in COMMANDS.items():
        command = commands.add_parser(name, help=told, description=f"{told}.")
        command.add_argument("--json", action="store_true", help="print one JSON document")
        if name in words and hasattr(_module(name), "add_options"):
            _module(name).add_options(command)
    return parser
