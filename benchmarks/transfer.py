"""Does what is made to transfer transfer? Momentum, input diversity and the whole budget, by turns.

    python -m benchmarks.transfer --json [--half choosing] [--images 3] [--steps 20]

PGD on each network of the zoo that sees the same images, shown to each other one, and to the demo
network. Settings are chosen on the lesions and reported on the fundus. The score is the mean over
all pairs of networks and images: IoU with the target, or 1 - IoU with what the network said before.
The zoo's networks are made by `python -m benchmarks.zoo --make`.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

import torch
from torch import Tensor, nn

from asma_core.attacks.contract import AttackInputs
from asma_core.attacks.engine.projected import BudgetConfig
from asma_core.attacks.pgd import PGD
from asma_core.attacks.settings import AWAY, TOWARDS, Aim
from asma_core.files import json_values, to_json
from asma_core.metrics.overlap import confusion_matrix, foreground_iou
from asma_core.models.sources.cards import find_card
from asma_core.models.sources.loading import load_model
from asma_core.models.wrapper.calls import predicted
from benchmarks.machine import machine
from benchmarks.zoo.materials import material
from benchmarks.zoo.recipes import recipe_of
from benchmarks.zoo.training import KEPT, image_tensor, made_network

HALVES: Final[dict[str, tuple[str, str, tuple[str, ...]]]] = {
    "choosing": ("lesion", "demo-lesion-unet", ("lesion-unet-batch", "lesion-no-norm")),
    "reporting": (
        "fundus",
        "demo-fundus-unet",
        ("fundus-segresnet", "fundus-two-deep", "fundus-attention"),
    ),
}
SIZE: Final = 256
SETTINGS: Final[dict[str, dict[str, Any]]] = {
    "plain": {},
    "whole budget": {"whole_budget": True},
    "momentum": {"whole_budget": True, "momentum": 1.0},
    "diversity": {"whole_budget": True, "diversity": 0.5},
    "momentum and diversity": {"whole_budget": True, "momentum": 1.0, "diversity": 0.5},
}
# Where the plain attack stops: half of the outline lost, and nine tenths of the target reached.
WANTED: Final[dict[Aim, float]] = {AWAY: 0.5, TOWARDS: 0.9}


def networks(half: str) -> dict[str, nn.Module]:
    """Return the networks of a half by their names."""
    what, demo, names = HALVES[half]
    seen = material(what, 1, SIZE)
    found: dict[str, nn.Module] = {
        name: made_network(recipe_of(name), seen.channels, seen.classes, KEPT) for name in names
    }
    return found | {demo: load_model(find_card(demo), torch.device("cpu"))}


def scores(
    attacker: str,
    every: Mapping[str, nn.Module],
    images: Tensor,
    aim: Aim,
    settings: Mapping[str, Any],
    steps: int,
) -> dict[str, list[float]]:
    """Attack one network; return what each makes of the files, image by image."""
    before = {name: _labels(network, images) for name, network in every.items()}
    own = before[attacker]
    target = own if aim == AWAY else own.roll(1, 0)
    config = BudgetConfig(target_iou=WANTED[aim], goal_is=aim, steps=steps, **settings)
    torch.manual_seed(0)
    results = PGD(every[attacker], AttackInputs(images, target), config)
    files = torch.stack([result.adversarial for result in results])
    found = {}
    for name, network in every.items():
        held = before[name] if aim == AWAY else target
        ious = [_iou(said, mask) for said, mask in zip(_labels(network, files), held, strict=True)]
        found[name] = [1.0 - iou if aim == AWAY else iou for iou in ious]
    return found


@torch.no_grad()
def _labels(network: nn.Module, images: Tensor) -> Tensor:
    return torch.cat([predicted(network(image[None])) for image in images])


def _iou(said: Tensor, mask: Tensor) -> float:
    classes = int(max(said.max(), mask.max())) + 1
    value = foreground_iou(confusion_matrix(said.numpy(), mask.numpy(), max(classes, 2)))
    return 0.0 if value != value else value


def measured(half: str, count: int, steps: int) -> list[dict[str, Any]]:
    """Return a row for each aim and setting: mean score on others and on the attacked network."""
    every = networks(half)
    attacked = material(HALVES[half][0], 1, SIZE).attacked[:count]
    images = torch.stack([image_tensor(image) for image, _ in attacked])
    rows = []
    for aim in (AWAY, TOWARDS):
        for words, settings in SETTINGS.items():
            told = {name: scores(name, every, images, aim, settings, steps) for name in every}
            others = [
                one
                for name, seen in told.items()
                for other, values in seen.items()
                if other != name
                for one in values
            ]
            rows.append(
                {
                    "goal": aim,
                    "settings": words,
                    "white_box": statistics.mean(one for n in told for one in told[n][n]),
                    "others": statistics.mean(others),
                    "fooled": sum(one >= WANTED[aim] for one in others),
                    "of": len(others),
                }
            )
            print(half, to_json(json_values(rows[-1])), file=sys.stderr, flush=True)
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="the answer always is JSON")
    parser.add_argument("--half", choices=sorted(HALVES), action="append", help="both unless given")
    parser.add_argument("--images", type=int, default=3)
    parser.add_argument("--steps", type=int, default=20)
    options = parser.parse_args(arguments)
    answer = {
        "machine": machine(),
        **{
            half: measured(half, options.images, options.steps)
            for half in options.half or list(HALVES)
        },
    }
    print(to_json(json_values(answer)))


if __name__ == "__main__":
    main()
