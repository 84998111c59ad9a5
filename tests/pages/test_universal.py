"""Universal changes on Defences: the form, what there is, and what is gone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asma_core.attacks.universal import UniversalConfig
from asma_core.data.datasets import open_dataset
from asma_core.experiments.universal_parts import NOISE, WITHOUT, Part
from asma_core.experiments.universal_plan import UniversalPlan, universal_plan
from asma_core.jobs.universal import UniversalRunner
from asma_core.models.sources.cards import find_card
from tests.pages.small_house import (
    DATASET,
    MODEL,
    SIDE,
    House,
    Waiting,
    address,
    errors,
    furnish,
    image_count,
    texts,
    visit,
    write_black_box,
)
from ui.common import services
from ui.defences.universal_figures import curve


@pytest.fixture
def house(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    yield furnish(home, monkeypatch)


@pytest.fixture
def runner(house: House, monkeypatch: pytest.MonkeyPatch) -> UniversalRunner:
    """What keeps plans; nothing carries them out."""
    made = UniversalRunner(house.home, lambda _: Waiting())
    monkeypatch.setattr(services, "universal", lambda: made)
    # One of three images is for training; so there are two to learn on, and one is left.
    card = house.home / "datasets" / DATASET / "dataset.json"
    values = json.loads(card.read_text()) | {"split": {"train": ["a", "b"], "test": ["c"]}}
    card.write_text(json.dumps(values))
    return made


def plan_of(images: int = 2) -> UniversalPlan:
    config = UniversalConfig(steps=10)
    return universal_plan(find_card(MODEL), open_dataset(DATASET), images, 1, "hide", config=config)


def made_of(runner: UniversalRunner, plan: UniversalPlan, *names: str | int) -> None:
    """Keep parts, as if they had been learned."""
    change = np.full((3, SIDE, SIDE), 8 / 255, np.float32)
    picture = np.full((SIDE, SIDE, 3), 90, np.uint8)
    said = np.zeros((SIDE, SIDE), np.int64)
    for name in names:
        learned = isinstance(name, int)
        row = {
            "images": name, "n": 1, "successes": int(learned), "success_rate": float(learned),
            "score": 0.95 if learned else 0.01, "score_learned": 0.97 if learned else None,
            "scores": [0.95 if learned else 0.01], "budget": 8 / 255,
        }  # fmt: skip
        runner.store.parts(plan.id).keep(Part(str(name), row, change, [(picture, said)]))


def test_without_touching_much_all_is_hidden(house: House, runner: UniversalRunner) -> None:
    app = visit("defences", room="universal")
    assert errors(app) == [] and not app.subheader
    assert "Learned on 1, 2 images, 100 steps each time, and judged on 1 that" in texts(app)
    app.number_input(key="universal-form-steps").set_value(7).run()
    app.button(key="universal-form-start").click().run()
    assert errors(app) == []
    (plan_id,) = runner.plans.newest()
    assert address(app) == {"plan": plan_id, "room": "universal"}
    made = runner.plans.get(plan_id)
    assert (made.learned_on, made.judged_on, made.goal) == (("a", "b"), ("c",), "hide")
    assert made.config == UniversalConfig(steps=7) and made.wanted == 0.9
    assert app.button(key="defences-stop").label == "Stop"
    app.button(key="defences-stop").click().run()
    assert "Stopped at 0 of 14 steps" in texts(app)
    app.button(key="defences-resume").click().run()
    assert runner.standing(made).active
    app = visit("defences", room="universal")
    assert [one.value for one in app.subheader] == ["Earlier"]
    assert "Hide the outline; learned on 2 images at most" in texts(app)


def test_a_mask_is_shown_and_goes_into_the_plan(house: House, runner: UniversalRunner) -> None:
    app = visit("defences", room="universal")
    app.segmented_control(key="universal-form-goal").set_value("mask").run()
    app.selectbox(key=f"universal-form-target-{DATASET}").set_value("c").run()
    assert image_count(app) == 1
    app.number_input(key="universal-form-wanted-mask").set_value(0.8)
    app.number_input(key="universal-form-budget").set_value(0.05).run()
    app.button(key="universal-form-start").click().run()
    made = runner.plans.get(runner.plans.newest()[0])
    assert (made.goal, made.target, made.wanted, made.config.budget) == ("mask", "c", 0.8, 0.05)
    assert "The mask of c in all" in texts(app)


def test_without_masks_none_can_be_drawn_in_all(house: House, runner: UniversalRunner) -> None:
    folder = house.home / "datasets" / "bare"
    (house.home / "datasets" / DATASET / "images").rename(folder.parent / "images")
    folder.mkdir()
    (folder.parent / "images").rename(folder / "images")
    (folder / "dataset.json").write_text(json.dumps({"title": "Bare", "layout": "images"}))
    (house.home / "datasets" / DATASET / "dataset.json").unlink()
    app = visit("defences", room="universal")
    app.selectbox(key="universal-form-dataset").set_value("bare").run()
    assert "bare has no masks, so none can be drawn in all" in texts(app)
    goals = app.segmented_control(key="universal-form-goal-unmasked")
    assert goals.options == ["Hide the outline", "Lead away"]
    goals.set_value("away").run()
    app.button(key="universal-form-start").click().run()
    assert errors(app) == []
    made = runner.plans.get(runner.plans.newest()[0])
    assert (made.goal, made.wanted, made.dataset) == ("away", 0.5, "bare")
    assert len(made.learned_on) + len(made.judged_on) == 3


def test_a_black_box_is_a_sentence(house: House, runner: UniversalRunner) -> None:
    box = write_black_box(house.home)
    app = visit("defences", room="universal")
    next(one for one in app.selectbox if one.label == "Network").set_value(box).run()
    assert "takes no gradients" in texts(app)
    assert app.button(key="universal-form-start").disabled


def test_what_was_learned_before_it_stopped_is_shown(house: House, runner: UniversalRunner) -> None:
    plan = plan_of()
    runner.plans.keep(plan)
    made_of(runner, plan, WITHOUT, NOISE, 1)
    app = visit("defences", room="universal", plan=plan.id)
    assert errors(app) == []
    assert "Stopped at 10 of 20 steps" in texts(app)
    sentence = "One change of at most 8/255 that was learned on {} hides nine tenths of the outline"
    assert sentence.format("1 image") in texts(app)
    # The change, and the one unseen image without it and with it.
    assert image_count(app) == 3
    assert "c: score 0.010 without, 0.950 with, :orange[fooled]" in texts(app)
    made_of(runner, plan, 2)
    app = visit("defences", room="universal", plan=plan.id)
    assert sentence.format("2 images") in texts(app)
    assert len(app.get("download_button")) == 5
    (table,) = app.dataframe
    assert list(table.value["Fooled"]) == [0, 1, 1]
    assert "defences-resume" not in {one.key for one in app.button}
    app.button(key="defences-delete").click().run()
    assert runner.plans.newest() == [] and address(app) == {"room": "universal"}
    assert not (house.home / "universal" / plan.id).exists()


def test_its_network_may_be_gone(house: House, runner: UniversalRunner) -> None:
    plan = plan_of()
    runner.plans.keep(plan)
    made_of(runner, plan, WITHOUT, NOISE, 1, 2)
    (house.home / "models" / f"{MODEL}.toml").unlink()
    app = visit("defences", room="universal", plan=plan.id)
    assert errors(app) == [] and "learned on 2 images" in texts(app)


def test_the_curve_has_noise_as_its_baseline() -> None:
    rows: list[dict[str, Any]] = [
        {"images": NOISE, "n": 4, "successes": 0, "success_rate": 0.0, "score": 0.1,
         "score_learned": None},
        {"images": 1, "n": 4, "successes": 1, "success_rate": 0.25, "score": 0.3,
         "score_learned": 0.9},
        {"images": 2, "n": 4, "successes": 3, "success_rate": 0.75, "score": 0.6,
         "score_learned": 0.8},
    ]  # fmt: skip
    drawing = curve(rows, "score")
    fooled, unseen, known, noise = drawing.data
    assert list(fooled.y) == [0.0, 0.25, 0.75]
    assert list(drawing.layout.xaxis.ticktext) == ["noise<br>0 of 4", "1<br>1 of 4", "2<br>3 of 4"]
    assert (list(unseen.x), list(unseen.y), list(known.y)) == ([1, 2], [0.3, 0.6], [0.9, 0.8])
    assert list(noise.y) == [0.1] * 3
