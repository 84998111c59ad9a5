"""The Experiments page: the form, the tables, the pictures, what can be done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from asma_core.errors import StoreError
from asma_core.experiments.plan import Plan, distance_study, variant
from asma_core.experiments.store import Experiment, ExperimentStore
from asma_core.jobs.experiments import ExperimentRunner
from asma_core.runs.run import Run
from tests.pages import made_runs
from tests.pages.small_house import (
    DATASET,
    FOUR,
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
from ui.experiments.figures import box_plot, clicked_run, curve_plot

SETTINGS = {"target_iou": "0.95"}


@pytest.fixture
def house(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    yield furnish(home, monkeypatch)


@pytest.fixture
def started(house: House, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Experiments that were started; nothing carries them out."""
    ids: list[str] = []
    runner = ExperimentRunner(house.jobs)
    monkeypatch.setattr(runner, "start", lambda name: ids.append(name) or True)
    monkeypatch.setattr(services, "experiments", lambda: runner)
    return ids


def store(house: House) -> ExperimentStore:
    return ExperimentStore(house.runs)


def plan(study: bool = False) -> Plan:
    rows = [variant("asma", SETTINGS), variant("minimal", SETTINGS)]
    if study:
        rows += distance_study("asma", ["0", "10"], SETTINGS)
    return Plan(MODEL, DATASET, (("b", "c"), ("c", "b")), tuple(rows))


def filled(house: House, study: bool = False, cells: int | None = None) -> Experiment:
    """An experiment whose first cells have runs."""
    experiments = store(house)
    made = experiments.open(plan(study))
    for place, (_, row) in enumerate(made.plan.cells()[:cells]):
        run = finished(house, row.attack, l2=1.0 + place, success=place != 0)
        experiments.attach(made.id, place, run.id)
    return made


def finished(house: House, attack: str, l2: float, success: bool) -> Run:
    made = made_runs.Made(attack=attack, l2=l2, success=success, iou=0.97 if success else 0.6)
    return made_runs.finished(house.runs, made, files=False)


def table(app: AppTest, place: int = 0) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = app.dataframe[place].value.to_dict("records")
    return rows


def test_without_touching_anything_it_is_the_papers_table(started: list[str], house: House) -> None:
    app = visit("experiments")
    assert errors(app) == []
    # Two test images make two pairs.
    assert "10 runs: 2 pairs, 5 rows" in texts(app)
    app.button(key="experiment-form-start").click().run()
    assert errors(app) == []
    (made,) = store(house).newest()
    assert started == [made.id]
    assert address(app) == {"experiment": made.id}
    assert [row.attack for row in made.plan.variants] == [
        "ssm",
        "ssm-dpm",
        "asm",
        "asma",
        "minimal",
    ]
    assert made.plan.pairs == (("b", "c"), ("c", "b"))
    assert {row.config["target_iou"] for row in made.plan.variants} == {0.95}


def test_settings_and_the_study_go_into_the_plan(started: list[str], house: House) -> None:
    app = visit("experiments")
    app.multiselect(key="experiment-form-attacks").set_value(["pgd"])
    app.number_input(key="experiment-form-steps").set_value(40)
    app.toggle(key="experiment-form-study").set_value(True).run()
    app.multiselect(key="experiment-form-weights").set_value(["0", "10"]).run()
    app.button(key="experiment-form-start").click().run()
    (made,) = store(house).newest()
    assert [row.label for row in made.plan.variants] == [
        "pgd", "asma, distance 0", "asma, distance 10",
    ]  # fmt: skip
    assert {row.config["steps"] for row in made.plan.variants} == {40}


def test_of_a_black_box_only_what_needs_no_gradient_is_offered(
    started: list[str], house: House
) -> None:
    box = write_black_box(house.home)
    app = visit("experiments")
    app.selectbox(key=f"experiment-form-network-{DATASET}").set_value(box).run()
    (attacks,) = app.multiselect
    assert attacks.options == ["Square", "DLA"] and attacks.value == ["square", "dla"]
    assert "attacks that need gradients are left out" in texts(app)
    assert not any(one.key == "experiment-form-study" for one in app.toggle)
    app.button(key="experiment-form-start").click().run()
    assert errors(app) == []
    (made,) = store(house).newest()
    assert [row.attack for row in made.plan.variants] == ["square", "dla"]


