"""One image of a data set with its mask, read from whatever files they lie in."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from asma_core.data.formats.across import POSITION, are_across, read_across
from asma_core.data.formats.images import FloatImage, picture_size, read_picture, read_values
from asma_core.data.formats.outline_files import read_matlab, read_outline
from asma_core.data.formats.series import is_folder, slices_of
from asma_core.data.formats.slices import MIDDLE, Slice
from asma_core.data.formats.windows import Picture
from asma_core.data.layouts.known import LEFT_HALF
from asma_core.data.masks.encodings import SHARE, Codes, Encoding, decode, pack, shares
from asma_core.data.masks.label_maps import Labels, Mask, read_mask, whole
from asma_core.errors import InputError
from asma_core.files import file_state

OUTLINE: Final = ".txt"
MATLAB: Final = ".mat"


def no_masks(name: str) -> InputError:
    """Return what is said to who asks for the truth of a data set, or of an image, without it."""
    return InputError(
        f"{name} has no mask, so there is no truth to train on, to hold anything against or to "
        "take as a target; add masks and import it again, draw a target, begin with the "
        "prediction, or lead away from it"
    )


@dataclass(frozen=True)
class Sample:
    """One image of a data set with its mask.

    Attributes:
        name: Unique in its data set.
        image: File of the image, or the folder of its DICOM slices.
        mask: File of the mask, or a folder of DICOM slices; the first where there are several; None
            in a data set without masks.
        split: "train", "validation", "test", or "" when the set has no split.
        layers: All mask files with the class that each shows; 0 for all classes by its values.
        field_mask: A mask of what counts; outside it is void.
        where: Which picture of the files.
        crop: Which part of the image is meant, or "".
        resized: Whether a mask of another size is resized to the image, nearest neighbour.
        by_colour: Whether indexed masks are read by their colours instead of their numbers.
        places: How pixels of a mask are found where one is NIfTI and the other not; see
            `asma_core.data.formats.across`.
    """

    name: str
    image: Path
    mask: Path | None
    split: str = ""
    layers: tuple[tuple[int, Path], ...] = ()
    field_mask: Path | None = None
    where: Slice = MIDDLE
    crop: str = ""
    resized: bool = False
    by_colour: bool = False
    places: str = POSITION

    @property
    def image_file(self) -> Path:
        """The file that the image lies in; of a series that of its slice.

        Raises:
            InputError: A folder without a series.
        """
        if not is_folder(self.image):
            return self.image
        slices = slices_of(self.image)
        return slices[self.where.chosen(len(slices), self.image.name)]

    @property
    def where_of_mask(self) -> Slice:
        """Which picture of the mask's files; several volumes of an image share their mask."""
        return replace(self.where, volume=0)

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that the sample is read from."""
        one = (self.mask,) if self.mask else ()
        masks = tuple(path for _, path in self.layers) or one
        return (self.image, *masks, *((self.field_mask,) if self.field_mask else ()))

    def fingerprint(self) -> str:
        """Return what changes when its files do, or what is known of how to read them."""
        known = repr((self, [file_state(path) for path in self.files]))
        return hashlib.sha256(known.encode("utf-8", "backslashreplace")).hexdigest()


def sample_image(sample: Sample) -> FloatImage:
    """Read a sample's image, float32 (C, H, W) in [0, 1].

    Raises:
        InputError: It can't be read.
    """
    return sample_picture(sample).image


def sample_picture(sample: Sample) -> Picture:
    """Read a sample's image with the window that it is seen through.

    Raises:
        InputError: It can't be read.
    """
    picture = read_picture(sample.image, where=sample.where)
    if sample.crop != LEFT_HALF:
        return picture
    image = picture.image
    return replace(picture, image=image[..., : image.shape[-1] // 2].copy())


def image_size(sample: Sample) -> tuple[int, int]:
    """Return height and width of a sample's image, mostly from its file's header.

    Raises:
        InputError: It can't be read.
    """
    height, width = picture_size(sample.image, where=sample.where)
    return height, width // 2 if sample.crop == LEFT_HALF else width


def sample_mask(sample: Sample, encoding: Encoding | None, classes: int) -> Mask:
    """Read a sample's mask.

    Args:
        sample: The sample.
        encoding: What the values mean; None reads class numbers or a binary mask.
        classes: Number of classes K, background counted.

    Raises:
        InputError: A file can't be read, or holds a value that means no class; or there is no mask.
    """
    mask = _read(sample, encoding, classes)
    return _as_large_as_the_image(mask, sample) if sample.resized else mask


def _read(sample: Sample, encoding: Encoding | None, classes: int) -> Mask:
    path = sample.mask
    if path is None:
        raise no_masks(sample.name)
    if encoding is None:
        return read_mask(path, classes, where=sample.where_of_mask)
    layers = sample.layers or ((0, path),)
    mask = _of_layers(sample, layers, encoding) if layers[0][0] else _of_one(sample, path, encoding)
    if int(mask.labels.max(initial=0)) >= classes:
        raise InputError(
            f"{path.name} holds class {mask.labels.max()}, but the data set has "
            f"0 to {classes - 1}; import it again"
        )
    return mask if sample.field_mask is None else _within(mask, sample, sample.field_mask)


def _as_large_as_the_image(mask: Mask, sample: Sample) -> Mask:
    """Return a mask of its image's size: each pixel is that of the mask nearest to it."""
    height, width = image_size(sample)
    if mask.labels.shape == (height, width):
        return mask
    rows = (np.arange(height) + 0.5) * mask.labels.shape[0] / height
    columns = (np.arange(width) + 0.5) * mask.labels.shape[1] / width
    places = np.ix_(rows.astype(np.int64), columns.astype(np.int64))
    return Mask(mask.labels[places], mask.valid[places])


