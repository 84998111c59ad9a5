"""How many GPUs there are, and which is a worker's own; with made-up devices."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from asma_core.models.wrapper import own_gpu as module
from asma_core.models.wrapper.devices import choose_device
from asma_core.models.wrapper.own_gpu import OWN_GPU, gpu_count, own_gpu


def test_gpus_are_counted_by_their_device_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(module, "_DEVICES", tmp_path)
    assert gpu_count() == 0
    for name in ("nvidia0", "nvidia1", "nvidia10", "nvidiactl", "nvidia-uvm", "null"):
        (tmp_path / name).touch()
    assert gpu_count() == 3


@pytest.mark.parametrize(
    ("chosen", "count"),
    [
        ("", 0),
        ("-1", 0),
        ("0", 1),
        ("3,5", 2),
        (" 1 , 0 ,2", 3),
        ("0,-1,1", 1),
        ("GPU-8932f937", 1),
    ],
)
def test_who_starts_the_server_chooses_among_them(
    monkeypatch: pytest.MonkeyPatch, chosen: str, count: int
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", chosen)
    assert gpu_count() == count


def test_a_workers_own_gpu_is_what_auto_and_cuda_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda index: ((10, 20)[index], 80))
    monkeypatch.setenv(OWN_GPU, "0")
    assert choose_device("auto") == choose_device("cuda") == torch.device("cuda", 0)
    assert choose_device("cuda:1") == torch.device("cuda", 1), "what is asked for by number stands"
    # Fewer than were counted: as where there is none of one's own.
    monkeypatch.setenv(OWN_GPU, "2")
    assert choose_device("auto") == torch.device("cuda", 1)


@pytest.mark.parametrize("text", ["", "x", "-1", "2"])
def test_what_is_no_gpu_here_is_nobodys(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(OWN_GPU, text)
    assert own_gpu(2) is None
