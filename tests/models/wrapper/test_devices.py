"""Devices are chosen by name, and absent ones are told."""

from __future__ import annotations

import pytest
import torch

from asma_core.errors import DeviceError
from asma_core.models.wrapper.devices import choose_device, is_out_of_memory


@pytest.fixture
def _no_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.fixture
def _two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda index: ((10, 20)[index], 80))


@pytest.mark.usefixtures("_no_cuda")
def test_without_cuda() -> None:
    assert choose_device() == choose_device("auto") == choose_device("cpu") == torch.device("cpu")
    for name in ("cuda", "cuda:1"):
        with pytest.raises(DeviceError, match="no CUDA device; choose cpu or auto"):
            choose_device(name)


@pytest.mark.usefixtures("_two_gpus")
def test_with_two_gpus_the_freer_one_is_chosen() -> None:
    assert choose_device("auto") == choose_device("cuda") == torch.device("cuda", 1)
    assert choose_device("cuda:0") == torch.device("cuda", 0)
    assert choose_device("cpu") == torch.device("cpu")
    with pytest.raises(DeviceError, match="there is no cuda:2; the last one is cuda:1"):
        choose_device("cuda:2")


@pytest.mark.parametrize("name", ["", "gpu", "CPU", "cuda:", "cuda:-1", "cuda:x", "mps", "cpu\n"])
def test_an_unknown_name_is_told(name: str) -> None:
    with pytest.raises(DeviceError, match="choose auto, cpu, cuda or cuda:N"):
        choose_device(name)


def test_memory_that_runs_out_is_recognised() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(10**15)
    assert is_out_of_memory(caught.value)
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory."))
    assert is_out_of_memory(RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED"))
    assert not is_out_of_memory(RuntimeError("expected scalar type Float"))
    assert not is_out_of_memory(ValueError("can't allocate memory"))