def _of_one(sample: Sample, path: Path, encoding: Encoding) -> Mask:
    codes, colours = mask_codes(path, sample)
    return decode(codes, colours, encoding, path.name)


def _of_layers(sample: Sample, layers: tuple[tuple[int, Path], ...], encoding: Encoding) -> Mask:
    """Lay the classes over each other in their order; files of one class are averaged."""
    labels: Labels | None = None
    for label, paths in sorted(_by_class(layers).items()):
        share = np.mean([_share(path, sample, encoding) for path in paths], axis=0)
        labels = np.zeros(share.shape, dtype=np.int64) if labels is None else labels
        if labels.shape != share.shape:
            raise InputError(
                f"{paths[0].name} is {share.shape[1]} x {share.shape[0]} and another mask of its "
                f"image {labels.shape[1]} x {labels.shape[0]}; export all at one size"
            )
        labels[share > encoding.threshold] = label
    assert labels is not None
    return Mask(labels, np.ones(labels.shape, dtype=np.bool_))


def _by_class(layers: tuple[tuple[int, Path], ...]) -> Mapping[int, list[Path]]:
    classes: dict[int, list[Path]] = defaultdict(list)
    for label, path in layers:
        classes[label].append(path)
    return classes


def _share(path: Path, sample: Sample, encoding: Encoding) -> NDArray[np.float64]:
    codes, colours = mask_codes(path, sample)
    if colours:
        raise InputError(f"{path.name} is in colours; save each class's mask in grey")
    if encoding.kind == SHARE:
        return shares(codes, encoding)
    return decode(codes, colours, encoding, path.name).labels.astype(np.float64).clip(0, 1)


def _within(mask: Mask, sample: Sample, field_mask: Path) -> Mask:
    codes, _ = mask_codes(field_mask, sample)
    if codes.shape != mask.labels.shape:
        raise InputError(
            f"{field_mask.name} is {codes.shape[1]} x {codes.shape[0]} and the mask "
            f"{mask.labels.shape[1]} x {mask.labels.shape[0]}; export both at one size"
        )
    valid = mask.valid & (codes > 0)
    return Mask(np.where(valid, mask.labels, 0), valid)


def mask_codes(path: Path, sample: Sample) -> tuple[Codes, bool]:
    """Return the values of a sample's mask file, whole numbers (H, W), and if they are colours.

    Raises:
        InputError: It can't be read.
    """
    ending = path.suffix.lower()
    if ending == OUTLINE:
        return read_outline(path, picture_size(sample.image, where=sample.where)), False
    if ending == MATLAB:
        return read_matlab(path), False
    where = sample.where_of_mask
    values: NDArray[Any]
    if are_across(sample.image, path):
        values = read_across(sample.image, path, where, sample.places)
    else:
        values = read_values(path, where=where, by_colour=sample.by_colour)
    return pack(whole(values, path.name))
