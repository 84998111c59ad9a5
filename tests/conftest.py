"""What all tests share: a data folder of their own, small networks, real images."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from asma_core.accounts.current import ask

# How long an example takes says something of the machine, not of the code.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")

# Servers, workers and commands too: tiny networks are no quicker on more threads, and two test
# processes share the cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

REAL = Path(__file__).resolve().parents[2] / "shared" / "real"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has an empty data folder of its own."""
    folder = tmp_path / "asma-home"
    monkeypatch.setenv("ASMA_HOME", str(folder))
    monkeypatch.delenv("ASMA_DATASETS", raising=False)
    return folder


@pytest.fixture(autouse=True)
def _nobody_is_asked() -> Iterator[None]:
    """A page that a test has shown says who acts in its own test alone."""
    yield
    ask(None)


@pytest.fixture
def real() -> Path:
    """The folder of real images beside the project."""
    if not REAL.is_dir():
        pytest.skip(f"there are no real images at {REAL}")
    return REAL


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request: pytest.FixtureRequest) -> str:
    """The name of each kind of device; a GPU where there is one."""
    import torch

    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("there is no CUDA device")
    return str(request.param)


@pytest.fixture(autouse=True)
def _one_thread_and_seed(request: pytest.FixtureRequest) -> None:
    """Tests that use torch run on one thread, from one seed; others need not import it."""
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)
        torch.manual_seed(1907)


@pytest.fixture(autouse=True)
def _main_module() -> Iterator[None]:
    """Keep the main module: AppTest leaves its script there, which a spawned process would run."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.fixture
def put() -> Callable[[Path, bytes], Path]:
    """Write a file and the folders above it."""

    def write(path: Path, data: bytes) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    return write
