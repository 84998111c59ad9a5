"""The command line: `python -m asma_core COMMAND ...`.

With `--json` a command prints one JSON document on standard output. Progress goes to standard
error. The exit status is 0 when the command did what was asked and 2, with one line that says
why, when it could not.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from asma_core.cli.setting_options import add_settings
from asma_core.errors import AsmaError
from asma_core.files import to_json
from asma_core.models.wrapper.precision import AUTO, PRECISIONS
from asma_core.training.plan import TrainingPlan

Command = Callable[[argparse.Namespace], Any]


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {' '.join(message.split())}; see {self.prog} --help\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        answer = _run(options)
    except AsmaError as error:
        print(f"asma_core: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("asma_core: stopped from the keyboard", file=sys.stderr)
        return 130
    print(to_json(answer) if options.json else _printable(_readable(answer)))
    return 0


def _printable(text: str) -> str:
    """Return a text that the terminal's encoding can write."""
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _run(options: argparse.Namespace) -> Any:
    """Import what a command needs only when it is called: torch takes seconds."""
    from asma_core.models.wrapper.spinning import spin_only_alone

    spin_only_alone()
    from asma_core.cli import commands
    from asma_core.models.wrapper.memory import keep_freed_memory

    keep_freed_memory()
    command: Command = getattr(commands, options.command.replace("-", "_"))
    return command(options)


def _readable(answer: Any, indent: str = "") -> str:
    """Return an answer as `name: value` lines, a list of them with empty lines between."""
    if isinstance(answer, list):
        return "\n\n".join(_readable(item, indent) for item in answer) or "none"
    lines = []
    for name, value in answer.items():
        if isinstance(value, dict) or _is_table(value):
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


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m asma_core", description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, help_text, add in (
        ("datasets", "list the data sets", None),
        ("models", "list the networks", None),
        ("attacks", "list the attacks with their settings", None),
        ("runs", "list the newest runs", _runs_options),
        ("predict", "segment one image", _predict_options),
        ("attack", "attack one image", _attack_options),
        ("ablation", "compare attacks on many images, as the paper's Table 1", _ablation_options),
        ("train", "train a network on a data set", _train_options),
        ("import-model", "take in a network: its card, or its weights", _import_model_options),
        ("check-model", "see whether a network can be trusted", _check_options),
        ("import-dataset", "take in a folder or a zip of images and masks", _import_options),
    ):
        command = commands.add_parser(name, help=help_text, description=f"{help_text}.")
        command.add_argument("--json", action="store_true", help="print one JSON document")
        if add is not None:
            add(command)
    return parser


def _runs_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--limit", type=_count, default=20, help="how many (20)")


def _predict_options(parser: argparse.ArgumentParser) -> None:
    _model_options(parser)
    parser.add_argument("--image", required=True, help="a PNG, JPEG, TIFF, DICOM or NIfTI file")
    _slice_options(parser)
    parser.add_argument("--mask", help="its true mask, to compare with")
    parser.add_argument(
        "--foreground",
        action="store_true",
        help="compare all structures as one, with a mask that tells only structure from background",
    )
    parser.add_argument("--out", required=True, help="folder for prediction.png and overlay.png")


def _slice_options(parser: Any) -> None:
    parser.add_argument("--frame", type=_from_zero, help="of a file of several; the middle one")
    parser.add_argument("--axis", type=_from_zero, default=2, help="of a NIfTI volume (2, axial)")


def _model_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", required=True, help="name of a network; `models` lists them")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N (auto)")


def _backend_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--precision",
        default=AUTO,
        choices=PRECISIONS,
        help="of the attack's passes; what is scored is always float32. auto: TF32 on a GPU that "
        "has it, else float32",
    )
    parser.add_argument(
        "--compile",
        action="store_true",
        help="compile the network first: minutes once, then faster steps on a GPU",
    )


