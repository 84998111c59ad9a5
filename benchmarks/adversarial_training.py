"""What an adversarial training is worth: a clean and a robust network under the same attacks.

Test images of a demo set, which neither network was trained on and which chose no weights. Each
attack leads away from the truth within the budget; `minimal`, which knows masks to reach only, is
to hide a share of the structure by the smallest Linf change, of which what is beyond the budget is
clipped; the better of a small and a large share counts.
What counts is the IoU of the 8-bit file with the truth, and of all attacks the worst per image.
Beside it, as the check that no gradients are hidden: Square, which asks for none, and the files
that fool the clean network. Last, what `minimal` needs in L2 towards another image's mask.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from asma_core.attacks.contract import AttackInputs
from asma_core.attacks.engine.balls import project_linf
from asma_core.attacks.engine.batch import make_batch
from asma_core.attacks.registry import find_attack
from asma_core.attacks.settings import AWAY_FROM_TRUTH, LINF
from asma_core.cli.progress import Progress
from asma_core.data.datasets import open_dataset
from asma_core.data.formats.images import from_bytes, to_bytes
from asma_core.errors import InputError
from asma_core.experiments.plan import pairs_of
from asma_core.fields import config_from_dict
from asma_core.metrics.distance import l2_norm
from asma_core.metrics.overlap import confusion_matrix, foreground_iou
from asma_core.models.sources.cards import check_fits, find_card, read_card
from asma_core.models.sources.loading import load_card, predict
from asma_core.models.wrapper.contract import SegmentationModel

CPU: Final = torch.device("cpu")
DATASET: Final = "demo-lesion"
CLEAN: Final = "demo-lesion-unet"
LEVELS: Final = 4
BUDGET: Final = LEVELS / 255.0
# The attacks that the worst case is of; the share of the steps that each has.
WHITE: Final[Mapping[str, float]] = {
    "pgd": 1.0,
    "segpgd": 1.0,
    "apgd-ensemble": 3.0,
    "minimal": 2.0,
}
# Shares of the structure that `minimal` is to hide, between which its steps are shared.
HIDDEN: Final = (0.25, 0.75)
# A random search has so many more.
QUERIES: Final = 5
BATCH: Final = 8
# Of the target mask, at which `minimal` is there in L2.
TARGET_IOU: Final = 0.9
# What trains the robust network; the README has it too.
RECIPE: Final = (
    "--dataset", DATASET, "--start-from", CLEAN, "--adversarial", "segpgd",
    "--steps", "240", "--learning-rate", "0.001", "--name", "demo-lesion-robust",
)  # fmt: skip


@dataclass
class Scored:
    """A network and what is left of it.

    Attributes:
        model: The network.
        clean: IoU with the truth of each image, (N,).
        attacked: The same by attack.
        files: The attacked images by attack, as 8-bit files.
    """

    model: SegmentationModel
    clean: NDArray[np.float64]
    attacked: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    files: dict[str, list[NDArray[np.uint8]]] = field(default_factory=dict)

    def worst(self, names: Sequence[str]) -> NDArray[np.float64]:
        """Return the lowest IoU of each image over some attacks and no attack."""
        every = [self.clean, *(self.attacked[name] for name in names)]
        lowest: NDArray[np.float64] = np.min(every, axis=0)
        return lowest


class Trial:
    """Images of the test split, with their masks."""

    def __init__(self, count: int) -> None:
        """Read them."""
        dataset = open_dataset(DATASET)
        samples = dataset.split("test")[:count]
        self.names = [sample.name for sample in samples]
        self.images = np.stack([dataset.image(sample) for sample in samples])
        self.truths = np.stack([dataset.mask(sample).labels for sample in samples])
        named = [(dataset.find(a), dataset.find(b)) for a, b in pairs_of(dataset, len(samples))]
        self.others = np.stack([dataset.mask(other).labels for _, other in named])

    def scored(self, model: SegmentationModel, steps: int) -> Scored:
        """Attack a network by every attack."""
        found = Scored(model, self._ious(model, [to_bytes(image) for image in self.images]))
        for name, share in WHITE.items():
            self._take(found, name, max(9, int(share * steps)))
        self._take(found, "square", QUERIES * steps)
        return found

    def _take(self, found: Scored, name: str, steps: int) -> None:
        if name != "minimal":
            settings = {"steps": steps, "goal_is": AWAY_FROM_TRUTH, "budget": BUDGET}
            tries = [self._tried(found.model, name, settings | {"target_iou": 1.0}, self.truths)]
        else:
            settings = {"steps": max(9, steps // len(HIDDEN)), "norm": LINF}
            nothing = np.zeros_like(self.truths)
            tries = [
                self._tried(found.model, name, settings | {"target_iou": share}, nothing)
                for share in HIDDEN
            ]
        places = np.argmin([ious for _, ious in tries], axis=0)
        found.files[name] = [tries[place][0][n] for n, place in enumerate(places)]
        found.attacked[name] = np.min([ious for _, ious in tries], axis=0)

    def _tried(
        self,
        model: SegmentationModel,
        name: str,
        settings: Mapping[str, Any],
        targets: NDArray[np.int64],
    ) -> tuple[list[NDArray[np.uint8]], NDArray[np.float64]]:
        files = [to_bytes(image) for image in self._attacked(model, name, settings, targets)]
        return files, self._ious(model, files)

    def shown(self, found: Scored, files: Mapping[str, list[NDArray[np.uint8]]]) -> float:
        """Return the mean IoU of the worst of files that were made for another network."""
        rows = [self._ious(found.model, own) for name, own in files.items() if name in WHITE]
        return float(np.min(rows, axis=0).mean())

    def _attacked(
        self,
        model: SegmentationModel,
        name: str,
        settings: Mapping[str, Any],
        targets: NDArray[np.int64],
    ) -> list[NDArray[np.float32]]:
        entry = find_attack(name)
        config = config_from_dict(entry.config, settings)
        found: list[NDArray[np.float32]] = []
        progress = Progress(name, len(self.images))
        torch.manual_seed(0)
        for start in range(0, len(self.images), BATCH):
            part = slice(start, start + BATCH)
            inputs = AttackInputs(
                torch.from_numpy(self.images[part]), torch.from_numpy(targets[part])
            )
            results = entry.attack(model, inputs, config)
            moved = torch.stack([result.adversarial for result in results])
            if "budget" in settings or settings.get("norm") == LINF:
                moved = _clipped(inputs, moved)
            found += list(moved.numpy())
            progress.update(len(found))
        progress.close()
        return found

    def _ious(
        self, model: SegmentationModel, files: Sequence[NDArray[np.uint8]]
    ) -> NDArray[np.float64]:
        classes = len(model.classes)
        seen = [predict(model, from_bytes(file), CPU) for file in files]
        counts = [
            confusion_matrix(labels, truth, classes)
            for labels, truth in zip(seen, self.truths, strict=True)
        ]
        return np.array([foreground_iou(count) for count in counts])

    def smallest(self, model: SegmentationModel, steps: int) -> dict[str, Any]:
        """Return what `minimal` needs in L2 towards another image's mask."""
        settings = {"steps": steps, "target_iou": TARGET_IOU}
        moved = self._attacked(model, "minimal", settings, self.others)
        overlaps, lengths = [], []
        for image, original, target in zip(moved, self.images, self.others, strict=True):
            saved = from_bytes(to_bytes(image))
            seen = predict(model, saved, CPU)
            overlaps.append(foreground_iou(confusion_matrix(seen, target, len(model.classes))))
            lengths.append(l2_norm(saved - original))
        success = np.array(overlaps) >= TARGET_IOU
        # A failure counts as infinitely far.
        median = float(np.median(np.where(success, lengths, np.inf)))
        return {
            "target_iou": TARGET_IOU,
            "steps": steps,
            "success": f"{int(success.sum())} of {len(success)}",
            "median_l2": median if np.isfinite(median) else None,
            "mean_l2_of_successes": float(np.mean(np.array(lengths)[success]))
            if success.any()
            else None,
            "mean_overlap": float(np.mean(overlaps)),
        }


