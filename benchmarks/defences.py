"""What defences are worth: `python -m benchmarks.defences --json`.

The parts, of which `--part` chooses some:

- `adaptive`: attacks that know a defence and that do not, on the demo networks and the zoo's;
- `cost`: what a step costs behind each defence;
- `certificate`: attacks within the radius on certified pixels, which must not change.
- `training`: the shipped lesion network beside one that is trained adversarially, or is given by
  `--robust`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Any, Final

from asma_core.files import json_values, to_json
from asma_core.models.wrapper.memory import keep_freed_memory
from benchmarks.adaptive import DEFENCES, adaptive, network_names
from benchmarks.adversarial_training import training
from benchmarks.defence_cost import NETWORKS, cost
from benchmarks.machine import machine
from benchmarks.soundness import soundness


def main() -> None:
    options = _options()
    keep_freed_memory()
    parts = {part: PARTS[part](options) for part in options.part or PARTS}
    print(to_json(json_values({"machine": machine(), "settings": vars(options), **parts})))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="the answer always is JSON")
    parser.add_argument("--part", action="append", choices=list(PARTS))
    of_adaptive = parser.add_argument_group("of the parts `adaptive` and `cost`")
    of_adaptive.add_argument("--networks", help="separated by commas; all by default")
    of_adaptive.add_argument("--defences", default=",".join(DEFENCES))
    of_adaptive.add_argument("--pairs", type=int, default=2, help="of each network")
    of_adaptive.add_argument("--attack", default="minimal")
    of_adaptive.add_argument("--iou", type=float, default=0.9, help="the attack's goal")
    of_adaptive.add_argument("--steps", type=int, default=100)
    of_adaptive.add_argument("--real-size", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=15, help="of the part `cost`")
    of_certificate = parser.add_argument_group("of the part `certificate`")
    of_certificate.add_argument("--crops", type=int, default=20)
    of_certificate.add_argument("--pixels", type=int, default=10, help="of each crop")
    of_certificate.add_argument("--side", type=int, default=48, help="of a crop")
    of_certificate.add_argument("--sigma", type=float, default=0.25)
    of_certificate.add_argument("--draws", type=int, default=1000)
    of_certificate.add_argument("--evaluations", type=int, default=1000)
    of_training = parser.add_argument_group("of the part `training`")
    of_training.add_argument(
        "--robust", default="", help="name of the robust network or its card; else one is trained"
    )
    of_training.add_argument("--images", type=int, default=16, help="of the test split")
    of_training.add_argument("--attack-steps", type=int, default=40, help="of PGD")
    of_training.add_argument("--smallest-steps", type=int, default=100, help="of minimal in L2")
    return parser.parse_args()


def _adaptive(options: argparse.Namespace) -> dict[str, Any]:
    return adaptive(
        options.networks.split(",") if options.networks else network_names(),
        options.defences.split(","),
        options.pairs,
        options.attack,
        options.iou,
        options.steps,
        options.real_size,
    )


def _cost(options: argparse.Namespace) -> dict[str, Any]:
    networks = options.networks.split(",") if options.networks else NETWORKS
    return cost(networks, options.rounds, options.real_size)


def _certificate(options: argparse.Namespace) -> dict[str, Any]:
    return soundness(
        options.crops,
        options.pixels,
        options.side,
        options.sigma,
        options.draws,
        options.evaluations,
    )


def _training(options: argparse.Namespace) -> dict[str, Any]:
    return training(options.robust, options.images, options.attack_steps, options.smallest_steps)


PARTS: Final[Mapping[str, Callable[[argparse.Namespace], dict[str, Any]]]] = {
    "adaptive": _adaptive,
    "cost": _cost,
    "certificate": _certificate,
    "training": _training,
}


if __name__ == "__main__":
    main()
