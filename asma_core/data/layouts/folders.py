"""Finding images and masks by the names of folders and files, as people choose them."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from asma_core.data.formats.images import SUFFIXES
from asma_core.data.formats.tree import MASK_SUFFIXES, stem, suffix
from asma_core.data.layouts.entries import SPLITS, Found, Group, MaskFile, entries_of
from asma_core.errors import InputError


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


FOLDERS: Final = "folders"
BESIDE: Final = "beside"
TITLES: Final = {
    FOLDERS: "a folder of images and a folder of masks",
    BESIDE: "each mask beside its image",
}
IMAGE_WORDS: Final = _words(
    "images image img imgs samples data input inputs original originals photos scans pictures cxr "
    "imagestr imagests"
)
MASK_WORDS: Final = _words(
    "masks mask labels label annotations annotation segmentations segmentation seg segs gt gts "
    "groundtruth truth truths targets target manual labelstr labelsts"
)
MASK_ENDINGS: Final = _words(
    "mask masks segmentation seg lesion label labels manual1 manual gt groundtruth annotation truth"
)
_IMAGE_ENDING: Final = re.compile(r"[_-](image|img|orig|original|raw)$", re.IGNORECASE)
Key = tuple[object, ...]


@dataclass(frozen=True)
class _Place:
    """Where a file lies: its role by a folder's name, its split, and what else its path says."""

    role: str
    split: str
    rest: tuple[str, ...]
    extra: tuple[str, ...]


def find_in_folders(files: Sequence[str]) -> Found | None:
    """Return what folders of images and of masks give; None without an image in one."""
    places = {path: _place(path) for path in files if suffix(path) in MASK_SUFFIXES}
    groups: dict[Key, Group] = {}
    for path, place in places.items():
        if place.role == "image" and suffix(path) in SUFFIXES:
            key: Key = (place.split, place.rest + place.extra, _image_stem(path))
            _add_image(groups, key, path, place.split)
    if not groups:
        return None
    by_stem: dict[tuple[str, str], list[Key]] = defaultdict(list)
    for key in groups:
        by_stem[str(key[0]), str(key[2])].append(key)
    # NAME_image beside NAME_mask.
    longer = {_IMAGE_ENDING.sub("", str(key[2])): str(key[2]) for key in groups}
    parts: list[tuple[Group, str, str]] = []
    for path, place in places.items():
        if place.role == "mask":
            parts += _belonging(groups, by_stem, longer, path, place)
    return _with_classes(FOLDERS, groups, parts)


def _add_image(groups: dict[Key, Group], key: Key, path: str, split: str) -> None:
    if key in groups:
        folder, _, name = path.rpartition("/")
        other = groups[key].image.rpartition("/")[2]
        raise InputError(f"{folder or 'the folder'} holds both {other} and {name}; remove one")
    groups[key] = Group(image=path, split=split)


def _image_stem(path: str) -> str:
    """Return an image's stem, without the channel's number that nnU-Net gives it."""
    name = stem(path)
    return name.removesuffix("_0000") if suffix(path) == ".nii.gz" else name


def _place(path: str) -> _Place:
    """Read a file's folders; the last that names images or masks says what it is."""
    folders = path.split("/")[:-1]
    words = [[word for word in re.split(r"[^a-z0-9]+", name.lower()) if word] for name in folders]
    roles = [_role(one) for one in words]
    last = max((place for place, role in enumerate(roles) if role), default=-1)
    splits = [SPLITS[word] for one in words for word in one if word in SPLITS]
    named = [
        (place, name.lower())
        for place, name in enumerate(folders)
        if place != last and not (words[place] and all(word in SPLITS for word in words[place]))
    ]
    return _Place(
        role=roles[last] if last >= 0 else "",
        split=splits[-1] if splits else "",
        rest=tuple(name for place, name in named if place < last),
        extra=tuple(name for place, name in named if place > last),
    )


def _role(words: Sequence[str]) -> str:
    plain = [word for word in words if word not in SPLITS]
    if any(word in MASK_WORDS for word in plain):
        return "mask"
    return "image" if any(word in IMAGE_WORDS for word in plain) else ""


