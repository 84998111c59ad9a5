"""Small pictures of samples, each made once and kept in memory."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import streamlit as st

from asma_core.data.datasets import Dataset, Sample
from asma_core.data.formats.images import FloatImage, to_rgb
from asma_core.data.masks.palette import PREDICTION, TRUTH
from asma_core.data.samples import sample_image
from asma_core.errors import InputError
from asma_core.limited.reading import see
from asma_core.metrics.overlap import confusion_matrix, foreground_iou
from asma_core.models.sources.cards import ModelCard, network_hash
from asma_core.runs.sources import seen_sample
from ui.common import services
from ui.common.rerun import patiently
from ui.pictures.encoding import jpeg
from ui.pictures.outlines import Layer, fit_size, outline, resize

SIDE: Final = 320
LINE_WIDTH: Final = 2.5
# About 20 kB each.
MOST_KEPT: Final = 4000


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


def sample_thumbnail(
    dataset: Dataset, sample: Sample, network: ModelCard | None = None
) -> Thumbnail:
    """Return a sample's picture with its mask outlined, and a network's prediction if one is named.

    Raises:
        ModelError: The network can't predict.
    """
    said_by = network_hash(network) if network else ""
    return _sample_thumbnail(dataset.fingerprint(sample), said_by, dataset, sample, network)


@st.cache_data(show_spinner=False, max_entries=MOST_KEPT)
def _sample_thumbnail(
    fingerprint: str,
    said_by: str,
    _dataset: Dataset,
    _sample: Sample,
    _network: ModelCard | None,
) -> Thumbnail:
    try:
        source = seen_sample(_dataset, _sample)
    except InputError as error:
        return _without_mask(_sample, str(error))
    truth, area, layers = source.truth, None, []
    if truth is not None:
        area = 100.0 * float((truth > 0).sum()) / max(int(source.valid.sum()), 1)
        layers.append(Layer(truth, TRUTH))
    if _network is None:
        return Thumbnail(_drawn(source.image, layers), area)
    prediction = patiently(services.predictor().predict, _network, source.image)
    layers.append(Layer(prediction, PREDICTION))
    if truth is None:
        return Thumbnail(_drawn(source.image, layers), None)
    counted = source.valid & services.predictor().covered(_network, source.shape)
    iou = foreground_iou(confusion_matrix(prediction, truth, len(_dataset.classes), counted))
    return Thumbnail(_drawn(source.image, layers), area, iou=None if math.isnan(iou) else iou)


def _without_mask(sample: Sample, message: str) -> Thumbnail:
    """Show what can be shown of a sample whose image or mask is broken."""
    try:
        return Thumbnail(_drawn(see(sample.name, sample_image, sample), []), None, message)
    except InputError:
        return Thumbnail(None, None, message)


def _drawn(image: FloatImage, layers: list[Layer]) -> bytes:
    pixels = to_rgb(image)
    small = resize(pixels, fit_size(pixels.shape, SIDE, SIDE))
    return jpeg(outline(small, layers, LINE_WIDTH))
