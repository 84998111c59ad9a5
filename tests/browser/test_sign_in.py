"""Signing in with a real identity provider on this machine, in a real Chromium."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from oidc_provider_mock import User, run_server_in_thread
from playwright.sync_api import Browser, Page, Route, expect

from asma_core.accounts.audit import log_file
from asma_core.jobs.queue import stop
from asma_core.runs.store import RunStore
from tests.browser.conftest import APP, Serve, free_port, separate
from tests.browser.test_journey import settle
from tests.browser.test_review import make_review

# The provider is written for an older Authlib.
pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

HOST = "127.0.0.1"
PEOPLE = tuple(
    User(sub=name, claims={"email": f"{name}@example.org", "name": name.title()})
    for name in ("engineer", "other", "reviewer", "stranger")
)
CONFIG = """
sign_in = "oidc"
default_role = ""
engineers = ["engineer@example.org", "other@example.org"]
reviewers = ["Reviewer@example.org"]
keep_uploads_days = 30
"""
SECRETS = """
[auth]
redirect_uri = "http://{host}:{port}/oauth2callback"
cookie_secret = "a secret of the tests, at least 32 characters"
client_id = "workbench"
client_secret = "secret"
server_metadata_url = "http://{host}:{provider}/.well-known/openid-configuration"
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("team")
    (folder / "config.toml").write_text(CONFIG)
    return folder


def start(serve: Serve, home: Path, user_home: Path, age: timedelta) -> Iterator[str]:
    with run_server_in_thread(user_claims=PEOPLE, access_token_max_age=age) as provider:
        port = free_port()
        secrets = user_home / ".streamlit" / "secrets.toml"
        secrets.parent.mkdir(parents=True)
        secrets.write_text(SECRETS.format(host=HOST, port=port, provider=provider.server_port))
        environment = {"ASMA_HOME": str(home), "HOME": str(user_home)}
        yield serve(APP, environment, port=port)


@pytest.fixture(scope="module")
def url(serve: Serve, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    yield from start(serve, home, tmp_path_factory.mktemp("user"), timedelta(hours=1))


@contextmanager
def person(browser: Browser) -> Iterator[Page]:
    """Another person's browser; what the provider's pages want of other hosts is refused."""

    def only_here(route: Route) -> None:
        if f"//{HOST}:" in route.request.url:
            route.continue_()
        else:
            route.abort()

    with separate(browser) as context:
        tab = context.new_page()
        tab.route("**/*", only_here)
        yield tab


def sign_in(page: Page, name: str) -> None:
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name=name, exact=True).click()


def test_a_link_that_was_opened_before_signing_in_leads_there_afterwards(
    browser: Browser, url: str
) -> None:
    with person(browser) as page:
        page.goto(f"{url}/models?network=demo-lesion-unet")
        expect(page.get_by_role("button", name="Sign in")).to_be_visible()
        expect(page.get_by_role("link", name="Attack")).to_have_count(0)
        expect(page.get_by_text("demo-lesion-unet")).to_have_count(0)
        sign_in(page, "engineer")
        page.wait_for_url(re.compile(r"/models\?network=demo-lesion-unet"))
        expect(page.get_by_text("demo-lesion-unet").first).to_be_visible()
        settle(page)
        page.get_by_role("link", name="Account").click()
        expect(page.get_by_role("heading", name="Engineer")).to_be_visible()
        # An address that names a person is no link.
        expect(page.get_by_text("engineer@example.org")).to_be_visible()
        expect(page.locator("a[href^=mailto]")).to_have_count(0)
        expect(page.get_by_text("Uploaded images are deleted after 30 days.")).to_be_visible()
        settle(page)
        page.get_by_role("button", name="Sign out").click()
        # The provider asks whether it shall forget its own session as well.
        page.wait_for_url(lambda address: not address.startswith(f"{url}/account"))
        page.goto(f"{url}/account")
        expect(page.get_by_role("button", name="Sign in")).to_be_visible()


