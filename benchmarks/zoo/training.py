"""Training the zoo's networks, once, on a CPU."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from monai.losses.dice import DiceCELoss
from safetensors.torch import load_file, save
from torch import Tensor, nn

from asma_core.attacks.engine.batch import norms, per_image
from asma_core.data.formats.images import ByteImage, from_bytes
from asma_core.files import write_bytes, write_json
from asma_core.metrics.overlap import confusion_matrix, iou_per_class
from asma_core.paths import PROJECT
from asma_core.training.batches import batches
from asma_core.training.loop import without_void
from asma_core.training.plan import TrainingPlan
from benchmarks.zoo.cores import on_all_cores
from benchmarks.zoo.materials import Material, material
from benchmarks.zoo.recipes import RECIPES, Recipe, recipe_of

# Beside the project, never in it.
KEPT: Final = PROJECT.parent / "zoo"
BATCH: Final = 4
RATE: Final = 3e-3
# Side of the largest images in a batch, in pixels.
LARGEST: Final = 256
# Images that batch norm settles on.
SETTLED: Final = 32
# An adversarial training: steps of the attack on each batch, and the side at which its radius
# stands.
INNER_STEPS: Final = 2
RADIUS_SIDE: Final = 128


def make_zoo(folder: Path = KEPT) -> list[dict[str, Any]]:
    """Train all that is not there yet, one network a core; return what each gave."""
    return on_all_cores(partial(_make, folder), untrained(folder))


def untrained(folder: Path = KEPT) -> list[str]:
    """Return the names of the networks that are not there yet."""
    return [recipe.name for recipe in RECIPES if not _weights(recipe.name, folder).exists()]


def made_network(recipe: Recipe, channels: int, classes: int, folder: Path = KEPT) -> nn.Module:
    """Return a network that `make_zoo` has trained, ready to be attacked.

    Raises:
        FileNotFoundError: It has not been trained.
    """
    network = recipe.make(channels, classes)
    network.load_state_dict(load_file(_weights(recipe.name, folder)))
    return network.eval().requires_grad_(False)


def _weights(name: str, folder: Path) -> Path:
    return folder / f"{name}.safetensors"


def _make(folder: Path, name: str) -> dict[str, Any]:
    recipe = recipe_of(name)
    begin = time.perf_counter()
    seen = material(recipe.material, recipe.pairs, recipe.size)
    network = trained(recipe, seen)
    record = {
        "name": name,
        "parameters": sum(weight.numel() for weight in network.parameters()),
        "iou": _iou(network, seen),
        "seconds": round(time.perf_counter() - begin),
    }
    write_bytes(_weights(name, folder), save(network.state_dict()))
    write_json(folder / f"{name}.json", record)
    return record


def trained(recipe: Recipe, seen: Material) -> nn.Module:
    """Return a network trained after its recipe."""
    torch.manual_seed(0)
    if recipe.size > LARGEST:
        seen = seen.in_quarters()
    plan = TrainingPlan(
        recipe.material,
        steps=recipe.steps,
        batch_size=BATCH,
        image_size=min(recipe.size, LARGEST),
        width="small",
        learning_rate=RATE,
    )
    network = recipe.make(seen.channels, seen.classes)
    loss_of = DiceCELoss(softmax=True, to_onehot_y=True, batch=True)
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, RATE, total_steps=plan.steps + 1, pct_start=0.15
    )
    for images, labels in batches(seen.train, plan, seen.channels):
        if recipe.radius:
            images = _worsened(network, loss_of, images, labels, recipe.radius)
        network.train()
        optimiser.zero_grad(set_to_none=True)
        loss_of(*without_void(network(images), labels)).backward()
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        schedule.step()
    _settle(network, seen)
    return network.eval()


@torch.no_grad()
def _settle(network: nn.Module, seen: Material) -> None:
    """Take the statistics of batch norm anew: few steps leave them behind."""
    norms_of_batches = [part for part in network.modules() if isinstance(part, nn.BatchNorm2d)]
    for part in norms_of_batches:
        part.reset_running_stats()
        part.momentum = None
    network.train()
    images = [image_tensor(image) for image, _ in seen.train[:SETTLED]]
    for first in range(0, len(images) if norms_of_batches else 0, BATCH):
        network(torch.stack(images[first : first + BATCH]))


def _worsened(
    network: nn.Module, loss_of: nn.Module, images: Tensor, labels: Tensor, radius: float
) -> Tensor:
    """Return images after some steps of PGD within an L2 ball that grows with the images' side."""
    reach = radius * (images.shape[-1] * images.shape[-2]) ** 0.5 / RADIUS_SIDE
    network.eval()
    change = torch.zeros_like(images)
    for _ in range(INNER_STEPS):
        change.requires_grad_(True)
        loss = loss_of(*without_void(network(images + change), labels))
        (gradient,) = torch.autograd.grad(loss, change)
        with torch.no_grad():
            change = change + gradient * _to_length(gradient, 0.7 * reach)
            change = change * _to_length(change, reach).clamp_max(1.0)
            change = (images + change).clamp(0.0, 1.0) - images
    return (images + change).detach()


def _to_length(values: Tensor, length: float) -> Tensor:
    """Return by what (B, C, H, W) is to be multiplied for its L2 to be a length: (B, 1, 1, 1)."""
    return per_image((length / norms(values).clamp_min(1e-30)).to(values))


@torch.no_grad()
def _iou(network: nn.Module, seen: Material) -> list[float]:
    """Return the IoU of each class but the background over the images that are attacked."""
    counted = sum(
        confusion_matrix(
            network(image_tensor(image)[None]).argmax(dim=1)[0].numpy(),
            labels.astype(np.int64),
            seen.classes,
        )
        for image, labels in seen.attacked
    )
    return [round(float(value), 3) for value in iou_per_class(np.asarray(counted))[1:]]


def image_tensor(image: ByteImage) -> Tensor:
    """Return float32 (C, H, W) in [0, 1] of uint8 (H, W) or (H, W, 3)."""
    return torch.from_numpy(from_bytes(image))
