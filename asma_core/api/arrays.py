"""What a person may give as an image, a mask or an area, as arrays of the workbench."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from asma_core.data.formats.images import FloatImage, check_sides
from asma_core.data.items import Item
from asma_core.data.masks.encodings import Encoding
from asma_core.data.masks.label_maps import Mask, check_labels, labelled, mask_values, whole
from asma_core.errors import InputError
from asma_core.runs.sources import (
    SourceImage,
    from_file,
    from_sample,
    mask_from_file,
    target_from_sample,
)

COLOURS = (1, 3)


def file_of(given: object) -> Path | None:
    """Return the file that a text or a path names; None for anything else."""
    return Path(os.fspath(given)).expanduser() if isinstance(given, str | Path) else None


def values_of(given: object, name: str) -> NDArray[Any]:
    """Return the values of an array or a tensor.

    Raises:
        InputError: It is neither.
    """
    if isinstance(given, torch.Tensor):
        tensor = given.detach().cpu()
        return np.asarray(tensor.float() if tensor.dtype == torch.bfloat16 else tensor)
    try:
        values = np.asarray(given)
    except ValueError:
        # Rows of several lengths.
        values = np.asarray(None)
    if values.dtype.kind not in "biuf":
        raise InputError(
            f"{name} is a {type(given).__name__}; give an array, a tensor, a file, or an item of a "
            "data set"
        )
    return values


def source_of(given: object, name: str) -> SourceImage:
    """Return an image with what is known of it.

    Args:
        given: An item, a file, or values as `image_of` takes them.
        name: What to call values.

    Raises:
        InputError: It can't be read, or is no image.
    """
    if isinstance(given, Item):
        return from_sample(given.dataset, given.sample)
    file = file_of(given)
    if file is not None:
        return from_file(file)
    image = image_of(given, name)
    return SourceImage(image, None, np.ones(image.shape[1:], dtype=np.bool_), name)


def image_of(given: object, name: str) -> FloatImage:
    """Return an image as float32 (C, H, W) in [0, 1], a copy.

    Args:
        given: An array or a tensor, (H, W), (H, W, 3) or (C, H, W), uint8, or float in [0, 1].
        name: What to call it.

    Raises:
        InputError: Another shape, another type, NaN, or values outside [0, 1].
    """
    values = values_of(given, name)
    planes = _planes(values, name)
    check_sides(planes.shape[2], planes.shape[1], name)
    if planes.dtype == np.uint8:
        return np.ascontiguousarray(planes, dtype=np.float32) / np.float32(255.0)
    if planes.dtype.kind != "f":
        raise InputError(
            f"{name} holds {planes.dtype}; give uint8, or floats in [0, 1] (16 bits by 65535)"
        )
    if not np.isfinite(planes).all():
        raise InputError(f"{name} holds NaN or infinite values; replace them")
    if planes.min() < 0 or planes.max() > 1:
        raise InputError(
            f"{name} holds values from {planes.min():g} to {planes.max():g}, expected [0, 1]; "
            "divide 8-bit values by 255, or give them as uint8"
        )
    return np.array(planes, dtype=np.float32, order="C")


def _planes(values: NDArray[Any], name: str) -> NDArray[Any]:
    if values.ndim == 2:
        return values[None]
    # No image is so narrow, so a last axis of colours is never its width.
    if values.ndim == 3 and values.shape[2] in COLOURS:
        return values.transpose(2, 0, 1)
    if values.ndim == 3 and values.shape[0] in COLOURS:
        return values
    raise InputError(
        f"expected {name} of shape (H, W), (H, W, 3) or (1 or 3, H, W), got {values.shape}; "
        "convert it to grey or RGB, and give several as a list or as (B, C, H, W)"
    )


def _plane(given: object, name: str) -> NDArray[Any]:
    values = values_of(given, name)
    if values.ndim == 3 and len(values) == 1:
        values = values[0]
    if values.ndim != 2 or not values.size:
        raise InputError(f"expected {name} of shape (H, W), got {values.shape}")
    return values.astype(np.uint8) if values.dtype == np.bool_ else whole(values, name)


def mask_of(
    given: object,
    shape: tuple[int, int],
    classes: int,
    name: str,
    encoding: Encoding | None = None,
) -> Mask:
    """Return a mask of an image's size.

    Args:
        given: An item (its mask, resized), a `Mask`, a file, or values (H, W): class numbers, with
            255 as void; with two classes any two greys.
        shape: Height and width of the image.
        classes: K, of the network.
        name: What to call it.
        encoding: Of the image's data set, for a file.

    Raises:
        InputError: Another size, values that are no class, or a file that can't be read.
    """
    if isinstance(given, Item):
        return target_from_sample(given.dataset, given.sample, shape)
    file = file_of(given)
    if file is not None:
        return mask_from_file(file, shape, classes, encoding=encoding)
    mask = given if isinstance(given, Mask) else labelled(_plane(given, name), classes, name)
    check_labels(mask.labels, shape, classes, name)
    return mask


def area_of(given: object, name: str) -> NDArray[np.bool_]:
    """Return where an array, a tensor or a picture file is not 0, bool (H, W).

    Raises:
        InputError: It is no such thing.
    """
    file = file_of(given)
    values = _plane(given, name) if file is None else mask_values(file)
    return np.asarray(values != 0, dtype=np.bool_)
