"""The audit log: what is done has its line, what is not has none, neither hangs on the other."""

from __future__ import annotations

import ast
import json
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asma_core.accounts import audit
from asma_core.accounts.belongings import DATASET, share
from asma_core.data.datasets import open_dataset
from asma_core.data.formats.images import encode_png
from asma_core.data.importing import forget, take_in
from asma_core.data.preview import preview
from asma_core.defences.contract import Defence
from asma_core.errors import AsmaError, RunStateError, StoreError
from asma_core.experiments.plan import Plan, pairs_of, variant
from asma_core.experiments.store import ExperimentStore
from asma_core.experiments.universal_store import UniversalStore
from asma_core.jobs import own_runs, predictions, retention
from asma_core.models.sources.cards import find_card
from asma_core.models.sources.defending import keep_defended
from asma_core.models.sources.ensembles import keep_ensemble
from asma_core.models.sources.importing import forget_model
from asma_core.reviews.store import ReviewStore
from asma_core.runs.store import RunStore
from asma_core.runs.uploads import delete_upload, keep_upload
from asma_core.training.plan import TrainingPlan
from asma_core.training.store import TrainingStore
from tests import tiny
from tests.pages import made_runs
from tests.pages.small_house import write_dataset
from tests.upkeep.kept_home import unpack

PROJECT = Path(__file__).resolve().parents[2]
PICTURE = encode_png(np.zeros((32, 32, 3), np.uint8))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("ASMA_HOME", str(folder))
    tiny.furnish(folder)
    yield folder
    # What a test has kept waiting is of its own folder.
    audit._WAITING.clear()


@pytest.fixture
def full(home: Path) -> Callable[[], None]:
    """Let the log be one that can't be written; what is returned lets it be written again."""
    audit.log_file(home).mkdir(parents=True)
    return audit.log_file(home).rmdir


def lines(home: Path) -> list[dict[str, Any]]:
    file = audit.log_file(home)
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def acts(home: Path) -> list[str]:
    """Return what the log says was done, and to what kind of thing."""
    return [f"{one['action']} {one['thing'].rpartition(' ')[0]}" for one in lines(home)]


# What is done, each with a look at whether it is --------------------------------------------


def of_runs(home: Path) -> None:
    store = RunStore()
    run = store.create(tiny.request(), tiny.inputs())
    store.judgements.annotate(run.id, verdict="bad")
    store.share(run.id)
    store.pin(run.id)
    own_runs.move(store, [run.id], own_runs.FIRST)
    own_runs.stop(store, run.id)
    now = store.get(run.id)
    assert (now.verdict, now.private, now.pinned, now.state) == ("bad", False, True, "cancelled")
    store.delete(run.id)
    assert store.newest() == []


def of_reviews(home: Path) -> None:
    store = ReviewStore(RunStore().home)
    review = store.create([made_runs.finished(RunStore())], "choice")
    assert store.answer(review, "Ann", 0, "1", 1.0)
    assert len(store.answers(review.id)) == 1
    store.delete(review.id)
    assert store.newest() == []


def of_experiments(home: Path) -> None:
    store = ExperimentStore(RunStore())
    pairs = pairs_of(open_dataset(tiny.DATASET), 2)
    experiment = store.open(Plan(tiny.MODEL, tiny.DATASET, pairs, (variant("pgd", {}),)))
    store.ask_to_stop(experiment.id)
    store.delete(experiment.id)
    assert store.newest() == []


def of_trainings(home: Path) -> None:
    store = TrainingStore()
    training = store.create(TrainingPlan(dataset=tiny.DATASET))
    store.ask_to_stop(training.id)
    assert store.get(training.id).state == "stopped"
    store.delete(training.id)
    assert store.all() == []


def of_plans(home: Path) -> None:
    unpack(home)
    store = UniversalStore()
    (name,) = store.plans.newest()
    plan = store.plans.get(name)
    store.delete(name)
    assert store.queue(plan) and store.is_queued(name)
    store.ask_to_stop(name)
    store.plans.delete(name)
    assert store.plans.newest() == []


def of_images(home: Path) -> None:
    first, second = (keep_upload(PICTURE, name) for name in ("a.png", "b.png"))
    delete_upload(first)
    assert len(list((home / "uploads").glob("*.image"))) == 1
    (home / "config.toml").write_text("keep_uploads_days = 1\n")
    os.utime(next((home / "uploads").glob(f"{second}.json")), (0, 0))
    assert retention.delete_old(RunStore())[0] == 1


def of_data_sets(home: Path) -> None:
    write_dataset(home.parent / "source", "pictures", ("skin", "lesion"))
    take_in(preview(home.parent / "source" / "datasets" / "pictures"), "mine")
    share(DATASET, "mine")
    forget("mine")
    assert not (home / "datasets" / "mine").exists()


def of_networks(home: Path) -> None:
    made = keep_defended(find_card(tiny.MODEL), Defence("jpeg", {"quality": 60}), "defended")
    assert keep_ensemble([tiny.MODEL, made.name], "both").name == "both"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(predictions, "import_network", lambda _: "brought")
        assert predictions.Predictor(home).import_model(home / "card.toml") == "brought"
    forget_model("both")
    with pytest.raises(AsmaError):
        find_card("both")


