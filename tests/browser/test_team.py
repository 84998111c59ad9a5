"""Every place of a store as a team has it is shown by a real server, without an error."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from asma_core.runs.store import RunStore
from benchmarks.browser import served
from benchmarks.many_runs import PEOPLE, make_store
from benchmarks.team import places
from benchmarks.websocket import visiting
from tests.browser.conftest import furnish

COUNT = 130


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, demo_sets: Path) -> RunStore:
    home = tmp_path_factory.mktemp("team")
    furnish(home, demo_sets)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASMA_HOME", str(home))
        return make_store(home, COUNT)


def test_the_store_is_as_it_says(store: RunStore) -> None:
    runs = store.newest()
    assert len(runs) == COUNT and not any(run.damage for run in runs)
    assert {run.author for run in runs if run.author in PEOPLE} == set(PEOPLE)
    assert len({run.spec.image_hash for run in runs}) > 40
    assert all((store.folder(run.id) / "adversarial.png").exists() for run in runs)


def test_every_place_is_shown(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASMA_HOME", str(store.home))
    with served(store.home) as url, visiting(url) as person, visiting(url) as other:
        for page, query in places(store, random.Random(0)).values():
            assert person.visit(page, query) > 0.0
            assert other.visit(page, query) > 0.0
        with pytest.raises(RuntimeError, match="No run is called"):
            person.visit("compare", {"run": "0" * 8})
