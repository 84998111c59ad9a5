"""Runs for other people and other programs: one zip of files, one table of figures.

Imports nothing that needs torch, so that the web server can call it.
"""

from __future__ import annotations

import csv
import io
import json
import shlex
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TextIO

from asma_core.attacks.settings import AWAY_FROM_TRUTH, TOWARDS
from asma_core.fields import declared
from asma_core.files import as_store_error
from asma_core.runs.difference import GAIN, MEANING
from asma_core.runs.execution import Execution
from asma_core.runs.run import Run
from asma_core.runs.store import RunStore

# The earliest moment a zip can hold: the same run gives the same bytes whenever it is exported.
ZIP_TIME: Final = (1980, 1, 1, 0, 0, 0)
README: Final = "README.txt"
# Already compressed; deflating them again costs seconds and saves nothing.
STORED: Final = (".png", ".npz")
FORMULA_STARTS: Final = ("=", "+", "-", "@")
OVERLAPS: Final = ("iou", "structure_removed", "iou_lost", "pixel_accuracy")
DISTANCES: Final = ("l2", "linf", "psnr", "ssim")
PER_CLASS: Final = ("iou_per_class", "dice_per_class", "hausdorff_95_per_class")
# The untouched image has no distance to itself.
FIGURES: Final = (
    *(name + "_before" for name in (*OVERLAPS, *PER_CLASS)),
    *(name + suffix for suffix in ("", "_8bit") for name in (*OVERLAPS, *DISTANCES, *PER_CLASS)),
    "ciede2000_8bit",
)
COURSE: Final = (
    *("steps", "best_step", "gradient_evaluations", "forward_passes", "seconds", "batch"),
    "score_name",
)
MADE_FROM: Final = (
    *("model", "dataset", "image", "goal", "attack", "made_to_survive", "seed", "settings"),
)
SAID: Final = ("message", "verdict", "note", "tags")
COLUMNS: Final = (
    *("id", "created", "state", "outcome", "ended"),
    *MADE_FROM,
    *("chosen_multipliers", "device"),
    *COURSE,
    *FIGURES,
    *SAID,
)
MEANINGS: Final = {
    "original.png": "the image before the attack, 8 bits",
    "adversarial.png": "the image after the attack, 8 bits; this is the file that is scored",
    "difference.png": f"adversarial minus original, {GAIN} times, in each pixel of the channel "
    f"that changed most: {MEANING}",
    "target.png": "the mask the attack goes for; the pixel values are class numbers",
    "truth.png": "the known true mask, in class numbers",
    "region.png": "where the image may change: where it is not 0",
    "prediction_clean.png": "what the network draws on original.png, in class numbers",
    "prediction_adversarial.png": "what it draws on adversarial.png, in class numbers",
    "perturbation.npz": "adversarial minus original before rounding: array `perturbation`, "
    "float32 (channels, height, width), images in [0, 1]",
    "trajectory.json": "its score, IoU, pixel accuracy, L2 and Linf at every step",
    "run.json": "the whole record: image, target, network, settings, versions and figures",
}
DEFINITIONS: Final = """\
IoU              overlap of the prediction with the target mask: common area over joint area, in
                 [0, 1], per class; the one figure is the mean over the foreground classes that
                 occur in either mask. The background is not averaged in.
Structure        where the target has no structure: the share of the first prediction's structure
removed          that is gone. It is then what success is judged by.
IoU lost         of an attack that leads away from the prediction, or from the truth: 1 - IoU with
                 it. It is then what success is judged by, and no target is used.
Outcome          success: a change has reached the goal. Already there: the untouched image was at
                 its goal. Goal not reached. Why the attack ended is another matter, and stands
                 beside as Ended.
Dice             twice the common area over the sum of both areas, per class, in [0, 1].
Pixel accuracy   share of the valid pixels whose class is the target's.
Hausdorff 95     95th percentile of the distances between the two borders, in pixels.
L2               Euclidean norm of the perturbation of the whole image, with images in [0, 1].
Linf             its largest absolute value, in the same unit.
PSNR             in dB; higher is less visible.
SSIM             structural similarity of original and adversarial image; 1 is the same image.
CIEDE2000        how different the colours look, the mean over the pixels (of a large image on an
                 even grid): below 1 is hardly noticed side by side. Of grey and RGB images.
Seconds          that the attack took. Of several runs attacked at once (their number is the figure
                 "batch") the time of each step is shared out among those still under attack, so
                 that together they took the sum; alone, one may take longer than its share.
Names ending in "_before" are of the untouched image, names ending in "_8bit" of the file
adversarial.png as it is read back, and the others of the image before it was rounded to 8 bits.
The 8-bit figures are the ones that count. null, or an empty cell, is an undefined figure."""


