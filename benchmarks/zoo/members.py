"""The members of the zoo, each with its pairs of image and target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn

from asma_core.models.wrapper.calls import predicted
from asma_core.paths import PROJECT
from benchmarks.zoo.networks import TwoInARow, TwoLogits

REAL: Final = PROJECT.parent / "shared" / "real"
# Channels, logits.
_REAL_NETWORKS: Final[dict[str, tuple[tuple[int, ...], int]]] = {
    "vessels": ((8, 16, 32), 1),
    "arteries-veins": ((8, 16, 32, 64), 4),
}


@dataclass(frozen=True)
class Member:
    """A network with pairs to attack it on.

    Attributes:
        name: Of the network.
        network: Takes float32 (B, 3, H, W) in [0, 1], returns logits (B, K, H, W).
        images: float32 (N, 3, H, W), of 8 bits.
        targets: int64 (N, H, W).
        pairs: What each target is, in words.
    """

    name: str
    network: nn.Module
    images: Tensor
    targets: Tensor
    pairs: tuple[str, ...]


def real_members(size: int) -> list[Member]:
    """Return the two real networks, with fundus images whose sides are `size` pixels.

    A target is what the network says of another image, or of the image itself, moved.

    Raises:
        FileNotFoundError: ../shared/real is not here.
    """
    images = _fundus(size)
    members = []
    for name, (layers, logits) in _REAL_NETWORKS.items():
        network = real_network(name, layers, logits)
        with torch.no_grad():
            said = torch.cat([predicted(network(one[None])) for one in images])
        pairs = _pairs(said, size)
        rows = [row for row, _, _ in pairs]
        targets = torch.stack([target for _, target, _ in pairs])
        members.append(
            Member(name, network, images[rows], targets, tuple(words for *_, words in pairs))
        )
    return members


def real_network(name: str, layers: tuple[int, ...], logits: int) -> nn.Module:
    """Return a network of ../shared/real/networks, ready to be attacked."""
    bare = TwoInARow(3, logits, layers)
    bare.load_state_dict(load_file(REAL / "networks" / f"{name}.safetensors"))
    network: nn.Module = TwoLogits(bare) if logits == 1 else bare
    return network.eval().requires_grad_(False)


def _fundus(size: int) -> Tensor:
    """Return both images of ../shared/real/glaucoma: as they are, mirrored, upside down, turned."""
    turns: list[Callable[[Tensor], Tensor]] = [
        lambda image: image,
        lambda image: image.flip(2),
        lambda image: image.flip(1),
        lambda image: image.transpose(1, 2),
    ]
    files = sorted((REAL / "glaucoma" / "image_samples").iterdir())
    return torch.stack([turn(_read(file, size)) for file in files for turn in turns])


def _read(file: Path, size: int) -> Tensor:
    with Image.open(file) as opened:
        small = opened.convert("RGB").resize((size, size), Image.Resampling.BILINEAR)
    return torch.from_numpy(np.array(small)).permute(2, 0, 1).float() / 255.0


def _pairs(said: Tensor, size: int) -> list[tuple[int, Tensor, str]]:
    """Return row of the image, target and words of each pair."""

    def moved(row: int, down: int, right: int) -> tuple[int, Tensor, str]:
        return row, torch.roll(said[row], (down, right), (0, 1)), "its own prediction, moved"

    def of(row: int, other: int) -> tuple[int, Tensor, str]:
        return row, said[other], "another image's prediction"

    return [
        of(0, 4),
        moved(1, size // 16, size // 10),
        of(4, 0),
        moved(5, -size // 12, size // 16),
        of(2, 7),
        of(6, 3),
    ]