def test_a_weight_that_is_none_is_a_sentence(started: list[str]) -> None:
    app = visit("experiments")
    app.toggle(key="experiment-form-study").set_value(True).run()
    app.session_state["experiment-form-weights"] = ["-5"]
    app.run()
    app.button(key="experiment-form-start").click().run()
    assert any("istance_weight" in error for error in errors(app))
    assert started == []


def test_without_attacks_or_a_network_there_is_nothing_to_start(started: list[str]) -> None:
    app = visit("experiments")
    app.multiselect(key="experiment-form-attacks").set_value([]).run()
    assert app.button(key="experiment-form-start").disabled
    app = visit("experiments")
    app.selectbox(key="experiment-form-dataset").set_value(FOUR).run()
    assert app.button(key="experiment-form-start").disabled
    assert any("No network has the 4 classes" in warning.value for warning in app.warning)


def test_tables_hold_mean_and_deviation_of_what_is_done(started: list[str], house: House) -> None:
    made = filled(house, study=True)
    app = visit("experiments", experiment=made.id)
    assert errors(app) == []
    asma, minimal = table(app)
    # L2 of ASMA's two cells is 1 and 5, of minimal's 2 and 6.
    assert (asma["attack"], asma["n"], asma["success"]) == ("ASMA", 2, "50 %")
    assert (asma["l2"], minimal["l2"]) == ("3.00 ± 2.00", "4.00 ± 2.00")
    assert [row["attack"] for row in table(app, 1)] == ["ASMA, distance 0", "ASMA, distance 10"]
    assert not [button for button in app.button if button.key == "experiment-resume"]


def test_an_unfinished_one_can_be_gone_on_with(started: list[str], house: House) -> None:
    made = filled(house, cells=3)
    app = visit("experiments", experiment=made.id)
    assert "Stopped at 3 of 4 runs" in texts(app)
    app.button(key="experiment-resume").click().run()
    assert started == [made.id]


def test_a_running_one_says_what_it_is_at_and_can_be_stopped(
    started: list[str], house: House
) -> None:
    made = filled(house, cells=2)
    running = made_runs.queued(house.runs, made_runs.Made(attack="asma"))
    assert house.runs.claim(running.id)
    store(house).attach(made.id, 2, running.id)
    assert store(house).claim(made.id)
    app = visit("experiments", experiment=made.id)
    (bar,) = app.get("progress")
    assert "2 of 4 runs, about 12 s left. Now ASMA on 0003" in bar.proto.text.replace("\\", "")
    assert app.button(key="experiment-delete").disabled
    app.button(key="experiment-stop").click().run()
    assert store(house).get(made.id).stop
    assert app.button(key="experiment-stop").label == "Stopping"


def test_it_stopped_because_of_something_is_told(started: list[str], house: House) -> None:
    made = filled(house, cells=1)
    assert store(house).claim(made.id)
    store(house).release(made.id, "the disk is *full*")
    app = visit("experiments", experiment=made.id)
    assert errors(app) == ["It stopped: the disk is *full*"]


def test_failed_cells_are_told_and_can_be_tried_again(started: list[str], house: House) -> None:
    made = filled(house, cells=3)
    store(house).refuse(made.id, 3, "c.png can't be read; export it again")
    app = visit("experiments", experiment=made.id)
    assert "minimal on c: c.png can't be read; export it again" in texts(app)
    assert app.button(key="experiment-resume").label == "Try the failed ones again"


def test_warnings_of_the_runs_are_counted(started: list[str], house: House) -> None:
    made = filled(house, cells=1)
    assert "of 1 runs" not in texts(visit("experiments", experiment=made.id))
    warned = made_runs.Made(warnings=("It is *grey*.",))
    experiments = store(house)
    for place in (1, 2):
        run = made_runs.finished(house.runs, warned, files=False)
        experiments.attach(made.id, place, run.id)
    assert "2 of 3 runs: It is *grey*." in texts(visit("experiments", experiment=made.id))


