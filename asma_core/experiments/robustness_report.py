"""The robustness report: one HTML file that needs nothing else, and the tables beside it."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from asma_core.attacks.registry import ATTACKS
from asma_core.data.formats.images import encode_png
from asma_core.data.masks.palette import ADVERSARIAL as AFTER_ROLE
from asma_core.data.masks.palette import TARGET as TARGET_ROLE
from asma_core.defences.registry import DEFENCES, find_defence
from asma_core.experiments.export import csv_text, latex_table, markdown_table
from asma_core.experiments.robustness import Trial, problems
from asma_core.experiments.robustness_chart import chart
from asma_core.experiments.robustness_people import what_people_said
from asma_core.experiments.robustness_plan import RobustnessPlan
from asma_core.experiments.robustness_table import NONE, points, rows, sentences
from asma_core.files import write_bytes
from asma_core.models.sources.cards import find_card, network_hash
from asma_core.runs import artefacts
from asma_core.runs.difference import GAIN, MEANING, difference_picture
from asma_core.runs.store import RunStore
from asma_core.version import __version__

# Title, and digits of a number or None of a word.
HEAD: Final = (
    "Defence", "Attack", "Images", "Fooled, bare", "Clean IoU", "Fooled, not knowing",
    "Fooled, knowing", "IoU left", "L2",
)  # fmt: skip
STYLE: Final = """
body { font: 15px/1.5 system-ui, sans-serif; color: #0e1418; max-width: 1000px; margin: 2rem auto;
  padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2rem; break-after: avoid; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th, td { text-align: right; padding: 4px 8px; border-bottom: 1px solid #dde3e6;
  font-variant-numeric: tabular-nums; }
th:first-child, td:first-child, th:nth-child(2), td:nth-child(2) { text-align: left; }
figure { display: inline-block; margin: 0 1rem 1rem 0; break-inside: avoid; }
figure img { width: 220px; image-rendering: pixelated; display: block; }
figcaption, .small { font-size: 13px; color: #56626a; }
"""


def answer(plan: RobustnessPlan, trials: Sequence[Trial]) -> dict[str, Any]:
    """Return what trials come to as plain values."""
    table = rows(trials)
    return {
        "model": plan.model,
        "dataset": plan.dataset,
        "sentences": sentences(table),
        "points": points(trials),
        "rows": table,
        "problems": problems(trials),
    }


def written(
    out: Path, runs: RunStore, plan: RobustnessPlan, trials: Sequence[Trial]
) -> dict[str, str]:
    """Write report and tables into a folder; return their paths by their names.

    Raises:
        StoreError: It can't be written.
    """
    lines = _lines(rows(trials))
    texts = {
        "report.html": report(runs, plan, trials),
        "robustness.csv": csv_text([HEAD, *lines]),
        "robustness.md": markdown_table(HEAD, lines, words=2),
        "robustness.tex": latex_table(HEAD, lines, words=2),
    }
    for name, text in texts.items():
        write_bytes(out / name, text.encode())
    return {name: str(out / name) for name in texts}


def _lines(table: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Return the table as texts; what is undefined is "n/a"."""
    return [
        [
            row["defence"],
            row["attack"],
            str(row["n"]),
            str(row["fooled"]),
            _number(row["clean_iou"]),
            str(row["unknowing"]["successes"]),
            str(row["knowing"]["successes"]),
            _number(row["knowing"]["iou"]),
            _number(row["knowing"]["l2_of_successes"], 2),
        ]
        for row in table
    ]


def _number(value: float | None, digits: int = 3) -> str:
    return "n/a" if value is None else f"{value:.{digits}f}"


def report(runs: RunStore, plan: RobustnessPlan, trials: Sequence[Trial]) -> str:
    """Return the report as HTML; its pictures are inside."""
    table = rows(trials)
    parts = [
        f"<h1>{_safe(plan.model)} on {_safe(plan.dataset)}: does a defence hold?</h1>",
        *(f"<p>{_safe(sentence)}</p>" for sentence in sentences(table)),
        "<h2>What each defence costs and what it leaves</h2>",
        chart(points(trials)),
        "<h2>Each attack, before and after it knows the defence</h2>",
        _table(_lines(table)),
        '<p class="small">Fooled, bare: images on which the attack on the bare network reaches its '
        "goal; the two columns of fooled images are of these. IoU left: with the truth, over all "
        "images, after the attack that knows the defence. L2: of that attack's successes, of the "
        "8-bit file.</p>",
        *_pictures(runs, trials),
        *what_people_said(runs.home, [one.cell.run_id for one in trials]),
        "<h2>What was asked</h2>",
        _asked(plan, trials),
        "<h2>What was not tried</h2>",
        _not_tried(plan),
    ]
    failed = problems(trials)
    if failed:
        parts += [
            "<h2>What could not be attacked</h2>",
            *(f"<p>{_safe(one)}</p>" for one in failed),
        ]
    title = _safe(f"Robustness of {plan.model}")
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style></head><body>\n" + "\n".join(parts) + "\n</body></html>\n"
    )


def _safe(text: object) -> str:
    return html.escape(str(text))


def _table(lines: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{_safe(title)}</th>" for title in HEAD)
    body = ("".join(f"<td>{_safe(cell)}</td>" for cell in line) for line in lines)
    return f"<table><tr>{head}</tr>" + "".join(f"<tr>{line}</tr>" for line in body) + "</table>"


def _pictures(runs: RunStore, trials: Sequence[Trial]) -> list[str]:
    """Return for each network the attack's smallest, median and largest change that fools it."""
    parts = [
        "<h2>What fools it</h2>",
        '<p class="small">The smallest, the median and the largest change that fools each '
        f"network, of all attacks. Target {TARGET_ROLE.word}, prediction {AFTER_ROLE.word}. "
        f"Differences amplified {GAIN} times: {MEANING}.</p>",
    ]
    for words in dict.fromkeys(one.defence for one in trials):
        won = [
            one for one in trials if one.defence == words and one.knowing and one.knowing.success
        ]
        won.sort(key=lambda one: float(one.cell.results["l2_8bit"]))
        name = "the bare network" if words == NONE else words
        if not won:
            parts.append(f"<h3>{_safe(name)}</h3><p>No attack reached its goal.</p>")
            continue
        chosen = list(dict.fromkeys((0, len(won) // 2, len(won) - 1)))
        parts.append(f"<h3>{_safe(name)}</h3>" + "".join(_shown(runs, won[at]) for at in chosen))
    return parts


def _shown(runs: RunStore, one: Trial) -> str:
    folder = runs.folder(one.cell.run_id)
    original, changed = (
        np.asarray(Image.open(folder / name).convert("RGB"))
        for name in (artefacts.ORIGINAL, artefacts.ADVERSARIAL)
    )
    inputs = runs.inputs(runs.get(one.cell.run_id))
    after = np.asarray(Image.open(folder / artefacts.PREDICTION_ADVERSARIAL))
    seen = _outlined(_outlined(changed, inputs.target, TARGET_ROLE.rgb), after, AFTER_ROLE.rgb)
    length, score = (float(one.cell.results[name]) for name in ("l2_8bit", "score_8bit"))
    told = f"{one.cell.sample}, {one.attack.label}: L2 {length:.2f}, score {score:.3f}"
    pictures = (
        ("original", original),
        (told, seen),
        ("difference", difference_picture(original, changed)),
    )
    return "<div>" + "".join(_figure(words, pixels) for words, pixels in pictures) + "</div>"


def _outlined(
    pixels: NDArray[np.uint8], labels: NDArray[Any], colour: tuple[int, int, int]
) -> NDArray[np.uint8]:
    """Return a picture, uint8 (H, W, 3), with the borders of a mask's classes, (H, W), on it."""
    border = np.zeros(labels.shape, dtype=np.bool_)
    for label in np.unique(labels[labels > 0]):
        one = labels == label
        border |= one & ~ndimage.binary_erosion(one)
    drawn = pixels.copy()
    drawn[border] = colour
    return drawn


def _figure(words: str, pixels: NDArray[np.uint8]) -> str:
    data = base64.b64encode(encode_png(np.ascontiguousarray(pixels))).decode()
    alt = _safe(words)
    picture = f'<img alt="{alt}" src="data:image/png;base64,{data}">'
    return f"<figure>{picture}<figcaption>{alt}</figcaption></figure>"


def _asked(plan: RobustnessPlan, trials: Sequence[Trial]) -> str:
    card = find_card(plan.model)
    told = {
        "Network": f"{card.name}, {card.architecture or card.program or 'ensemble'}, "
        f"{len(card.classes)} classes ({', '.join(card.classes)})",
        "Its hash": network_hash(card),
        "Data set": f"{plan.dataset}, {len(plan.pairs)} pairs of an image and another's mask",
        "Execution": ", ".join(
            f"{key} {value}" for key, value in plan.execution.recorded().items()
        ),
        "ASMA Workbench": __version__,
    }
    for defence in plan.defences:
        entry = find_defence(defence.name)
        told[entry.title] = f"{entry.summary} {entry.adaptive} Source: {entry.source}."
    for name in plan.others:
        other = find_card(name)
        told[f"Beside it: {name}"] = f"{other.description} Its hash: {network_hash(other)}"
    for attack in plan.attacks:
        values = ", ".join(f"{key} {value}" for key, value in attack.config.items())
        told[f"Attack {attack.label}"] = values
    run = next((one.cell.run_id for one in trials if one.cell.run_id), "")
    if run:
        told["First run"] = run
    return "".join(f"<p><b>{_safe(key)}</b> {_safe(value)}</p>" for key, value in told.items())


def _not_tried(plan: RobustnessPlan) -> str:
    attacks = [name for name in ATTACKS if name not in {one.attack for one in plan.attacks}]
    defences = [
        entry.title
        for entry in DEFENCES.values()
        if entry.name not in {one.name for one in plan.defences}
    ]
    return (
        f"<p>Attacks: {_safe(', '.join(attacks) or 'none')}. Defences: "
        f"{_safe(', '.join(defences) or 'none')}. Other targets, other goals, several defences at "
        "once, other images.</p>"
    )
