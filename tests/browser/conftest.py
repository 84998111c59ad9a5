"""A real Chromium and a real Streamlit server for the tests in this folder."""

from __future__ import annotations

import ctypes
import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    WebSocket,
    expect,
    sync_playwright,
)
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from asma_core.data.synthetic import demo
from tests.pages.small_house import write_dataset
from tests.waiting import PATIENCE

PROJECT = Path(__file__).resolve().parents[2]
APP = PROJECT / "serve.py"
# In milliseconds, for all that Playwright waits for; its own five seconds are too few beside
# other work.
HANGS = PATIENCE * 1000
expect.set_options(timeout=HANGS)
CHROMIUM_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]

Serve = Callable[..., str]


# The connection to the server that each tab opened last.
SOCKETS: WeakKeyDictionary[Page, WebSocket] = WeakKeyDictionary()
RUN_ENDS = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)


def socket_of(page: Page) -> WebSocket:
    """Return the tab's connection to the server."""
    return SOCKETS[page]


def ends_run(frame: str | bytes) -> bool:
    """Tell whether a message of the server says that a run of the script has come to its end."""
    if isinstance(frame, str):
        return False
    message = ForwardMsg.FromString(frame)
    return message.WhichOneof("type") == "script_finished" and message.script_finished in RUN_ENDS


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _is_healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def _end_with_the_tests() -> None:
    """Have Linux end this process, a server's, when the tests are killed in their middle."""
    if sys.platform == "linux":
        set_signal_of_parents_death = 1
        ctypes.CDLL(None).prctl(set_signal_of_parents_death, signal.SIGTERM)


