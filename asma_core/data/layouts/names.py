"""What a file's path says: words of images and of masks, its split, and what it shares with others.

Names are compared by their words and numbers, whatever their case, their Unicode form (macOS
decomposes accents) and what stands between them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from asma_core.data.formats.tree import stem, suffix
from asma_core.data.layouts.entries import SPLITS


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


IMAGE_WORDS: Final = word_set(
    "images image img imgs samples data input inputs original originals orig photos scans pictures "
    "picture photo scan cxr raw ct mri slice dicom dicoms dcm bild bilder imagen imagenes"
)
MASK_WORDS: Final = word_set(
    "masks mask label labels annotation annotations segmentation segmentations seg segs gt gts "
    "groundtruth truth truths target targets manual roi msk msks lbl lbls annot annots "
    "maske masken masque masques mascara mascaras"
)
_PLAIN: Final = word_set("images image imgs img")
# Words of pictures of a mask that are made for the eye, or for another purpose.
OTHER_WORDS: Final = word_set(
    "object objects instance instances color colors colour colours colored vis viz visualization "
    "visualisation overlay overlays preview previews thumb thumbs thumbnail contour contours edges"
)
IMAGE: Final = "image"
MASK: Final = "mask"
# Letters of one word (a capital begins another, unless all are), or digits.
_WORD: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[^\W\d_A-Z]+|[A-Z]+|[^\W\d_]+|\d+")
_HASH: Final = re.compile(r"(?=[0-9a-f]*\d)[0-9a-f]{8,}", re.IGNORECASE)
Words = tuple[str, ...]


@lru_cache(maxsize=200_000)
def words_of(text: str) -> Words:
    """Return the words and numbers of a name, in small letters."""
    composed = unicodedata.normalize("NFC", text)
    return tuple(word.casefold() for word in _WORD.findall(composed))


def shared_folders(paths: Sequence[str]) -> int:
    """Return how many folders all paths begin with."""
    folders = [path.split("/")[:-1] for path in paths]
    if not folders:
        return 0
    first, last = min(folders), max(folders)
    pairs = enumerate(zip(first, last, strict=False))
    shortest = min(map(len, folders))
    return next((n for n, (one, other) in pairs if one != other), shortest)


def composed(text: str) -> str:
    """Return a name as it is compared: accents composed, in small letters."""
    return unicodedata.normalize("NFC", text).casefold()


@dataclass(frozen=True)
class Name:
    """What the path of a file says.

    Attributes:
        path: Relative to the data set's folder.
        ending: ".png" and the like.
        folder_role: `IMAGE`, `MASK` or "", of the last folder that says so.
        stem_role: The same of the file's own name.
        split: As in `Entry`.
        folders: Words of the folders without those of role and split.
        own: Words of the file's own name without those of its role.
        other: Whether it is named as a picture of a mask that is made for something else.
        inside: Of a folder of DICOM slices, which is one picture file, the path of a slice.
    """

    path: str
    ending: str
    folder_role: str
    stem_role: str
    split: str
    folders: Words
    own: Words
    other: bool
    inside: str = ""

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers in the file's own name."""
        return tuple(int(word) for word in self.own if word.isdecimal())

    @property
    def place(self) -> str:
        """The folder, and the shape of the name: files alike in both are of one kind."""
        folder = self.path.rpartition("/")[0]
        shape = " ".join("#" if word.isdecimal() else word for word in self.own)
        return f"{_shape(folder)}|{shape}|{self.ending}"


def name_of(path: str, shared: int = 0) -> Name:
    """Read a path.

    Args:
        path: Relative to the data set's folder.
        shared: How many folders it begins with that all files lie in; their words tell nothing.
    """
    *folders, _ = path.split("/")
    by_folder = [words_of(folder) for folder in folders]
    own = words_of(stem(path))
    splits = [SPLITS[word] for words in by_folder for word in words if word in SPLITS]
    left = [word for words in by_folder for word in _without_roles(words) if word not in SPLITS]
    seen = {word for words in by_folder for word in words}
    return Name(
        path=path,
        ending=suffix(path),
        folder_role=_folder_role(by_folder[shared:]),
        stem_role=_stem_role(own),
        split=splits[-1] if splits else "",
        folders=tuple(left),
        own=_without_roles(own),
        other=bool((seen | set(own)) & OTHER_WORDS),
    )


def _folder_role(folders: Sequence[Words]) -> str:
    """Return what the last folder that says something says.

    Below a folder of masks only plain words make images: labels/original are masks.
    """
    role = ""
    for words in folders:
        if any(word in MASK_WORDS for word in words):
            role = MASK
        elif any(word in (IMAGE_WORDS if role != MASK else _PLAIN) for word in words):
            role = IMAGE
    return role


def _stem_role(words: Words) -> str:
    """Return what the first or the last word, or the last before numbers, says."""
    plain = [word for word in words if not word.isdecimal()]
    ends = {*plain[:1], *plain[-1:]}
    if ends & MASK_WORDS:
        return MASK
    return IMAGE if ends & IMAGE_WORDS else ""


def _without_roles(words: Iterable[str]) -> Words:
    return tuple(word for word in words if word not in MASK_WORDS and word not in IMAGE_WORDS)


def _shape(folder: str) -> str:
    """Return a folder's path without what tells one patient from another."""
    return re.sub(r"\d+", "#", _HASH.sub("#", folder.casefold()))


def within(part: Sequence[str], whole: Sequence[str]) -> tuple[str, ...] | None:
    """Return what is left of words around others that follow each other in them; None if not."""
    length = len(part)
    for start in range(len(whole) - length + 1):
        if length and tuple(whole[start : start + length]) == tuple(part):
            return (*whole[:start], *whole[start + length :])
    return None
