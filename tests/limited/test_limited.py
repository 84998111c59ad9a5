"""A limited process answers, is ended when it takes too much, and leads nobody else astray."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asma_core.accounts.account import ENGINEER, Account
from asma_core.accounts.current import acting_as
from asma_core.data.formats.windows import Window
from asma_core.errors import InputError, ModelError, UnknownNameError
from asma_core.limited import pool as pools
from asma_core.limited import reading
from asma_core.limited.answers import from_bytes, to_bytes
from asma_core.limited.pool import LimitedPool
from asma_core.limited.process import (
    ChildError,
    FileLimitError,
    LimitedProcess,
    LimitError,
    Limits,
)
from asma_core.limited.reading import read, read_network, see
from asma_core.paths import PROJECT
from asma_core.server_config import settings
from tests.limited import calls

ENOUGH = Limits(500, 300.0)


@pytest.fixture(scope="module")
def pool() -> Iterator[LimitedPool]:
    made = LimitedPool(("numpy",))
    yield made
    made.close()


def test_it_answers_with_arrays_and_our_own_values(pool: LimitedPool) -> None:
    found = pool.carry_out(calls.picture, 0.5, limits=ENOUGH)
    assert np.array_equal(found.image, np.full((1, 2, 3), 0.5, np.float32))
    assert found.window == Window(0.0, 2.0)


def test_the_next_question_has_the_same_process(pool: LimitedPool) -> None:
    assert pool.carry_out(calls.process, limits=ENOUGH) == pool.carry_out(
        calls.process, limits=ENOUGH
    )


def test_it_has_the_settings_and_the_account_of_who_asks(
    pool: LimitedPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for home in ("/one", "/other"):
        monkeypatch.setenv("ASMA_HOME", home)
        assert pool.carry_out(calls.home, limits=ENOUGH) == home
    with acting_as(Account("ada", ENGINEER)):
        assert pool.carry_out(calls.who, limits=ENOUGH) == "ada"


def test_what_users_can_mend_is_raised_as_it_is(pool: LimitedPool) -> None:
    with pytest.raises(InputError, match=r"^give it a name$"):
        pool.carry_out(calls.refuse, "give it a name", limits=ENOUGH)
    with pytest.raises(UnknownNameError, match="there is: a, b"):
        pool.carry_out(calls.know_nothing, limits=ENOUGH)


def test_a_bug_is_raised_as_one_with_its_trace(pool: LimitedPool) -> None:
    with pytest.raises(ChildError, match=r"calls\.py(.|\n)*ZeroDivisionError: a bug"):
        pool.carry_out(calls.fail, limits=ENOUGH)


@pytest.mark.parametrize(
    ("call", "arguments", "limits", "reason"),
    [
        (calls.take, (2000,), Limits(200, 300.0), "takes more memory than it may"),
        (calls.take_bit_by_bit, (400,), Limits(100, 300.0), "more than 100 MB of memory"),
        (calls.answer_much, (300,), Limits(100, 300.0), "more than 100 MB of memory"),
        (calls.sleep, (), Limits(500, 0.2), "longer than 0.2 s"),
        (calls.crash, (), ENOUGH, r"ended its process \(SIGSEGV\)"),
    ],
)
def test_what_takes_too_much_is_ended_and_the_next_is_answered(
    pool: LimitedPool, call: Any, arguments: tuple[Any, ...], limits: Limits, reason: str
) -> None:
    with pytest.raises(LimitError, match=reason):
        pool.carry_out(call, *arguments, limits=limits)
    assert pool.carry_out(calls.take, 50, limits=ENOUGH) == 50_000_000


def test_one_that_the_system_ended_meanwhile_is_asked_nothing(pool: LimitedPool) -> None:
    process = pool.carry_out(calls.process, limits=ENOUGH)
    os.kill(process, signal.SIGKILL)
    while _lives(process):
        time.sleep(0.01)
    assert pool.carry_out(calls.process, limits=ENOUGH) != process


def test_one_that_ends_unseen_before_its_question_leaves_it_to_another(
    pool: LimitedPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = pool.carry_out(calls.process, limits=ENOUGH)
    # The system tells of an end only when the last of its threads is gone.
    monkeypatch.setattr(LimitedProcess, "runs", True)
    os.kill(process, signal.SIGKILL)
    while _lives(process):
        time.sleep(0.01)
    assert pool.carry_out(calls.process, limits=ENOUGH) != process


def test_memory_is_counted_for_each_question(pool: LimitedPool) -> None:
    for _ in range(4):
        assert pool.carry_out(calls.take, 150, limits=Limits(250, 300.0)) == 150_000_000


def test_how_far_it_is_is_told(pool: LimitedPool) -> None:
    told: list[tuple[int, int]] = []
    tell = lambda done, count: told.append((done, count))  # noqa: E731
    assert pool.carry_out(calls.count, 3, limits=ENOUGH, on_progress=tell) == 3
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_whoever_goes_away_meanwhile_gets_nobody_elses_answer(pool: LimitedPool) -> None:
    def go_away(done: int, count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pool.carry_out(calls.count, 3, limits=ENOUGH, on_progress=go_away)
    assert pool.carry_out(calls.take, 1, limits=ENOUGH) == 1_000_000


def test_an_answer_runs_nothing_here(pool: LimitedPool, tmp_path: Path) -> None:
    with pytest.raises(LimitError, match="an answer that makes no sense"):
        pool.carry_out(calls.led_astray, tmp_path / "made", limits=ENOUGH)
    assert not (tmp_path / "made").exists()
    assert pool.carry_out(calls.take, 1, limits=ENOUGH) == 1_000_000


@pytest.mark.parametrize(
    "harmful",
    [
        calls.led_astray(Path("x")),
        partial(print, "x"),
        calls.picture,
        threading.Event,
        from_bytes,
        read,
        LimitedPool,
    ],
    ids=["reduced", "partial", "ours", "class", "reads", "calls", "pool"],
)
def test_answers_hold_plain_values_and_our_own_alone(harmful: object) -> None:
    with pytest.raises(pickle.UnpicklingError, match="an answer that holds"):
        from_bytes(pickle.dumps(harmful))


def test_names_that_lead_through_our_modules_are_refused() -> None:
    data = b"casma_core.limited.answers\npickle.loads\n."
    for pickled in (data, b"\x80\x04\x8c\x19asma_core.limited.answers\x8c\x0cpickle.loads\x93."):
        with pytest.raises(pickle.UnpicklingError):
            from_bytes(pickled)


def test_values_come_back_as_they_were() -> None:
    values = {"a": [1, 2.5, None, True, b"x", Path("/a")], "b": ("é", float("inf"), {1, 2})}
    assert from_bytes(to_bytes(values)) == values


def test_one_persons_files_do_not_wait_for_anothers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(pools, "MOST_EACH", 1)
    pool, begun, end = LimitedPool(()), tmp_path / "begun", tmp_path / "end"

    def ask(name: str, call: Any, *arguments: Any) -> Any:
        with acting_as(Account(name, ENGINEER)):
            return pool.carry_out(call, *arguments, limits=ENOUGH)

    with ThreadPoolExecutor(3) as threads:
        first = threads.submit(ask, "ada", calls.wait_for, begun, end)
        while not begun.exists():
            time.sleep(0.01)
        second = threads.submit(ask, "ada", calls.who)
        assert ask("grace", calls.who) == "grace"
        assert not second.done()
        end.touch()
        assert first.result() == second.result() == "ada"
    pool.close()


def test_it_ends_with_who_asked_however_that_ended(tmp_path: Path) -> None:
    told = tmp_path / "told"
    code = (
        "from pathlib import Path; from asma_core.limited.reading import read; "
        f"from tests.limited import calls; read('x', calls.tell_and_hang, Path({str(told)!r}))"
    )
    asker = subprocess.Popen([sys.executable, "-c", code], cwd=PROJECT)
    while not told.exists():
        assert asker.poll() is None
        time.sleep(0.05)
    child = int(told.read_text())
    os.kill(child, 0)
    asker.kill()
    asker.wait()
    while _lives(child):
        time.sleep(0.05)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    # One that has ended and that nobody has asked about is there by its number alone.
    state = Path(f"/proc/{process}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"


def test_the_limits_of_the_owner_are_told_in_a_sentence(home: Path) -> None:
    home.mkdir(parents=True)
    (home / "config.toml").write_text("max_reading_mb = 100\nmax_network_mb = 100\n")
    with pytest.raises(InputError, match=r"reading a\.png takes more .* raise max_reading_mb"):
        read("a.png", calls.take, 1000)
    with pytest.raises(ModelError, match=r"of a\.pt takes more .*max_network_mb"):
        read_network("a.pt", calls.take, 1000)


@pytest.mark.parametrize(
    "call",
    [
        calls.write,
        calls.write_and_say_nothing,
        calls.write_as_numpy_does,
        calls.write_as_the_store_does,
    ],
)
def test_a_file_that_grows_beyond_its_limit_ends_it_with_a_sentence(
    pool: LimitedPool, tmp_path: Path, call: Any
) -> None:
    few = Limits(500, 300.0, 3)
    with pytest.raises(FileLimitError, match="writes a file of more than 3 MB, the limit"):
        pool.carry_out(call, tmp_path / "large", 5, limits=few)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 3_000_000
    # Up to the limit it is written, and the next question has its own.
    assert pool.carry_out(calls.write, tmp_path / "small", 3, limits=few) == 3_000_000
    assert pool.carry_out(calls.write, tmp_path / "other", 5, limits=ENOUGH) == 5_000_000


def test_who_reads_pictures_writes_no_large_file(tmp_path: Path, home: Path) -> None:
    home.mkdir()
    (home / "config.toml").write_text("max_image_mb = 2\n")
    with pytest.raises(InputError, match=r"reading x.png writes a file of more than 2 MB.*raise"):
        see("x.png", calls.write, tmp_path / "large", 3)
    assert read("x.zip", calls.write, tmp_path / "unpacked", 3) == 3_000_000


def test_what_is_unpacked_and_networks_have_limits_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "DATABASE_MB", 1)
    small = replace(settings(), max_archive_mb=2, max_weights_mb=2)
    monkeypatch.setattr(reading, "settings", lambda: small)
    with pytest.raises(InputError, match=r"more than 2 MB, the limit.*max_archive_mb"):
        read("x.zip", calls.write, tmp_path / "large", 3)
    with pytest.raises(ModelError, match=r"more than 4 MB, the limit.*max_weights_mb"):
        read_network("x", calls.write, tmp_path / "weights", 5)
    assert read_network("x", calls.write, tmp_path / "good", 4) == 4_000_000
