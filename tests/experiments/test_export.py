"""The table and its exports, against figures worked out by hand."""

from __future__ import annotations

import csv
import io

import pytest

from asma_core.experiments.cells import Cell
from asma_core.experiments.export import cells_csv, summary_csv, table_latex, table_markdown
from asma_core.experiments.table import summary


def cell(label: str, l2: float | None, success: bool = True, sample: str = "a") -> Cell:
    if l2 is None:
        return Cell(label, "asma", sample, "b", "", {}, "the network answered NaN")
    results = {
        "success": success,
        "iou_8bit": 0.9,
        "pixel_accuracy_8bit": 0.99,
        "l2_8bit": l2,
        "linf_8bit": 0.1,
        "gradient_evaluations": 10,
        "seconds": 0.5,
    }
    return Cell(label, "asma", sample, "b", "0123abcd", results, "")


CELLS = [
    cell("a_1 & 100 %", 1.0),
    cell("a_1 & 100 %", 3.0, success=False),
    cell("a_1 & 100 %", None),
]


def test_means_are_over_all_that_have_figures_and_n_counts_all() -> None:
    (row,) = summary(CELLS)
    assert (row["n"], row["failed"]) == (3, 1)
    assert row["success_rate"] == pytest.approx(1 / 3)
    assert (row["mean"]["l2"], row["std"]["l2"]) == (2.0, 1.0)
    assert row["l2_of_successes"] == 1.0


def test_a_row_of_failures_has_no_figures() -> None:
    (row,) = summary([cell("x", None)])
    assert row["mean"]["l2"] is None
    assert "n/a" in table_markdown([row])
    (line,) = csv.DictReader(io.StringIO(summary_csv([row])))
    assert line["l2_mean"] == ""


def test_csv_holds_the_figures_in_full() -> None:
    lines = list(csv.DictReader(io.StringIO(cells_csv(CELLS))))
    assert [line["l2"] for line in lines] == ["1.0", "3.0", ""]
    assert lines[2]["message"] == "the network answered NaN"
    (line,) = csv.DictReader(io.StringIO(summary_csv(summary(CELLS))))
    assert (line["l2_mean"], line["l2_std"], line["n"]) == ("2.0", "1.0", "3")


def test_latex_is_escaped_and_whole() -> None:
    text = table_latex(summary(CELLS))
    assert r"a\_1 \& 100\,\% & 33\,\% & 2.00 $\pm$ 1.00" in text
    lines = text.splitlines()
    assert lines[0] == "% towards the target"
    assert lines[1].startswith(r"\begin{tabular}{lrrrrrrr}")
    assert lines[-1] == r"\end{tabular}"
    assert {line.count(" & ") for line in lines if line.endswith(r"\\")} == {7}


def test_markdown_keeps_its_columns_whatever_the_label() -> None:
    (row,) = summary([cell("a|b", 1.0)])
    lines = table_markdown([row]).splitlines()
    assert lines[2].startswith(r"| a\|b | 100 % | 1.00 ± n/a |"), "one value does not deviate"


def away(l2: float, outcome: str = "success") -> Cell:
    results = {"outcome": outcome, "score_name": "iou lost", "iou_lost_8bit": 0.8, "l2_8bit": l2}
    return Cell("pgd", "pgd", "a", "b", "0123abcd", results, "", "away from the prediction")


def test_goals_share_neither_a_row_nor_a_table_nor_a_column() -> None:
    rows = summary([*CELLS, away(2.0), away(4.0)])
    assert [row["goal"] for row in rows] == ["towards the target", "away from the prediction"]
    assert rows[1]["mean"]["iou"] is None and rows[1]["mean"]["iou_lost"] == 0.8
    first, second = table_markdown(rows).split("\n\n")[1::2]
    assert "| IoU |" in first and "IoU lost" not in first
    assert "| IoU lost |" in second and "| IoU |" not in second
    assert table_latex(rows).count(r"\begin{tabular}") == 2


def test_what_is_already_there_is_no_success_and_counts_in_no_rate() -> None:
    there = away(0.0, "already there")
    (row,) = summary([there, away(2.0), away(3.0, "goal not reached")])
    assert (row["n"], row["already"], row["success_rate"]) == (3, 1, 0.5)
    assert row["l2_of_successes"] == 2.0
    (row,) = summary([there])
    assert row["success_rate"] is None and "| n/a |" in table_markdown([row])
    lines = list(csv.DictReader(io.StringIO(cells_csv([there]))))
    assert (lines[0]["outcome"], lines[0]["success"]) == ("already there", "False")


