"""Data folders of before still open, and old runs keep their figures.

`tests/homes/2026-11-27.zip` was made by the code of 2026-11-27 on a tiny network.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from asma_core.experiments.store import ExperimentStore, ended
from asma_core.experiments.table import summary
from asma_core.runs.execute import execute
from asma_core.runs.export import run_zip, runs_csv
from asma_core.runs.reading import read_trajectory, stored_snapshots
from asma_core.runs.store import RunStore
from asma_core.training.store import TrainingStore
from tests.pages.small_house import DATASET, House, errors, furnish, visit
from ui.common import services
from ui.editor.drafts import open_draft

# What the store of that day printed: outcome, kind and value of the score, L2 of the file.
RUNS = {
    "2595889d": ("success", "iou", 0.8625592417061612, 2.221460574903415),
    "7bde5ab3": ("goal not reached", "iou", 0.6150627615062761, 0.0),
    "83c80b3c": ("success", "iou lost", 0.8148148148148149, 10.22707873290441),
    "3e8ce345": ("goal not reached", "structure removed", 0.16580310880829016, 2.697919732396731),
    # It was called a success then, without any change.
    "043b7df4": ("already there", "iou lost", 1.0, 0.0),
    "6949f2f9": ("already there", "iou", 0.6150627615062761, 0.0),
    "ce15c2f7": ("goal not reached", "iou", 0.6218487394957983, 0.42331151372321213),
}


@pytest.fixture
def old_home(home: Path) -> Path:
    with zipfile.ZipFile(Path(__file__).parents[1] / "homes" / "2026-11-27.zip") as archive:
        archive.extractall(home)
    return home


@pytest.mark.parametrize("run_id", RUNS)
def test_an_old_run_keeps_its_figures(old_home: Path, run_id: str) -> None:
    store = RunStore()
    run = store.get(run_id)
    told = (run.outcome, run.score_kind, run.results["score_8bit"], run.results["l2_8bit"])
    assert told == RUNS[run_id]
    named = {"iou": "iou_8bit", "iou lost": "iou_lost_8bit"}
    assert run.results[named.get(run.score_kind, "structure_removed_8bit")] == told[2]
    assert len(read_trajectory(store.folder(run_id))["step"]) == run.results["steps"] + 1
    assert run_zip(store, run)


def test_old_runs_are_listed_exported_and_told(old_home: Path) -> None:
    store = RunStore()
    runs = store.newest()
    assert len(runs) == 13 and runs_csv(runs).count("\n") == 14
    stopped, failed = store.get("ce15c2f7"), store.get("efcc6506")
    assert (stopped.state, stopped.ending, stopped.note) == ("cancelled", "cancelled", "a note")
    assert (failed.outcome, failed.ending) == ("", "failed") and "NaN" in failed.message
    assert store.get("83c80b3c").goal == "away from mask of 02"
    assert store.get("2595889d").ending == "goal reached"
    assert len(stored_snapshots(store.folder("2595889d"))) > 1


def test_what_was_queued_is_carried_out_and_an_old_run_can_be_repeated(old_home: Path) -> None:
    store = RunStore()
    (waiting,) = [run for run in store.newest() if run.state == "queued"]
    assert execute(store, waiting.id).outcome == "success"
    old = store.get("83c80b3c")
    again = store.create(old.spec.request(), store.inputs(old))
    assert again.goal == "away from what the network says of it"
    assert execute(store, again.id).state == "done"


def test_old_experiments_and_trainings_open(old_home: Path) -> None:
    store = ExperimentStore(RunStore())
    (experiment,) = store.newest()
    rows = summary(ended(store.cells(experiment)))
    assert [(row["label"], row["n"]) for row in rows] == [("asma", 2), ("pgd", 2)]
    assert [row["goal"] for row in rows] == ["towards the target", "away from the mask"]
    trainings = {training.plan.name: training for training in TrainingStore().all()}
    done, waiting = trainings["done-net"], trainings["waiting-net"]
    assert (done.state, done.network, done.figures["test_iou"]) == ("done", "done-net", 0.5)
    assert done.curve is not None and done.curve["validations"] == []
    assert waiting.state == "queued"
    draft = open_draft("6ab1a6dea8a2feb2", ["tiny-set / 00"])
    assert draft is not None and draft.counted is None and draft.origin.text() == "mask of 02"


@pytest.fixture
def furnished(old_home: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    return furnish(old_home, monkeypatch)


def test_the_target_and_the_settings_of_an_old_run_come_back(furnished: House) -> None:
    app = visit("attack", dataset=DATASET, sample="a", **{"from": "83c80b3c"})
    assert errors(app) == []
    assert app.selectbox(key="attack-attack").value == "pgd"
    goal = app.selectbox(key="attack-pgd-default-goal_is")
    assert goal.value == "away from the prediction"


@pytest.mark.parametrize(
    ("page", "query"),
    [("runs", {}), ("home", {}), ("experiments", {"experiment": "f57546c9"}),
     *(("compare", {"run": run_id}) for run_id in ("2595889d", "83c80b3c", "3e8ce345")),
     ("attack", {"run": "043b7df4"})],
)  # fmt: skip
def test_the_pages_show_an_old_home(
    old_home: Path, page: str, query: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "warm", lambda: None)
    app: AppTest = visit(page, **query)
    assert errors(app) == []
