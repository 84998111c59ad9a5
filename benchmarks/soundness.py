"""Whether a certificate holds: attacks within the radius on pixels that are certified.

Crops of images around the border of the structure, at the network's weights and without its
resizing, as a whole image takes 25 times as long. In each crop the certified pixel that is nearest
to not being one is chosen with those of its class around it, and each attack is to flip them
together, knowing the smoothing (the gradient is the mean over fresh draws). What it finds is
brought to just the radius, and judged by the votes of noisy copies that nobody has seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor, nn

from asma_core.attacks.contract import AttackInputs, StepReport
from asma_core.attacks.registry import find_attack
from asma_core.cli.progress import Progress, counted
from asma_core.data.datasets import Dataset, open_dataset
from asma_core.defences.certificate import CertificateSettings
from asma_core.defences.contract import Defence
from asma_core.fields import config_from_dict
from asma_core.models.sources.cards import find_card
from asma_core.models.sources.loading import load_model
from asma_core.models.wrapper.certifying import NoisyCopies, certify
from asma_core.models.wrapper.contract import SegmentationModel
from asma_core.models.wrapper.defended import DefendedModel

CPU: Final = torch.device("cpu")
ATTACKS: Final = ("pgd", "minimal", "square")
# Of a step, so that its gradient is a mean over them; each is an evaluation.
DRAWS: Final = 4
# A share of votes below this is counted once more, with ten times the draws.
CLOSE: Final = 0.55
# A square spreads its change over all that it may move, so it is kept near, in pixels.
NEAR: Final = 6
# The attack is shown to be one by what it does far outside the radius.
BEYOND: Final = 4.0


@dataclass(frozen=True)
class Group:
    """Certified pixels of one crop, all of one class.

    Attributes:
        image: float32 (C, H, W) in [0, 1].
        pixels: bool (H, W).
        label: Their class.
    """

    image: NDArray[np.float32]
    pixels: NDArray[np.bool_]
    label: int


class Searched(nn.Module):
    """A smoothed network as an attack that knows it asks, with new noise at each look."""

    def __init__(self, model: DefendedModel) -> None:
        super().__init__()
        self.model = model
        model.draws = DRAWS

    def forward(self, images: Tensor) -> Tensor:
        """Return logits, float32 (B, K, H, W)."""
        return self.model.search(images)


def soundness(
    crops: int, pixels: int, side: int, sigma: float, draws: int, evaluations: int
) -> dict[str, Any]:
    """Attack certified pixels within their radius, and tell how many changed.

    Args:
        crops: How many.
        pixels: Of each.
        side: Of a crop, in pixels, a multiple of 16.
        sigma: Of the smoothing.
        draws: By which pixels are certified, and by which labels are judged.
        evaluations: Passes of each attack on a crop, its draws counted one by one.
    """
    model, dataset = _smoothed(sigma), open_dataset("demo-lesion")
    settings = CertificateSettings(samples_n=draws)
    groups, shares = _groups(model, dataset, settings, (crops, pixels, side))
    radius = float(shares["radius"])
    rows = {}
    for name in ATTACKS:
        found = _attacked(model, groups, name, radius, evaluations)
        rows[name] = _judged(model, groups, found, sigma, draws)
    far = _attacked(model, groups, "pgd", BEYOND * radius, evaluations)
    return {
        "pixels": sum(int(group.pixels.sum()) for group in groups),
        "certified": shares,
        "votes_before": _votes(model, groups, [group.image for group in groups], sigma, draws),
        "attacks": rows,
        f"pgd at {BEYOND:g} times the radius": _judged(model, groups, far, sigma, draws),
    }


def _smoothed(sigma: float) -> DefendedModel:
    whole = load_model(find_card("demo-lesion-unet"), CPU)
    bare = SegmentationModel(
        whole.network, replace(whole.spec, size=0), whole.classes, whole.output
    )
    model = DefendedModel(bare, [Defence("smoothing", {"sigma": sigma})])
    return model.eval().requires_grad_(False)


def _groups(
    model: DefendedModel,
    dataset: Dataset,
    settings: CertificateSettings,
    sizes: tuple[int, int, int],
) -> tuple[list[Group], dict[str, float]]:
    crops, pixels, side = sizes
    rng, groups, shares, radius = np.random.default_rng(0), [], [], 0.0
    told = counted("certify")
    samples = dataset.some(crops)
    for done in range(crops):
        sample = samples[done % len(samples)]
        image = _crop(dataset.image(sample), dataset.mask(sample).labels, side, rng)
        found = certify(model, image, settings, CPU)
        radius = found.radius
        shares.append(float(found.certified.mean()))
        nearest = np.where(found.certified, found.p_values, -1.0)
        row, column = np.unravel_index(int(nearest.argmax()), nearest.shape)
        label = int(found.labels[row, column])
        rows, columns = np.indices(nearest.shape)
        away = np.hypot(rows - row, columns - column)
        away[~(found.certified & (found.labels == label))] = np.inf
        chosen = np.zeros(nearest.shape, dtype=np.bool_)
        chosen.ravel()[np.argsort(away, axis=None, kind="stable")[:pixels]] = True
        groups.append(Group(image, chosen, label))
        told(done + 1, crops)
    return groups, {"radius": radius, "mean_share": float(np.mean(shares))}


def _crop(
    image: NDArray[np.float32], mask: NDArray[np.int64], side: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return a crop with a place of the structure's border in its middle, (C, side, side)."""
    border = np.argwhere(np.diff(mask, axis=1) != 0)
    middle = border[rng.integers(len(border))]
    most = np.array(mask.shape) - side
    top, left = np.clip(middle - side // 2, 0, most)
    return np.ascontiguousarray(image[:, top : top + side, left : left + side])


def _attacked(
    model: DefendedModel, groups: Sequence[Group], name: str, radius: float, evaluations: int
) -> list[NDArray[np.float32]]:
    """Return what an attack makes of each crop, at just the radius, (C, H, W)."""
    images = torch.from_numpy(np.stack([group.image for group in groups]))
    pixels = torch.from_numpy(np.stack([group.pixels for group in groups]))
    labels = torch.tensor([group.label for group in groups]).view(-1, 1, 1)
    target = (1 - labels).expand(pixels.shape).contiguous()
    steps = max(1, evaluations // DRAWS)
    region = _around(groups) if name == "square" else None
    settings = _settings(name, steps, radius, region, images.shape[1])
    config = config_from_dict(find_attack(name).config, settings)
    last: dict[int, Tensor] = {}
    progress = Progress(name, steps)

    def keep(report: StepReport) -> bool:
        progress.update(report.step)
        now = report.pictures()
        last.update(zip(now.indices, now.images, strict=True))
        return False

    torch.manual_seed(1)
    inputs = AttackInputs(images, target, pixels, region)
    results = find_attack(name).attack(Searched(model), inputs, config, on_step=keep)
    progress.close()
    found = []
    for place, (result, original) in enumerate(zip(results, images, strict=True)):
        best = result.adversarial
        # Of a budget the last image is the farthest up; of the smallest change the kept one is it.
        moved = best if name == "minimal" and not torch.equal(best, original) else last[place]
        found.append(_at(original, moved, radius).numpy())
    return found


def _around(groups: Sequence[Group]) -> Tensor:
    """Return the pixels within a few of each group's, bool (B, H, W)."""
    near = [ndimage.binary_dilation(group.pixels, iterations=NEAR) for group in groups]
    return torch.from_numpy(np.stack(near))


def _settings(
    name: str, steps: int, radius: float, region: Tensor | None, channels: int
) -> Mapping[str, Any]:
    common: dict[str, Any] = {"steps": steps, "target_iou": 1.0, "rounding": False}
    if region is not None:
        # So many values changed by so much have an L2 of at most the radius.
        values = channels * int(region.flatten(1).sum(dim=1).max())
        return common | {"budget": radius / values**0.5, "stop_at_target": False}
    if name == "pgd":
        return common | {"norm": "l2", "budget": radius, "stop_at_target": False}
    # The overlap that counts as there: one of the pixels is enough.
    return common | {"target_iou": 0.05}


def _at(original: Tensor, moved: Tensor, radius: float) -> Tensor:
    """Return the image in that direction whose distance is just the radius, or what fits of it."""
    change = moved - original
    length = float(change.double().norm())
    if length == 0.0:
        return original
    return (original + change * (radius * (1 - 1e-5) / length)).clamp(0.0, 1.0)


def _judged(
    model: DefendedModel,
    groups: Sequence[Group],
    found: Sequence[NDArray[np.float32]],
    sigma: float,
    draws: int,
) -> dict[str, Any]:
    norms = [
        float(np.linalg.norm((image - group.image).astype(np.float64)))
        for image, group in zip(found, groups, strict=True)
    ]
    told = _votes(model, groups, found, sigma, draws)
    return {"largest_l2": max(norms), "unchanged_images": norms.count(0.0), **told}


def _votes(
    model: DefendedModel,
    groups: Sequence[Group],
    images: Sequence[NDArray[np.float32]],
    sigma: float,
    draws: int,
) -> dict[str, Any]:
    """Return which share of fresh copies says of each pixel what was certified."""
    shares, again = [], 0
    for place, (group, image) in enumerate(zip(groups, images, strict=True)):
        share = _share(model, group, image, sigma, draws, 1000 + place)
        if share.min() < CLOSE:
            again += 1
            share = _share(model, group, image, sigma, 10 * draws, 5000 + place)
        shares.append(share)
    every = np.concatenate(shares)
    return {
        "labels_changed": int((every <= 0.5).sum()),
        "lowest_share": float(every.min()),
        "mean_share": float(every.mean()),
        "draws": draws,
        "crops_counted_with_ten_times_the_draws": again,
    }


def _share(
    model: DefendedModel,
    group: Group,
    image: NDArray[np.float32],
    sigma: float,
    draws: int,
    seed: int,
) -> NDArray[np.float64]:
    place = torch.from_numpy(group.pixels)
    same = torch.zeros(int(place.sum()), dtype=torch.int64)
    with torch.inference_mode():
        copies = NoisyCopies(model, torch.from_numpy(image), sigma, seed)
        for labels in copies.labels(draws):
            same += (labels[:, place] == group.label).sum(dim=0)
    shares: NDArray[np.float64] = same.double().numpy() / draws
    return shares
