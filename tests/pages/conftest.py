"""What the tests of pages share."""

from __future__ import annotations

import pytest

from tests.waiting import PATIENCE


@pytest.fixture(autouse=True)
def _pictures_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages have their pictures at once, however slow the machine is."""
    monkeypatch.setattr("ui.runs.list.WAIT", PATIENCE)
    monkeypatch.setattr("ui.home.pieces.PICTURES_WAIT", PATIENCE)
