"""serve.py as a team's server: it works unvisited, stays closed, says little, breaks politely."""

from __future__ import annotations

import os
import re
import socket
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from asma_core.experiments.store import ExperimentStore, ended
from asma_core.runs.run import DONE
from asma_core.runs.store import RunStore
from tests import tiny
from tests.browser.conftest import PROJECT, Serve, separate
from tests.browser.test_journey import settle
from tests.waiting import until
from ui.server.headers import security_headers
from ui.server.log_file import LOG_FILE

pytestmark = pytest.mark.browser

SERVER = PROJECT / "serve.py"
PAGES = (
    "Home", "Datasets", "Models", "Attack", "Compare", "Runs", "Experiments", "Defences", "Review",
)  # fmt: skip


def walk(page: Page, names: Iterable[str] = PAGES) -> None:
    """Open one page after the other by its link, and wait until each is wholly there."""
    for name in names:
        page.get_by_test_id("stTopNavLink").filter(has_text=re.compile(f"{name}$")).click()
        place = "" if name == "Home" else name.lower()
        page.wait_for_url(re.compile(rf"/{place}(\?.*)?$"))
        settle(page)


def answer(url: str, **headers: str) -> tuple[int, str]:
    """Return status and text."""
    asked = urllib.request.Request(url, headers={k.replace("_", "-"): headers[k] for k in headers})
    try:
        with urllib.request.urlopen(asked) as found:
            return found.status, found.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


# The queue ----------------------------------------------------------------------------------

DEAD = """
from asma_core.data.datasets import open_dataset
from asma_core.experiments.plan import Plan, pairs_of, variant
from asma_core.experiments.store import ExperimentStore
from asma_core.runs.execution import Execution
from asma_core.runs.store import RunStore
from tests import tiny
store = RunStore()
for number in range(4):
    print(store.create(tiny.request(), tiny.inputs(number)).id)
experiments = ExperimentStore(store)
rows = (variant("asma", {"steps": "5", "target_iou": "0.8"}),)
pairs = pairs_of(open_dataset(tiny.DATASET), 2)
made = experiments.open(Plan(tiny.MODEL, tiny.DATASET, pairs, rows, Execution("cpu")))
assert experiments.claim(made.id)
"""


def test_what_waits_is_carried_out_though_nobody_visits(serve: Serve, tmp_path: Path) -> None:
    """Four queued runs and an experiment under way, of a server that ended, and no visitor."""
    tiny.furnish(tmp_path)
    environment = os.environ | {"ASMA_HOME": str(tmp_path), "PYTHONPATH": str(PROJECT)}
    made = subprocess.run(
        [sys.executable, "-c", DEAD], env=environment, capture_output=True, text=True, check=True
    )
    runs = RunStore(tmp_path)
    experiments = ExperimentStore(runs)
    waiting = made.stdout.split()
    assert len(waiting) == 4 and experiments.left_behind()
    url = serve(SERVER, {"ASMA_HOME": str(tmp_path)}, drawn=False)
    until(lambda: all(runs.get(run_id).state == DONE for run_id in waiting))
    (experiment,) = experiments.newest()
    until(lambda: len(ended(experiments.cells(experiment))) == 2)
    until(lambda: not experiments.newest()[0].active)
    status, text = answer(f"{url}/metrics")
    assert status == 200 and 'asma_runs{state="done"} 6\n' in text
    assert int(re.findall(r"^asma_worker_processes (\d+)$", text, re.M)[0]) >= 1


# How it stands ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.furnish(tmp_path_factory.mktemp("server"))


@pytest.fixture
def url(serve: Serve, home: Path) -> str:
    return serve(SERVER, {"ASMA_HOME": str(home)})


def test_it_says_whether_it_is_well(url: str) -> None:
    assert answer(f"{url}/healthz") == (200, "well\n")


def test_a_store_that_cannot_be_read_is_no_health(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "runs.sqlite").write_bytes(b"no database" * 1000)
    url = serve(SERVER, {"ASMA_HOME": str(tmp_path)}, drawn=False)
    for path in ("healthz", "metrics"):
        status, text = answer(f"{url}/{path}")
        assert status == 503 and "store" in text and str(tmp_path) not in text
    assert str(tmp_path / "runs.sqlite") in (tmp_path / LOG_FILE).read_text()


def test_figures_are_for_who_may_read_them(url: str, home: Path) -> None:
    for path in ("metrics", "_stcore/metrics"):
        assert answer(f"{url}/{path}")[0] == 200
        status, text = answer(f"{url}/{path}", X_Forwarded_For="127.0.0.1")
        assert status == 403 and "metrics_from" in text
    (home / "config.toml").write_text('metrics_token = "of a dozen words"')
    said = {"Authorization": "Bearer of a dozen words", "X_Forwarded_For": "10.0.0.9"}
    assert answer(f"{url}/metrics", **said)[0] == 200


# Foreign names ------------------------------------------------------------------------------


def status_line(url: str, path: str, *headers: str) -> str:
    """Ask with just these headers; return the first line of the answer."""
    place = urlsplit(url)
    with socket.create_connection((str(place.hostname), place.port or 80)) as asked:
        asked.sendall("\r\n".join([f"GET {path} HTTP/1.1", *headers, "", ""]).encode())
        return asked.makefile("rb").readline().decode().strip()


UPGRADE = (
    "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol: streamlit",
)  # fmt: skip


