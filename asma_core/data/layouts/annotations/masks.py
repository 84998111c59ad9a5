"""The masks that annotation files describe, drawn once and kept.

What is drawn lies in the data folder's cache, by the state of the files that it was drawn from: a
file that changes is drawn anew.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from asma_core import paths
from asma_core.data.formats.images import SUFFIXES, picture_size
from asma_core.data.formats.opening import most_pixels
from asma_core.data.formats.tree import ANNOTATIONS, TABLES, suffix
from asma_core.data.layouts.annotations.coco import COCO, read_coco
from asma_core.data.layouts.annotations.cvat import CVAT, read_cvat
from asma_core.data.layouts.annotations.fiftyone import FIFTYONE, read_fiftyone
from asma_core.data.layouts.annotations.label_studio import LABEL_STUDIO, read_label_studio
from asma_core.data.layouts.annotations.labelme import LABELME, read_labelme
from asma_core.data.layouts.annotations.run_length_table import RUN_LENGTHS, read_run_lengths
from asma_core.data.layouts.annotations.shapes import (
    IGNORED,
    Annotated,
    Images,
    Picture,
    Points,
    Shape,
)
from asma_core.data.layouts.annotations.supervisely import SUPERVISELY, read_supervisely
from asma_core.data.layouts.annotations.yolo import YOLO, read_yolo
from asma_core.data.layouts.entries import Found, Group, MaskFile, entries_of
from asma_core.data.masks.encodings import MOST_CLASSES, Encoding
from asma_core.data.masks.label_maps import VOID
from asma_core.errors import InputError
from asma_core.files import file_state, write_bytes

Reader = Callable[[Path, Sequence[str], Images], Annotated | None]
READERS: Final[Mapping[str, Reader]] = {
    FIFTYONE: read_fiftyone,
    COCO: read_coco,
    SUPERVISELY: read_supervisely,
    LABELME: read_labelme,
    LABEL_STUDIO: read_label_studio,
    CVAT: read_cvat,
    RUN_LENGTHS: read_run_lengths,
    YOLO: read_yolo,
}
TITLES: Final = {
    FIFTYONE: "FiftyOne (samples.json)",
    COCO: "COCO (a JSON of polygons, run lengths or boxes)",
    SUPERVISELY: "Supervisely (a JSON for each image, in ann)",
    LABELME: "labelme (a JSON beside each image)",
    LABEL_STUDIO: "Label Studio (a JSON of tasks)",
    CVAT: "CVAT for images (annotations.xml)",
    RUN_LENGTHS: "run lengths in a table (CSV)",
    YOLO: "YOLO (a text of outlines or boxes for each image)",
}
_SAID: Final = (*ANNOTATIONS, *TABLES, ".txt")
# Of values of any kind, at any depth of somebody's file.
_NONSENSE: Final = (
    *(TypeError, ValueError, LookupError, ArithmeticError, AttributeError),
    *(RecursionError, MemoryError),
)
PAIRS: Final = "pairs.json"
BACKGROUND: Final = "background"
THREADS: Final = 2


def find_annotated(layout: str, folder: Path, files: Sequence[str]) -> Found | None:
    """Return the images that a format's files speak of, their masks drawn; None without any.

    Args:
        layout: One of `READERS`.
        folder: The data set's folder.
        files: Relative paths below it.

    Raises:
        InputError: A file of the format is damaged, or it names too many classes.
        StoreError: What is drawn can't be kept.
    """
    said = [path for path in files if suffix(path) in _SAID]
    if not said:
        return None
    # What FiftyOne's list speaks of are files of masks too.
    kept = _drawn_folder(layout, folder, files, files if layout == FIFTYONE else said)
    if not (kept / PAIRS).exists():
        pictures = Images([path for path in files if suffix(path) in SUFFIXES])
        with _understood(layout):
            annotated = READERS[layout](folder, said, pictures)
            if annotated is None:
                return None
            _draw(folder, annotated, pictures, kept)
    return _found(layout, kept, json.loads((kept / PAIRS).read_text("utf-8")))


@contextmanager
def _understood(layout: str) -> Iterator[None]:
    """Turn what readers raise over values that are of another kind than theirs into a sentence."""
    try:
        yield
    except _NONSENSE as error:
        raise InputError(
            f"what is kept as {TITLES[layout]} holds values that make no sense "
            f"({type(error).__name__}); export it again"
        ) from error


def _drawn_folder(layout: str, folder: Path, files: Sequence[str], said: Sequence[str]) -> Path:
    # Without the folder's own path, so that an upload that is moved into place keeps its masks.
    states = [(path, file_state(folder / path)[1:]) for path in said]
    known = repr((layout, list(files), states)).encode("utf-8", "backslashreplace")
    return paths.home() / "cache" / "drawn-masks" / hashlib.sha256(known).hexdigest()[:32]


def _draw(folder: Path, annotated: Annotated, pictures: Images, kept: Path) -> None:
    """Draw all masks of a folder into another one; the list of pairs comes last."""
    names = _classes(annotated)
    numbers = {IGNORED: VOID} | {name: place for place, name in enumerate(names)}

    def one(place: int, picture: Picture) -> None:
        size = picture_size(folder / picture.image)
        for height, width in (size, picture.size or size):
            _check_size(height, width, picture.image)
        labels = _labels(picture, numbers, size)
        buffer = io.BytesIO()
        Image.fromarray(labels).save(buffer, "PNG")
        write_bytes(kept / f"{place}.png", buffer.getvalue())

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(one, range(len(annotated.pictures)), annotated.pictures))
    said = {*annotated.used, *(picture.image for picture in annotated.pictures)}
    content = {
        "classes": names,
        "pairs": [[picture.image, picture.split] for picture in annotated.pictures],
        "left_out": [path for path in pictures.paths if path not in said],
        "notes": annotated.notes,
    }
    write_bytes(kept / PAIRS, json.dumps(content).encode())


def _check_size(height: int, width: int, image: str) -> None:
    """Refuse a size for which the drawing library would run out of memory, and end the process."""
    if height * width > most_pixels():
        raise InputError(
            f"the annotations say that {image} has {width} x {height} pixels; the limit is "
            f"{most_pixels() // 1_000_000} million (max_image_megapixels)"
        )


def _classes(annotated: Annotated) -> list[str]:
    """Return the names of the classes that are drawn, background first."""
    drawn = {shape.name for picture in annotated.pictures for shape in picture.shapes}
    drawn |= {name for picture in annotated.pictures for name in picture.named}
    drawn.discard(IGNORED)
    if not drawn:
        raise InputError("the annotations hold no outline; draw some, or choose another folder")
    names = [name for name in annotated.names if name in drawn and name != BACKGROUND]
    names += sorted(drawn - {*names, BACKGROUND})
    if len(names) >= MOST_CLASSES:
        raise InputError(
            f"the annotations have {len(names)} classes; at most {MOST_CLASSES - 1} are possible, "
            "merge or remove some"
        )
    return [BACKGROUND, *(names or ["structure"])]


def _labels(picture: Picture, numbers: Mapping[str, int], size: tuple[int, int]) -> Any:
    """Return the class numbers of a picture, uint8 (H, W); smaller shapes lie on larger ones."""
    regions = [
        (_region(shape, picture.size or size), numbers.get(shape.name, 0))
        for shape in (*picture.shapes, *(picture.later() if picture.later else ()))
    ]
    labels = np.zeros(picture.size or size, dtype=np.uint8)
    for region, number in sorted(regions, key=lambda one: -int(one[0].sum())):
        labels[region] = number
    if labels.shape != size:
        # The image was resized after it was annotated, or is turned by its EXIF tag.
        resized = Image.fromarray(labels).resize((size[1], size[0]), Image.Resampling.NEAREST)
        labels = np.asarray(resized)
    return labels


def _region(shape: Shape, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the pixels of a shape, bool (H, W)."""
    if shape.mask is not None:
        return _placed(shape.mask, shape.corner, size)
    inside = _filled(shape.outlines, size)
    return inside & ~_filled(shape.holes, size) if shape.holes else inside


