"""The curves of a run: what is undefined is a gap, and the best step is marked."""

from __future__ import annotations

import plotly.graph_objects as go
import pytest

from ui.pictures.curves import run_curves


def line_through(figure: go.Figure, name: str) -> tuple[list[object], list[object]]:
    (trace,) = [trace for trace in figure.data if trace.name == name]
    return list(trace.x), list(trace.y)


def test_score_and_distance_have_an_axis_each() -> None:
    figure = run_curves({"step": [0, 1], "score": [0.2, 0.4], "l2": [0.0, 1.5]}, "IoU", 0.97)
    assert line_through(figure, "IoU") == ([0, 1], [0.2, 0.4])
    assert line_through(figure, "L2") == ([0, 1], [0.0, 1.5])
    assert [trace.yaxis for trace in figure.data] == ["y", "y2"]
    assert tuple(figure.layout.yaxis.range) == (0, 1.02)


def test_the_target_is_a_line_across() -> None:
    figure = run_curves({"step": [0], "score": [0.2], "l2": [0.0]}, "IoU", 0.9)
    (across,) = figure.layout.shapes
    assert (across.y0, across.y1) == (0.9, 0.9)


@pytest.mark.parametrize("score", [[None, None, None], [None, 0.5, None], [0.1, None, 0.3]])
def test_undefined_figures_are_gaps(score: list[float | None]) -> None:
    curves = {"step": [0, 1, 2], "score": score, "l2": [0.0, None, 2.0]}
    figure = run_curves(curves, "Structure removed", 0.97)
    assert line_through(figure, "Structure removed")[1] == score
    assert '"Structure removed"' in figure.to_json()


def test_one_point_is_seen() -> None:
    figure = run_curves({"step": [0], "score": [0.2], "l2": [0.0]}, "IoU", 0.97)
    # A line of one point has no length; Plotly adds markers to fewer than twenty points itself.
    assert all(trace.mode is None and len(trace.x) < 20 for trace in figure.data)


def test_no_points_yet_draw_nothing() -> None:
    figure = run_curves({"step": [], "score": [], "l2": []}, "IoU", 0.97)
    assert line_through(figure, "IoU") == ([], [])
