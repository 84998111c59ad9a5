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
    "ciede2000": ("CIEDE2000", 2),
    "ssim": ("SSIM", 4),
    "iou": ("IoU", 3),
    "structure_removed": ("Structure removed", 3),
    "iou_lost": ("IoU lost", 3),
    "pixel_accuracy": ("PA", 4),
    "gradient_evaluations": ("Gradients", 0),
    "forward_passes": ("Forward", 0),
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
    "±": r"$\pm$",
}


def cells_csv(cells: Sequence[Cell]) -> str:
    """Return one line for each cell, with all its figures in full."""
    asked = ["label", "attack", "goal", "sample", "target"]
    names = [*asked, "run", "outcome", "ended", "success", *FIGURES, "batch", "message"]
    lines = [
        [cell.label, cell.attack, cell.goal, cell.sample, cell.target, cell.run_id]
        + [cell.outcome, cell.results.get("stopped"), cell.success]
        + [cell.results.get(key) for key in FIGURES.values()]
        + [cell.results.get("batch"), cell.message]
        for cell in cells
    ]
    return csv_text([names, *lines])


def summary_csv(rows: Sequence[dict[str, Any]]) -> str:
    """Return one line for each row of the table, in full."""
    head = ["label", "attack", "goal", "n", "already", "failed", "success_rate"]
    names = [f"{name}_{kind}" for name in FIGURES for kind in ("mean", "std")]
    lines = [
        [row[name] for name in head]
        + [row[kind][name] for name in FIGURES for kind in ("mean", "std")]
        + [row["l2_of_successes"]]
        for row in rows
    ]
    return csv_text([[*head, *names, "l2_of_successes_mean"], *lines])


def by_goal(rows: Sequence[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of each goal: they share no table."""
    return {
        goal: [row for row in rows if row["goal"] == goal]
        for goal in dict.fromkeys(row["goal"] for row in rows)
    }


def columns_of(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return the columns, of `COLUMNS`, that rows of one goal have; all where none has figures."""
    present = [name for name in COLUMNS if any(row["mean"][name] is not None for row in rows)]
    return present or list(COLUMNS)


def table_latex(rows: Sequence[dict[str, Any]]) -> str:
    """Return a table for each goal, for LaTeX with the package booktabs."""
    return "\n".join(_latex(goal, own) for goal, own in by_goal(rows).items())


def _latex(goal: str, rows: Sequence[dict[str, Any]]) -> str:
    names = columns_of(rows)
    titles = ["Attack", "Success", *(COLUMNS[name][0] for name in names)]
    body = [_texts(row, names) for row in rows]
    return f"% {goal}\n" + latex_table(titles, body)


def table_markdown(rows: Sequence[dict[str, Any]]) -> str:
    """Return a table for each goal, for Markdown; with several each has its goal above it."""
    tables = by_goal(rows)
    return "\n".join(
        (f"{goal.capitalize()}:\n\n" if len(tables) > 1 else "") + _markdown(own)
        for goal, own in tables.items()
    )


def _markdown(rows: Sequence[dict[str, Any]]) -> str:
    names = columns_of(rows)
    titles = ["Attack", "Success", *(COLUMNS[name][0] for name in names)]
    return markdown_table(titles, [_texts(row, names) for row in rows])


def figure_text(row: dict[str, Any], name: str) -> str:
    """Return mean and standard deviation of a figure of `COLUMNS`, each or both "n/a"."""
    mean, std = row["mean"][name], row["std"][name]
    if mean is None:
        return "n/a"
    digits = COLUMNS[name][1]
    return f"{mean:.{digits}f} ± {'n/a' if std is None else f'{std:.{digits}f}'}"


def rate_text(row: dict[str, Any]) -> str:
    """Return the success rate of a row, "n/a" where all were at their goal already."""
    rate = row["success_rate"]
    return "n/a" if rate is None else f"{100 * rate:.0f} %"


def _texts(row: dict[str, Any], names: Sequence[str]) -> list[str]:
    return [row["label"], rate_text(row), *(figure_text(row, name) for name in names)]


def _latex_text(text: str) -> str:
    escaped = "".join(_LATEX.get(mark, mark) for mark in text)
    return escaped.replace(r" \%", r"\,\%")


def _markdown_text(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")


def latex_table(titles: Sequence[str], lines: Sequence[Sequence[str]], words: int = 1) -> str:
    """Return texts as a table for LaTeX with the package booktabs.

    Args:
        titles: Of the columns.
        lines: As many texts each.
        words: Columns that hold words and stand to the left; the others stand to the right.
    """
    body = [" & ".join(map(_latex_text, line)) + r" \\" for line in (titles, *lines)]
    return "\n".join(
        [
            rf"\begin{{tabular}}{{{'l' * words}{'r' * (len(titles) - words)}}}",
            r"\toprule",
            body[0],
            r"\midrule",
            *body[1:],
            r"\bottomrule",
            r"\end{tabular}",
            "",
        ]
    )


def markdown_table(titles: Sequence[str], lines: Sequence[Sequence[str]], words: int = 1) -> str:
    """Return texts as a table for Markdown; see `latex_table`."""
    rule = ["---"] * words + ["---:"] * (len(titles) - words)
    body = [titles, rule, *(map(_markdown_text, line) for line in lines)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in body)


def csv_text(lines: Sequence[Sequence[Any]]) -> str:
    """Return lines as CSV; what a spreadsheet would take for a formula is made harmless."""
    buffer = io.StringIO()
    rows = ([csv_value(value) for value in line] for line in lines)
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue()
