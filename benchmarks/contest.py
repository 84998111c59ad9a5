"""Attacks on the same pairs of images and masks, measured alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from asma_core.attacks.batching import attack_in_batches
from asma_core.attacks.contract import AttackInputs
from asma_core.attacks.registry import find_attack
from asma_core.cli.progress import Progress
from asma_core.data.datasets import open_dataset
from asma_core.data.formats.images import from_bytes, to_bytes
from asma_core.experiments.plan import pairs_of
from asma_core.fields import config_from_dict
from asma_core.metrics.distance import l2_norm, linf_norm
from asma_core.metrics.overlap import confusion_matrix, foreground_iou, pixel_accuracy
from asma_core.models.sources.cards import model_cards
from asma_core.models.sources.loading import load_model, predict

# The demo sets, with the target IoU of `minimal` and of what it is compared with.
SETS: Final = {"demo-lesion": 0.97, "demo-fundus": 0.95}


@dataclass(frozen=True)
class Rows:
    """What an attack made of the pairs.

    Attributes:
        columns: Figures by name, each (N,).
        success: bool (N,), whether the file meets the target IoU.
    """

    columns: Mapping[str, NDArray[np.float64]]
    success: NDArray[np.bool_]

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        """Return a column."""
        return self.columns[name]

    @property
    def figures(self) -> dict[str, Any]:
        """The columns in few numbers; in a median a failure counts as infinitely far."""
        nearest = {name: np.where(self.success, self[name], np.inf) for name in ("l2", "linf")}
        medians = {f"median_{name}": float(np.median(far)) for name, far in nearest.items()}
        return {
            "n": len(self.success),
            "success_rate": float(self.success.mean()),
            **{name: value if np.isfinite(value) else None for name, value in medians.items()},
            "mean": {name: float(values.mean()) for name, values in self.columns.items()},
            "std": {name: float(values.std()) for name, values in self.columns.items()},
        }


class Contest:
    """The pairs of a data set, attacked by one attack after the other."""

    def __init__(
        self, name: str, pairs: int, batch: int, device: torch.device, target_iou: float
    ) -> None:
        """Read the pairs of a demo set."""
        dataset = open_dataset(name)
        card = next(card for card in model_cards().values() if card.dataset == name)
        named = [(dataset.find(a), dataset.find(b)) for a, b in pairs_of(dataset, pairs)]
        self.target_iou = target_iou
        self.device = device
        self._name, self._batch = name, batch
        self._classes = len(card.classes)
        self._minimal: dict[tuple[int, str], Rows] = {}
        self.model = load_model(card, device)
        self._images = np.stack([dataset.image(sample) for sample, _ in named])
        self._targets = np.stack([dataset.mask(other).labels for _, other in named])

    @property
    def images(self) -> Tensor:
        """The first batch of images, float32 (B, C, H, W), on the device."""
        return torch.from_numpy(self._images[: self._batch]).to(self.device)

    def minimal(self, steps: int, norm: str = "l2") -> Rows:
        """Attack by `minimal`, once; all its defaults but for the target."""
        if (steps, norm) not in self._minimal:
            settings = {"steps": steps, "target_iou": self.target_iou, "norm": norm}
            self._minimal[steps, norm] = self.attack("minimal", settings)
        return self._minimal[steps, norm]

    def attack(
        self, name: str, settings: Mapping[str, Any], backend: nn.Module | None = None
    ) -> Rows:
        """Attack all pairs, led by a backend of the network or by itself; measure the files."""
        entry = find_attack(name)
        config = config_from_dict(entry.config, settings)
        rows: list[dict[str, float]] = []
        progress = Progress(f"{self._name}, {name}", len(self._images))
        torch.manual_seed(0)
        for start in range(0, len(self._images), self._batch):
            part = slice(start, start + self._batch)
            images = torch.from_numpy(self._images[part]).to(self.device)
            targets = torch.from_numpy(self._targets[part]).to(self.device)
            results = attack_in_batches(
                entry.attack,
                backend or self.model,
                AttackInputs(images, targets),
                config,
                batch_size=self._batch,
            )
            for result in results:
                figures = self._measured(len(rows), result.adversarial.numpy())
                rows.append(figures | {"gradient_evaluations": result.gradient_evaluations})
            progress.update(len(rows))
        progress.close()
        columns = {key: np.array([row[key] for row in rows], dtype=np.float64) for key in rows[0]}
        return Rows(columns, columns["iou"] >= config.target_iou)

    def _measured(self, row: int, adversarial: NDArray[np.float32]) -> dict[str, float]:
        saved = from_bytes(to_bytes(adversarial))
        seen = predict(self.model, saved, self.device)
        counts = confusion_matrix(seen, self._targets[row], self._classes)
        change = saved - self._images[row]
        return {
            "iou": foreground_iou(counts),
            "pixel_accuracy": pixel_accuracy(counts),
            "l2": l2_norm(change),
            "linf": linf_norm(change),
        }