def full(l2: float, label: str = "a") -> Cell:
    results = {
        "outcome": "success", "stopped": "steps used", "score_name": "iou",
        "iou_8bit": 0.91, "pixel_accuracy_8bit": 0.99, "l2_8bit": l2, "linf_8bit": 0.1,
        "ciede2000_8bit": 0.4, "ssim_8bit": 0.998, "gradient_evaluations": 10,
        "forward_passes": 12, "seconds": 0.54, "batch": 3,
    }  # fmt: skip
    return Cell(label, "asma", "s", "t", "0123abcd", results, "")


HEAD = ["label", "attack", "goal"]
FIGURES = [
    "iou", "structure_removed", "iou_lost", "pixel_accuracy", "l2", "linf",
    "ciede2000", "ssim", "gradient_evaluations", "forward_passes", "seconds",
]  # fmt: skip


def test_a_line_of_a_cell_has_all_of_it() -> None:
    names, line = csv.reader(io.StringIO(cells_csv([full(2.0)])))
    assert names == [
        *HEAD, "sample", "target", "run", "outcome", "ended", "success", *FIGURES, "batch",
        "message",
    ]  # fmt: skip
    assert line == [
        "a", "asma", "towards the target", "s", "t", "0123abcd", "success", "steps used", "True",
        "0.91", "", "", "0.99", "2.0", "0.1", "0.4", "0.998", "10", "12", "0.54", "3", "",
    ]  # fmt: skip


def test_a_line_of_a_row_has_all_of_it() -> None:
    names, line = csv.reader(io.StringIO(summary_csv(summary([full(2.0), full(4.0)]))))
    spread = [f"{name}_{kind}" for name in FIGURES for kind in ("mean", "std")]
    counts = ["n", "already", "failed", "success_rate"]
    assert names == [*HEAD, *counts, *spread, "l2_of_successes_mean"]
    row = dict(zip(names, line, strict=True))
    assert [row[name] for name in counts] == ["2", "0", "0", "1.0"]
    assert (row["l2_mean"], row["l2_std"], row["l2_of_successes_mean"]) == ("3.0", "1.0", "3.0")
    assert (row["seconds_mean"], row["seconds_std"]) == ("0.54", "0.0")
    assert (row["iou_lost_mean"], row["iou_lost_std"]) == ("", "")


def test_a_table_has_its_columns_with_their_digits() -> None:
    rows = summary([full(2.0), full(4.0)])
    title, rule, line = table_markdown(rows).splitlines()
    assert title == (
        "| Attack | Success | L2 | Linf | CIEDE2000 | SSIM | IoU | PA | Gradients | Forward "
        "| Seconds |"
    )
    assert rule == "| --- |" + " ---: |" * 10
    assert line == (
        "| a | 100 % | 3.00 ± 1.00 | 0.100 ± 0.000 | 0.40 ± 0.00 "
        "| 0.9980 ± 0.0000 | 0.910 ± 0.000 | 0.9900 ± 0.0000 | 10 ± 0 | 12 ± 0 | 0.5 ± 0.0 |"
    )
    latex = table_latex(rows).splitlines()
    assert latex[1] == r"\begin{tabular}{l" + "r" * 10 + "}"
    assert [latex[place] for place in (2, 4, 6)] == [r"\toprule", r"\midrule", r"\bottomrule"]
    assert latex[3] == (
        r"Attack & Success & L2 & Linf & CIEDE2000 & SSIM & IoU & PA & Gradients & Forward "
        r"& Seconds \\"
    )
    assert latex[5].startswith(r"a & 100\,\% & 3.00 $\pm$ 1.00 & 0.100 $\pm$ 0.000 & ")


def test_every_sign_of_latex_is_escaped() -> None:
    text = table_latex(summary([full(1.0, "\\&%$#_{}~^")]))
    assert r"\textbackslash{}\&\%\$\#\_\{\}\textasciitilde{}\textasciicircum{} & 100" in text
    label = "a\\b|c\nd"
    assert r"| a\\b\|c d | 100 %" in table_markdown(summary([full(1.0, label)]))


def test_a_table_without_figures_has_all_columns() -> None:
    (row,) = summary([cell("x", None)])
    title, _, line = table_markdown([row]).splitlines()
    assert title.count(" | ") == 12 and line == "| x | 0 % |" + " n/a |" * 11


def test_what_failed_is_of_the_goal_of_its_label() -> None:
    failed = Cell("pgd", "pgd", "c", "b", "", {}, "no file")
    rows = summary([failed, away(2.0), cell("asm", None)])
    assert [(row["goal"], row["label"], row["n"]) for row in rows] == [
        ("away from the prediction", "pgd", 2), ("towards the target", "asm", 1),
    ]  # fmt: skip
    assert rows[0]["failed"] == 1 and rows[0]["success_rate"] == 0.5
    removed = {"outcome": "success", "score_name": "structure removed", "l2_8bit": 1.0}
    (row,) = summary([Cell("pgd", "pgd", "c", "b", "1", removed, "")])
    assert row["goal"] == "the structure removed"
