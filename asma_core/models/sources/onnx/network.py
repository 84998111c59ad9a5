"""An ONNX file as a network that answers and takes no gradients, and what the file says of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from asma_core.errors import ModelError
from asma_core.models.sources.model_card import MOST_CLASSES, ONNX
from asma_core.models.sources.onnx.child import FLOATS
from asma_core.models.sources.onnx.process import OnnxProcess
from asma_core.models.sources.weights import checked_size
from asma_core.models.wrapper.specs import LOGITS, ONE_LOGIT, ONE_PROBABILITY, PROBABILITIES

# Sides on which one is tried that takes any size; few networks need a larger one.
_TRIED: Final = (64, 256, 512)


class OnnxNetwork(nn.Module):
    """A network of which onnxruntime gives the outputs, on the CPU.

    Attributes:
        takes_gradients: False: no gradient flows from its outputs to its images.
        channels_last: Whether its file takes (B, H, W, C), as those from TensorFlow do; this module
            takes and gives (B, C, H, W) in any case.
    """

    takes_gradients: Final = False

    def __init__(self, path: Path) -> None:
        """Load an ONNX file in a process of its own.

        Raises:
            ModelError: It is too large, damaged, no network for images, or needs what is not there.
        """
        super().__init__()
        checked_size(path)
        self.process = OnnxProcess(path, torch.get_num_threads())
        self.shape = _image_shape(path.name, self.process.inputs)
        self.channels_last = self.shape[1] not in (1, 3) and self.shape[3] in (1, 3)

    def forward(self, images: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Return its output, or all of them as a tuple, of images (B, C, H, W).

        Raises:
            ModelError: It fails on them.
        """
        given = images.detach().to("cpu", torch.float32)
        asked: NDArray[np.float32] = self._turned(given, 0, 2, 3, 1).numpy()
        answers = tuple(
            self._turned(torch.from_numpy(one), 0, 3, 1, 2).to(images.device)
            for one in self.process.ask(asked)
        )
        return answers[0] if len(answers) == 1 else answers

    def _turned(self, values: Tensor, *order: int) -> Tensor:
        return values.permute(order) if self.channels_last and values.ndim == 4 else values


def _image_shape(name: str, inputs: Sequence[dict[str, Any]]) -> list[int | None]:
    """Return the four sides of the only input; a side of any length is None."""
    if len(inputs) != 1:
        raise ModelError(
            f"{name} takes {len(inputs)} inputs, and only images are given; export a network that "
            "takes images alone"
        )
    kind, shape = str(inputs[0]["type"]), list(inputs[0]["shape"])
    if kind not in FLOATS or len(shape) != 4:
        sides = " x ".join("?" if side is None else str(side) for side in shape)
        raise ModelError(
            f"{name} takes {kind} of {sides or 'no sides'}, and images are floats of four sides "
            "(batch, channels, height, width); export the network without what comes before it"
        )
    if shape[0] not in (None, 1):
        raise ModelError(
            f"{name} takes exactly {shape[0]} images at once; export it for one, or for any number"
        )
    return shape


def look_at_onnx(path: Path) -> dict[str, Any]:
    """Return what an ONNX file says of its network, and what its outputs on noise tell.

    Returns:
        `program`, `channels`, `classes` (its output's channels), `reading`, `element` (where the
        map is among several outputs), `batch` (1 where it takes one image at a time, else 0) and
        `exact` (height and width where it takes no other, else None).

    Raises:
        ModelError: It can't be loaded, fails, or its outputs are no map of classes.
    """
    network = OnnxNetwork(path)
    shape = network.shape
    order = (3, 1, 2) if network.channels_last else (1, 2, 3)
    channels, height, width = (shape[place] for place in order)
    if channels not in (None, 1, 3):
        raise ModelError(
            f"{path.name} takes images of {channels} channels; only grey (1) and colour (3) "
            "images can be given"
        )
    channels = channels or 3
    sizes = [(height or side, width or side) for side in _TRIED]
    outputs, looks = _looked(network, channels, sizes if None in (height, width) else sizes[:1])
    place = _map_among(path.name, outputs)
    classes, reading = _reading([look[place] for look in looks])
    if classes > MOST_CLASSES:
        raise ModelError(f"{path.name} has {classes} classes; {MOST_CLASSES} are the most")
    return {
        "program": ONNX,
        "channels": channels,
        "classes": classes,
        "reading": reading,
        "element": [place] if len(outputs) > 1 else [],
        "batch": 1 if shape[0] == 1 else 0,
        "exact": [height, width] if height and width else None,
    }


Outputs = tuple[Tensor, ...]


def _looked(
    network: OnnxNetwork, channels: int, sizes: Sequence[tuple[int, int]]
) -> tuple[Outputs, list[Outputs]]:
    """Ask on noise, at the first size that it takes; then on the same, far out of its range."""
    noise = np.random.default_rng(0)
    for place, (height, width) in enumerate(sizes):
        images = torch.from_numpy(noise.random((1, channels, height, width), dtype=np.float32))
        try:
            found = _all_of(network(images))
        except ModelError:
            if place == len(sizes) - 1:
                raise
            continue
        return found, [found, _all_of(network(100 * (images - 0.5)))]
    raise AssertionError("at least one size is tried")


def _all_of(answer: Tensor | Outputs) -> Outputs:
    return (answer,) if isinstance(answer, Tensor) else answer


def _map_among(name: str, outputs: Outputs) -> int:
    """Return which output is the map of scores: the largest one of floats."""
    maps = [
        (int(np.prod(one.shape[-2:])), -place)
        for place, one in enumerate(outputs)
        if one.is_floating_point() and one.ndim in (3, 4)
    ]
    if maps:
        return -max(maps)[1]
    kinds = ", ".join(f"{one.dtype} {tuple(one.shape)}".removeprefix("torch.") for one in outputs)
    raise ModelError(
        f"{name} answers with {kinds[:200]}, and not with scores of each class for each pixel; "
        "export the network before its classes are chosen (argmax)"
    )


def _reading(maps: Sequence[Tensor]) -> tuple[int, str]:
    """Return how many channels a map has, and how it is likely to be read."""
    shown = [one[:, None] if one.ndim == 3 else one for one in maps]
    classes = int(shown[0].shape[1])
    inside = all(bool(((one >= 0) & (one <= 1)).all()) for one in shown)
    if classes == 1:
        return 1, ONE_PROBABILITY if inside else ONE_LOGIT
    sums = all(bool(((one.sum(dim=1) - 1).abs() < 1e-3).all()) for one in shown)
    return classes, PROBABILITIES if inside and sums else LOGITS
