"""Small pictures of samples, each made once and kept in memory."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import streamlit as st

from asma_core.data.datasets import Dataset, Sample
from asma_core.data.formats.images import FloatImage, to_rgb
from asma_core.data.masks.palette import PREDICTION, TRUTH
from asma_core.data.samples import sample_image
from asma_core.errors import InputError
from asma_core.metrics.overlap import confusion_matrix, foreground_iou
from asma_core.models.sources.cards import find_card, weights_hash
from asma_core.runs.sources import from_sample
from ui.common import services
from ui.pictures.encoding import jpeg
from ui.pictures.outlines import Layer, fit_size, outline, resize

SIDE: Final = 320
LINE_WIDTH: Final = 2.5
# About 20 kB each.
MOST_KEPT: Final = 4000
FileStamp = tuple[str, int, int]


@dataclass(frozen=True)
class Thumbnail:
    """A small picture of a sample.

    Attributes:
        picture: JPEG, or None where the image can't be read.
        area: Share of the image that is structure, per cent; None without a usable mask.
        message: What is wrong with the files, in a sentence, or "".
        iou: Of the network's prediction with the mask, where it is outlined and defined.
    """

    picture: bytes | None
    area: float | None
    message: str = ""
    iou: float | None = None


def stamp(path: Path) -> FileStamp:
    """Return what tells one state of a file from another; zeros for a file that is gone."""
    try:
        status = path.stat()
    except OSError:
        # Reading it says what is wrong, in a sentence.
        return str(path), 0, 0
    return str(path), status.st_mtime_ns, status.st_size


def sample_thumbnail(dataset: Dataset, sample: Sample, model: str = "") -> Thumbnail:
    """Return a sample's picture with its mask outlined, and a network's prediction if one is named.

    Raises:
        ModelError: The network can't predict.
    """
    weights = weights_hash(find_card(model)) if model else ""
    files = tuple(stamp(file) for file in sample.files)
    meaning = (files, sample.where, dataset.classes, dataset.encoding)
    return _sample_thumbnail(meaning, dataset, sample, len(dataset.classes), model, weights)


@st.cache_data(show_spinner=False, max_entries=MOST_KEPT)
def _sample_thumbnail(
    meaning: tuple[object, ...],
    _dataset: Dataset,
    _sample: Sample,
    classes: int,
    model: str,
    weights: str,
) -> Thumbnail:
    try:
        source = from_sample(_dataset, _sample)
    except InputError as error:
        return _without_mask(_sample, str(error))
    truth = np.zeros(source.shape, dtype=np.int64) if source.truth is None else source.truth
    area = 100.0 * float((truth > 0).sum()) / max(int(source.valid.sum()), 1)
    layers = [Layer(truth, TRUTH)]
    if not model:
        return Thumbnail(_drawn(source.image, layers), area)
    prediction = services.predictor().predict(model, source.image)
    layers.append(Layer(prediction, PREDICTION))
    counted = source.valid & services.predictor().covered(model, source.shape)
    iou = foreground_iou(confusion_matrix(prediction, truth, classes, counted))
    return Thumbnail(_drawn(source.image, layers), area, iou=None if math.isnan(iou) else iou)


def _without_mask(sample: Sample, message: str) -> Thumbnail:
    """Show what can be shown of a sample whose image or mask is broken."""
    try:
        return Thumbnail(_drawn(sample_image(sample), []), None, message)
    except InputError:
        return Thumbnail(None, None, message)


def _drawn(image: FloatImage, layers: list[Layer]) -> bytes:
    pixels = to_rgb(image)
    small = resize(pixels, fit_size(pixels.shape, SIDE, SIDE))
    return jpeg(outline(small, layers, LINE_WIDTH))
