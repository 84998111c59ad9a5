"""Tables for papers and spreadsheets: CSV, LaTeX, Markdown."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any, Final

from asma_core.experiments.cells import Cell
from asma_core.experiments.table import FIGURES
from asma_core.runs.export import csv_value

# Title and digits of each column of the table.
COLUMNS: Final = {
    "l2": ("L2", 2),
    "linf": ("Linf", 3),
    "iou": ("IoU", 3),
    "pixel_accuracy": ("PA", 4),
    "gradient_evaluations": ("Evaluations", 0),
    "seconds": ("Seconds", 1),
}
_LATEX: Final = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


def cells_csv(cells: Sequence[Cell]) -> str:
    """Return one line for each cell, with all its figures in full."""
    names = ["label", "attack", "sample", "target", "run", "success", *FIGURES, "message"]
    lines = [
        [cell.label, cell.attack, cell.sample, cell.target, cell.run_id]
        + [cell.results.get("success", False)]
        + [cell.results.get(key) for key in FIGURES.values()]
        + [cell.message]
        for cell in cells
    ]
    return _csv([names, *lines])


def summary_csv(rows: Sequence[dict[str, Any]]) -> str:
    """Return one line for each row of the table, in full."""
    names = [f"{name}_{kind}" for name in FIGURES for kind in ("mean", "std")]
    lines = [
        [row["label"], row["attack"], row["n"], row["failed"], row["success_rate"]]
        + [row[kind][name] for name in FIGURES for kind in ("mean", "std")]
        + [row["l2_of_successes"]]
        for row in rows
    ]
    head = ["label", "attack", "n", "failed", "success_rate", *names, "l2_of_successes_mean"]
    return _csv([head, *lines])


def table_latex(rows: Sequence[dict[str, Any]]) -> str:
    """Return the table for LaTeX with the package booktabs."""
    titles = [title for title, _ in COLUMNS.values()]
    lines = [
        r"\begin{tabular}{l" + "r" * (len(titles) + 1) + "}",
        r"\toprule",
        " & ".join(["Attack", "Success", *titles]) + r" \\",
        r"\midrule",
        *(" & ".join(_texts(row, _latex_text, r"{} $\pm$ {}", r"\,\%")) + r" \\" for row in rows),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def table_markdown(rows: Sequence[dict[str, Any]]) -> str:
    """Return the table for Markdown."""
    titles = ["Attack", "Success", *(title for title, _ in COLUMNS.values())]
    rule = ["---"] + ["---:"] * (len(titles) - 1)
    body = [_texts(row, _markdown_text, "{} ± {}", " %") for row in rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in [titles, rule, *body])


def figure_text(row: dict[str, Any], name: str, spread: str = "{} ± {}") -> str:
    """Return mean and standard deviation of a figure of `COLUMNS`, or "n/a"."""
    mean, std = row["mean"][name], row["std"][name]
    if mean is None:
        return "n/a"
    digits = COLUMNS[name][1]
    return spread.format(f"{mean:.{digits}f}", f"{std:.{digits}f}")


def _texts(row: dict[str, Any], escape: Any, spread: str, percent: str) -> list[str]:
    figures = [figure_text(row, name, spread) for name in COLUMNS]
    return [escape(row["label"]), f"{100 * row['success_rate']:.0f}{percent}", *figures]


def _latex_text(text: str) -> str:
    return "".join(_LATEX.get(mark, mark) for mark in text)


def _markdown_text(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")


def _csv(lines: Sequence[Sequence[Any]]) -> str:
    buffer = io.StringIO()
    rows = ([csv_value(value) for value in line] for line in lines)
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue()
