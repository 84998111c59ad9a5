"""Choosing the device that runs a network."""

from __future__ import annotations

import re
from typing import Final

import torch

from asma_core.errors import DeviceError
from asma_core.models.wrapper.own_gpu import own_gpu

# What torch says, without a class of its own, when a CPU or a CUDA library gets no memory.
_OUT_OF_MEMORY: Final = ("can't allocate memory", "not enough memory", "ALLOC_FAILED")


def choose_device(name: str = "auto") -> torch.device:
    """Turn a device's name into a device.

    Args:
        name: "auto" (this process's own GPU, else that with the most free memory, else the CPU),
            "cpu", "cuda", or "cuda:N".

    Raises:
        DeviceError: No such device on this machine.
    """
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", name):
        raise DeviceError(f"no device is called {name!r}; choose auto, cpu, cuda or cuda:N")
    if name == "cpu" or (name == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise DeviceError(
            f"{name} was asked for, but torch sees no CUDA device; choose cpu or auto"
        )
    if name in ("auto", "cuda"):
        own = own_gpu(torch.cuda.device_count())
        return torch.device("cuda", _freest() if own is None else own)
    index = int(name.partition(":")[2])
    if index >= torch.cuda.device_count():
        last = torch.cuda.device_count() - 1
        raise DeviceError(f"there is no {name}; the last one is cuda:{last}")
    return torch.device("cuda", index)


def _freest() -> int:
    free = [torch.cuda.mem_get_info(index)[0] for index in range(torch.cuda.device_count())]
    return free.index(max(free))


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error of torch means that memory ran out, on a GPU or on the CPU."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    text = str(error)
    return isinstance(error, RuntimeError) and any(said in text for said in _OUT_OF_MEMORY)
