"""What a picture file says besides its pixels: turned, its palette, soiled, where it lies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image

from asma_core.data.formats.opening import FORMATS

# EXIF's number of the tag that says how a picture is turned.
_ORIENTATION: Final = 0x0112
_LOSSY: Final = ("JPEG", "MPO")
NIFTI: Final = (".nii", ".nii.gz")


@dataclass(frozen=True)
class Header:
    """See the module's text.

    Attributes:
        turned: Whether an EXIF tag says that the stored pixels are not upright.
        palette: Colours 0xRRGGBB by number, of an indexed picture; empty for all others.
        lossy: Whether it is a JPEG.
        affine: Of a NIfTI, its axes turned as its slices are shown, rounded, row by row; empty for
            all others.
    """

    turned: bool = False
    palette: tuple[int, ...] = ()
    lossy: bool = False
    affine: tuple[float, ...] = ()


def read_header(path: Path) -> Header:
    """Return what a file's head says; nothing of a file that can't be read."""
    try:
        if path.name.lower().endswith(NIFTI):
            return Header(affine=_affine(path))
        with Image.open(path, formats=FORMATS) as picture:
            turned = picture.getexif().get(_ORIENTATION, 1) not in (0, 1)
            colours = picture.getpalette("RGB") if picture.mode == "P" else None
            packed = zip(*[iter(colours or [])] * 3, strict=True)
            palette = tuple(r << 16 | g << 8 | b for r, g, b in packed)
            return Header(turned, palette, picture.format in _LOSSY)
    except Exception:  # noqa: BLE001
        # Whatever is wrong with it is said where its pixels are read.
        return Header()


def _affine(path: Path) -> tuple[float, ...]:
    import nibabel

    # Its values are read when they are asked for.
    image = nibabel.Nifti1Image.from_filename(path)
    sides = (*image.shape[:3], 1, 1)[:3]
    turned = nibabel.orientations.io_orientation(image.affine)  # type: ignore[no-untyped-call]
    back = nibabel.orientations.inv_ornt_aff(turned, sides)  # type: ignore[no-untyped-call]
    return tuple(round(float(value), 3) + 0.0 for value in (image.affine @ back).ravel())
