"""What is older than the server keeps is deleted, and nothing else; a person's disk has an end."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from asma_core.accounts import quota
from asma_core.accounts.account import ENGINEER, Account
from asma_core.accounts.current import acting_as
from asma_core.data.formats.images import encode_png
from asma_core.errors import InputError
from asma_core.jobs.queue import stop
from asma_core.jobs.retention import DAY, delete_old
from asma_core.runs.store import RunStore
from asma_core.runs.uploads import keep_upload
from tests import tiny

ANN = Account("ann", ENGINEER)


@pytest.fixture
def runs(home: Path) -> RunStore:
    tiny.furnish(home)
    return RunStore()


def stopped(runs: RunStore) -> str:
    run = runs.create(tiny.request(), tiny.inputs())
    stop(runs, run.id)
    return run.id


def image() -> bytes:
    return encode_png(np.zeros((32, 32, 3), np.uint8))


def test_by_default_nothing_is_ever_deleted(runs: RunStore) -> None:
    stopped(runs)
    keep_upload(image(), "eye.png")
    assert delete_old(runs, time.time() + 10_000 * DAY) == (0, 0)


def test_runs_and_images_go_when_their_time_is_over_and_pinned_ones_stay(
    runs: RunStore, home: Path
) -> None:
    (home / "config.toml").write_text("keep_runs_days = 30\nkeep_uploads_days = 7\n")
    old, kept, waiting = stopped(runs), stopped(runs), runs.create(tiny.request(), tiny.inputs()).id
    runs.pin(kept)
    first = keep_upload(image(), "eye.png")
    now = time.time()
    assert delete_old(runs, now + 6 * DAY) == (0, 0)
    assert delete_old(runs, now + 8 * DAY) == (1, 0)
    assert not [path for path in home.rglob("*") if first in path.name]
    assert delete_old(runs, now + 31 * DAY) == (0, 1)
    assert {run.id for run in runs.newest()} == {kept, waiting}
    assert old not in {run.id for run in runs.newest()}


def test_after_a_clock_that_went_back_nothing_is_too_old(runs: RunStore, home: Path) -> None:
    (home / "config.toml").write_text("keep_runs_days = 1\nkeep_uploads_days = 1\n")
    stopped(runs)
    keep_upload(image(), "eye.png")
    assert delete_old(runs, time.time() - 1000 * DAY) == (0, 0)


def test_who_has_used_up_the_disk_is_told_what_to_do(
    runs: RunStore, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "config.toml").write_text('sign_in = "oidc"\nquota_gb = 1\n')
    with acting_as(ANN):
        keep_upload(image(), "eye.png")
        assert quota.nearly_full(ANN) == ""
        assert 0 < quota.used("ann") < 10_000
        monkeypatch.setattr(quota, "GB", len(image()) // 2)
        quota.forget_sums()
        assert "delete what you no longer need" in quota.nearly_full(ANN)
        for act in (
            lambda: keep_upload(image(), "other.png"),
            lambda: runs.create(tiny.request(), tiny.inputs()),
        ):
            with pytest.raises(InputError, match="delete some, or ask its owner"):
                act()
    # Somebody else has room.
    monkeypatch.setattr(quota, "GB", 10**9)
    with acting_as(Account("bo", ENGINEER)):
        keep_upload(image(), "eye.png")


def test_a_run_counts_with_all_its_files(runs: RunStore, home: Path) -> None:
    with acting_as(ANN):
        run = runs.create(tiny.request(), tiny.inputs())
    runs.claim(run.id)
    folder = runs.work_folder(run.id) / "result"
    folder.mkdir(parents=True)
    (folder / "trajectory.json").write_bytes(b"x" * 12_345)
    runs.finish(run.id, "done", folder, {})
    quota.forget_sums()
    assert quota.used("ann") == 12_345


def test_others_on_the_machine_can_not_read_the_data_folder(home: Path) -> None:
    home.mkdir(exist_ok=True)
    home.chmod(0o755)
    RunStore()
    assert home.stat().st_mode & 0o777 == 0o700
