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
from benchmarks.zoo.materials import REAL, material
from benchmarks.zoo.networks import TwoInARow, TwoLogits
from benchmarks.zoo.recipes import RECIPES, Half, Recipe, recipe_of
from benchmarks.zoo.training import KEPT, image_tensor, made_network

# Channels, logits. Attacks were chosen on them before the zoo had any other member.
_REAL_NETWORKS: Final[dict[str, tuple[tuple[int, ...], int]]] = {
    "vessels": ((8, 16, 32), 1),
    "arteries-veins": ((8, 16, 32, 64), 4),
}
_REAL_SIZE: Final = 512


@dataclass(frozen=True)
class Member:
    """A network with pairs to attack it on.

    Attributes:
        name: Of the network.
        network: Takes float32 (B, C, H, W) in [0, 1], returns logits (B, K, H, W).
        images: float32 (N, C, H, W), of 8 bits.
        targets: int64 (N, H, W).
        pairs: What each target is, in words.
    """

    name: str
    network: nn.Module
    images: Tensor
    targets: Tensor
    pairs: tuple[str, ...]


def member_names(half: Half | None = None) -> list[str]:
    """Return the names of all members, or of one half."""
    made = [recipe.name for recipe in RECIPES if half in (None, recipe.half)]
    return made + (list(_REAL_NETWORKS) if half != "reporting" else [])


def member(name: str, real_size: int = _REAL_SIZE, folder: Path = KEPT) -> Member:
    """Return a member of the zoo.

    A target is what the network says of another image, or of the image itself, moved.

    Args:
        name: One of `member_names`.
        real_size: Side of the images that a real network sees, in pixels.
        folder: Where `make_zoo` keeps its networks.

    Raises:
        FileNotFoundError: The network has not been trained, or ../shared/real is not here.
    """
    if name in _REAL_NETWORKS:
        return _member(name, _real_network(name), _fundus(real_size))
    return _made(recipe_of(name), folder)


def _made(recipe: Recipe, folder: Path) -> Member:
    seen = material(recipe.material, 1, recipe.size)
    images = torch.stack([image_tensor(image) for image, _ in seen.attacked])
    network = made_network(recipe, seen.channels, seen.classes, folder)
    return _member(recipe.name, network, images)


def _member(name: str, network: nn.Module, images: Tensor) -> Member:
    with torch.no_grad():
        said = torch.cat([predicted(network(one[None])) for one in images])
    pairs = _pairs(said)
    targets = torch.stack([target for _, target, _ in pairs])
    rows = [row for row, _, _ in pairs]
    return Member(name, network, images[rows], targets, tuple(words for *_, words in pairs))


def _pairs(said: Tensor) -> list[tuple[int, Tensor, str]]:
    """Return row of the image, target and words of each pair.

    Args:
        said: int64 (N, H, W), the predictions; of the second half of the images are the targets of
            the first half, and the other way round.
    """
    count, side = said.shape[0], said.shape[-1]
    half = count // 2
    moves = [(side // 16, side // 10), (-side // 12, side // 16)]

    def other(row: int) -> tuple[int, Tensor, str]:
        return row, said[(row + half) % count], "another image's prediction"

    def moved(row: int, number: int) -> tuple[int, Tensor, str]:
        return row, torch.roll(said[row], moves[number], (0, 1)), "its own prediction, moved"

    return [other(0), moved(1, 0), other(half), moved(half + 1, 1), other(1), other(half + 1)]


def _real_network(name: str) -> nn.Module:
    layers, logits = _REAL_NETWORKS[name]
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
    return image_tensor(np.asarray(small))