def _wait_until_healthy(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while not _is_healthy(url):
        if server.poll() is not None or time.monotonic() > end:
            pytest.fail(f"the server of {url} did not start:\n{log.read_text()}")
        time.sleep(0.05)  # between two questions; the answer, not the time, decides


@pytest.fixture(scope="session")
def demo_sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo sets, drawn once for all processes of this run of the tests: it takes long."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = shared / "demo-sets"
    with (shared / "demo-sets.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for name in demo.DEMO_SETS:
            if not (folder / name).exists():
                demo.generate(name, folder / name)
    return folder


def furnish(home: Path, demo_sets: Path) -> None:
    """Put the demo sets where the workbench would draw them first, unless something is there."""
    for drawn in demo_sets.iterdir():
        if not (place := home / "datasets" / drawn.name).exists():
            shutil.copytree(drawn, place)


@pytest.fixture(scope="module")
def three_images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hold three images where the first demo set would be drawn; no network has their classes."""
    folder = tmp_path_factory.mktemp("three-images")
    write_dataset(folder, "demo-fundus", ("background", "one", "two", "three"))
    return folder


# Its servers end with the module: an idle one holds half a gigabyte and looks after its workers.
@pytest.fixture(scope="module")
def serve(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Serve]:
    """Start `streamlit run script` with its own ASMA_HOME; the same call gives the same server.

    The app finds its demo sets drawn unless `drawn` is False. A server of which somebody else must
    know the address beforehand is given its port. With `base` it is served below that path.
    """
    running: dict[tuple[Path, tuple[tuple[str, str], ...], str], str] = {}
    servers: list[subprocess.Popen[bytes]] = []

    def start(
        script: Path, env: Mapping[str, str], drawn: bool = True, port: int = 0, base: str = ""
    ) -> str:
        call = (script, tuple(sorted(env.items())), base)
        if call in running:
            return running[call]
        home = tmp_path_factory.mktemp("home")
        if drawn and script == APP:
            furnish(Path(env.get("ASMA_HOME", home)), request.getfixturevalue("demo_sets"))
        url = f"http://127.0.0.1:{(port := port or free_port())}{base}"
        log = home.with_suffix(".log")
        command = [sys.executable, "-m", "streamlit", "run", str(script)]
        options = {
            "server.port": str(port),
            "server.address": "127.0.0.1",
            "server.baseUrlPath": base,
            "server.headless": "true",
            "server.fileWatcherType": "none",
            "browser.gatherUsageStats": "false",
        }
        arguments = [f"--{name}={value}" for name, value in options.items()]
        # As scripts/run has it.
        usual = {"PYTHONPATH": str(PROJECT), "FORWARDED_ALLOW_IPS": ""}
        with log.open("wb") as output:
            server = subprocess.Popen(
                command + arguments,
                cwd=PROJECT,
                env={**os.environ, **usual, "ASMA_HOME": str(home), **env},
                stdout=output,
                stderr=subprocess.STDOUT,
                preexec_fn=_end_with_the_tests,
            )
        servers.append(server)
        _wait_until_healthy(url, server, log)
        running[call] = url
        return url

    yield start
    for server in servers:
        server.terminate()
    for server in servers:
        server.wait(timeout=PATIENCE)


# One per module, not per session: while the driver is open its event loop counts as running, and
# `asyncio.run` in a test elsewhere would fail.
@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """The driver; it must be the only one of the process."""
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """A Chromium of the machine if there is one, else Playwright's own.

    The one without windows takes half of the processor's time, and is as real.
    """
    names = ("chromium-headless-shell", "chromium", "chromium-browser")
    path = next(filter(None, map(shutil.which, names)), None)
    chromium = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
    yield chromium
    chromium.close()


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """The tabs of one module share a cache, so that the app's scripts load only once."""
    with separate(browser) as shared:
        yield shared


@contextmanager
def separate(browser: Browser, **options: Any) -> Iterator[BrowserContext]:
    """Another person's browser, which is as patient."""
    alone = browser.new_context(**{"viewport": {"width": 1280, "height": 900}} | options)
    alone.set_default_timeout(HANGS)
    yield alone
    alone.close()


@contextmanager
def watched(context: BrowserContext, hasty: bool = False) -> Iterator[Page]:
    """Open a tab; fail when it logs an error or asks any host but 127.0.0.1.

    Args:
        context: The browser's.
        hasty: Whether pages are left before their pictures have come, which are then no fault.
    """
    tab = context.new_page()
    faults: list[str] = []
    tab.on("console", lambda said: faults.extend([] if hasty and is_picture(said) else fault(said)))
    tab.on("pageerror", lambda error: faults.append(str(error)))
    tab.on("request", lambda request: faults.extend(_foreign(request.url)))
    tab.on("websocket", lambda opened: faults.extend(_foreign(opened.url)))
    tab.on("websocket", lambda opened: SOCKETS.update({tab: opened}))
    yield tab
    tab.close()
    assert not faults, f"errors in the console or requests to other hosts: {faults}"


@pytest.fixture
def page(context: BrowserContext, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A new tab; the test fails if it logs an error or asks any host but 127.0.0.1."""
    with watched(context, request.node.get_closest_marker("hasty") is not None) as tab:
        yield tab


def is_picture(said: ConsoleMessage) -> bool:
    """Tell whether a message is that a picture is gone: the browser's, or Streamlit's own."""
    gone = "404" in said.text and "/media/" in said.location.get("url", "")
    return gone or ("Image source error" in said.text and "/media/" in said.text)


def fault(said: ConsoleMessage) -> list[str]:
    """Return an error's text, but for two that nobody sees anything of.

    A page's address makes Streamlit look for its own root (404); and Plotly places the words at the
    pointer nowhere when its chart goes in that moment.
    """
    address = said.location.get("url", "")
    probe = re.search(r"/\w+/_stcore/(health|host-config)$", address)
    nowhere = "PlotlyChart" in address and "Expected length" in said.text
    let_through = (probe is not None and "404" in said.text) or nowhere
    return [f"{said.text} {address}"] if said.type == "error" and not let_through else []


def _foreign(url: str) -> list[str]:
    """Return the address if it leaves the machine."""
    parts = urlsplit(url)
    local = parts.scheme in ("data", "blob", "about") or parts.hostname == "127.0.0.1"
    return [] if local else [f"request to {url}"]