def _filled(outlines: Sequence[Points], size: tuple[int, int]) -> NDArray[np.bool_]:
    from pycocotools import mask as coco

    if not outlines:
        return np.zeros(size, dtype=np.bool_)
    height, width = size
    # Far corners would run over the library's integers.
    clipped = [_clipped(outline, size) for outline in outlines]
    runs = coco.frPyObjects(clipped, height, width)
    return np.asarray(coco.decode(coco.merge(runs)), dtype=np.bool_)


def _clipped(outline: Points, size: tuple[int, int]) -> list[float]:
    height, width = size
    pairs = np.asarray(outline).reshape(-1, 2)
    return list(pairs.clip((-width, -height), (2 * width, 2 * height)).ravel().tolist())


def _placed(
    mask: NDArray[np.bool_], corner: tuple[int, int], size: tuple[int, int]
) -> NDArray[np.bool_]:
    inside = np.zeros(size, dtype=np.bool_)
    left, top = corner
    if left < 0 or top < 0:
        mask = mask[max(-top, 0) :, max(-left, 0) :]
        left, top = max(left, 0), max(top, 0)
    part = mask[: max(size[0] - top, 0), : max(size[1] - left, 0)]
    inside[top : top + part.shape[0], left : left + part.shape[1]] = part
    return inside


def _found(layout: str, kept: Path, content: Mapping[str, Any]) -> Found:
    groups = [
        Group(image, split, masks=[MaskFile(str(kept / f"{place}.png"))])
        for place, (image, split) in enumerate(content["pairs"])
    ]
    entries, _ = entries_of(groups, 1)
    classes = tuple(content["classes"])
    numbers = (*((number, number) for number in range(len(classes))), (VOID, VOID))
    return Found(
        layout=layout,
        title=TITLES[layout],
        entries=entries,
        left_out=tuple(content["left_out"]),
        classes=classes,
        encoding=Encoding(values=numbers, nearest=False),
        reasons=("masks drawn from the annotations", *content["notes"]),
    )
