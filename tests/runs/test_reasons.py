"""What went against an attack is one sentence, made by hand here and by real runs below."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from asma_core.attacks.checks import FAR_REGION, ONE_COLOUR, TRAINING, VANISHING, VOID_TARGET
from asma_core.attacks.contract import AttackResult, StepMetrics
from asma_core.attacks.registry import ATTACKS
from asma_core.data.masks.label_maps import mask_values
from asma_core.runs import artefacts, store
from asma_core.runs.execute import execute
from asma_core.runs.figures import Judge
from asma_core.runs.reasons import (
    AT_TARGET,
    AWAY_ALREADY,
    FAILED,
    FLAT,
    FLAT_LATER,
    NEVER_SEEN,
    REGION_LIMITS,
    STALLED,
    TOO_FEW,
    UNMOVED,
    Attempt,
    explained,
    reason,
)
from asma_core.runs.run import DONE, Run, counted_warnings
from asma_core.runs.spec import RunInputs
from asma_core.runs.store import RunStore
from tests import tiny

NAMES = ("background", "rim", "cup")
LEVEL = 1 / 255


def target() -> np.ndarray[Any, Any]:
    """Ten pixels of class 1 to the left, ten of class 2 beside them."""
    labels = np.zeros((10, 10), dtype=np.int64)
    labels[:, 0], labels[:, 1] = 1, 2
    return labels


def attempt(
    outcome: str = "goal not reached",
    ending: str = "steps used",
    kind: str = "iou",
    steps: int = 100,
    classes: tuple[int, ...] = (0, 1, 2),
    region: Any = None,
    linf: float = LEVEL,
    prediction: Any = None,
    flat: int = 0,
) -> Attempt:
    way = tuple(StepMetrics(0, at, 0.5, 0.5, 0.5, 1.0, linf * (at > 0)) for at in range(3))
    result = AttackResult(
        torch.zeros(1, 10, 10),
        False,
        way[0],
        steps,
        8,
        9,
        ending,
        {},
        way,
        flat,
        frozenset(classes),
    )
    blank = np.zeros((10, 10), dtype=np.int64)
    judge = Judge(kind, target(), blank, np.ones((10, 10), dtype=np.bool_), 3)
    said = blank if prediction is None else prediction
    return Attempt(result, outcome, judge, said, region, NAMES, 0.9, papers=False)


@pytest.mark.parametrize(
    "usual",
    [
        {},
        {"outcome": "success"},
        {"outcome": "success", "ending": "goal reached", "steps": 1, "classes": (0,)},
        {"outcome": "success", "linf": 0.0},
        {"ending": "cancelled", "steps": 1, "classes": (0,), "linf": 0.0},
        {"ending": "nothing more to gain", "steps": 9},
        {"steps": 10},
        {"linf": 0.51 * LEVEL},
        {"flat": 4},
        {"flat": 8, "outcome": "success"},
        # An attack that leads away has no target.
        {"kind": "iou lost", "classes": (0,)},
    ],
)
def test_what_is_usual_needs_no_sentence(usual: dict[str, Any]) -> None:
    assert reason(attempt(**usual)) == ""
    assert explained([TRAINING, VANISHING, FAR_REGION], attempt(**usual)) == [
        TRAINING,
        VANISHING,
        FAR_REGION,
    ]


def along(*scores: float, papers: bool = True, kind: str = "iou") -> Attempt:
    """An attempt whose score went that way, towards 0.9."""
    usual = attempt(kind=kind)
    way = tuple(
        StepMetrics(0, at, score, score, 0.5, 1.0, LEVEL) for at, score in enumerate(scores)
    )
    result = replace(usual.result, trajectory=way, steps=len(way) - 1)
    return replace(usual, result=result, papers=papers)


def test_the_paper_s_gradient_that_stalls_is_told_with_its_figures() -> None:
    stalls = (0.1, 0.3, 0.5, 0.6, 0.7, 0.72, 0.73, 0.74, 0.75, 0.74, 0.76)
    told = STALLED.format(score=0.76, steps="10 steps", gain=0.01, missing=0.14)
    assert reason(along(*stalls)) == told
    assert "Try Minimal" in told
    assert reason(along(*stalls, papers=False)) == ""
    assert reason(along(*stalls, kind="iou lost")) == ""
    rises = tuple(0.07 * at for at in range(11))
    assert reason(along(*rises)) == "", "it only needs more steps"
    assert reason(along(*stalls[:8])) != told


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ({"outcome": "already there", "steps": 0}, AT_TARGET),
        ({"outcome": "already there", "kind": "iou lost"}, AWAY_ALREADY),
        ({"ending": "no gradient", "steps": 0}, FLAT),
        ({"ending": "NaN or infinite values", "steps": 7}, FAILED.format(steps="7 steps")),
        # What was reached before stands, and that it broke off is told.
        (
            {"ending": "NaN or infinite values", "outcome": "success", "steps": 1},
            FAILED.format(steps="1 step"),
        ),
        ({"steps": 1, "classes": (0,)}, TOO_FEW.format(steps="1 step")),
        ({"steps": 9}, TOO_FEW.format(steps="9 steps")),
        ({"flat": 5, "linf": 0.0}, FLAT_LATER.format(flat=5, all=8)),
        ({"linf": 0.49 * LEVEL, "classes": (0,)}, UNMOVED),
        ({"classes": (0, 1)}, NEVER_SEEN.format(classes='the class "cup"')),
        ({"classes": (1,)}, NEVER_SEEN.format(classes='the classes "background" and "cup"')),
    ],
)
def test_each_has_its_sentence_and_only_one(what: dict[str, Any], sentence: str) -> None:
    assert reason(attempt(**what)) == sentence


def region(columns: int) -> np.ndarray[Any, Any]:
    mask = np.zeros((10, 10), dtype=np.bool_)
    mask[:, 20 - columns :] = True
    mask[:, :columns] = True
    return mask


def test_a_region_is_named_when_most_of_what_must_change_lies_outside() -> None:
    # Twenty pixels must change; the region holds ten of them, then one less.
    half = region(1)
    assert reason(attempt(region=half)) == ""
    less = half.copy()
    less[0, 0] = False
    said = REGION_LIMITS.format(share="9 %", outside="55 %")
    assert reason(attempt(region=less)).replace("9.0 %", "9 %") == said
    # When what lies outside has changed, the region is not what limits.
    rim = np.where(target() == 2, 2, 0)
    assert reason(attempt(region=less, prediction=rim)) == ""
    # Away from the mask the pixels that are still at it must change, the eighty of background.
    away = attempt(region=half, kind="iou lost")
    assert reason(away) == REGION_LIMITS.format(share="10 %", outside="100 %")


def test_a_reason_takes_the_place_of_the_hint_from_before() -> None:
    flat = attempt(ending="no gradient")
    assert explained([TRAINING, VANISHING], flat) == [TRAINING, FLAT]
    far = attempt(region=~region(2))
    assert explained([FAR_REGION, VANISHING], far)[0] == VANISHING
    assert len(explained([FAR_REGION, VANISHING], far)) == 2


def test_the_warnings_of_many_runs_are_counted() -> None:
    results = [{"warnings": ["b"]}, {"warnings": ["a", "b"]}, {}, {"warnings": []}]
    assert counted_warnings(results) == ["2 of 4 runs: b", "1 of 4 runs: a"]
    assert counted_warnings([{}]) == []


# Real runs ------------------------------------------------------------------------------------


@pytest.fixture
def runs(home: Path) -> RunStore:
    tiny.furnish(home)
    return RunStore()


def ended(runs: RunStore, inputs: RunInputs | None = None, **more: Any) -> Run:
    asked = {"attack": "minimal", "config": {"steps": 40}} | more
    run = execute(runs, runs.create(tiny.request(**asked), inputs or tiny.inputs()).id)
    record = json.loads((runs.folder(run.id) / store.RECORD).read_text())
    assert run.state == DONE and record["results"]["warnings"] == run.results["warnings"]
    assert "NaN" not in json.dumps(record)
    return run


@pytest.mark.parametrize("name", ATTACKS)
def test_an_ordinary_run_has_no_warning(runs: RunStore, name: str) -> None:
    config = {"steps": 40, "target_iou": 0.7}
    if "goal_is" in ATTACKS[name].config.__dataclass_fields__:
        config["goal_is"] = "towards the mask"
    assert ended(runs, attack=name, config=config).results["warnings"] == []


def test_a_target_that_is_the_prediction_costs_nothing_and_is_told(runs: RunStore) -> None:
    seen = ended(runs, config={"steps": 1})
    prediction = mask_values(runs.folder(seen.id) / artefacts.PREDICTION_CLEAN)
    run = ended(runs, replace(tiny.inputs(), target=prediction.astype(np.int64)))
    assert (run.outcome, run.success, run.results["warnings"]) == (
        "already there",
        False,
        [AT_TARGET],
    )
    assert (run.results["gradient_evaluations"], run.results["l2_8bit"]) == (0, 0.0)
    assert run.frontier == ""


def test_a_budget_of_one_evaluation_is_a_result(runs: RunStore) -> None:
    run = ended(runs, config={"steps": 1})
    assert run.results["warnings"] == [TOO_FEW.format(steps="1 step")]
    assert run.results["gradient_evaluations"] == 1
    assert "not reached within 1 evaluation." in run.frontier
    assert {"adversarial.png", "prediction_adversarial.png"} <= {
        path.name for path in runs.folder(run.id).iterdir()
    }


def test_a_region_that_is_too_small_is_told_with_its_share(runs: RunStore) -> None:
    where = np.zeros((tiny.SIZE, tiny.SIZE), dtype=np.bool_)
    where[14:16, 18:20] = True
    run = ended(runs, replace(tiny.inputs(0, 6), region=where))
    (said,) = run.results["warnings"]
    assert said.startswith("The image may change within 0.39 % of it only")
    assert "not reached within" in run.frontier


def test_a_class_that_is_never_predicted_is_named(runs: RunStore, home: Path) -> None:
    weights = home / "models" / f"{tiny.THREE}.safetensors"
    state = load_file(weights)
    # The last bias of each class, the third far below the others.
    name = [key for key in state if key.endswith("bias")][-1]
    assert len(state[name]) == 3
    state[name] = state[name] + torch.tensor([0.0, 0.0, -50.0])
    save_file(state, weights)
    run = ended(runs, tiny.inputs(0, 2, 3), model=tiny.THREE)
    assert run.results["warnings"] == [NEVER_SEEN.format(classes='the class "class 2"')]
    assert run.frontier != ""
    # Whoever asks for less than it takes is not told off.
    half = ended(runs, tiny.inputs(0, 2, 3), model=tiny.THREE, config={"target_iou": 0.3})
    assert (half.success, half.results["warnings"]) == (True, [])


@pytest.mark.parametrize(
    ("name", "level"), [("minimal", 0), ("minimal", 255), *((name, 128) for name in ATTACKS)]
)
def test_an_image_of_one_colour_is_told_and_attacked_all_the_same(
    runs: RunStore, name: str, level: int
) -> None:
    plain = replace(tiny.inputs(), image=np.full((3, 32, 32), level / 255, dtype=np.float32))
    run = ended(runs, plain, attack=name, config={"steps": 12})
    assert ONE_COLOUR in run.results["warnings"]
    assert np.isfinite([run.results[key] for key in ("l2_8bit", "linf_8bit", "ssim_8bit")]).all()


def test_a_target_on_pixels_that_do_not_count_is_told(runs: RunStore) -> None:
    inputs = tiny.inputs()
    run = ended(runs, replace(inputs, valid=inputs.target == 0), config={"target_iou": 0.5})
    assert VOID_TARGET in run.results["warnings"]
