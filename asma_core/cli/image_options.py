"""Options for one image: a file of the user's own, or a sample of a data set."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from asma_core.cli.arguments import slice_of, slice_options
from asma_core.data.datasets import Dataset
from asma_core.errors import InputError
from asma_core.models.sources.cards import ModelCard
from asma_core.runs.sources import SourceImage, from_file, from_sample, mask_from_file


def image_options(parser: argparse.ArgumentParser) -> None:
    """Add which image is meant."""
    image = parser.add_argument_group("the image")
    image.add_argument("--image", help="a file, or a folder of DICOM slices")
    slice_options(image)
    image.add_argument("--dataset", help="a data set's name or a folder")
    image.add_argument("--sample", help="index or name in the data set")
    image.add_argument("--truth", help="the true mask of --image, where it is known")


def image_of(options: argparse.Namespace, dataset: Dataset | None, card: ModelCard) -> SourceImage:
    """Return the image that is meant, with its true mask where one is known.

    Raises:
        InputError: None is said, or two are, or it can't be read.
    """
    if options.image and (dataset is not None or options.sample):
        raise InputError("give either --image, or --dataset with --sample, not both")
    if options.image:
        source = from_file(Path(options.image), where=slice_of(options))
        if options.truth is None:
            return source
        truth = mask_from_file(Path(options.truth), source.shape, len(card.classes))
        return replace(source, truth=truth.labels, valid=truth.valid)
    if options.truth is not None:
        raise InputError("--truth is the mask of --image; a sample of a data set has its own")
    if options.window is not None:
        raise InputError("--window is of --image; a data set has the window that it was given")
    if dataset is None or options.sample is None:
        raise InputError("say which image: --image FILE, or --dataset NAME --sample INDEX_OR_NAME")
    return from_sample(dataset, dataset.find(options.sample))