SERVICES = {
    of_runs: ("attack run", "judge run", "share run", "pin run", "move run", "stop run",
              "delete run"),
    of_reviews: ("ask review", "answer review", "delete review"),
    of_experiments: ("ask for experiment", "stop experiment", "delete experiment"),
    of_trainings: ("train training", "stop training", "delete training"),
    of_plans: ("ask for plan", "delete plan"),
    of_images: ("upload image", "delete image"),
    of_data_sets: ("import data set", "share dataset", "delete data set"),
    of_networks: ("make network", "import network", "delete network"),
}  # fmt: skip
EACH = pytest.mark.parametrize("act", SERVICES, ids=lambda act: act.__name__)


@EACH
def test_what_is_done_has_its_line(home: Path, act: Callable[[Path], None]) -> None:
    act(home)
    assert set(acts(home)) >= set(SERVICES[act])


@EACH
def test_what_is_done_is_done_also_where_its_line_can_not_be_written(
    home: Path,
    act: Callable[[Path], None],
    full: Callable[[], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING, logger=audit.__name__):
        # Its own asserts say that all of it is done, and that nobody is told otherwise.
        act(home)
    said = [record.getMessage() for record in caplog.records if record.name == audit.__name__]
    assert said and all("not in the audit log yet" in one for one in said)
    full()
    audit.record("look", "log of all", home)
    assert set(acts(home)) >= set(SERVICES[act]) and acts(home)[-1] == "look log of"
    # In the order, and with the time, in which they were done.
    assert [one["time"] for one in lines(home)] == sorted(one["time"] for one in lines(home))
    assert len(lines(home)) == len(said) + 1


def test_all_services_that_record_are_among_these() -> None:
    """Each call in the code is of an action and a kind of thing that is tried above."""
    tried = {one for known in SERVICES.values() for one in known}
    found = set()
    for file in (PROJECT / "asma_core").rglob("*.py"):
        for call in ast.walk(ast.parse(file.read_text())):
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "audit.record":
                action, thing = call.args[0], call.args[1]
                assert isinstance(thing, ast.JoinedStr)
                kind = ast.unparse(thing.values[0])
                word = ast.literal_eval(kind) if isinstance(thing.values[0], ast.Constant) else ""
                if isinstance(action, ast.Constant) and word:
                    found.add(f"{action.value} {word.strip()}")
    assert len(found) > 20 and found <= tried, found - tried


# What is not done ----------------------------------------------------------------------------


def fail(*_: Any, **__: Any) -> None:
    raise StoreError("the disk is full; free some space and repeat")


def stop_run(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = RunStore()
    run = made_runs.queued(store)
    monkeypatch.setattr(RunStore, "ask_to_stop", fail)
    own_runs.stop(store, run.id)


def move_run(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = RunStore()
    own_runs.move(store, [made_runs.finished(store).id], own_runs.SOONER)


def stop_training(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = TrainingStore()
    training = store.create(TrainingPlan(dataset=tiny.DATASET))
    monkeypatch.setattr(store._jobs, "ask_to_stop", fail)
    store.ask_to_stop(training.id)


def experiment(monkeypatch: pytest.MonkeyPatch) -> tuple[ExperimentStore, str]:
    store = ExperimentStore(RunStore())
    pairs = pairs_of(open_dataset(tiny.DATASET), 2)
    opened = store.open(Plan(tiny.MODEL, tiny.DATASET, pairs, (variant("pgd", {}),)))
    monkeypatch.setattr(store._database, "writing", fail)
    return store, opened.id


def stop_experiment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, name = experiment(monkeypatch)
    store.ask_to_stop(name)


def delete_experiment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, name = experiment(monkeypatch)
    store.delete(name)


def keep_plan(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unpack(home)
    store = UniversalStore()
    (name,) = store.plans.newest()
    plan = store.plans.get(name)
    store.plans.delete(name)
    monkeypatch.setattr("asma_core.experiments.plan_folder.write_json", fail)
    store.plans.keep(replace(plan))


NOT_DONE = {
    stop_run: "stop run", move_run: "move run", stop_training: "stop training",
    stop_experiment: "stop experiment", delete_experiment: "delete experiment",
    keep_plan: "ask for plan",
}  # fmt: skip


@pytest.mark.parametrize("act", NOT_DONE, ids=lambda act: act.__name__)
def test_what_failed_has_no_line(
    home: Path, act: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises((StoreError, RunStateError)):
        act(home, monkeypatch)
    assert NOT_DONE[act] not in acts(home)


# The file ------------------------------------------------------------------------------------


def test_a_line_after_half_of_one_stands_alone(home: Path) -> None:
    audit.record("act", "thing 1", home)
    with audit.log_file(home).open("a") as file:
        file.write('{"time": "2026')
    audit.record("act", "thing 2", home)
    good = []
    for line in audit.log_file(home).read_text().splitlines():
        with suppress(ValueError):
            good.append(json.loads(line)["thing"])
    assert good == ["thing 1", "thing 2"]


def test_lines_that_wait_are_counted(
    home: Path, full: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "MOST_WAITING", 3)
    for number in range(9):
        audit.record("act", f"thing {number}", home)
    full()
    audit.record("act", "thing 9", home)
    # The oldest are in the program's log alone.
    assert [one["thing"] for one in lines(home)] == ["thing 7", "thing 8", "thing 9"]


def test_lines_that_wait_are_written_once_by_whoever_comes_next(
    home: Path, full: Callable[[], None]
) -> None:
    for number in range(5):
        audit.record("act", f"thing {number}", home)
    full()
    threads = [
        threading.Thread(target=audit.record, args=("act", f"thread {number}", home))
        for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = [one["thing"] for one in lines(home)]
    assert told[:5] == [f"thing {number}" for number in range(5)]
    assert sorted(told[5:]) == [f"thread {number}" for number in range(8)]
