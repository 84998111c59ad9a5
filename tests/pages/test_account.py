"""Account, and the page in its place for who is not let in."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from asma_core.accounts import current, quota
from asma_core.accounts.account import ENGINEER, REVIEWER, VIEWER, Account
from tests.pages.small_house import DATASET, House, errors, furnish, texts, visit
from ui.common import sign_in as sign_in_of_sessions

TEAM = """
sign_in = "proxy"
trusted_proxy_header = "X-User"
quota_gb = 1
keep_runs_days = 90
keep_uploads_days = 30
"""


@pytest.fixture
def house(home: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    return furnish(home, monkeypatch)


def account_of(who: Account, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setattr(sign_in_of_sessions, "who", lambda: who)
    monkeypatch.setattr(current, "_asked", [lambda: who])
    return visit("account")


def test_an_engineer_reads_what_they_may_and_what_becomes_of_what_they_brought(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    (house.home / "config.toml").write_text(TEAM)
    monkeypatch.setattr(quota, "used", lambda _: 949_600_000)
    app = account_of(Account("ann", ENGINEER, "Ann B."), monkeypatch)
    said = texts(app)
    assert errors(app) == []
    assert "Signed in as ann, an **engineer** here." in said
    assert "Runs are deleted 90 days after they ended, but for those you keep." in said
    assert "Uploaded images are deleted after 30 days." in said
    assert [one.value for one in app.warning if "Nearly full" in one.value]
    [room] = app.get("progress")
    assert room.proto.text.replace("\\", "").endswith("take 950 MB of 1.0 GB.")


def test_a_reviewer_reads_what_they_may_and_of_no_room(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    (house.home / "config.toml").write_text(TEAM)
    app = account_of(Account("rita", REVIEWER), monkeypatch)
    assert errors(app) == [] and "Signed in, a **reviewer** here." in texts(app)
    assert not app.subheader and not app.warning


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("sign_in = [[[", "can't be read as TOML"),
        ('sign_in = "proxy"\ntrusted_proxy_header = "X-User"', "reached through its proxy only"),
        ('sign_in = "oidc"', "config.toml asks for sign-in"),
    ],
)
def test_who_is_not_let_in_is_told_why_and_gets_no_button_that_leads_nowhere(
    house: House, config: str, said: str
) -> None:
    (house.home / "config.toml").write_text(config)
    app = visit("runs")
    assert said in errors(app)[0].replace("\\", "")
    assert not app.button and not app.dataframe


def test_who_may_only_look_is_told_before_they_have_drawn(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    (house.home / "config.toml").write_text(TEAM)
    app = account_of(Account("vic", VIEWER), monkeypatch)
    app.switch_page("pages/home.py").run()
    assert (
        app.button(key="home-demo").disabled and "As a viewer" in app.button(key="home-demo").help
    )
    app = visit("attack", dataset=DATASET, sample="a")
    assert "As a viewer you can't upload, attack or train" in texts(app)
    assert app.button(key="attack-run").disabled
