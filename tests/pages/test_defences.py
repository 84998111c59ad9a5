"""The Defences page: the form, what there is, and what is gone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from asma_core.data.datasets import open_dataset
from asma_core.defences.contract import Defence
from asma_core.experiments.detection_plan import DetectionPlan, evading
from asma_core.experiments.plan import pairs_of, variant
from asma_core.experiments.robustness_plan import RobustnessPlan
from asma_core.jobs.detection import DetectionRunner
from asma_core.jobs.experiments import ExperimentRunner
from asma_core.jobs.plan_runner import Standing
from asma_core.jobs.robustness import RobustnessRunner
from asma_core.models.sources.cards import find_card, model_cards
from asma_core.models.sources.defending import keep_defended
from tests.pages.small_house import (
    DATASET,
    MODEL,
    House,
    address,
    errors,
    furnish,
    texts,
    visit,
    write_black_box,
)
from ui.common import services


@pytest.fixture
def house(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    yield furnish(home, monkeypatch)


@pytest.fixture
def runner(house: House, monkeypatch: pytest.MonkeyPatch) -> RobustnessRunner:
    """What keeps plans; nothing carries their experiments out."""
    experiments = ExperimentRunner(house.jobs)
    monkeypatch.setattr(experiments, "start", lambda _: True)
    made = RobustnessRunner(house.home, experiments, SimpleNamespace())
    monkeypatch.setattr(services, "robustness", lambda: made)
    return made


def plan() -> RobustnessPlan:
    pairs = pairs_of(open_dataset(DATASET), 1)
    return RobustnessPlan(MODEL, DATASET, pairs, (variant("pgd", {}),), (Defence("jpeg"),))


def test_without_touching_anything_three_defences_are_asked_about(
    house: House, runner: RobustnessRunner
) -> None:
    app = visit("defences")
    assert errors(app) == [] and not app.subheader
    # Two pairs, minimal and the black box, the bare network and three behind a defence.
    assert "16 runs: 2 pairs, 2 attacks" in texts(app)
    app.button(key="defences-form-start").click().run()
    assert errors(app) == []
    (plan_id,) = runner.plans.newest()
    assert address(app) == {"plan": plan_id}
    made = runner.plans.get(plan_id)
    assert [one.name for one in made.defences] == ["jpeg", "bit-depth", "median"]
    assert [row.attack for row in made.attacks] == ["minimal", "square"]
    assert {row.config["target_iou"] for row in made.attacks} == {0.9}
    assert {f"{MODEL}-jpeg", f"{MODEL}-bit-depth", f"{MODEL}-median"} <= set(model_cards())
    assert "Stopped at 0 of 16 runs" in texts(app)
    app = visit("defences")
    assert [one.value for one in app.subheader] == ["Earlier"]
    assert "stopped at 0 of 16" in texts(app)


def test_settings_go_into_the_plan(house: House, runner: RobustnessRunner) -> None:
    app = visit("defences")
    app.multiselect(key="defences-form-defences").set_value(["jpeg"]).run()
    app.number_input(key="defences-form-jpeg-quality").set_value(40)
    app.multiselect(key="defences-form-attacks").set_value(["pgd"])
    app.toggle(key="defences-form-check").set_value(False)
    app.number_input(key="defences-form-steps").set_value(7).run()
    app.button(key="defences-form-start").click().run()
    made = runner.plans.get(runner.plans.newest()[0])
    assert made.defences == (Defence("jpeg", {"quality": 40}),)
    assert [(row.attack, row.config["steps"]) for row in made.attacks] == [("pgd", 7)]


def test_other_networks_are_set_beside_with_or_without_defences(
    house: House, runner: RobustnessRunner
) -> None:
    keep_defended(find_card(MODEL), Defence("jpeg"), "mine")
    app = visit("defences")
    app.multiselect(key="defences-form-defences").set_value([]).run()
    others = app.multiselect(key="defences-form-others")
    assert MODEL not in others.options
    others.set_value(["mine"]).run()
    assert "and mine beside it" in texts(app)
    app.button(key="defences-form-start").click().run()
    made = runner.plans.get(runner.plans.newest()[0])
    assert (made.defences, made.others) == ((), ("mine",))
    assert "mine; Minimal, Square; 2 pairs" in texts(visit("defences"))


def test_nothing_is_started_without_a_defence(house: House, runner: RobustnessRunner) -> None:
    app = visit("defences")
    app.multiselect(key="defences-form-defences").set_value([]).run()
    assert app.button(key="defences-form-start").disabled


def test_of_a_black_box_only_square_is_offered_and_defended_networks_are_no_bare_ones(
    house: House, runner: RobustnessRunner
) -> None:
    keep_defended(find_card(MODEL), Defence("jpeg"), "mine")
    box = write_black_box(house.home)
    app = visit("defences")
    network = next(one for one in app.selectbox if one.label == "Network")
    assert "mine" not in network.options
    network.set_value(box).run()
    attacks = app.multiselect(key="defences-form-attacks-black-box")
    assert attacks.options == ["Square", "DLA"] and "left out" in texts(app)


def test_what_is_gone_is_a_sentence_and_hides_nothing(
    house: House, runner: RobustnessRunner
) -> None:
    assert any("Defences page lists" in one for one in errors(visit("defences", plan="nothing")))
    kept = runner.plans.keep(plan())
    (house.home / "robustness" / "broken.json").write_text("[]")
    app = visit("defences")
    assert not app.exception and "stopped at 0 of 2" in texts(app)
    app = visit("defences", plan=kept)
    assert app.button(key="defences-resume").label == "Go on"
    app.button(key="defences-delete").click().run()
    assert runner.plans.newest() == ["broken"] and address(app) == {}


def test_a_plan_whose_network_is_gone_says_so_and_can_be_forgotten(
    house: House, runner: RobustnessRunner
) -> None:
    keep_defended(find_card(MODEL), Defence("jpeg"), "mine")
    kept = runner.plans.keep(replace(plan(), others=("mine",)))
    (house.home / "models" / "mine.toml").unlink()
    lines = [one.value for one in visit("defences").markdown]
    assert any("no model is called 'mine'" in one for one in lines), lines
    app = visit("defences", plan=kept)
    assert any("No model is called 'mine'" in one for one in errors(app))
    app.button(key="defences-delete").click().run()
    assert runner.plans.newest() == [] and address(app) == {}


def test_a_late_question_for_what_was_forgotten_leads_to_the_list(
    house: House, runner: RobustnessRunner
) -> None:
    kept = runner.plans.keep(plan())
    app = visit("defences", plan=kept)
    app.button(key="defences-delete").click().run()
    assert address(app) == {}
    app.query_params["plan"] = kept
    app.run()
    assert errors(app) == [] and address(app) == {}


# The other room: detectors ------------------------------------------------------------------------


@pytest.fixture
def watcher(house: House, monkeypatch: pytest.MonkeyPatch) -> DetectionRunner:
    """What keeps plans of detectors; nothing carries their experiments out."""
    experiments = ExperimentRunner(house.jobs)
    monkeypatch.setattr(experiments, "start", lambda _: True)
    made = DetectionRunner(house.home, experiments, SimpleNamespace())
    monkeypatch.setattr(services, "detection", lambda: made)
    return made


def test_without_touching_anything_three_detectors_are_asked(
    house: House, watcher: DetectionRunner
) -> None:
    app = visit("defences", room="detection")
    assert errors(app) == []
    # Two pairs; the attack, and one more for each detector.
    assert "8 runs: 2 pairs" in texts(app)
    app.button(key="detection-form-start").click().run()
    assert errors(app) == []
    (plan_id,) = watcher.plans.newest()
    assert address(app) == {"plan": plan_id, "room": "detection"}
    made = watcher.plans.get(plan_id)
    assert made.detectors == ("entropy", "squeezing", "residual")
    assert [row.label for row in made.rows] == [
        "minimal", "evade entropy", "evade squeezing", "evade residual",
    ]  # fmt: skip
    assert {row.config["target_iou"] for row in made.rows} == {0.9}
    assert "Stopped at 0 of 8 runs" in texts(app)
    app = visit("defences", room="detection")
    assert "stopped at 0 of 8" in texts(app) and "Feature squeezing (bits 4, window 3)" in texts(
        app
    )
    app = visit("defences", plan=plan_id, room="detection")
    assert app.button(key="defences-resume").label == "Go on"
    app.button(key="defences-delete").click().run()
    assert watcher.plans.newest() == [] and address(app) == {"room": "detection"}


def test_settings_of_detectors_go_into_the_plan(house: House, watcher: DetectionRunner) -> None:
    app = visit("defences", room="detection")
    app.multiselect(key="detection-form-detectors").set_value(["squeezing"]).run()
    app.number_input(key="detection-form-squeezing-bits").set_value(3)
    app.number_input(key="detection-form-knowing-steps").set_value(40).run()
    app.button(key="detection-form-start").click().run()
    made = watcher.plans.get(watcher.plans.newest()[0])
    assert made.detectors == ("squeezing:bits=3",)
    config = made.evading[0].config
    assert (config["detector"], config["detector_settings"], config["steps"]) == (
        "squeezing", "bits=3", 40,
    )  # fmt: skip


def test_of_a_black_box_no_attack_can_know_a_detector(
    house: House, watcher: DetectionRunner
) -> None:
    box = write_black_box(house.home)
    app = visit("defences", room="detection")
    next(one for one in app.selectbox if one.label == "Network").set_value(box).run()
    assert app.selectbox(key="detection-form-attack-black-box").options == ["Square", "DLA"]
    assert "no attack can know a detector" in texts(app)
    app.button(key="detection-form-start").click().run()
    assert errors(app) == []
    made = watcher.plans.get(watcher.plans.newest()[0])
    assert made.evading == () and made.attack.attack == "square"


def test_a_question_is_chosen_by_hand_and_stands_in_the_address(
    house: House, runner: RobustnessRunner, watcher: DetectionRunner
) -> None:
    app = visit("defences")
    (question,) = app.get("button_group")
    assert question.value == ""
    question.set_value("detection").run()
    assert errors(app) == [] and address(app) == {"room": "detection"}
    assert "made to evade it" in texts(app)


def test_what_detectors_are_worth_is_shown(
    house: House, watcher: DetectionRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = pairs_of(open_dataset(DATASET), 2)
    asked = DetectionPlan(
        MODEL, DATASET, pairs, variant("pgd", {}), ("entropy",), (evading("entropy", {}, 5),)
    )
    plan_id = watcher.plans.keep(asked)
    estimate = {"value": 0.25, "low": 0.125, "high": 0.375}
    row = {"detector": "entropy", "title": "Entropy", "n": 2, "auroc": estimate, "tpr": estimate}
    answer = {
        "sentences": ["Nobody notices."],
        "rows": [row | {"files": kind, "l2": 1.5} for kind in ("noise", "attacked", "adaptive")],
        "problems": ["pgd on a: no memory"],
    }
    files = dict.fromkeys(("detection.csv", "detection.md", "detection.tex"), b"table")
    whole = Standing((), 4, 0, 4, False, False, ())
    monkeypatch.setattr(watcher, "standing", lambda _: whole)
    monkeypatch.setattr(watcher, "result", lambda _: (answer, files))
    app = visit("defences", plan=plan_id, room="detection")
    assert errors(app) == []
    told = texts(app)
    assert "Nobody notices." in told and "no memory" in told
    assert "| Entropy | Attacked | 2 | 0.25 | 0.12 to 0.38 |" in told
    assert "| **Entropy** | **Attacked, knowing it** | **2** | **0.25** |" in told
    (chart,) = app.get("plotly_chart")
    traces = json.loads(chart.proto.spec)["data"]
    assert [trace["name"] for trace in traces] == [
        "Noise of the same L2", "Attacked", "Attacked, knowing it",
    ]  # fmt: skip
    assert len(app.get("download_button")) == 3