def _belonging(
    groups: Mapping[Key, Group],
    by_stem: Mapping[tuple[str, str], list[Key]],
    longer: Mapping[str, str],
    path: str,
    place: _Place,
) -> list[tuple[Group, str, str]]:
    """Return the group that a mask belongs to, with the class that its path names."""
    name = stem(path)
    for candidate, left in _stems(name, by_stem, place.split, longer):
        keys = by_stem.get((place.split, candidate), [])
        same = [key for key in keys if key[1] == place.rest + place.extra]
        near = same or [key for key in keys if key[1] == place.rest] or keys
        if len(near) == 1:
            folder = "" if same else "/".join(place.extra)
            return [(groups[near[0]], _class_name(left, folder), path)]
    return []


def _stems(
    name: str, known: Mapping[tuple[str, str], object], split: str, longer: Mapping[str, str]
) -> Iterable[tuple[str, str]]:
    """Yield the stems of images that a mask's name could stand for, with what is left of it."""
    if (split, name) in known:
        yield name, ""
        return
    short = without_ending(name)
    if short != name:
        yield short, ""
    for place in range(len(name) - 1, 0, -1):
        if name[place] in "_- ." and (split, name[:place]) in known:
            yield name[:place], name[place + 1 :]
    if short in longer:
        yield longer[short], ""


def without_ending(name: str) -> str:
    """Return a mask's stem without "_mask" and the like."""
    head, mark, word = _last_word(name)
    return head if mark and word.lower() in MASK_ENDINGS else name


def _last_word(name: str) -> tuple[str, str, str]:
    place = max(name.rfind("_"), name.rfind("-"))
    return (name[:place], name[place], name[place + 1 :]) if place > 0 else (name, "", "")


def _class_name(left: str, folder: str) -> str:
    """Return the class that is left of a mask's name, without words that only say "mask"."""
    words = re.split(r"[^A-Za-z0-9]+", f"{folder} {left}")
    kept = [word for word in words if word and word.lower() not in MASK_WORDS | MASK_ENDINGS]
    return " ".join(kept).lower()


def _with_classes(
    name: str,
    groups: Mapping[Key, Group],
    parts: Sequence[tuple[Group, str, str]],
) -> Found:
    """Tell one mask file per image from one per class."""
    named = Counter(label for _, label, _ in parts)
    per_class = len(named) > 1 and "" not in named
    numbers = {label: place for place, label in enumerate(sorted(named), start=1)}
    votes = _are_votes(named)
    for group, label, path in parts:
        if per_class:
            group.masks.append(MaskFile(path, 1 if votes else numbers[label]))
        elif not group.masks or label == "":
            group.masks = [MaskFile(path)]
    classes = ("background", *numbers) if per_class and not votes else ()
    # A class that an image does not have often has no file there.
    entries, left_out = entries_of(groups.values(), 1)
    return Found(name, TITLES[name], entries, left_out, classes)


def _are_votes(named: Mapping[str, int]) -> bool:
    """Tell annotators from classes: names that end with a number, or speak of an expert."""
    pattern = r"(annotator|expert|exp|reader|rater|observer|ho|a|r)?\s*\d+(st|nd|rd|th)?(ho)?"
    return len(named) > 1 and all(re.fullmatch(pattern, label) for label in named)


def find_beside(files: Sequence[str]) -> Found | None:
    """Return what masks with an ending beside their images give; None without an image."""
    groups: dict[Key, Group] = {}
    masks: list[str] = []
    for path in (path for path in files if suffix(path) in SUFFIXES):
        if _is_mask_name(stem(path)):
            masks.append(path)
        else:
            folder = path.rpartition("/")[0]
            _add_image(groups, (folder, stem(path)), path, _place(path).split)
    if not groups:
        return None
    parts: list[tuple[Group, str, str]] = []
    for path in masks:
        folder, name = path.rpartition("/")[0], stem(path)
        found = next((s for s in _beside_stems(name) if (folder, s[0]) in groups), None)
        if found is not None:
            parts.append((groups[folder, found[0]], _class_name(found[1], ""), path))
    return _with_classes(BESIDE, groups, parts)


def _is_mask_name(name: str) -> bool:
    words = [word.lower() for word in re.split(r"[_\- ]", name)[1:]]
    return any(word in MASK_ENDINGS for word in words)


def _beside_stems(name: str) -> Iterable[tuple[str, str]]:
    short = without_ending(name)
    if short != name:
        yield short, ""
    for place in range(len(name) - 1, 0, -1):
        if name[place] in "_- ":
            yield name[:place], name[place + 1 :]