def run_zip(store: RunStore, run: Run) -> bytes:
    """Pack the files of a run with a README; the same run gives the same bytes.

    Args:
        store: Where the run is.
        run: A run; one without files gives its record and the README.

    Returns:
        A zip file with one folder, `asma-run-ID`.

    Raises:
        StoreError: A file can't be read.
    """
    return runs_zip(store, [run])


def runs_zip(store: RunStore, runs: Sequence[Run]) -> bytes:
    """Pack the files of several runs, a folder for each, and a table of their figures.

    Args:
        store: Where the runs are.
        runs: In the order of the table.

    Returns:
        A zip file; the table `runs.csv` is there when there is more than one run.

    Raises:
        StoreError: A file can't be read.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        if len(runs) > 1:
            _add(archive, "runs.csv", runs_csv(runs).encode())
        for run in runs:
            for name, content in _files(store, run).items():
                _add(archive, f"asma-run-{run.id}/{name}", content)
    return buffer.getvalue()


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    archive.writestr(_entry(name), content)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, date_time=ZIP_TIME)
    stored = name.endswith(STORED)
    entry.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry


def _files(store: RunStore, run: Run) -> dict[str, bytes]:
    """Return the files of a run by their names in the zip, in a fixed order."""
    folder = store.folder(run.id)
    with as_store_error(folder):
        files = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and not path.is_symlink() and _inside(path, folder)
        }
    # The record of a run without a result has no file of its own.
    files.setdefault("run.json", _record(run))
    return {README: readme(run, list(files)).encode(), **files}


def _inside(path: Path, folder: Path) -> bool:
    """Tell whether a file is one of the run's, not one that is still being written beside it."""
    return not any(part.startswith(".") for part in path.relative_to(folder).parts)


def _record(run: Run) -> bytes:
    record = {"id": run.id, "state": run.state, "message": run.message, "spec": run.spec.as_dict()}
    return json.dumps(record, indent=2).encode()


BEHIND: Final = "original.png is the file's image through it, in 8 bits"


def readme(run: Run, names: Sequence[str]) -> str:
    """Say in plain words what a run is, what its files are and how to repeat it.

    Args:
        run: The run.
        names: Of its files, relative to its folder.

    Returns:
        Text for README.txt.
    """
    spec = run.spec
    sections = [
        f"Run {run.id} of the ASMA Workbench",
        _table(
            {
                "Image": spec.image_name,
                **({"Window": f"{spec.window.text()}; {BEHIND}"} if spec.window else {}),
                "Goal": run.goal,
                "Network": f"{spec.model} (weights SHA-256 {spec.model_hash[:16]})",
                "Attack": spec.attack,
                "Outcome": run.outcome or run.state,
                "Ended": (run.ending or run.state) + (f": {run.message}" if run.message else ""),
                "Created": _time(run.created),
                **({"Verdict": run.verdict} if run.verdict else {}),
                **({"Tags": run.tags} if run.tags else {}),
                **({"Note": run.note} if run.note else {}),
            }
        ),
        "THE FILES\n" + _table(_meanings(names)),
        "THE FIGURES\n" + DEFINITIONS,
        "TO REPEAT IT\n" + _how_to_repeat(run),
    ]
    return "\n\n".join(sections) + "\n"


def _table(rows: Mapping[str, str]) -> str:
    width = max(map(len, rows), default=0) + 2
    # A name or a note of several lines stays one row.
    return "\n".join(f"{name:<{width}}{' '.join(text.split())}" for name, text in rows.items())


def _meanings(names: Sequence[str]) -> dict[str, str]:
    rows = {name: MEANINGS[name] for name in MEANINGS if name in names}
    if any(name.startswith("snapshots/") for name in names):
        rows["snapshots/"] = (
            "the image on its way, by step (000010.png), and what the network drew "
            "(000010_prediction.png)"
        )
    others = [name for name in names if name not in MEANINGS and "/" not in name]
    return rows | dict.fromkeys(others, "see run.json")


