"""Attacks that know a defence against those that do not, over networks that differ.

Each pair of a network is attacked bare, and behind each defence by the attack that goes through it;
the file of the bare attack, which knows nothing, is shown to the defended network too. What counts
is what the defended network says of the file of 8 bits.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence
from functools import cache
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor

from asma_core.api.networks import network_of
from asma_core.attacks.contract import AttackInputs
from asma_core.attacks.registry import find_attack
from asma_core.data.datasets import open_dataset
from asma_core.data.formats.images import from_bytes, to_bytes
from asma_core.experiments.plan import pairs_of
from asma_core.experiments.robustness_plan import parsed
from asma_core.fields import config_from_dict
from asma_core.files import to_json
from asma_core.metrics.distance import l2_norm
from asma_core.metrics.overlap import confusion_matrix, foreground_iou
from asma_core.models.sources.cards import find_card
from asma_core.models.sources.loading import load_model
from asma_core.models.wrapper.backend import make_backend
from asma_core.models.wrapper.calls import predicted
from asma_core.models.wrapper.contract import SegmentationModel
from asma_core.models.wrapper.defended import DefendedModel
from asma_core.models.wrapper.precision import FLOAT32
from benchmarks.zoo.cores import on_all_cores
from benchmarks.zoo.members import Member, member, member_names

CPU: Final = torch.device("cpu")
DEMO: Final = {"demo-lesion-unet": "demo-lesion", "demo-fundus-unet": "demo-fundus"}
# All that clean the image, and the random one that does; those which only average are left out.
DEFENCES: Final = (
    "jpeg",
    "bit-depth",
    "median",
    "gaussian",
    "total-variation",
    "non-local-means",
    "random-resizing",
)


class Work(NamedTuple):
    """One pair of a network, for all defences."""

    network: str
    place: int
    defences: tuple[str, ...]
    attack: str
    iou: float
    steps: int
    real_size: int


def network_names() -> list[str]:
    """Return the names of the demo networks and of the zoo's."""
    return [*DEMO, *member_names()]


def adaptive(
    networks: Sequence[str],
    defences: Sequence[str],
    pairs: int,
    attack: str,
    iou: float,
    steps: int,
    real_size: int,
) -> dict[str, Any]:
    """Attack, and return one row for each network and defence, with what they come to.

    Args:
        networks: Of `network_names`.
        defences: As `robustness` takes them.
        pairs: Of each network, the first.
        attack: Its name; a targeted one.
        iou: Its goal.
        steps: Of each attack.
        real_size: Side of the images that a real network sees.

    Raises:
        FileNotFoundError: A network of the zoo has not been trained, or ../shared/real is not here.
    """
    works = [
        Work(name, place, tuple(defences), attack, iou, steps, real_size)
        for name in networks
        for place in range(pairs)
    ]
    rows = [row for found in on_all_cores(_attacked, works) for row in found]
    return {"summary": [_summary(defence, rows) for defence in defences], "rows": rows}


def _attacked(work: Work) -> list[dict[str, Any]]:
    """Attack one pair on the bare network and behind each defence."""
    torch.manual_seed(0)
    subject = seen(work.network, work.real_size)
    image, target = subject.images[work.place], subject.targets[work.place]
    bare, _ = network_of(subject.network, "cpu", image.numpy())
    at_once = _file(work, bare, image, target)
    without = _said(bare, at_once, image, target)
    rows = []
    for name in work.defences:
        defence = parsed(name)
        assert defence is not None
        defended = DefendedModel(bare, [defence])
        knowing = _said(defended, _file(work, defended, image, target), image, target)
        unknowing = _said(defended, at_once, image, target)
        rows.append(
            {
                "network": work.network,
                "pair": work.place,
                "defence": name,
                "draws": defended.draws,
                "bare": without | {"success": without["iou"] >= work.iou},
                "unknowing": unknowing | {"success": unknowing["iou"] >= work.iou},
                "knowing": knowing | {"success": knowing["iou"] >= work.iou},
            }
        )
        print(to_json(rows[-1]), file=sys.stderr, flush=True)
    return rows


@cache
def seen(name: str, real_size: int) -> Member:
    """Return a demo network with pairs of its data set, or a member of the zoo.

    Raises:
        FileNotFoundError: As for `member`.
    """
    return _demo(name) if name in DEMO else member(name, real_size)


def _demo(name: str) -> Member:
    dataset = open_dataset(DEMO[name])
    named = [(dataset.find(one), dataset.find(other)) for one, other in pairs_of(dataset, 6)]
    images = [torch.from_numpy(dataset.image(one)) for one, _ in named]
    targets = [torch.from_numpy(dataset.mask(other).labels) for _, other in named]
    model = load_model(find_card(name), CPU)
    words = ("another image's mask",) * len(named)
    return Member(name, model, torch.stack(images), torch.stack(targets), words)


def _file(work: Work, model: SegmentationModel, image: Tensor, target: Tensor) -> Tensor:
    """Return what the attack makes of an image, as its file of 8 bits, float32 (C, H, W)."""
    inputs = AttackInputs(image[None], target[None])
    if isinstance(model, DefendedModel):
        model.choose_draws(inputs.images)
    entry = find_attack(work.attack)
    config = config_from_dict(entry.config, {"steps": work.steps, "target_iou": work.iou})
    (result,) = entry.attack(make_backend(model, CPU, FLOAT32), inputs, config)
    return torch.from_numpy(from_bytes(to_bytes(result.adversarial.numpy())))


def _said(
    model: SegmentationModel, file: Tensor, image: Tensor, target: Tensor
) -> dict[str, float]:
    with torch.no_grad():
        (labels,) = predicted(model(file[None])).numpy()
    counts = confusion_matrix(labels, target.numpy(), len(model.classes))
    return {"iou": foreground_iou(counts), "l2": l2_norm((file - image).numpy())}


def _summary(defence: str, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return how often the attacks reach their goal behind a defence, and at what L2."""
    these = [row for row in rows if row["defence"] == defence]
    fooled = [row for row in these if row["bare"]["success"]]
    both = [row for row in fooled if row["knowing"]["success"]]
    ratios = [row["knowing"]["l2"] / row["bare"]["l2"] for row in both]
    return {
        "defence": defence,
        "pairs": len(these),
        "bare": len(fooled),
        "unknowing": sum(row["unknowing"]["success"] for row in fooled),
        "knowing": len(both),
        "share": len(both) / len(fooled) if fooled else None,
        "median_l2_ratio": statistics.median(ratios) if ratios else None,
        "largest_l2_ratio": max(ratios, default=None),
        "not_reached": [
            f"{row['network']}, pair {row['pair']}: {row['knowing']['iou']:.3f}"
            for row in fooled
            if not row["knowing"]["success"]
        ],
        "above_twice_the_l2": [
            f"{row['network']}, pair {row['pair']}: {row['knowing']['l2'] / row['bare']['l2']:.2f}"
            for row in both
            if row["knowing"]["l2"] > 2 * row["bare"]["l2"]
        ],
    }