def test_a_foreign_name_opens_neither_page_nor_connection(url: str) -> None:
    own = f"Host: {urlsplit(url).netloc}"
    for path in ("/", "/healthz", "/_stcore/host-config", "/static/no.js"):
        assert " 421 " in status_line(url, path, "Host: evil.example")
    assert " 200 " in status_line(url, "/", own)
    stream = "/_stcore/stream"
    assert " 101 " in status_line(url, stream, own, *UPGRADE)
    assert " 101 " in status_line(url, stream, own, f"Origin: {url}", *UPGRADE)
    assert " 403 " in status_line(url, stream, "Host: evil.example", *UPGRADE)
    for origin in ("https://evil.example", "http://localhost:1", "null"):
        assert " 403 " in status_line(url, stream, own, f"Origin: {origin}", *UPGRADE)


# What a page may load -----------------------------------------------------------------------


@pytest.mark.hasty
def test_each_page_needs_no_more_than_it_may_load(page: Page, url: str) -> None:
    """`page` fails on what is refused, which the console tells, and on a request elsewhere."""
    opened = page.goto(url)
    assert opened is not None
    assert opened.headers.items() >= {k.lower(): v for k, v in security_headers().items()}.items()
    for name in PAGES:
        walk(page, [name])
        expect(page.get_by_test_id("stAlertContentError")).to_have_count(0)


def test_what_a_page_may_not_do_is_refused(browser: Browser, url: str) -> None:
    """Else the test above shows nothing."""
    with separate(browser) as context:
        page = context.new_page()
        page.goto(url)
        settle(page)
        page.evaluate(
            """() => {
                window.refused = [];
                document.addEventListener("securitypolicyviolation",
                    (event) => window.refused.push(event.effectiveDirective));
                const script = document.createElement("script");
                script.textContent = "window.ran = true";
                document.body.append(script);
                const image = new Image();
                image.src = "http://127.0.0.2:9/tells.png";
                const frame = document.createElement("iframe");
                frame.src = "http://127.0.0.2:9/";
                document.body.append(frame);
                fetch("http://127.0.0.2:9/").catch(() => {});
                setTimeout("window.ran = true");
            }"""
        )
        page.wait_for_function("() => window.refused.length >= 5")
        refused = set(page.evaluate("window.refused"))
        scripts = {"script-src", "script-src-elem"}
        assert refused == scripts | {"img-src", "frame-src", "connect-src"}
        assert page.evaluate("window.ran") is None


def test_no_other_page_can_frame_it(browser: Browser, url: str) -> None:
    with separate(browser) as context:
        page = context.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.set_content(f'<iframe src="{url}"></iframe>')
        page.wait_for_timeout(0)
        until(lambda: (page.wait_for_timeout(20), any("frame" in text for text in said))[1])
        assert "Streamlit" not in page.frames[1].content()


# When it breaks -----------------------------------------------------------------------------


@pytest.mark.parametrize("button", ["Break the page", "Break a callback", "Break a part"])
def test_a_fault_shows_a_number_and_the_log_has_the_rest(
    page: Page, serve: Serve, home: Path, button: str
) -> None:
    page.goto(serve(PROJECT / "tests/browser/broken_server.py", {"ASMA_HOME": str(home)}))
    page.get_by_role("button", name=button).click()
    shown = page.get_by_test_id("stAlert")
    expect(shown).to_contain_text(re.compile("incident [0-9a-f]{8}"))
    settle(page)
    words = page.locator("body").inner_text()
    for inner in ("Traceback", "ValueError", "4711", "break_down", ".py", str(PROJECT)):
        assert inner not in words
    (incident,) = re.findall("incident ([0-9a-f]{8})", words)
    log = home / LOG_FILE
    kept = until(lambda: re.search(f"incident {incident}\n(.*)", log.read_text(), re.S))
    assert "ValueError: of patient 4711" in kept[1] and "break_down" in kept[1]
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    # A reload leads on.
    page.reload()
    expect(page.get_by_role("heading", name="Whole")).to_be_visible()
    expect(page.get_by_test_id("stAlert")).to_have_count(0)


def test_what_a_user_can_mend_is_said_in_a_callback_too(
    page: Page, serve: Serve, home: Path
) -> None:
    page.goto(serve(PROJECT / "tests/browser/broken_server.py", {"ASMA_HOME": str(home)}))
    page.get_by_role("button", name="Refuse in a callback").click()
    expect(page.get_by_test_id("stAlert")).to_contain_text("The mask is empty; draw one")
    expect(page.get_by_test_id("stAlert")).not_to_contain_text("incident")


def test_without_serve_py_a_fault_says_as_little(page: Page, serve: Serve, home: Path) -> None:
    page.goto(serve(PROJECT / "tests/browser/broken_page.py", {"ASMA_HOME": str(home)}))
    page.get_by_role("button", name="Break the page").click()
    expect(page.get_by_test_id("stException")).to_be_visible()
    words = page.locator("body").inner_text()
    assert not any(one in words for one in ("Traceback", "4711", "break_down", str(PROJECT)))


def test_one_person_may_start_app_py_as_ever(page: Page, serve: Serve, home: Path) -> None:
    page.goto(serve(PROJECT / "app.py", {"ASMA_HOME": str(home)}))
    settle(page)
    expect(page.get_by_role("button", name="Run a demo attack")).to_be_visible()


# Below a path -------------------------------------------------------------------------------


@pytest.mark.hasty
def test_below_a_path_of_a_server_all_is_as_at_its_root(
    page: Page, serve: Serve, home: Path
) -> None:
    url = serve(SERVER, {"ASMA_HOME": str(home)}, base="/team/asma")
    root = url.removesuffix("/team/asma")
    assert answer(f"{url}/healthz") == answer(f"{root}/healthz") == (200, "well\n")
    assert " 404 " in status_line(url, "/runs", f"Host: {urlsplit(url).netloc}")
    page.goto(url)
    for name in PAGES:
        walk(page, [name])
        assert page.url.startswith(url)
    walk(page, ["Datasets"])
    page.reload()
    settle(page)
    expect(page.get_by_role("img", name="0001")).to_be_visible()
