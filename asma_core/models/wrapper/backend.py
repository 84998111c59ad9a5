"""How a network is run while it is attacked: precision, memory layout, compilation.

What is scored is always the network itself in float32. A faster backend only leads the search;
where it finds a success, the network in float32 is asked again (`Backend.exact`), so that no
rounding of the backend is taken for one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from asma_core.errors import DeviceError
from asma_core.models.wrapper.precision import AUTO, BFLOAT16, FLOAT32, PRECISIONS, TF32

Shape = tuple[int, ...]
# From this compute capability on NVIDIA's GPUs have TF32 and bfloat16 (A100).
_RECENT = (8, 0)
NOT_COMPILED = (
    "A network that is searched through defences or treatments is not compiled; it ran as is."
)


class Backend(nn.Module):
    """A network as it is run while it is attacked; takes and returns float32.

    Attributes:
        network: The network itself.
        precision: `FLOAT32`, `TF32` or `BFLOAT16`; the image and its change are float32 in each.
    """

    def __init__(self, network: nn.Module, precision: str, device: torch.device) -> None:
        """Wrap a network; see `make_backend`."""
        super().__init__()
        self.network = network
        self.precision = precision
        self._device = device
        self._compiled: dict[Shape, Callable[[Tensor], Tensor]] = {}
        self._refused: dict[Shape, str] = {}

    @property
    def rounds(self) -> bool:
        """Whether its logits can differ from those by which the network is judged."""
        random = getattr(self.network, "random", False)
        return self.precision != FLOAT32 or bool(self._compiled) or random

    def forward(self, images: Tensor) -> Tensor:
        """Return logits, float32 (B, K, H', W'), of images, float32 (B, C, H, W) in [0, 1]."""
        if self._device.type == "cuda":
            images = images.contiguous(memory_format=torch.channels_last)
        # Behind defences that draw, each look is another one.
        ask = getattr(self.network, "search", self.network)
        run = self._compiled.get(tuple(images.shape), ask)
        with torch.autocast(
            self._device.type, dtype=torch.bfloat16, enabled=self.precision == BFLOAT16
        ):
            logits = run(images)
        return logits.float() if isinstance(logits, Tensor) else logits

    def exact(self, images: Tensor) -> Tensor:
        """Return the logits of the network itself in float32, without gradients."""
        with torch.no_grad(), float32_sums(FLOAT32):
            logits: Tensor = self.network(images)
        return logits

    def seen_size(self, height: int, width: int) -> tuple[int, int] | None:
        """Return what the network says of it; see `SegmentationModel.seen_size`."""
        says = getattr(self.network, "seen_size", None)
        return None if says is None else says(height, width)

    def compiled_for(self, images: Tensor) -> str:
        """Compile the network for images of one shape, once; where that fails, go on without.

        On CUDA the kernels of a step are recorded and replayed (CUDA graphs). Images of other
        shapes are run as before.

        Args:
            images: float32 (B, C, H, W), an example; one forward and one backward pass are made.

        Returns:
            "", or in a sentence why it is not compiled.
        """
        shape = tuple(images.shape)
        if hasattr(self.network, "search"):
            return NOT_COMPILED
        if shape not in self._compiled and shape not in self._refused:
            reason = self._try_to_compile(images)
            if reason:
                self._refused[shape] = (
                    f"The network could not be compiled ({reason}); it ran as is."
                )
        return self._refused.get(shape, "")

    def _try_to_compile(self, images: Tensor) -> str:
        if not getattr(self.network, "takes_gradients", True):
            return "an ONNX file is run by onnxruntime"
        mode = "reduce-overhead" if self._device.type == "cuda" else "default"
        shape = tuple(images.shape)
        try:
            self._compiled[shape] = torch.compile(self.network, mode=mode, dynamic=False)
            # Nothing is compiled before the first passes.
            with torch.inference_mode(False), torch.enable_grad():
                example = images.detach().clone().requires_grad_()
                torch.autograd.grad(self(example).sum(), example)
        except Exception as error:  # noqa: BLE001 - whatever the reason, there is a way without
            self._compiled.pop(shape, None)
            lines = str(error).strip().splitlines() or [type(error).__name__]
            return lines[0][:200]
        return ""


@lru_cache(maxsize=4)
def make_backend(network: nn.Module, device: torch.device, precision: str = AUTO) -> Backend:
    """Choose how a network is run while it is attacked; the last few are kept.

    Args:
        network: On the device, in evaluation mode.
        device: Of the attack.
        precision: One of `PRECISIONS`. Automatic: TF32 on a GPU that has it, else float32.

    Raises:
        DeviceError: No such precision, or the device does not have it.
    """
    chosen = check_precision(precision, device)
    if device.type == "cuda":
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Backend(network, chosen, device).eval()


def check_precision(precision: str, device: torch.device) -> str:
    """Return the precision that is meant on a device.

    Raises:
        DeviceError: No such precision, or the device does not have it.
    """
    if precision not in PRECISIONS:
        raise DeviceError(f"no precision is called {precision!r}; choose {', '.join(PRECISIONS)}")
    recent = device.type == "cuda" and torch.cuda.get_device_capability(device) >= _RECENT
    if precision == AUTO:
        return TF32 if recent else FLOAT32
    if precision == TF32 and not recent:
        raise DeviceError(
            f"{device} has no TF32, which came with NVIDIA's A100; choose float32 or bfloat16"
        )
    return precision


@contextmanager
def float32_sums(precision: str) -> Iterator[None]:
    """Let CUDA sum products of float32 exactly, or of factors rounded to TF32.

    The setting is torch's own and of the whole process; it is put back at the end.

    Args:
        precision: `TF32`; any other is exact.
    """
    places: tuple[Any, Any] = (
        torch.backends.cudnn.conv,  # type: ignore[attr-defined]
        torch.backends.cuda.matmul,
    )
    before = [place.fp32_precision for place in places]
    try:
        for place in places:
            place.fp32_precision = "tf32" if precision == TF32 else "ieee"
        yield
    finally:
        for place, setting in zip(places, before, strict=True):
            place.fp32_precision = setting
