"""The command `datasets`."""

from __future__ import annotations

import argparse
from typing import Any

from asma_core.data.datasets import Dataset, dataset_names, open_dataset
from asma_core.errors import AsmaError


def run(_: argparse.Namespace) -> list[dict[str, Any]]:
    """List the data sets."""
    return [_listed(name) for name in dataset_names()]


def _listed(name: str) -> dict[str, Any]:
    """Describe a data set; one that can't be opened must not hide the others."""
    try:
        return _dataset(open_dataset(name))
    except AsmaError as error:
        return {"name": name, "problem": str(error)}


def _dataset(dataset: Dataset) -> dict[str, Any]:
    return {
        "name": dataset.name,
        "title": dataset.title,
        "description": dataset.description,
        "synthetic": dataset.synthetic,
        "classes": list(dataset.classes),
        "images": len(dataset.samples),
        "train": sum(sample.split == "train" for sample in dataset.samples),
        "test": sum(sample.split == "test" for sample in dataset.samples),
        "samples": [sample.name for sample in dataset.samples],
    }
