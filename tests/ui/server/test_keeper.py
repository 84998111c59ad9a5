"""What waits goes on while the server runs; a fault of one look is logged, the next one comes."""

from __future__ import annotations

import logging
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest

from asma_core.errors import StoreError
from tests.waiting import PATIENCE
from ui.common import services
from ui.server import keeper
from ui.server.log_file import LOG_FILE, log_to_file

Looks = list[Exception | None]


@pytest.fixture
def carry_out(monkeypatch: pytest.MonkeyPatch) -> Callable[[Looks], None]:
    """Have one look after the other carried out, without a pause, until there are no more."""

    def carried_out(looks: Looks) -> None:
        ended, planned = threading.Event(), list(looks)

        def look() -> None:
            outcome = planned.pop(0)
            if not planned:
                ended.set()
            if outcome is not None:
                raise outcome

        monkeypatch.setattr(keeper, "LOOK_EVERY", 0.0)
        monkeypatch.setattr(keeper, "set_apart", Mock())
        monkeypatch.setattr(keeper, "get_instance", Mock())
        monkeypatch.setattr(services, "warm", Mock())
        monkeypatch.setattr(services, "go_on", look)
        thread = threading.Thread(target=keeper.keep_going, args=(ended,), daemon=True)
        thread.start()
        thread.join(PATIENCE)
        assert not thread.is_alive() and planned == []

    return carried_out


def test_it_looks_until_the_server_ends(carry_out: Callable[[Looks], None]) -> None:
    carry_out([None, None, None])


def test_what_stays_is_set_apart_once_and_not_while_the_first_page_opens(
    carry_out: Callable[[Looks], None],
) -> None:
    carry_out([None])
    assert not vars(keeper)["set_apart"].called
    carry_out([None, None, None])
    vars(keeper)["set_apart"].assert_called_once_with()


def test_a_fault_ends_no_later_look_and_is_said_once(
    carry_out: Callable[[Looks], None], caplog: pytest.LogCaptureFixture
) -> None:
    full = StoreError("the disk is full")
    carry_out([full, full, ValueError("a bug"), None, full, None])
    said = [record.getMessage() for record in caplog.records]
    assert said.count("what waits does not go on: the disk is full") == 2
    assert caplog.text.count("ValueError: a bug") == 1


@pytest.fixture
def root() -> Iterator[list[logging.Handler]]:
    """The handlers that were there before; those that a test adds go."""
    logger = logging.getLogger()
    before = list(logger.handlers)
    yield before
    for handler in [one for one in logger.handlers if one not in before]:
        logger.removeHandler(handler)
        handler.close()


def test_the_log_is_for_the_server_alone(home: Path, root: list[logging.Handler]) -> None:
    log_to_file()
    logging.getLogger("asma_core.somewhere").warning("noted")
    logging.getLogger("asma_core.somewhere").info("not noted")
    file = home / LOG_FILE
    assert "WARNING asma_core.somewhere: noted\n" in file.read_text()
    assert "not noted" not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_full_log_is_put_aside_and_the_next_is_as_private(
    home: Path, root: list[logging.Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.server.log_file._BYTES", 2_000)
    log_to_file()
    for number in range(300):
        logging.getLogger("asma_core").error("line %d", number)
    files = sorted(path.name for path in (home / "logs").iterdir())
    assert files == ["server.log", *(f"server.log.{number}" for number in range(1, 6))]
    assert {stat.S_IMODE(path.stat().st_mode) for path in (home / "logs").iterdir()} == {0o600}
    assert "line 299" in (home / LOG_FILE).read_text()


def test_where_no_log_can_be_written_the_server_starts_all_the_same(
    home: Path, root: list[logging.Handler], caplog: pytest.LogCaptureFixture
) -> None:
    home.mkdir()
    (home / "logs").write_text("in the way")
    log_to_file()
    assert "can't be written" in caplog.text


@pytest.mark.parametrize(
    ("config", "forwarded", "warned"),
    [
        ('sign_in = "proxy"', None, True),
        ('sign_in = "proxy"', "", False),
        ('sign_in = "oidc"', None, False),
        ("", None, False),
        ("[[[", None, False),
    ],
)
def test_a_proxy_that_would_not_be_known_is_told_of(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    config: str,
    forwarded: str | None,
    warned: bool,
) -> None:
    home.mkdir()
    (home / "config.toml").write_text(config)
    monkeypatch.delenv("FORWARDED_ALLOW_IPS", raising=False)
    if forwarded is not None:
        monkeypatch.setenv("FORWARDED_ALLOW_IPS", forwarded)
    keeper.warn_of_forwarded()
    assert ("FORWARDED_ALLOW_IPS" in caplog.text) is warned