def _attack_options(parser: argparse.ArgumentParser) -> None:
    _model_options(parser)
    _backend_options(parser)
    image = parser.add_argument_group("the image")
    image.add_argument("--image", help="a file")
    _slice_options(image)
    image.add_argument("--dataset", help="a data set's name or a folder")
    image.add_argument("--sample", help="index or name in the data set")
    image.add_argument("--truth", help="the true mask of --image, where it is known")
    target = parser.add_argument_group("the target mask, one of; none for a goal that leads away")
    target.add_argument("--target-mask", help="a file of class numbers, as large as the image")
    target.add_argument("--target-sample", help="another sample of the data set")
    target.add_argument("--scenario", help="hide, grow, shrink, move, ...: from the prediction")
    region = parser.add_argument_group("where the image may change, everywhere unless said")
    region.add_argument(
        "--region",
        help="near (in and around the structures of prediction and target), away (from them), or "
        "a picture that is not 0 there",
    )
    region.add_argument(
        "--region-margin", type=_from_zero, help="of near and away, in pixels (a 20th of the image)"
    )
    parser.add_argument("--attack", default="asma", help="name of an attack (asma)")
    parser.add_argument("--preset", help="quick, strong or paper")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the attack"
    )
    parser.add_argument("--steps", help="short for --set steps=N")
    parser.add_argument("--seed", type=_from_zero, default=0, help="of torch's generator (0)")
    parser.add_argument("--out", help="folder for copies of the run's files")


def _ablation_options(parser: argparse.ArgumentParser) -> None:
    _model_options(parser)
    _backend_options(parser)
    parser.add_argument("--dataset", required=True, help="a data set's name or a folder")
    parser.add_argument("--samples", type=_count, default=20, help="pairs to attack (20)")
    parser.add_argument(
        "--attacks", default="ssm,ssm-dpm,asm,asma,minimal", help="names, separated by commas"
    )
    parser.add_argument("--target-iou", help="short for --set target_iou=X")
    parser.add_argument("--steps", help="short for --set steps=N")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of every attack that has it",
    )
    parser.add_argument(
        "--distance-weights", default="", help="rows that study the distance term, as 0,1,10,100"
    )
    parser.add_argument("--study", default="asma", help="the attack of those rows (asma)")
    parser.add_argument("--seed", type=_from_zero, default=0, help="of torch's generator (0)")
    parser.add_argument("--out", help="folder for the tables as CSV, LaTeX and Markdown")


def _import_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="FOLDER_OR_ZIP", help="a folder, which stays, or a zip")
    parser.add_argument("--name", help="of the data set; made of the folder's by default")
    parser.add_argument("--layout", help="name of a layout, where the guess is wrong")
    parser.add_argument("--classes", help="names separated by commas, background first")


def _import_model_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source", metavar="CARD_OR_FILE", help="a card (.toml) beside its weights, or the weights"
    )
    parser.add_argument("--name", help="of the network; made of the file's by default")
    weights = parser.add_argument_group("for weights without a card")
    weights.add_argument("--architecture", help="of MONAI; guessed by default")
    weights.add_argument("--arguments", help="what it is called with, as JSON; guessed by default")
    weights.add_argument("--classes", help="names separated by commas, background first")
    weights.add_argument("--size", type=_from_zero, default=0, help="images' area; 0 keeps it (0)")
    weights.add_argument("--multiple", type=_count, default=32, help="both sides are of it (32)")
    weights.add_argument("--mean", default="0", help="subtracted, one for each channel (0)")
    weights.add_argument("--std", default="1", help="divided by, one for each channel (1)")
    weights.add_argument("--reading", help="logits, probabilities, one-logit, one-probability")
    weights.add_argument("--dataset", default="", help="that it was trained on")


def _check_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="of a network; `models` lists them")
    parser.add_argument("--dataset", help="to compare with; the one it was trained on by default")
    parser.add_argument("--samples", type=_count, default=6, help="images to look at (6)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N (auto)")


def _train_options(parser: argparse.ArgumentParser) -> None:
    add_settings(parser, TrainingPlan)
    parser.add_argument("--out", required=True, help="folder for the weights and the card")
    parser.add_argument("--fresh", action="store_true", help="do not go on with an earlier try")


def _count(text: str) -> int:
    return _whole_number(text, 1)


def _from_zero(text: str) -> int:
    return _whole_number(text, 0)


def _whole_number(text: str, least: int) -> int:
    # The longest that fits into 63 bits for sure has 18 digits.
    if not (text.isdecimal() and text.isascii() and len(text) < 19 and int(text) >= least):
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is not a whole number from {least} on")
    return int(text)