def _clipped(inputs: AttackInputs, moved: Tensor) -> Tensor:
    batch = make_batch(inputs)
    return project_linf(moved, batch, torch.full((len(moved),), BUDGET), rounding=True)


def training(robust: str, count: int, steps: int, smallest: int) -> dict[str, Any]:
    """Score the shipped network and a robust one side by side.

    Args:
        robust: Name of the robust network, or its card's file; "" trains one first.
        count: Test images.
        steps: Of PGD; the others have shares of it.
        smallest: Steps of `minimal` in L2.
    """
    made: dict[str, Any] = {}
    card = find_card(CLEAN)
    if not robust:
        robust, made = _trained()
    other = read_card(Path(robust)) if Path(robust).is_file() else find_card(robust)
    dataset = open_dataset(DATASET)
    check_fits(other, dataset)
    trial = Trial(count)
    found = {one.name: trial.scored(load_card(one, CPU), steps) for one in (card, other)}
    if len(found) < 2:
        raise InputError(f"{robust} is the clean network; name another one")
    clean, hard = found.values()
    gain = hard.worst(list(WHITE)).mean() - clean.worst(list(WHITE)).mean()
    lost = clean.clean.mean() - hard.clean.mean()
    return {
        **({"trained": made} if made else {}),
        "test_images": len(trial.names),
        "budget": f"Linf {LEVELS}/255",
        "networks": {name: _told(one) for name, one in found.items()},
        "files_of_the_clean_network_shown_to_the_robust_one": trial.shown(hard, clean.files),
        "minimal_l2_towards_other_masks": {
            name: trial.smallest(one.model, smallest) for name, one in found.items()
        },
        "robust_iou_gained": float(gain),
        "clean_iou_lost": float(lost),
        "figure_reached": bool(gain >= 0.25 and lost <= 0.05),
        "made_by": other.source,
    }


def _told(one: Scored) -> dict[str, Any]:
    worst = one.worst(list(WHITE))
    return {
        "clean_iou": float(one.clean.mean()),
        "iou_by_attack": {name: float(values.mean()) for name, values in one.attacked.items()},
        "worst_case_iou": float(worst.mean()),
        "worst_case_lowest_image": float(worst.min()),
        # Lower than the worst case would say that gradients are hidden.
        "images_on_which_square_beats_all": int((one.attacked["square"] < worst - 1e-9).sum()),
    }


def _trained() -> tuple[str, dict[str, Any]]:
    """Train a network by `RECIPE` in a process of its own; return its card, and what it took."""
    out = Path(tempfile.mkdtemp(prefix="asma-robust-"))
    begin = time.perf_counter()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "asma_core", "train", *RECIPE, "--out", str(out), "--json"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    card = out / "demo-lesion-robust.toml"
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return str(card), {"card": str(card), "wall_seconds": time.perf_counter() - begin,
                       "cpu_seconds": cpu}  # fmt: skip
