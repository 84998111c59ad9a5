"""What showings come to: a cell for each two networks and attack, plain words, and tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy.stats import binomtest

from asma_core.experiments.export import csv_text, latex_table, markdown_table
from asma_core.experiments.transfer import Showing, problems
from asma_core.experiments.transfer_plan import OTHERS, TransferPlan, attack_title
from asma_core.files import write_bytes

HEAD: Final = (
    "Attack", "Made on", "Shown to", "Clean IoU", "Images", "Fooled", "Rate", "Rate, low",
    "Rate, high", "Score", "IoU left",
)  # fmt: skip
CONFIDENCE: Final = 0.95


def answer(plan: TransferPlan, showings: Sequence[Showing]) -> dict[str, Any]:
    """Return what showings come to as plain values."""
    table = rows(showings)
    return {
        "models": list(plan.models),
        "dataset": plan.dataset,
        "sentences": sentences(table),
        "clean_iou": clean_ious(showings),
        "rows": table,
        "problems": problems(showings),
    }


def rows(showings: Sequence[Showing]) -> list[dict[str, Any]]:
    """Return a row for each attack, network that was attacked, and network that was shown.

    Rates are over the images on which the network that is shown was not at the goal before, `n` of
    them; with Wilson's interval of 95 %. The score is the mean over all images. What is undefined
    is None.
    """
    keys = dict.fromkeys((one.attack.label, one.attacker, one.victim) for one in showings)
    labels = list(dict.fromkeys(label for label, _, _ in keys))
    ordered = sorted(keys, key=lambda key: labels.index(key[0]))
    return [
        _row([one for one in showings if (one.attack.label, one.attacker, one.victim) == key])
        for key in ordered
    ]


def _row(own: Sequence[Showing]) -> dict[str, Any]:
    first = own[0]
    seen = [one for one in own if one.seen is not None]
    asked = [one for one in seen if not one.already]
    fooled = sum(one.seen is not None and one.seen.success for one in asked)
    low, high = _interval(fooled, len(asked))
    return {
        "attack": first.attack.label,
        "attacker": first.attacker,
        "victim": first.victim,
        "white_box": first.attacker == first.victim,
        "runs": [one.cell.run_id for one in seen],
        "n": len(asked),
        "already": len(seen) - len(asked),
        "failed": len(own) - len(seen),
        "successes": fooled,
        "success_rate": fooled / len(asked) if asked else None,
        "low": low,
        "high": high,
        "mean_score": _mean(one.seen.score for one in seen if one.seen),
        "clean_iou": _mean(one.clean_iou for one in _once(seen)),
        "iou": _mean(one.seen.iou for one in seen if one.seen),
    }


def _interval(successes: int, count: int) -> tuple[float | None, float | None]:
    if not count:
        return None, None
    interval = binomtest(successes, count).proportion_ci(CONFIDENCE, "wilson")
    return float(interval.low), float(interval.high)


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _once(showings: Iterable[Showing]) -> list[Showing]:
    """Return the first showing of each image."""
    return list({one.cell.sample: one for one in reversed(list(showings))}.values())


def clean_ious(showings: Sequence[Showing]) -> dict[str, float | None]:
    """Return for each network its mean IoU with the truth on the originals."""
    return {
        name: _mean(
            one.clean_iou for one in _once(s for s in showings if s.victim == name and s.seen)
        )
        for name in dict.fromkeys(one.victim for one in showings)
    }


def sentences(table: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what the rows say, in plain words, one or two for each attack."""
    return [
        _sentence(label, [row for row in table if row["attack"] == label])
        for label in dict.fromkeys(row["attack"] for row in table)
    ]


def _sentence(label: str, own: Sequence[Mapping[str, Any]]) -> str:
    white = [row for row in own if row["white_box"]]
    other = [row for row in own if not row["white_box"] and row["attacker"] != OTHERS]
    others = [row for row in own if row["attacker"] == OTHERS]
    title = attack_title(label)
    if not any(row["n"] for row in own):
        there = any(row["already"] for row in own)
        why = "each image is at the goal before it is attacked" if there else "all runs failed"
        return f"{title}: {why}."
    told = f"{title} reaches its goal {_times(white)} on the network that a file was made on, and "
    told += f"{_times(other)} on another"
    if others:
        told += f"; made on all others together, {_times(others)}"
    return told + "." + _furthest(other)


def _times(some: Sequence[Mapping[str, Any]]) -> str:
    successes, count = (sum(row[name] for row in some) for name in ("successes", "n"))
    return f"{successes} of {count} times"


def _furthest(other: Sequence[Mapping[str, Any]]) -> str:
    known = [row for row in other if row["successes"]]
    if not known:
        return " No file made on one network alone fools another."
    best = max(known, key=lambda row: (row["success_rate"], row["mean_score"]))
    return (
        f" It goes furthest from {best['attacker']} to {best['victim']}: "
        f"{best['successes']} of {best['n']}."
    )


def matrix(table: Sequence[Mapping[str, Any]], attack: str) -> tuple[list[str], list[list[str]]]:
    """Return an attack's matrix as texts: titles, and a line for each network that was attacked.

    A cell is how many of how many images were fooled, with the mean score behind it.
    """
    own = {(row["attacker"], row["victim"]): row for row in table if row["attack"] == attack}
    victims = list(dict.fromkeys(victim for _, victim in own))
    made_on = list(dict.fromkeys(attacker for attacker, _ in own))
    lines = [
        [name, *(_cell(own.get((name, victim))) for victim in victims)]
        for name in sorted(made_on, key=lambda name: name == OTHERS)
    ]
    return [f"{attack}: made on", *victims], lines


def _cell(row: Mapping[str, Any] | None) -> str:
    if row is None or row["mean_score"] is None:
        return "n/a"
    return f"{row['successes']} of {row['n']} ({row['mean_score']:.2f})"


def written(out: Path, showings: Sequence[Showing]) -> dict[str, str]:
    """Write the tables into a folder; return their paths by their names.

    The CSV has a line for each cell; LaTeX and Markdown a matrix for each attack, with the
    networks' clean IoU as its last line.

    Raises:
        StoreError: They can't be written.
    """
    table, clean = rows(showings), clean_ious(showings)
    matrices = []
    for attack in dict.fromkeys(row["attack"] for row in table):
        titles, lines = matrix(table, attack)
        matrices.append((titles, [*lines, ["clean IoU", *(_number(clean[v]) for v in titles[1:])]]))
    texts = {
        "transfer.csv": csv_text([HEAD, *map(_line, table)]),
        "transfer.md": "\n".join(markdown_table(*one) for one in matrices),
        "transfer.tex": "\n".join(latex_table(*one) for one in matrices),
    }
    for name, text in texts.items():
        write_bytes(out / name, text.encode())
    return {name: str(out / name) for name in texts}


def _line(row: Mapping[str, Any]) -> list[Any]:
    names = (
        *("attack", "attacker", "victim", "clean_iou", "n", "successes", "success_rate"),
        *("low", "high", "mean_score", "iou"),
    )
    return [row[name] for name in names]


def _number(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.3f}"
