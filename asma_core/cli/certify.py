"""The command `certify`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from asma_core.cli.arguments import device_option, model_option
from asma_core.cli.image_options import image_of, image_options
from asma_core.cli.networks import device_name
from asma_core.cli.progress import counted
from asma_core.cli.setting_options import add_settings, settings_of
from asma_core.data.datasets import open_dataset
from asma_core.defences.certificate import CertificateSettings, smoothing_sigma
from asma_core.files import as_store_error
from asma_core.models.sources.cards import check_fits, find_card


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    model_option(parser)
    device_option(parser)
    image_options(parser)
    add_settings(parser, CertificateSettings)
    parser.add_argument("--out", required=True, help="folder for certified.png and certificate.png")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Certify the pixels of one image, and compare with its mask when that is known."""
    from asma_core.jobs.certificates import certify_image

    card = find_card(options.model)
    smoothing_sigma(card.defences, card.name)
    settings = settings_of(options, CertificateSettings)
    device = device_name(options.device)
    dataset = open_dataset(options.dataset) if options.dataset else None
    if dataset is not None:
        check_fits(card, dataset)
    source = image_of(options, dataset, card)
    out = Path(options.out)
    with as_store_error(out):
        out.mkdir(parents=True, exist_ok=True)
    found = certify_image(card, source, settings, options.device, counted("certify"))
    found.write(out)
    files = {name: str(out / name) for name in found.files}
    told = {"model": card.name, "image": source.name, "device": device}
    return told | found.answer | {"files": files}
