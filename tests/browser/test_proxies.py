"""The shipped nginx.conf and Caddyfile, in front of a real server: HTTPS, a path, an upload."""

from __future__ import annotations

import http.client
import io
import os
import re
import shutil
import ssl
import subprocess
import threading
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests import tiny
from tests.browser.conftest import PROJECT, Serve, free_port, separate, watched
from tests.browser.test_journey import settle
from tests.browser.test_server import PAGES, SERVER, walk
from tests.waiting import until

pytestmark = pytest.mark.browser

DEPLOY = PROJECT / "deploy"
NAME = "asma.example.org"
ADA = "ada@example.org"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate that nobody vouches for."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl to make a certificate with")
    folder = tmp_path_factory.mktemp("certificate")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={NAME}",
         "-days", "2", "-keyout", "privkey.pem", "-out", "fullchain.pem"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    return folder


def replaced(text: str, changes: dict[str, str]) -> str:
    """Return a shipped file for this machine; each of its places must be there."""
    for before, after in changes.items():
        assert before in text, before
        text = text.replace(before, after)
    return text


def nginx(
    folder: Path, certificate: Path, port: int, plain: int, behind: int, more: dict[str, str]
) -> list[list[str]]:
    """Write a configuration that holds the shipped file; return how it is checked and started."""
    shipped = replaced(
        (DEPLOY / "nginx.conf").read_text(),
        more
        | {
            "listen 80;": f"listen 127.0.0.1:{plain};",
            "listen 443 ssl http2;": f"listen 127.0.0.1:{port} ssl http2;",
            "/etc/ssl/asma": str(certificate),
            "127.0.0.1:8501;": f"127.0.0.1:{behind};",
        },
    )
    (folder / "asma.conf").write_text(shipped)
    paths = "".join(
        f"{name}_temp_path {folder}/{name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"pid {folder}/pid; error_log {folder}/errors; daemon off; worker_processes 1; events {{}}"
        f" http {{ access_log off; {paths} include {folder}/asma.conf; }}"
    )
    start = ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")]
    return [[*start, "-t"], start]


def caddy(
    folder: Path, certificate: Path, port: int, plain: int, behind: int, more: dict[str, str]
) -> list[list[str]]:
    """The same of the Caddyfile."""
    shipped = replaced(
        (DEPLOY / "Caddyfile").read_text(),
        more
        | {
            f"{NAME} {{": f"https://{NAME}:{port}, https://127.0.0.1:{port} {{\n\ttls "
            f"{certificate}/fullchain.pem {certificate}/privkey.pem",
            "127.0.0.1:8501 {": f"127.0.0.1:{behind} {{",
        },
    )
    file = folder / "Caddyfile"
    alone = f"{{\n\tadmin off\n\tauto_https disable_redirects\n\thttp_port {plain}\n}}\n"
    file.write_text(alone + shipped)
    given = ["--config", str(file), "--adapter", "caddyfile"]
    return [["caddy", "validate", *given], ["caddy", "run", *given]]


PROXIES = {"nginx": nginx, "caddy": caddy}
# A proxy that has signed somebody in, as each file says where.
SIGNED_IN = {
    "nginx": {'X-Auth-User "";': f'X-Auth-User "{ADA}";'},
    "caddy": {"header_up -X-Auth-User": f"header_up X-Auth-User {ADA}"},
}


