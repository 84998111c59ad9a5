"""Figures for Prometheus: each is what stands in the store, on the disk and on the GPU."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from asma_core.errors import StoreError
from asma_core.jobs import monitoring
from asma_core.jobs.monitoring import Gauge, Monitor, gpu_memory, prometheus_text
from asma_core.runs.run import CANCELLED, QUEUED, RUNNING
from asma_core.runs.store import RunStore
from asma_core.training.plan import TrainingPlan
from asma_core.training.store import TrainingStore
from tests import tiny
from tests.waiting import until

SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[a-z]+="(?:[^"\\\n]|\\[\\"n])*"\})? (\S+)')


def read(text: str) -> dict[str, float]:
    """Read Prometheus' text as its documentation says it is; anything else fails."""
    assert text.endswith("\n")
    described: set[str] = set()
    found = {}
    for line in text.splitlines():
        if line.startswith("# HELP "):
            described.add(line.split()[2])
        elif line.startswith("# TYPE "):
            assert line.split()[2] in described and line.split()[3] == "gauge"
        else:
            match = SAMPLE.fullmatch(line)
            assert match is not None and match[1] in described, line
            found[match[1] + (match[2] or "")] = float(match[3])
    return found


def test_what_waits_and_runs_is_counted(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.furnish(home)
    store = RunStore()
    runs = [store.create(tiny.request(), tiny.inputs(number)) for number in range(4)]
    store.claim(runs[0].id)
    store.ask_to_stop(runs[3].id)
    TrainingStore(home).create(TrainingPlan(tiny.DATASET))
    now = store.get(runs[1].id).created + 100
    monkeypatch.setattr(monitoring.time, "time", lambda: now)
    found = read(Monitor(home).text())
    waiting = {kind: found[f'asma_queue_length{{kind="{kind}"}}'] for kind in ("run", "training")}
    assert waiting == {"run": 2, "training": 1}
    assert found['asma_queue_length{kind="universal"}'] == 0
    assert found['asma_running{kind="run"}'] == 1 and found['asma_running{kind="training"}'] == 0
    assert found['asma_oldest_waiting_seconds{kind="run"}'] == 100
    assert found['asma_oldest_waiting_seconds{kind="universal"}'] == 0
    states = {QUEUED: 2, RUNNING: 1, CANCELLED: 1}
    assert {state: found[f'asma_runs{{state="{state}"}}'] for state in states} == states


def test_the_disk_and_the_folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monitor = Monitor(RunStore().home)
    size = until(lambda: read(monitor.text()).get("asma_data_folder_bytes"))
    assert size >= (home / "runs.sqlite").stat().st_size
    found = read(monitor.text())
    disk = shutil.disk_usage(home)
    assert found["asma_disk_total_bytes"] == disk.total
    assert 0 < found["asma_disk_free_bytes"] <= disk.total
    # It is not measured anew at each question, and then is.
    (home / "more").write_bytes(b"x" * 300_000)
    assert read(monitor.text())["asma_data_folder_bytes"] == size
    monkeypatch.setattr(monitoring, "MEASURED_EVERY", 0.0)
    until(lambda: read(monitor.text())["asma_data_folder_bytes"] >= size + 300_000)


def test_a_store_that_is_gone_is_an_error_with_a_sentence(home: Path) -> None:
    monitor = Monitor(RunStore().home)
    shutil.rmtree(home)
    with pytest.raises(StoreError):
        monitor.text()


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Put a driver of our own before that of the machine."""

    def write(script: str) -> None:
        program = tmp_path / "nvidia-smi"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    return write


def test_the_memory_of_each_gpu(driver: Any) -> None:
    # As nvidia-smi answers `--format=csv,noheader,nounits`: MiB.
    driver("echo '0, 1024, 81920'; echo '1, 0, 81920'")
    found = read(prometheus_text(gpu_memory()))
    assert found['asma_gpu_memory_used_bytes{gpu="0"}'] == 2**30
    assert found['asma_gpu_memory_used_bytes{gpu="1"}'] == 0
    assert found['asma_gpu_memory_total_bytes{gpu="1"}'] == 80 * 2**30


@pytest.mark.parametrize("script", ["exit 9", "echo 'No devices were found'", "echo '0, [N/A], 1'"])
def test_a_driver_without_a_gpu_hides_nothing_else(driver: Any, home: Path, script: str) -> None:
    driver(script)
    found = read(Monitor(RunStore().home).text())
    assert not any("gpu" in name for name in found) and "asma_disk_free_bytes" in found


def test_any_label_and_figure_is_written_as_prometheus_reads_it() -> None:
    gauge = Gauge("asma_odd", "Odd.", {'a"b\\c\nd': 1.5, "big": 2.0**60}, "label")
    found = read(prometheus_text([gauge, Gauge("asma_none", "Nothing.", {})]))
    assert found == {'asma_odd{label="a\\"b\\\\c\\nd"}': 1.5, 'asma_odd{label="big"}': 2.0**60}
