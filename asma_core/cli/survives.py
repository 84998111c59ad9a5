"""The command `survives`: a run's file after what happens to files."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from asma_core.cli.arguments import device_option
from asma_core.data.formats.images import encode_png, to_bytes
from asma_core.data.masks.label_maps import encode_mask
from asma_core.files import write_bytes
from asma_core.runs.store import RunStore
from asma_core.runs.survival_words import in_words


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("--run", required=True, help="id of a run; `runs` lists them")
    device_option(parser)
    parser.add_argument("--out", help="folder for the treated files and their predictions")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Treat a run's file in each way, and say what the network sees then."""
    from asma_core.runs.survival import survival

    store = RunStore()
    asked = store.get(options.run)
    treatments, files = [], {}
    for one in survival(store, asked, options.device):
        treatments.append(one.figures())
        if options.out:
            name = one.treatment.name
            pictures = {
                f"{name}.png": encode_png(to_bytes(one.adversarial.image)),
                f"{name}_prediction.png": encode_mask(one.adversarial.prediction),
            }
            for file, data in pictures.items():
                write_bytes(Path(options.out) / file, data)
                files[file] = str(Path(options.out) / file)
    answer: dict[str, Any] = {
        "run_id": asked.id,
        "model": asked.spec.model,
        "image": asked.spec.image_name,
        "goal": asked.goal,
        "wanted": asked.wanted,
        "score_name": asked.score_kind,
        "sentences": [in_words(treatments)],
        "treatments": treatments,
    }
    return answer | ({"files": files} if files else {})
