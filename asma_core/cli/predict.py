"""The command `predict`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asma_core.cli.arguments import device_option, model_option, slice_of, slice_options
from asma_core.cli.networks import covered, device_name, prediction
from asma_core.data.masks.label_maps import encode_mask
from asma_core.data.masks.overlays import overlay
from asma_core.files import json_values, write_bytes
from asma_core.metrics.overlap import (
    confusion_matrix,
    foreground_iou,
    iou_per_class,
    pixel_accuracy,
)
from asma_core.models.sources.cards import ModelCard, find_card
from asma_core.models.wrapper.specs import CENTRE
from asma_core.runs.sources import SourceImage, from_file, mask_from_file


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    model_option(parser)
    device_option(parser)
    parser.add_argument(
        "--image",
        required=True,
        help="a PNG, JPEG, TIFF, DICOM or NIfTI file, or a folder of DICOM slices",
    )
    slice_options(parser)
    parser.add_argument("--mask", help="its true mask, to compare with")
    parser.add_argument(
        "--foreground",
        action="store_true",
        help="compare all structures as one, with a mask that tells only structure from background",
    )
    parser.add_argument("--out", required=True, help="folder for prediction.png and overlay.png")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Segment one image, and compare with its mask when that is given."""
    card = find_card(options.model)
    device = device_name(options.device)
    source = from_file(Path(options.image), where=slice_of(options))
    labels = prediction(card, options.device, source.image)
    out = Path(options.out)
    files = {"prediction.png": encode_mask(labels), "overlay.png": overlay(source.image, labels)}
    for name, data in files.items():
        write_bytes(out / name, data)
    shares = {name: float((labels == number).mean()) for number, name in enumerate(card.classes)}
    answer: dict[str, Any] = {
        "model": card.name,
        "image": str(options.image),
        "width": source.shape[1],
        "height": source.shape[0],
        "device": device,
        "window": source.window.as_dict() if source.window else None,
        "share_per_class": shares,
    }
    if options.mask:
        answer |= _compared(labels, options, source, card)
    return json_values(answer | {"files": {name: str(out / name) for name in files}})


def _compared(
    labels: NDArray[np.int64], options: argparse.Namespace, source: SourceImage, card: ModelCard
) -> dict[str, Any]:
    count = 2 if options.foreground else len(card.classes)
    truth = mask_from_file(Path(options.mask), source.shape, count)
    shown = (labels > 0).astype(np.int64) if options.foreground else labels
    valid = source.valid & truth.valid
    if card.output.fit == CENTRE:
        valid &= covered(card, options.device, source.shape)
    confusion = confusion_matrix(shown, truth.labels, count, valid)
    return {
        "iou": foreground_iou(confusion),
        "iou_per_class": iou_per_class(confusion).tolist(),
        "pixel_accuracy": pixel_accuracy(confusion),
    }
