"""All treatments by name, in the order in which they are shown, and draws of each kind of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from asma_core.defences.contract import Network
from asma_core.lazy import Tensor
from asma_core.treatments import compression, noise, resizing, rotation
from asma_core.treatments.contract import Treatment

UNTOUCHED: Final = Treatment(
    "untouched", "Untouched", "The file as it was saved.", "", lambda image: image
)
_ALL: Final = (*compression.ALL, resizing.HALF, rotation.ROTATED, noise.NOISE)
TREATMENTS: Final[dict[str, Treatment]] = {one.name: one for one in _ALL}


def _untouched(network: Network, images: Tensor) -> Tensor:
    return network(images)


_DRAWN: Final[tuple[Callable[[Network, Tensor], Tensor], ...]] = (
    _untouched,
    compression.drawn,
    resizing.drawn,
    rotation.drawn,
    noise.drawn,
)
DRAWS: Final = len(_DRAWN)


def each_draw(network: Network, images: Tensor) -> Iterator[Tensor]:
    """Give a network's answers to images as they are, and to one draw of each kind of treatment.

    What is drawn comes from torch's generator of the CPU, and is one for all images of a batch.

    Args:
        network: Images to logits, (B, K, H, W) of the images' size.
        images: float32 (B, C, H, W) in [0, 1].
    """
    for ask in _DRAWN:
        yield ask(network, images)
