"""docs/server.md and deploy/: what they name is there, and they agree with each other."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import tomllib
from dataclasses import fields
from itertools import pairwise
from pathlib import Path

import pytest
from streamlit import config

from asma_core.jobs.monitoring import Monitor, gpu_memory
from asma_core.runs.store import RunStore
from asma_core.server_config import Settings, settings
from scripts import settings_page
from tests import tiny

PROJECT = Path(__file__).resolve().parents[2]
DEPLOY = PROJECT / "deploy"
TEXT = settings_page.PAGE.read_text()
UNIT = (DEPLOY / "asma.service").read_text()
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()


def test_the_table_has_every_setting() -> None:
    assert settings_page.page() == TEXT, "run python -m scripts.settings_page"
    assert set(settings_page.settings_told()) == {field.name for field in fields(Settings)}


def test_each_setting_can_be_written_as_the_table_and_the_page_have_it(home: Path) -> None:
    home.mkdir()
    told = settings_page.settings_told()
    blocks = [
        block for block in re.findall(r"```toml\n(.*?)```", TEXT, re.S) if "[auth]" not in block
    ]
    assert len(blocks) == 2
    for text in ["\n".join(f"{name} = {value}" for name, (value, _) in told.items()), *blocks]:
        (home / "config.toml").write_text(text)
        found = settings()
        for name, value in tomllib.loads(text).items():
            kept = getattr(found, name)
            assert [str(one) for one in kept] == value if isinstance(value, list) else kept == value


def test_each_file_that_is_named_is_there() -> None:
    named = set(re.findall(r"deploy/[\w.]+\w", TEXT))
    assert named == {
        f"deploy/{name}" for name in ("asma.service", "nginx.conf", "Caddyfile", "Dockerfile")
    }
    assert all((PROJECT / name).is_file() for name in named)


def test_each_figure_that_is_named_is_one_and_all_are(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tiny.furnish(home)
    store = RunStore()
    store.create(tiny.request(), tiny.inputs())
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho '0, 1, 2'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert gpu_memory()
    text = Monitor(home).text()
    there = set(re.findall(r"^# TYPE (\w+)", text, re.M)) | {"asma_data_folder_bytes"}
    assert set(re.findall(r"\basma_(?!core)\w+", TEXT)) == there


def options(line: str) -> dict[str, str]:
    """Return the options of `streamlit run` in a line; each must be one."""
    words = shlex.split(line)
    found = {word[2:]: value for word, value in pairwise(words) if word[:9] == "--server."}
    assert found and set(found) <= set(config._config_options_template)
    return found


def test_the_unit_starts_what_there_is() -> None:
    (line,) = re.findall(r"^ExecStart=(.+)$", UNIT, re.M)
    words = line.split()
    assert words[1:4] == ["-m", "streamlit", "run"] and (PROJECT / words[4]).is_file()
    told = options(line)
    assert told["server.address"] == "127.0.0.1" and told["server.baseUrlPath"] == "/asma"
    for proxy in ("nginx.conf", "Caddyfile"):
        text = (DEPLOY / proxy).read_text()
        assert (
            f"127.0.0.1:{told['server.port']}" in text and f"{told['server.baseUrlPath']}/" in text
        )


def test_systemd_finds_no_fault_in_the_unit(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze")
    # The account and the place are those of another machine.
    unit = re.sub("^(User|Group)=.*\n", "", UNIT, flags=re.M)
    unit = unit.replace("/opt/asma/.venv/bin/python", "/bin/sh").replace(
        "=/opt/asma", f"={tmp_path}"
    )
    file = tmp_path / "asma.service"
    file.write_text(unit)
    done = subprocess.run(["systemd-analyze", "verify", str(file)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_image_has_all_that_is_imported_and_starts_the_server() -> None:
    sources = [
        name for line in re.findall(r"^COPY (.+)$", DOCKERFILE, re.M) for name in line.split()[:-1]
    ]
    assert all((PROJECT / name).exists() for name in sources)
    tracked = subprocess.run(
        ["git", "ls-files", "*.py", ".streamlit/*"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    outside = {"tests", "scripts", "benchmarks", "docs"}
    needed = {Path(name).parts[0] for name in tracked} - outside
    assert needed <= set(sources)
    # What is not named here does not get to the build.
    let_in = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    assert {f"!{name}" for name in sources} <= set(let_in) and "*" in let_in
    (entry,) = re.findall(r"^ENTRYPOINT \[(.+)\]$", DOCKERFILE, re.M)
    line = " ".join(re.findall(r'"([^"]+)"', entry))
    assert "streamlit run serve.py" in line and options(line) == {"server.address": "0.0.0.0"}


@pytest.mark.parametrize("text", [UNIT, DOCKERFILE, (PROJECT / "scripts/run").read_text()])
def test_wherever_it_is_started_a_proxy_is_known_by_its_own_address(text: str) -> None:
    """Else uvicorn takes what a proxy says of others for who connects; see docs/server.md."""
    assert re.search(r'FORWARDED_ALLOW_IPS=("\$\{FORWARDED_ALLOW_IPS:-\}"|""|)( \\)?$', text, re.M)


def test_an_upload_of_the_usual_limit_gets_through_the_proxies() -> None:
    most = Settings().max_upload_mb + 1
    assert f"client_max_body_size {most}m;" in (DEPLOY / "nginx.conf").read_text()
    assert f"max_size {most}MB" in (DEPLOY / "Caddyfile").read_text()
