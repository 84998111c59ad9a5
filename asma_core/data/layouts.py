"""Finding the images of a folder and the mask of each."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from asma_core.data.images import SUFFIXES
from asma_core.errors import InputError
from asma_core.files import explained

IMAGE_FOLDERS: Final = ("images", "image", "image_samples", "img", "imgs")
MASK_FOLDERS: Final = ("masks", "mask", "mask_samples", "labels", "label", "annotations")
MASK_ENDINGS: Final = ("-mask", "_mask", "_segmentation", "_label")


def pair_files(folder: Path) -> list[tuple[Path, Path]]:
    """Pair the images of a folder with their masks.

    Two layouts: a folder of images beside a folder of masks with the same names
    (`images`/`masks`, `image_samples`/`mask_samples`, ...), or `NAME.jpg` beside `NAME-mask.png`.

    Raises:
        InputError: No image at all, images without a mask, or two files of one name.
    """
    with explained(folder):
        images, masks = _two_folders(folder) or _side_by_side(folder)
    if not images:
        raise InputError(
            f"{folder} holds no images; it needs images/ and masks/ with the same file names, "
            "or NAME.png beside NAME-mask.png"
        )
    missing = sorted(set(images) - set(masks))
    if missing:
        raise InputError(
            f"{folder} has no mask for {len(missing)} of {len(images)} images, the first is "
            f"{images[missing[0]].name}; add its mask or remove the image"
        )
    return [(images[stem], masks[stem]) for stem in sorted(images, key=_natural)]


def _two_folders(folder: Path) -> tuple[dict[str, Path], dict[str, Path]] | None:
    inside = {path.name.lower(): path for path in folder.iterdir() if path.is_dir()}
    images = next((inside[name] for name in IMAGE_FOLDERS if name in inside), None)
    if images is None:
        return None
    masks = next((inside[name] for name in MASK_FOLDERS if name in inside), None)
    return _pictures(images), _by_stem(_pictures(masks)) if masks else {}


def _side_by_side(folder: Path) -> tuple[dict[str, Path], dict[str, Path]]:
    pictures = _pictures(folder)
    masks = {stem: path for stem, path in pictures.items() if _without_ending(stem) != stem}
    images = {stem: path for stem, path in pictures.items() if stem not in masks}
    return images, _by_stem(masks)


def _pictures(folder: Path) -> dict[str, Path]:
    files = (path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    found: dict[str, Path] = {}
    for path in sorted(path for path in files if not path.name.startswith(".")):
        if path.stem in found:
            raise InputError(
                f"{folder} holds both {found[path.stem].name} and {path.name}; remove one"
            )
        found[path.stem] = path
    return found


def _by_stem(masks: dict[str, Path]) -> dict[str, Path]:
    # A mask may also have the very name of its image, whatever that ends with.
    return {_without_ending(stem): path for stem, path in masks.items()} | masks


def _without_ending(stem: str) -> str:
    endings = (ending for ending in MASK_ENDINGS if stem.lower().endswith(ending))
    ending = next(endings, "")
    return stem[: len(stem) - len(ending)]


def _natural(stem: str) -> tuple[int, int, str]:
    return (0, int(stem), stem) if stem.isdecimal() else (1, 0, stem)
