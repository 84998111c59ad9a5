"""A network is its card and its weights; only what shares all may stand for another run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asma_core.data.formats.windows import Window
from asma_core.models.sources import cards
from asma_core.models.sources.cards import find_card, identity, network_hash
from asma_core.models.wrapper import threads
from asma_core.runs.execute import execute
from asma_core.runs.export import readme
from asma_core.runs.rows import run_of_row
from asma_core.runs.run import DONE, FAILED, Run
from asma_core.runs.spec import RunSpec, make_spec, spec_from_dict
from asma_core.runs.store import RunStore
from asma_core.runs.target_source import FILE, TargetSource
from tests import tiny


@pytest.fixture
def runs(home: Path) -> RunStore:
    tiny.furnish(home)
    return RunStore()


def edit(runs: RunStore, before: str, after: str, name: str = tiny.MODEL) -> None:
    card = runs.home / "models" / f"{name}.toml"
    text = card.read_text()
    assert before in text
    card.write_text(text.replace(before, after))


def spec(config: dict[str, Any] | None = None, **more: Any) -> RunSpec:
    inputs = tiny.inputs()
    return make_spec(tiny.request(config, **more), inputs, inputs.packed())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("mean = [0.5, 0.5, 0.5]", "mean = [0.4, 0.5, 0.5]"),
        ("size = 0", "size = 16"),
        ('name = "UNet"', 'name = "BasicUNet"'),
        ("strides = [2]", "strides = [1]"),
    ],
)
def test_a_card_that_reads_images_otherwise_is_another_network(
    runs: RunStore, before: str, after: str
) -> None:
    first = spec()
    edit(runs, before, after)
    second = spec()
    assert first.model_hash == second.model_hash
    assert first.network_hash != second.network_hash
    assert first.identity != second.identity


def test_names_are_no_part_of_a_network(runs: RunStore) -> None:
    first = spec()
    edit(runs, 'title = "Tiny"', 'title = "Other"')
    edit(runs, 'name = "class 1"', 'name = "disc"')
    second = spec()
    assert first.network_hash == second.network_hash and first.identity == second.identity
    assert (first.classes, second.classes) == (("class 0", "class 1"), ("class 0", "disc"))
    assert json.loads(json.dumps(identity(find_card(tiny.MODEL)))) == dict(second.card)


def test_two_cards_over_one_file_of_weights_are_told_apart(runs: RunStore) -> None:
    card = (runs.home / "models" / f"{tiny.MODEL}.toml").read_text()
    other = card.replace(f'name = "{tiny.MODEL}"', 'name = "other"')
    (runs.home / "models" / "other.toml").write_text(other.replace("mean = [0.5", "mean = [0.3"))
    one, two = find_card(tiny.MODEL), find_card("other")
    assert cards.weights_hash(one) == cards.weights_hash(two)
    assert network_hash(one) != network_hash(two)


def test_a_card_that_changed_after_the_asking_ends_in_a_sentence(runs: RunStore) -> None:
    run = runs.create(tiny.request(), tiny.inputs())
    edit(runs, "mean = [0.5, 0.5, 0.5]", "mean = [0.4, 0.5, 0.5]")
    ended = execute(runs, run.id)
    assert ended.state == FAILED
    assert ended.message == f"the card of {tiny.MODEL} changed after the run was queued; repeat it"


@pytest.mark.parametrize(
    "changed",
    [
        {"config": {"steps": 101, "target_iou": 0.85}},
        {"attack": "asm"},
        # The same settings, of another attack.
        {"attack": "ssm-dpm"},
        {"seed": 1},
        {"device": "cpu"},
        {"precision": "bfloat16"},
        {"compiled": True},
    ],
)
def test_whatever_is_asked_otherwise_is_another_run(
    runs: RunStore, changed: dict[str, Any]
) -> None:
    assert spec().identity != spec(**changed).identity
    assert spec().identity == spec().identity


def test_a_record_has_its_window_and_those_of_before_have_none(runs: RunStore) -> None:
    seen = replace(spec(), window=Window(-160.0, 240.0))
    again = spec_from_dict(json.loads(json.dumps(seen.as_dict())))
    assert again == seen and again.window == Window(-160.0, 240.0)
    assert again.request().window == seen.window
    # What was attacked is the 8-bit image behind it, which has a hash of its own.
    assert seen.identity == spec().identity
    old = spec().as_dict()
    del old["window"]
    assert spec_from_dict(old) == spec()


def test_the_read_me_says_the_window(runs: RunStore) -> None:
    inputs = tiny.inputs()
    asked = replace(tiny.request(), window=Window(-160.0, 240.0))
    text = readme(runs.create(asked, inputs), [])
    assert "-160 to 240 (chosen); original.png is the file's image through it" in text
    assert "Window" not in readme(runs.create(tiny.request(), inputs), [])


def test_versions_threads_and_inputs_belong_to_it(
    runs: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = spec()
    assert first.identity != replace(first, versions={"torch": "0"}).identity
    assert first.identity != replace(first, inputs_hash="0").identity
    for name in ("image_name", "dataset", "sample", "model"):
        assert first.identity == replace(first, **{name: "other"}).identity
    assert first.identity == replace(first, target=TargetSource(FILE, "other")).identity
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert spec().threads == 7 and spec().identity != first.identity


@pytest.mark.parametrize(("text", "count"), [("3", 3), ("2,1", 2), ("0", None), ("many", None)])
def test_threads_are_those_asked_for_or_the_cores(
    monkeypatch: pytest.MonkeyPatch, text: str, count: int | None
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    cores = threads.thread_count()
    assert cores >= 1
    monkeypatch.setenv("OMP_NUM_THREADS", text)
    assert threads.thread_count() == (count or cores)


def test_two_threads_of_a_core_count_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(threads.os, "sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
    monkeypatch.setattr(threads, "_siblings", lambda cpu: f"{cpu % 2},{cpu % 2 + 2}")
    assert threads.thread_count() == 2


def test_the_record_of_a_run_has_its_network_and_its_threads(runs: RunStore) -> None:
    run = execute(runs, runs.create(tiny.request(), tiny.inputs()).id)
    record = json.loads((runs.folder(run.id) / "run.json").read_text())
    assert spec_from_dict(record["spec"]) == run.spec
    assert run.spec.classes == ("class 0", "class 1") and run.spec.threads >= 1
    assert record["spec"]["card"]["input"]["mean"] == [0.5, 0.5, 0.5]


def row(spec: dict[str, Any], results: dict[str, Any], state: str = DONE) -> dict[str, Any]:
    told = dict.fromkeys(("message", "verdict", "note", "tags", "author"), "")
    return {
        "id": "0" * 8, "created": 1.0, "finished": 2.0, "state": state, "cancel": 0,
        "spec": json.dumps(spec), "results": json.dumps(results), "private": 0, "pinned": 0, **told,
    }  # fmt: skip


OLD_SPEC = {
    "model": "m", "model_hash": "1", "inputs_hash": "2", "image_hash": "3", "image_name": "i",
    "dataset": "", "sample": "", "target_name": "mask of 2", "attack": "pgd",
    "config": {"target_iou": 0.9}, "device": "auto", "seed": 0, "versions": {},
}  # fmt: skip


def old(results: dict[str, Any], **config: Any) -> Run:
    return run_of_row(row({**OLD_SPEC, "config": {"target_iou": 0.9, **config}}, results))  # type: ignore[arg-type]


def test_records_of_before_are_read_and_keep_their_figures() -> None:
    run = old({"success": True, "best_step": 4, "iou_8bit": 0.93, "score_8bit": 0.93})
    assert (run.outcome, run.success, run.results["iou_8bit"]) == ("success", True, 0.93)
    assert (run.spec.network_hash, run.spec.classes, run.spec.threads) == ("", (), 0)
    assert run.goal == "towards mask of 2" and run.wanted == 0.9
    assert old({"success": True, "best_step": 0}).outcome == "already there"
    assert old({"success": False, "best_step": 0}).outcome == "goal not reached"
    assert (old({}).outcome, old({}).ending) == ("", DONE)


def test_an_old_run_away_from_a_drawing_says_so_and_shares_no_column() -> None:
    figures = {"success": True, "best_step": 3, "score_name": "iou lost", "stopped": "steps used"}
    run = old({**figures, "score_8bit": 0.7, "iou_8bit": 0.3}, goal_is="away from the mask")
    assert run.goal == "away from mask of 2"
    assert (run.results["iou_8bit"], run.results["iou_lost_8bit"]) == (None, 0.7)
    assert run.ending == "steps used"


def test_a_run_that_was_stopped_after_its_success_is_both(runs: RunStore) -> None:
    config = {"steps": 100, "target_iou": 0.8, "stop_at_target": False}
    reached: list[int] = []

    def watch(report: Any) -> bool:
        reached.extend([report.step] if report.images[0].score >= 0.8 else [])
        return bool(reached)

    run = execute(runs, runs.create(tiny.request(config), tiny.inputs()).id, watch)
    assert (run.state, run.outcome, run.ending) == ("cancelled", "success", "cancelled")


def test_what_lies_on_void_pixels_is_no_structure_anywhere(runs: RunStore) -> None:
    """The live figures, the record and the tracker ask one place."""
    given = tiny.inputs()
    given = replace(given, valid=given.target == 0)
    kinds = []

    def watch(report: Any) -> None:
        kinds.append(report.images[0].kind)

    run = execute(runs, runs.create(tiny.request({"steps": 3}), given).id, watch)
    assert set(kinds) == {"structure removed"} == {run.score_kind}
    last = run.results["score_8bit"]
    assert last is not None and np.isfinite(last)
