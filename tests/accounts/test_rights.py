"""What each role may, asked where things are done and not on a page."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from asma_core.accounts import audit
from asma_core.accounts.account import ENGINEER, OWNER, REVIEWER, ROLES, SERVER, VIEWER, Account
from asma_core.accounts.belongings import DATASET, share
from asma_core.accounts.current import account, acting_as, ask, local_account, on_behalf_of
from asma_core.accounts.rights import check_changing, check_judging, check_making, may_see
from asma_core.cli.main import main
from asma_core.data.datasets import dataset_names, open_dataset
from asma_core.data.formats.images import encode_png
from asma_core.data.importing import forget, take_in
from asma_core.data.preview import preview
from asma_core.errors import (
    InputError,
    NotAllowedError,
    UnknownExperimentError,
    UnknownNameError,
    UnknownRunError,
)
from asma_core.experiments.plan import Plan
from asma_core.experiments.store import ExperimentStore
from asma_core.jobs.queue import stop
from asma_core.runs.store import RunStore
from asma_core.runs.uploads import delete_upload, keep_upload, open_upload
from asma_core.training.plan import TrainingPlan
from asma_core.training.store import TrainingStore
from tests import tiny
from tests.pages.small_house import write_dataset

ANN, BO = Account("ann", ENGINEER), Account("bo", ENGINEER)
BOSS, GUEST = Account("boss", OWNER), Account("guest", VIEWER)
JUDGE = Account("judge", REVIEWER)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("ASMA_HOME", str(folder))
    (folder / "config.toml").write_text('sign_in = "oidc"\n')
    tiny.furnish(folder)
    return folder


def refused(who: Account, act: Callable[[], object]) -> str:
    with acting_as(who), pytest.raises(NotAllowedError) as caught:
        act()
    return str(caught.value)


def test_each_role_may_what_those_before_it_may() -> None:
    for check, least in ((check_judging, REVIEWER), (check_making, ENGINEER)):
        for role in ROLES:
            who = Account("x", role)
            if ROLES.index(role) >= ROLES.index(least):
                with acting_as(who):
                    assert check() == who
            else:
                assert "role of a" in refused(who, check)


def test_only_its_author_and_owners_change_a_thing() -> None:
    def change(author: str) -> Callable[[], object]:
        return lambda: check_changing(author, "run 1")

    for who in (ANN, BOSS, SERVER):
        with acting_as(who):
            check_changing("ann", "run 1")
    assert "belongs to ann" in refused(BO, change("ann"))
    assert "before people signed in" in refused(BO, change(""))
    assert "as a reviewer you can't" in refused(Account("ann", REVIEWER), change("ann"))


def test_what_goes_on_in_another_thread_is_done_for_who_began_it() -> None:
    ask(lambda: GUEST)
    try:
        assert account() == GUEST
        with acting_as(on_behalf_of("ann")):
            assert account() == ANN
        assert account() == GUEST
    finally:
        ask(None)
    assert account() == local_account()
    assert local_account().role == OWNER


def test_a_run_is_its_author_s(home: Path) -> None:
    store = RunStore(home)
    assert "upload, attack or train" in refused(
        JUDGE, lambda: store.create(tiny.request(), tiny.inputs())
    )
    with acting_as(ANN):
        run = store.create(tiny.request(), tiny.inputs())
    assert run.author == "ann"
    with acting_as(BO), pytest.raises(UnknownRunError):
        store.get(run.id)
    with acting_as(BOSS):
        store.share(run.id)
    refused(BO, lambda: stop(store, run.id))
    with acting_as(ANN):
        stop(store, run.id)
    refused(GUEST, lambda: store.judgements.annotate(run.id, note="x"))
    with acting_as(JUDGE):
        store.judgements.annotate(run.id, verdict="visible", note="at the rim")
    assert {field: author for field, (author, _) in store.judgements.of(run.id).items()} == {
        "verdict": "judge",
        "note": "judge",
    }
    for change in (store.delete, store.pin, store.share):
        refused(BO, partial(change, run.id))
    with acting_as(ANN):
        store.delete(run.id)
    assert store.judgements.of(run.id) == {}


def test_what_each_did_is_one_line_of_the_audit_log(home: Path) -> None:
    store = RunStore(home)
    with acting_as(ANN):
        run = store.create(tiny.request(), tiny.inputs())
        stop(store, run.id)
        store.delete(run.id)
    lines = [json.loads(line) for line in audit.log_file(home).read_text().splitlines()]
    assert [(line["who"], line["action"]) for line in lines] == [
        ("ann", "attack"),
        ("ann", "stop"),
        ("ann", "delete"),
    ]
    assert {line["thing"] for line in lines} == {f"run {run.id}"}
    assert audit.log_file(home).stat().st_mode & 0o777 == 0o600


def test_the_audit_log_is_rotated(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "LARGEST", 200)
    monkeypatch.setattr(audit, "KEPT", 2)
    for number in range(30):
        audit.record("act", f"thing {number}", home)
    files = sorted(path.name for path in audit.log_file(home).parent.iterdir())
    assert files == ["audit.1.jsonl", "audit.2.jsonl", "audit.jsonl"]
    newest = audit.log_file(home).read_text().splitlines()[-1]
    assert json.loads(newest)["thing"] == "thing 29"


def test_a_data_set_is_seen_by_its_author_until_it_is_shared(home: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    write_dataset(source, "pictures", ("skin", "lesion"))
    assert "upload" in refused(
        JUDGE, lambda: take_in(preview(source / "datasets" / "pictures"), "mine")
    )
    with acting_as(ANN):
        take_in(preview(source / "datasets" / "pictures"), "mine")
        assert "mine" in dataset_names()
    with acting_as(BO):
        assert "mine" not in dataset_names()
        with pytest.raises(UnknownNameError):
            open_dataset("mine")
    refused(BO, lambda: forget("mine"))
    refused(BO, lambda: share(DATASET, "mine"))
    with acting_as(ANN):
        share(DATASET, "mine")
    with acting_as(GUEST):
        assert len(open_dataset("mine")) > 0
    with acting_as(ANN):
        forget("mine")
        assert "mine" not in dataset_names()
    assert not list((home / "belongings" / "dataset").iterdir())


def test_an_uploaded_image_is_its_author_s_and_goes_wholly(home: Path) -> None:
    data = encode_png(np.zeros((32, 32, 3), np.uint8))
    refused(JUDGE, lambda: keep_upload(data, "eye.png"))
    with acting_as(ANN):
        key = keep_upload(data, "eye.png")
        open_upload(key)
    with acting_as(BO):
        other = keep_upload(data, "eye.png")
        assert other != key
        with pytest.raises(InputError, match="not here"):
            open_upload(key)
    refused(BO, lambda: delete_upload(key))
    with acting_as(ANN):
        delete_upload(key)
    with acting_as(BO):
        open_upload(other)
    assert not [path for path in home.rglob("*") if key in path.name]


def test_what_is_private_is_seen_by_its_author_and_owners() -> None:
    for who, seen in ((ANN, True), (BO, False), (BOSS, True), (GUEST, False)):
        with acting_as(who):
            assert may_see("ann", private=True) is seen
            assert may_see("ann", private=False)


def test_what_is_asked_of_a_private_data_set_is_seen_by_its_author(
    home: Path, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    write_dataset(source, "pictures", ("skin", "lesion"))
    runs = RunStore(home)
    experiments = ExperimentStore(runs)
    with acting_as(ANN):
        take_in(preview(source / "datasets" / "pictures"), "mine")
        asked = Plan(tiny.request().model, "mine", (("a", "b"),), ())
        experiment = experiments.open(asked)
        assert experiment.author == "ann"
        training = TrainingStore(home).create(TrainingPlan(dataset="mine"))
    with acting_as(BO):
        assert experiments.newest() == []
        assert TrainingStore(home).all() == []
        with pytest.raises(UnknownExperimentError):
            experiments.get(experiment.id)
    with acting_as(ANN):
        share(DATASET, "mine")
    with acting_as(BO):
        assert [one.id for one in experiments.newest()] == [experiment.id]
        assert [one.id for one in TrainingStore(home).all()] == [training.id]
    refused(BO, lambda: experiments.delete(experiment.id))
    refused(BO, lambda: experiments.ask_to_stop(experiment.id))
    refused(BO, lambda: TrainingStore(home).ask_to_stop(training.id))
    refused(JUDGE, lambda: experiments.open(replace(asked, pairs=(("b", "a"),))))
    refused(JUDGE, lambda: TrainingStore(home).create(TrainingPlan(dataset="mine")))
    # Who asks for the same sees it.
    with acting_as(BO):
        assert experiments.open(asked).id == experiment.id


def test_the_command_line_acts_as_the_system_s_account(home: Path) -> None:
    asked = ["--model", tiny.request().model, "--image", str(home / "image.png")]
    (home / "image.png").write_bytes(encode_png(np.zeros((32, 32, 3), np.uint8)))
    given = ["attack", *asked, "--steps", "1", "--scenario", "grow", "--json"]
    main(given)
    assert {run.author for run in RunStore(home).newest()} == {local_account().name}