def test_who_has_no_role_is_told_so_and_sees_nothing(browser: Browser, url: str) -> None:
    with person(browser) as page:
        page.goto(f"{url}/runs")
        sign_in(page, "stranger")
        expect(page.get_by_text("has no role on this server")).to_be_visible()
        expect(page.get_by_role("link", name="Runs")).to_have_count(0)


def test_pictures_are_for_who_is_signed_in(browser: Browser, url: str) -> None:
    with person(browser) as page, person(browser) as stranger:
        page.goto(f"{url}/datasets")
        sign_in(page, "engineer")
        picture = page.locator("img[src*='/media/']").first
        expect(picture).to_be_visible()
        # Shown is what has come: the browser has sent its cookie along.
        page.wait_for_function("one => one.naturalWidth > 0", arg=picture.element_handle())
        address = picture.evaluate("one => one.src")
        assert page.request.get(address).ok
        assert stranger.request.get(address).status == 403
        stranger.goto(url)
        sign_in(stranger, "stranger")
        expect(stranger.get_by_text("has no role on this server")).to_be_visible()
        assert stranger.request.get(address).status == 403
        settle(page)


def test_a_session_that_has_expired_is_told_so(
    browser: Browser, serve: Serve, home: Path, tmp_path: Path
) -> None:
    # Old already when it comes; the library that takes it allows for clocks that differ.
    for url in start(serve, home, tmp_path, timedelta(seconds=1)):
        with person(browser) as page:
            page.goto(url)
            sign_in(page, "engineer")
            expect(page.get_by_text("Your session has expired; sign in again")).to_be_visible()


def test_two_people_from_signing_in_to_the_result_of_a_review(
    browser: Browser, url: str, home: Path
) -> None:
    with person(browser) as page, person(browser) as reviewer:
        page.goto(url)
        sign_in(page, "engineer")
        run_id = attack(page, home)
        reviewer.goto(f"{url}/attack?run={run_id}")
        sign_in(reviewer, "reviewer")
        reviewer.wait_for_url(re.compile(f"run={run_id}"))
        expect(reviewer.get_by_text("by engineer@example.org")).to_be_visible()
        settle(reviewer)
        reviewer.get_by_role("button", name="Repeat").click()
        expect(reviewer.get_by_text("As a reviewer you can't")).to_be_visible()
        link = make_review(page, url, "Which of the two was tampered with?", 0)
        # Who is signed in is not asked for a name.
        reviewer.goto(link)
        settle(reviewer)
        reviewer.get_by_role("button", name="Begin").click()
        expect(reviewer.locator(".review")).to_have_attribute("data-ready", "true")
        reviewer.keyboard.press("1")
        expect(reviewer.get_by_role("heading", name="Thank you")).to_be_visible()
        page.reload()
        expect(page.get_by_text(re.compile("Found in [01] of 1 answers?"))).to_be_visible()
        settle(page)
    assert RunStore(home).get(run_id).author == "engineer@example.org"
    lines = [json.loads(line) for line in log_file(home).read_text().splitlines()]
    done = {(line["who"], line["action"]) for line in lines}
    assert {("engineer@example.org", "attack"), ("reviewer@example.org", "answer")} <= done


def attack(page: Page, home: Path) -> str:
    """Run the demo attack for some steps; return the run's id."""
    page.get_by_role("button", name="Run a demo attack").click()
    page.wait_for_url(re.compile("run=[0-9a-f]{8}"))
    found = re.search("run=([0-9a-f]{8})", page.url)
    assert found is not None
    begun = page.get_by_text(re.compile("^Step [1-9]"))
    ended = page.get_by_role("button", name="Compare")
    expect(begun.or_(ended).first).to_be_visible()
    stop(RunStore(home), found[1])
    expect(ended).to_be_visible()
    settle(page)
    return found[1]
