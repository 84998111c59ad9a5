"""What an attack reaches, ASMA by default: `python -m benchmarks.quality --json`.

Test images of each demo set towards another test image's mask. All figures are of the 8-bit image
as it is saved.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from asma_core.attacks.contract import AttackResult
from asma_core.attacks.registry import find_attack
from asma_core.attacks.settings import config_from_text
from asma_core.cli import named_values
from asma_core.data.datasets import Dataset, open_dataset
from asma_core.data.images import from_bytes, to_bytes
from asma_core.experiments.plan import pairs_of
from asma_core.files import to_json
from asma_core.metrics.distance import l2_norm, linf_norm
from asma_core.metrics.overlap import confusion_matrix, foreground_iou, pixel_accuracy
from asma_core.models.cards import model_cards
from asma_core.models.devices import choose_device
from asma_core.models.loading import load_model, predict
from asma_core.models.memory import keep_freed_memory
from asma_core.progress import Progress
from asma_core.runs.figures import plain
from benchmarks.machine import machine

SETS = ("demo-lesion", "demo-fundus")
FLOOR = 0.95


def main() -> None:
    options = _options()
    keep_freed_memory()
    sets = {name: measure(name, options) for name in options.dataset or SETS}
    answer = plain({"machine": machine(), "settings": vars(options), "sets": sets})
    if not options.details:
        for figures in answer["sets"].values():
            del figures["pairs"]
    print(to_json(answer))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="the answer always is JSON")
    parser.add_argument("--dataset", action="append")
    parser.add_argument("--attack", default="asma")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--details", action="store_true", help="the figures of each pair too")
    return parser.parse_args()


def measure(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Attack the pairs of a set; return the figures of each and of all."""
    dataset = open_dataset(name)
    card = next(card for card in model_cards().values() if card.dataset == name)
    device = choose_device(options.device)
    model = load_model(card.name, device)
    entry = find_attack(options.attack)
    config = config_from_text(entry.config, named_values(options.set))
    rows = []
    progress = Progress(name, options.pairs)
    for image, target in _pairs(dataset, options.pairs):
        (result,) = entry.load()(
            model,
            torch.from_numpy(image)[None].to(device),
            torch.from_numpy(target)[None].to(device),
            config,
        )
        saved = from_bytes(to_bytes(result.adversarial.numpy()))
        seen = predict(model, saved, device)
        rows.append(_row(result, image, saved, seen, target, len(card.classes)))
        progress.update(len(rows))
    progress.close()
    return _summary(rows, config.target_iou) | {"model": card.name, "pairs": rows}


def _pairs(dataset: Dataset, count: int) -> list[tuple[NDArray[np.float32], NDArray[np.int64]]]:
    named = ((dataset.find(one), dataset.find(other)) for one, other in pairs_of(dataset, count))
    return [(dataset.image(sample), dataset.mask(other).labels) for sample, other in named]


def _row(
    result: AttackResult,
    image: NDArray[np.float32],
    saved: NDArray[np.float32],
    seen: NDArray[np.int64],
    target: NDArray[np.int64],
    classes: int,
) -> dict[str, Any]:
    confusion = confusion_matrix(seen, target, classes)
    return {
        "iou": foreground_iou(confusion),
        "pixel_accuracy": pixel_accuracy(confusion),
        "l2": l2_norm(saved - image),
        "linf": linf_norm(saved - image),
        "gradient_evaluations": result.gradient_evaluations,
    }


def _summary(rows: list[dict[str, Any]], target_iou: float) -> dict[str, Any]:
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    return {
        "n": len(rows),
        "target_iou": target_iou,
        "success_rate": float((columns["iou"] >= target_iou).mean()),
        f"share_with_iou_of_{FLOOR}": float((columns["iou"] >= FLOOR).mean()),
        "mean": {name: float(values.mean()) for name, values in columns.items()},
        "std": {name: float(values.std()) for name, values in columns.items()},
    }


if __name__ == "__main__":
    main()
