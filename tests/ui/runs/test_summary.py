"""A run in figures: digits, units, what is undefined, and what has another name."""

from __future__ import annotations

from pathlib import Path

import pytest

from asma_core.runs.store import RunStore
from tests.pages import made_runs
from tests.pages.made_runs import Made
from tests.pages.small_house import NASTY, furnish
from ui.runs.summary import _rows, how


@pytest.fixture
def runs(home: Path, monkeypatch: pytest.MonkeyPatch) -> RunStore:
    return furnish(home, monkeypatch).runs


def rows(results: dict[str, object], classes: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    return {
        row["Figure"]: (row["Before"], row["Float"], row["8-bit file"])
        for row in _rows(results, classes)
    }


def test_each_class_has_its_own_figures() -> None:
    results = {
        "iou_per_class": [0.9, 0.12345, 0.5],
        "iou_per_class_8bit": [0.9, 0.12, 0.25],
        "dice_per_class": [0.9, 0.22, None],
        "hausdorff_95_per_class": [3.25, None],
    }
    shown = rows(results, ("background", "rim", "cup"))
    assert shown["IoU, rim"] == ("n/a", "0.123", "0.120")
    assert shown["IoU, cup"] == ("n/a", "0.500", "0.250")
    assert shown["Dice, cup"] == ("n/a", "n/a", "n/a")
    assert shown["Hausdorff 95, rim"] == ("n/a", "3.2 px", "n/a")
    assert shown["Hausdorff 95, cup"] == ("n/a", "n/a", "n/a")
    assert "IoU, background" not in shown


def test_only_a_run_that_hides_has_a_share_removed() -> None:
    hidden = {"score_name": "structure removed", "score": 0.5, "score_8bit": 0.4}
    assert rows(hidden, ("a", "b"))["Structure removed"] == ("n/a", "0.500", "0.400")
    assert "Structure removed" not in rows(hidden | {"score_name": "iou"}, ("a", "b"))


def test_without_any_figures_all_is_undefined() -> None:
    shown = rows({}, ("background", "lesion"))
    assert set(shown.values()) == {("n/a", "n/a", "n/a")}


def test_how_a_run_was_made_names_what_was_chosen(runs: RunStore) -> None:
    text = how(made_runs.finished(runs))
    assert "tau 0.00015, beta 0.0015" in text
    assert "target_iou 0.97" in text
    assert "seed 0, " in text and ". 85 gradient evaluations in 6.2 s on cpu, " in text
    assert text.endswith("; ended: goal reached.")


def test_how_does_for_a_run_without_a_result(runs: RunStore) -> None:
    text = how(made_runs.failed(runs, NASTY, made=Made(image_name=NASTY)))
    assert "Chosen by the attack: nothing." in text
    assert text.endswith("; ended: failed.")
