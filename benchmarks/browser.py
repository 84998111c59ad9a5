"""The running app and a real Chromium, for the page benchmark and the screenshots."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from asma_core.paths import PROJECT

START_SECONDS = 60.0
STATE = "data-test-script-state"
APP = "[data-testid=stApp]"


@contextmanager
def served(home: Path) -> Iterator[str]:
    """Serve the app with a data folder; give its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "streamlit", "run", "serve.py", "--server.port", str(port)]
    environment = os.environ | {"ASMA_HOME": str(home)}
    with (home / "server.log").open("wb") as log:
        server = subprocess.Popen(
            command, cwd=PROJECT, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            _wait(url, server)
            yield url
        finally:
            server.terminate()
            server.wait(timeout=20)


def _wait(url: str, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2):
                return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("the server did not start; see server.log in its data folder")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start a Chromium of the machine if there is one, else Playwright's own."""
    path = next(
        filter(
            None, map(shutil.which, ("chromium", "chromium-browser", "chromium-headless-shell"))
        ),
        None,
    )
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


def settled(page: Page, timeout: float = 120_000) -> None:
    """Wait until the script has run and nothing is stale or a placeholder any more."""
    page.wait_for_function(
        f"""() => {{
            const app = document.querySelector("{APP}");
            return app?.getAttribute("{STATE}") === "notRunning"
                && !document.querySelector("[data-testid=stSkeleton], [data-testid=stSpinner]");
        }}""",
        timeout=timeout,
    )
