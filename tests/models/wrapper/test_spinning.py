"""Threads spin only while nobody else wants the cores."""

import subprocess
import sys
from pathlib import Path

import pytest

from asma_core.models.wrapper.spinning import BUSY_ABOVE, LOOK_EVERY, shall_yield, waited

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="it concerns Linux")


def _look(share: float) -> dict[str, int]:
    return {"1": 0, "2": int(share * LOOK_EVERY * 1e9), "3": 5}


@pytest.mark.parametrize(
    ("share", "yields", "expected"),
    [
        (0.0, False, False),
        (BUSY_ABOVE + 0.01, False, True),
        (BUSY_ABOVE - 0.01, False, False),
        (BUSY_ABOVE - 0.01, True, True),
        (0.02, True, False),
    ],
)
def test_who_waits_most_decides_and_between_the_thresholds_all_stays(
    share: float, yields: bool, expected: bool
) -> None:
    assert shall_yield({"1": 0, "2": 0, "9": 7}, _look(share), yields) is expected


def test_a_thread_that_is_new_decides_nothing() -> None:
    assert not shall_yield({}, _look(1.0), yields=False)


@LINUX
def test_each_thread_of_this_process_is_looked_at() -> None:
    assert len(waited()) >= 1


@LINUX
def test_a_team_comes_and_goes_and_changes_no_bit() -> None:
    """In a process of its own, as the team counts among its threads."""
    script = """
import os, time
from asma_core.models.wrapper import spinning
before = len(os.listdir("/proc/self/task"))
import torch
spinning._Team().hold(False)
torch.manual_seed(0)
images, weight = torch.rand(1, 8, 64, 64), torch.rand(8, 8, 3, 3)
def result():
    return torch.nn.functional.conv2d(images, weight).sum().item()
alone = result()
threads = len(os.listdir("/proc/self/task"))
team = spinning._Team()
team.hold(True)
if spinning._openmp() is not None:
    assert team.held
    while len(os.listdir("/proc/self/task")) <= threads: time.sleep(0.01)
    assert result() == alone
    team.hold(False)
    assert not team.held
    while len(os.listdir("/proc/self/task")) > threads: time.sleep(0.01)
assert result() == alone
print("done")
"""
    root = Path(__file__).resolve().parents[3]
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=root)
    assert ran.stdout == "done\n", ran.stderr