@contextmanager
def started(
    name: str, folder: Path, certificate: Path, behind: int, more: dict[str, str]
) -> Iterator[int]:
    """Start a proxy; yield its port."""
    if shutil.which(name) is None:
        pytest.skip(f"there is no {name}")
    port = free_port()
    check, start = PROXIES[name](folder, certificate, port, free_port(), behind, more)
    environment = os.environ | {"HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    checked = subprocess.run(check, env=environment, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
    log = folder / "log"
    with log.open("wb") as output:
        proxy = subprocess.Popen(start, env=environment, stdout=output, stderr=output)
    try:
        until(lambda: proxy.poll() is not None or _listens(port))
        assert proxy.poll() is None, log.read_text()
        yield port
    finally:
        proxy.terminate()
        proxy.wait()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tiny.furnish(tmp_path_factory.mktemp("behind"))
    (folder / "config.toml").write_text(
        f'allowed_hosts = ["{NAME}"]\nsign_in = "proxy"\ntrusted_proxy_header = "X-Auth-User"\n'
        f'default_role = ""\nengineers = ["{ADA}"]\n'
    )
    return folder


@pytest.fixture(scope="module", params=PROXIES)
def port(
    request: pytest.FixtureRequest,
    serve: Serve,
    home: Path,
    certificate: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[int]:
    """The port of a proxy that has signed somebody in, before a workbench."""
    name = request.param
    url = serve(SERVER, {"ASMA_HOME": str(home)}, base="/asma")
    behind = int(re.findall(r":(\d+)/", url)[0])
    folder = tmp_path_factory.mktemp(name)
    with started(name, folder, certificate, behind, SIGNED_IN[name]) as own:
        yield own


def _listens(port: int) -> bool:
    try:
        return ask(port, "/asma/healthz")[0] > 0
    except (OSError, http.client.HTTPException):
        return False


def ask(port: int, path: str, **headers: str) -> tuple[int, dict[str, str]]:
    """Ask over HTTPS, by the name that people would use; return status and headers."""
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    with closing(http.client.HTTPSConnection("127.0.0.1", port, context=trusting)) as asked:
        asked.request("GET", path, headers={"Host": NAME} | headers)
        with asked.getresponse() as found:
            return found.status, {name.lower(): value for name, value in found.getheaders()}


def test_the_figures_stay_inside(port: int) -> None:
    assert ask(port, "/asma/healthz")[0] == 200
    for path in ("/asma/metrics", "/asma/_stcore/metrics", "/metrics", "/asma/metrics/"):
        assert ask(port, path)[0] == 404


def test_the_headers_of_the_workbench_and_of_https_arrive(port: int) -> None:
    status, headers = ask(port, "/asma/")
    assert status == 200 and headers["strict-transport-security"].startswith("max-age=")
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert ask(port, "/asma")[1]["location"].endswith("/asma/")


def test_a_walk_through_all_pages_and_an_upload(port: int, browser: Browser, home: Path) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        # More than the megabyte that nginx lets through by itself.
        for file in sorted((home / "datasets" / tiny.DATASET).glob("*/*.png")):
            packed.writestr(f"{file.parent.name}/{file.name}", file.read_bytes())
        packed.writestr("notes.bin", os.urandom(3_000_000))
    with (
        separate(browser, ignore_https_errors=True) as context,
        watched(context, hasty=True) as page,
    ):
        page.goto(f"https://127.0.0.1:{port}/asma/")
        walk(page, (*PAGES, "Account"))
        expect(page.get_by_role("heading", name=ADA)).to_be_visible()
        walk(page, ["Datasets"])
        expect(page.get_by_role("img", name="0001")).to_be_visible()
        # A function: an expression is looked at again with `eval`, which the page's policy forbids.
        page.wait_for_function("() => [...document.images].every((one) => one.naturalWidth > 0)")
        assert page.url.startswith(f"https://127.0.0.1:{port}/asma/")
        page.get_by_role("button", name="Add", exact=True).click()
        given = {"name": "big.zip", "mimeType": "application/zip", "buffer": archive.getvalue()}
        page.locator("input[type=file]").set_input_files(given)
        expect(page.get_by_text(f"{tiny.COUNT} images with masks")).to_be_visible()
        settle(page)


@pytest.fixture
def behind() -> Iterator[tuple[int, list[dict[str, str]]]]:
    """Something in the workbench's place that keeps the headers of each request."""
    came: list[dict[str, str]] = []

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            came.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Listener) as listener:
        thread = threading.Thread(target=listener.serve_forever)
        thread.start()
        yield listener.server_port, came
        listener.shutdown()
        thread.join()


@pytest.mark.parametrize("name", PROXIES)
def test_as_it_is_shipped_nobody_brings_a_name_of_their_own(
    name: str, tmp_path: Path, certificate: Path, behind: tuple[int, list[dict[str, str]]]
) -> None:
    asked, came = behind
    with started(name, tmp_path, certificate, asked, {}) as port:
        forged = {"X-Auth-User": "boss@example.org", "X-Forwarded-For": "10.9.9.9"}
        assert ask(port, "/asma/runs", **forged)[0] == 204
    last = came[-1]
    assert last.get("x-auth-user", "") == "" and last["host"] == NAME
    assert last["x-forwarded-for"].split(",")[-1].strip() == "127.0.0.1"
    assert last["x-forwarded-proto"] == "https"
