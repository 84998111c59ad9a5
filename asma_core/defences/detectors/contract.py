"""What a detector is: a map of where an image looks attacked, and the map's mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic

from asma_core.defences.contract import Network, Values
from asma_core.errors import InputError
from asma_core.fields import Settings
from asma_core.lazy import Tensor, torch

# Drawn from where a detector looks at chance; the seed of what counts, from which no attack draws.
JUDGED_SEED = 20_181_005


@dataclass(frozen=True)
class DetectorEntry(Generic[Values]):
    """A detector with what a person needs to know of it.

    Attributes:
        name: On the command line and in records.
        title: For people.
        summary: One line: what it looks at.
        unit: Of the map and of its mean; larger is more suspicious.
        source: Paper and place.
        settings: Class of its settings.
        maps: The map of each image, float32 (B, H', W'), of a network, images (float32, (B, C, H,
            W) in [0, 1]), settings and a generator of the CPU; differentiable in the images, or
            with what stands for its gradient. What it draws is one for all images of a batch.
        random: Whether it may draw something.
        moves: Whether it compares pixels of shifted or cut images, and so needs an answer for every
            pixel of the image.
    """

    name: str
    title: str
    summary: str
    unit: str
    source: str
    settings: type[Values]
    maps: Callable[[Network, Tensor, Values, torch.Generator], Tensor]
    random: bool = False
    moves: bool = False


@dataclass(frozen=True)
class Detector:
    """A detector with its settings.

    Attributes:
        entry: What it is.
        settings: Of the entry's class.
    """

    entry: DetectorEntry[Any]
    settings: Settings

    def maps(self, network: Network, images: Tensor, generator: torch.Generator) -> Tensor:
        """Return where images look attacked, float32 (B, H', W'), in the entry's unit.

        Raises:
            InputError: It compares shifted or cut images, and the network does not answer for every
                pixel.
        """
        return self.entry.maps(network, images, self.settings, generator)

    def words(self) -> str:
        """Return it with its settings, such as "Feature squeezing (bits 4, window 3)"."""
        values = [_said(name, value) for name, value in self.settings.as_dict().items()]
        return f"{self.entry.title} ({', '.join(values)})" if values else self.entry.title


def _said(name: str, value: Any) -> str:
    words = name.replace("_", " ")
    if isinstance(value, bool):
        return words if value else f"no {words}"
    return f"{words} {value}"


def check_judges(detector: Detector, network: str, fit: str) -> None:
    """Check that a detector can judge what a network says.

    Args:
        detector: The detector.
        network: What to call the network.
        fit: For which pixels it answers, as its card has it; "centre" is not for all.

    Raises:
        InputError: It compares crops or shifted images, and the network answers for their centre.
    """
    if detector.entry.moves and fit == "centre":
        raise InputError(
            f"{detector.entry.name} compares shifted or cut images pixel by pixel, and {network} "
            "answers for the centre of each only; choose entropy, margin, squeezing or residual"
        )


def judged() -> torch.Generator:
    """Return the generator by which a detector that looks at chance is judged."""
    return torch.Generator().manual_seed(JUDGED_SEED)


def suspicion(maps: Tensor, valid: Tensor | None = None) -> Tensor:
    """Return how suspicious images are: the mean of their maps, float32 (B,).

    Args:
        maps: float32 (B, H', W').
        valid: bool (B, H', W'), pixels that count; all unless given or where sizes differ.
    """
    if valid is None or valid.shape != maps.shape:
        return maps.flatten(1).mean(dim=1)
    kept = maps.where(valid, 0.0).flatten(1).sum(dim=1)
    return kept / valid.flatten(1).sum(dim=1)


def distance(one: Tensor, other: Tensor) -> Tensor:
    """Return how far probabilities are apart, (B, H, W): total variation, in [0, 1].

    Args:
        one: float32 (B, K, H, W), of a softmax.
        other: Like it.
    """
    return 0.5 * (one - other).abs().sum(dim=1)


def probabilities(network: Network, images: Tensor) -> Tensor:
    """Return the softmax of a network's answer, float32 (B, K, H', W')."""
    return network(images).softmax(dim=1)


def check_whole(found: Tensor, images: Tensor, title: str) -> None:
    """Check that a network answers for every pixel of images.

    Raises:
        InputError: It does not.
    """
    if found.shape[-2:] != images.shape[-2:]:
        raise InputError(
            f"{title} compares shifted or cut images pixel by pixel, and the network answers with "
            f"{tuple(found.shape[-2:])} to {tuple(images.shape[-2:])}; choose another detector"
        )