def _how_to_repeat(run: Run) -> str:
    batch = run.results.get("batch", 1)
    how_same = "On the same build of torch for the CPU the result has the same bytes."
    if batch > 1:
        how_same = f"It was attacked at once with {batch - 1} others; alone, sums round otherwise."
    return (
        "In a copy of the workbench that has the same network, in this folder:\n\n"
        f"  {command_line(run)}\n\n"
        f"{how_same} Versions: "
        + ", ".join(f"{name} {number}" for name, number in run.spec.versions.items())
        + "."
    )


def command_line(run: Run) -> str:
    """Return the command that repeats a run from the files of its zip.

    Args:
        run: The run.

    Returns:
        One line for a POSIX shell; names are quoted.
    """
    spec = run.spec
    words = ["python", "-m", "asma_core", "attack", "--model", spec.model]
    target = ["--target-mask", "target.png"] if run.aim == TOWARDS else []
    if run.aim == AWAY_FROM_TRUTH:
        target = ["--truth", "truth.png"]
    words += ["--image", "original.png", *target, "--attack", spec.attack]
    if run.results.get("region_share", 1.0) < 1.0:
        words += ["--region", "region.png"]
    for name, value in spec.config.items():
        if value is not None:
            words += ["--set", f"{name}={value}"]
    for name, item in declared(Execution).items():
        value = getattr(spec.execution, name)
        if value != item.default:
            words += [item.option] if value is True else [item.option, str(value)]
    words += ["--out", "repeated", "--json"]
    return shlex.join(words)


def _time(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, OSError, TypeError, ValueError):
        return "n/a"


def runs_csv(runs: Iterable[Run]) -> str:
    """Return a table of runs, one row each.

    Args:
        runs: In the order of the rows.

    Returns:
        CSV with a header. An undefined figure is an empty cell; a text that a spreadsheet would
        take for a formula has an apostrophe before it.
    """
    buffer = io.StringIO(newline="")
    _write_csv(buffer, runs)
    return buffer.getvalue()


def runs_csv_zip(runs: Iterable[Run]) -> bytes:
    """Return the same table as `runs.csv` in a zip, for so many runs that it would be large.

    Args:
        runs: In the order of the rows; no more than one of them is held at a time.
    """
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(buffer, "w") as archive,
        archive.open(_entry("runs.csv"), "w", force_zip64=True) as entry,
        # The mark at the start tells spreadsheets that the file is UTF-8.
        io.TextIOWrapper(entry, encoding="utf-8-sig", newline="") as text,
    ):
        _write_csv(text, runs)
    return buffer.getvalue()


def _write_csv(file: TextIO, runs: Iterable[Run]) -> None:
    writer = csv.DictWriter(file, COLUMNS)
    writer.writeheader()
    for run in runs:
        writer.writerow({name: csv_value(value) for name, value in run_row(run).items()})


def run_row(run: Run) -> dict[str, Any]:
    """Return a run as a row by `COLUMNS`; undefined figures are None."""
    spec, results = run.spec, run.results
    return {
        "id": run.id,
        "created": _time(run.created),
        "state": run.state,
        "outcome": run.outcome,
        "ended": run.ending,
        "model": spec.model,
        "dataset": spec.dataset,
        "image": spec.image_name,
        "goal": run.goal,
        "attack": spec.attack,
        "made_to_survive": spec.execution.survives,
        "seed": spec.execution.seed,
        "settings": dict(spec.config),
        "chosen_multipliers": dict(results.get("chosen") or {}),
        "device": results.get("device") or spec.execution.device,
        **{name: results.get(name) for name in (*COURSE, *FIGURES)},
        **{name: getattr(run, name) for name in SAID},
    }


def csv_value(value: object) -> object:
    """Return what a cell of a table holds: nothing for None, and no formula of a user's own."""
    # Some spreadsheets take the space before a formula away.
    if isinstance(value, dict | list):
        return json.dumps(value)
    if isinstance(value, str) and value.lstrip().startswith(FORMULA_STARTS):
        return f"'{value}"
    return "" if value is None else value
