"""Monte-Carlo dropout: the network's own dropout layers draw when it is asked, too.

Source: Gal and Ghahramani, "Dropout as a Bayesian approximation: representing model uncertainty in
deep learning", ICML 2016, arXiv:1506.02142: the answer is the mean over draws. Deviations: what is
dropped is the same for all images of a batch and all parts of one pass, so that none hangs on its
neighbours; only layers of torch's Dropout, Dropout1d, Dropout2d and Dropout3d draw, neither alpha
dropout nor what a network drops without a layer; all others, such as batch norm, stay as they are.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final

from asma_core.defences.contract import RANDOM, DefenceEntry, Network
from asma_core.errors import ModelError
from asma_core.fields import Settings
from asma_core.lazy import Tensor, torch

_NOW: Final = threading.local()


@dataclass(frozen=True)
class DropoutSettings(Settings):
    """It has none: how much is dropped, the network's layers say."""


def dropout_layers(network: torch.nn.Module) -> list[torch.nn.Module]:
    """Return the layers of a network that can draw."""
    nn = torch.nn
    kinds = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)
    return [layer for layer in network.modules() if isinstance(layer, kinds) and layer.p > 0]


def check_dropout(network: torch.nn.Module) -> None:
    """Check that there is something to draw.

    Raises:
        ModelError: The network has no such layer.
    """
    if not dropout_layers(network):
        raise ModelError(
            "the network has no dropout layers, so that Monte-Carlo dropout would change nothing; "
            "choose another defence, or a network that was trained with dropout"
        )


@contextmanager
def dropping(network: torch.nn.Module, _: DropoutSettings) -> Iterator[None]:
    """Let a network's dropout layers draw, for this thread; it is then as it was.

    One number is drawn of torch's generator of the CPU, and what is dropped follows from it.
    """
    draw = _Draw(int(torch.randint(2**31, ())))
    before = getattr(_NOW, "draw", None)
    with ExitStack() as hooks:
        hooks.callback(setattr, _NOW, "draw", before)
        _NOW.draw = draw
        for layer in dropout_layers(network):
            handle = layer.register_forward_hook(draw.drop)
            hooks.callback(handle.remove)
        yield


class _Draw:
    """What is dropped while a network is asked once.

    It is drawn once for each layer, so that a network that takes one image at a time, or one part
    of it, drops the same of each.
    """

    def __init__(self, seed: int) -> None:
        self._generator = torch.Generator().manual_seed(seed)
        self._factors: dict[tuple[int, tuple[int, ...]], Tensor] = {}

    def drop(self, layer: Any, _: Any, passed: Tensor) -> Tensor:
        """Return what a layer in evaluation mode passes, as one that draws would."""
        if getattr(_NOW, "draw", None) is not self:
            return passed
        shape = tuple(passed.shape[1:])
        if not isinstance(layer, torch.nn.Dropout):
            # Whole channels.
            shape = (shape[0], *([1] * len(shape[1:])))
        if (id(layer), shape) not in self._factors:
            kept = torch.rand(shape, generator=self._generator) >= layer.p
            self._factors[id(layer), shape] = kept.to(passed) / max(1.0 - layer.p, 1e-6)
        left: Tensor = passed * self._factors[id(layer), shape]
        return left


def _ask(network: Network, images: Tensor, _: DropoutSettings) -> Tensor:
    return network(images)


ENTRY: Final[DefenceEntry[Any]] = DefenceEntry(
    "mc-dropout",
    "Monte-Carlo dropout",
    RANDOM,
    "The network's own dropout layers draw when it is asked, and the answers are averaged.",
    "The gradient is the mean over draws (EOT), of their averaged probabilities.",
    "arXiv:1506.02142",
    DropoutSettings,
    _ask,
    random=True,
    check=check_dropout,
    around=dropping,
)