def test_deleting_asks_and_keeps_the_runs(started: list[str], house: House) -> None:
    made = filled(house)
    app = visit("experiments", experiment=made.id)
    app.button(key="experiment-delete").click().run()
    app.button(key="experiment-delete-yes").click().run()
    assert errors(app) == []
    assert store(house).newest() == []
    assert len(house.runs.newest()) == 4
    assert "experiment" not in address(app)


def test_the_list_leads_to_each(started: list[str], house: House) -> None:
    filled(house, cells=1)
    app = visit("experiments")
    assert "stopped at 1 of 4" in texts(app)
    assert f"{MODEL} on {DATASET}" in app.get("page_link")[-1].proto.label.replace("\\", "")


def test_the_list_begins_with_the_newest_and_goes_on(
    started: list[str], house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.experiments.list.AT_ONCE", 2)
    known = [
        store(house).open(replace(plan(), pairs=(("b", "c"),) * count)).id for count in range(1, 4)
    ]
    app = visit("experiments")
    queries = [link.proto.query_string for link in app.get("page_link")]
    assert [name for name in known if f"experiment={name}" in queries] == known[1:]
    app.button(key="experiments-older").click().run()
    queries = [link.proto.query_string for link in app.get("page_link")]
    assert [name for name in known if f"experiment={name}" in queries] == known
    assert "experiments-older" not in [button.key for button in app.button]


@pytest.mark.parametrize("name", ["nothing", "../../etc", "", "<script>"])
def test_an_address_of_none_is_a_sentence(started: list[str], house: House, name: str) -> None:
    app = visit("experiments", experiment=name)
    assert any("Experiments page lists" in error for error in errors(app))


def test_a_disk_that_is_full_is_a_sentence(
    started: list[str], house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StoreError("the disk is full; free some space and repeat")

    app = visit("experiments")
    monkeypatch.setattr(ExperimentStore, "open", full)
    app.button(key="experiment-form-start").click().run()
    assert errors(app) == ["The disk is full; free some space and repeat"]


def test_figure_and_rows_are_in_the_address(started: list[str], house: House) -> None:
    made = filled(house, study=True)
    app = visit("experiments", experiment=made.id, figure="linf", rows="distance")
    assert app.get("button_group")
    assert address(app) == {"experiment": made.id, "figure": "linf", "rows": "distance"}
    app = visit("experiments", experiment=made.id, figure="<script>")
    assert errors(app) == []
    assert address(app) == {"experiment": made.id}


# Pictures ------------------------------------------------------------------------------------


def test_every_point_knows_its_run_and_failures_look_different(house: House) -> None:
    made = filled(house)
    cells = [cell for cell in store(house).cells(made) if cell is not None]
    figure = box_plot(cells, {"asma": "ASMA", "minimal": "Minimal"}, "l2")
    box, points = figure.data[0], figure.data[1]
    assert list(box.y) == [1.0, 3.0] == list(points.y)
    assert [row[0] for row in points.customdata] == [cells[0].run_id, cells[2].run_id]
    assert list(points.marker.symbol) == ["x-thin-open", "circle"]
    assert "n/a" not in str(points.customdata)
    undefined = replace(cells[0], results=dict(cells[0].results) | {"l2_8bit": None})
    assert len(box_plot([undefined], {"asma": "ASMA"}, "l2").data[1].y) == 0


def test_the_curve_rises_at_each_success(house: House) -> None:
    made = filled(house)
    cells = [cell for cell in store(house).cells(made) if cell is not None]
    asma, minimal = curve_plot(cells, {"asma": "ASMA", "minimal": "Minimal"}).data
    assert list(asma.y) == [0.0, 0.5, 0.5]
    assert list(asma.x)[:2] == [0.0, 3.0]
    assert list(minimal.y) == [0.0, 0.5, 1.0, 1.0]


def test_a_click_finds_the_run() -> None:
    nothing = {"customdata": ["", "", "", ""]}
    assert clicked_run(_event(nothing, {"customdata": ["0123abcd", "b", "c", ""]})) == "0123abcd"
    assert clicked_run(_event({})) == ""


def _event(*points: dict[str, list[str]]) -> SimpleNamespace:
    return SimpleNamespace(selection=SimpleNamespace(points=list(points)))
