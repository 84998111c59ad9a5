"""Pairing images with masks by evidence, whatever people call their files.

First what is an image and what is a mask: by the words of folders and names, and where they don't
say it, by what the files hold. Then which mask is of which image: by what the paths share. Of
several ways the one that leaves the fewest images without a mask is proposed, with its reasons.
"""

from __future__ import annotations

import fnmatch
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from asma_core.data.formats.images import SUFFIXES
from asma_core.data.formats.tree import MASK_SUFFIXES, stem, suffix
from asma_core.data.layouts.contents import are_outlines, share_of_masks
from asma_core.data.layouts.entries import Found, Group, entries_of
from asma_core.data.layouts.names import IMAGE, MASK, Name, composed, name_of, within
from asma_core.data.layouts.several_masks import LOSSY, Pair, what_several_are, without_others

PAIRED: Final = "paired"
PAIRED_TITLE: Final = "images and masks, paired by their names and contents"
OUTLINE: Final = ".txt"
# More kinds of names than this in a folder are names that differ, not kinds.
MOST_KINDS: Final = 12


@dataclass(frozen=True)
class _Roles:
    """Which files are images and which are masks, and why."""

    images: list[Name]
    masks: list[Name]
    reason: str = ""


def find_pairs(
    folder: Path, files: Sequence[str], images: str = "", masks: str = ""
) -> Found | None:
    """Return the pairs that there is the most evidence for; None without any.

    Args:
        folder: The data set's folder.
        files: Relative paths below it.
        images: A pattern (`*` and `?`) of the images' paths; by evidence where it is empty.
        masks: The same of the masks.
    """
    names = [name_of(path) for path in files if suffix(path) in MASK_SUFFIXES]
    texts = [name.path for name in names if name.ending == OUTLINE]
    if texts and not are_outlines(folder, texts):
        names = [name for name in names if name.ending != OUTLINE]
    best: Found | None = None
    for roles in _ways(folder, names, images, masks):
        found = _paired(folder, roles, names)
        if best is None or _worth(found) > _worth(best):
            best = found
        if best.entries and not best.left_out:
            break
    return best


def _worth(found: Found) -> tuple[float, int, int]:
    count, left = len(found.entries), len(found.left_out)
    # Of two that pair nothing the one that knows of images says more.
    return count / max(count + left, 1), count, 0 if count else left


def _ways(folder: Path, names: Sequence[Name], images: str, masks: str) -> Iterator[_Roles]:
    """Yield ways to tell images from masks, the likeliest first."""
    if images or masks:
        yield _by_pattern(names, images, masks)
        return
    for told in (_by_folders(names), _by_stems(names)):
        if told.images and told.masks:
            yield _held_against_contents(folder, told)
    yield from _by_contents(folder, names)
    # Nothing is a mask: what is left without one is told.
    alone = _pictures(name for name in names if MASK not in (name.folder_role, name.stem_role))
    if alone:
        yield _Roles(alone, [])


def _by_pattern(names: Sequence[Name], images: str, masks: str) -> _Roles:
    """Take as images or masks what fits; the other is the rest, as far as its words allow it."""
    chosen = [name for name in names if masks and _fits(name.path, masks)]
    taken = {name.path for name in chosen}
    rest = [name for name in names if name.path not in taken]
    if images:
        rest = [name for name in rest if _fits(name.path, images)]
    else:
        rest = [n for n in rest if MASK not in (n.folder_role, n.stem_role)] or rest
    pictures = _pictures(rest)
    if not masks:
        taken = {name.path for name in pictures}
        left = [name for name in names if name.path not in taken]
        chosen = [n for n in left if MASK in (n.folder_role, n.stem_role)] or left
    return _Roles(pictures, chosen, "images and masks told apart by your patterns")


def _fits(path: str, pattern: str) -> bool:
    """Tell whether a path fits a pattern, of whole paths or of their ends."""
    path, pattern = composed(path), composed(pattern)
    return fnmatch.fnmatchcase(path, pattern) or fnmatch.fnmatchcase(path, f"*/{pattern}")


def _pictures(names: Iterable[Name]) -> list[Name]:
    return [name for name in names if name.ending in SUFFIXES]


def _by_folders(names: Sequence[Name]) -> _Roles:
    """Masks lie in folders of masks; images in folders of images, else in those that say nothing.

    A mask beside its image, in a folder of images, is one too.
    """
    masks = [name for name in names if name.folder_role == MASK]
    inside = _pictures(name for name in names if name.folder_role == IMAGE)
    inside = [name for name in inside if name.stem_role != MASK] or inside
    plain = [name for name in names if not name.folder_role and name.stem_role != MASK]
    return _Roles(inside or _pictures(plain), masks)


def _by_stems(names: Sequence[Name]) -> _Roles:
    """Masks are called so; whatever else is not in a folder of masks is an image."""
    masks = [name for name in names if name.stem_role == MASK]
    plain = [n for n in names if n.stem_role != MASK and n.folder_role != MASK]
    named = [name for name in plain if name.stem_role == IMAGE]
    return _Roles(_pictures(named or plain), masks)


def _held_against_contents(folder: Path, told: _Roles) -> _Roles:
    """Change images and masks where what they hold says that the words have it the wrong way."""
    images = share_of_masks(folder, [name.path for name in told.images])
    masks = share_of_masks(folder, [name.path for name in told.masks])
    if images == 1.0 and masks == 0.0:
        return _Roles(
            _pictures(told.masks),
            told.images,
            "what is called a mask holds images, and the other way round, so they are exchanged",
        )
    return told


def _by_contents(folder: Path, names: Sequence[Name]) -> Iterator[_Roles]:
    """Tell kinds of files apart, by folder, ending and shape of the name, and look into each."""
    kinds = _kinds(names)
    if len(kinds) < 2:
        return
    shares = {
        kind: share_of_masks(folder, [name.path for name in own]) for kind, own in kinds.items()
    }
    masks = [name for kind, own in kinds.items() if shares[kind] > 0.5 for name in own]
    images = [name for kind, own in kinds.items() if shares[kind] <= 0.5 for name in own]
    yield _Roles(_pictures(images), masks, "images told from masks by what they hold")


def _kinds(names: Sequence[Name]) -> Mapping[str, list[Name]]:
    by_shape: dict[str, list[Name]] = defaultdict(list)
    for name in names:
        by_shape[name.place].append(name)
    if len(by_shape) <= MOST_KINDS:
        return by_shape
    # Names without a shape in common: the folder, the first and last word and the ending are all.
    for shape in (_ends_of, _folder_of):
        kinds: dict[str, list[Name]] = defaultdict(list)
        for name in names:
            kinds[shape(name)].append(name)
        if len(kinds) <= MOST_KINDS:
            break
    return kinds


def _ends_of(name: Name) -> str:
    folder, _, ending = name.place.split("|")
    last = name.own[-1] if name.own and not name.own[-1].isdecimal() else ""
    return f"{folder}|{last}|{ending}"


def _folder_of(name: Name) -> str:
    folder, _, ending = name.place.split("|")
    return f"{folder}|{ending}"


def _paired(folder: Path, roles: _Roles, names: Sequence[Name]) -> Found:
    """Return the pairs of images and masks."""
    images, copies = _without_copies(roles.images)
    pairs = _matched(images, roles.masks)
    unused = _unused(roles, pairs, names)
    pairs, notes = without_others(pairs)
    meant = what_several_are(folder, pairs)
    groups = {name.path: Group(image=name.path, split=name.split) for name in images}
    for path, masks in meant.masks.items():
        groups[path].masks = masks
    entries, left_out = entries_of(groups.values(), 1)
    reasons = [
        *filter(None, [roles.reason]),
        *_how(pairs),
        *copies,
        *notes,
        *unused,
        *meant.reasons,
    ]
    return Found(
        PAIRED,
        PAIRED_TITLE,
        entries,
        left_out,
        meant.classes,
        meant.encoding,
        reasons=tuple(reasons),
    )


def _unused(roles: _Roles, pairs: Sequence[Pair], names: Sequence[Name]) -> list[str]:
    """Say which files are part of no pair and are not told elsewhere."""
    paired = {pair.mask.path for pair in pairs}
    lonely = [mask.path for mask in roles.masks if mask.path not in paired]
    taken = {name.path for name in (*roles.images, *roles.masks)}
    other = [name.path for name in _pictures(names) if name.path not in taken]
    notes = [(lonely, "masks without an image"), (other, "pictures that are neither")]
    return [f"{what}, left out: {len(left):,}, such as {left[0]}" for left, what in notes if left]


def _how(pairs: Sequence[Pair]) -> list[str]:
    """Say how masks found their images, the commonest way first."""
    counts = Counter(pair.reason for pair in pairs)
    if len(counts) == 1:
        return [f"paired by {next(iter(counts))}"]
    return [
        f"{count:,} mask{'' if count == 1 else 's'} paired by {reason}"
        for reason, count in counts.most_common()
    ]


def _without_copies(images: Sequence[Name]) -> tuple[list[Name], list[str]]:
    """Keep one of images that differ in their endings alone."""
    kept: dict[Hashable, Name] = {}
    copies: Counter[tuple[str, str]] = Counter()
    for name in sorted(images, key=lambda one: (one.ending in LOSSY, one.path)):
        key = (name.path.rpartition("/")[0], stem(name.path))
        if key in kept:
            copies[name.ending, kept[key].ending] += 1
        else:
            kept[key] = name
    notes = [
        f"{ending} copies of {other} images, left out: {count:,}"
        for (ending, other), count in copies.items()
    ]
    return sorted(kept.values(), key=lambda one: one.path), notes


_Keys = Callable[[Name], Hashable]
# What an image and its mask have in common, the surest first.
_SHARED: Final[tuple[tuple[str, _Keys, _Keys], ...]] = (
    (
        "equal names in equal folders",
        lambda n: (n.split, n.folders, n.own) if n.own else None,
        lambda n: (n.split, n.folders, n.own) if n.own else None,
    ),
    (
        "equal names",
        lambda n: (n.split, n.own) if n.own else None,
        lambda n: (n.split, n.own) if n.own else None,
    ),
    ("equal names", lambda n: n.own or None, lambda n: n.own or None),
    (
        "the folder",
        lambda n: (n.split, n.folders) if n.folders and not n.own else None,
        lambda n: (n.split, n.folders) if n.folders and not n.own else None,
    ),
    (
        "the folder's name",
        lambda n: (*n.folders, *n.own) or None,
        lambda n: (*n.folders, *n.own) or None,
    ),
)


def _matched(images: Sequence[Name], masks: Sequence[Name]) -> list[Pair]:
    """Return an image for each mask that has just one by the surest thing that they share."""
    indices = [(reason, _index(images, keys), other) for reason, keys, other in _SHARED]
    parts: _Parts | None = None
    pairs, rest = [], []
    for mask in masks:
        pair = next(
            (
                Pair(found.path, mask, (), reason)
                for reason, index, key in indices
                if (found := _nearest(index.get(key(mask), []), mask)) is not None
            ),
            None,
        )
        if pair is None:
            parts = parts or _Parts(images)
            pair = parts.of(mask)
        if pair is None:
            rest.append(mask)
        else:
            pairs.append(pair)
    return pairs + _by_numbers(images, rest, pairs) + _by_place(images, rest, pairs)


def _index(images: Sequence[Name], key: _Keys) -> Mapping[Hashable, list[Name]]:
    index: dict[Hashable, list[Name]] = defaultdict(list)
    for image in images:
        own = key(image)
        if own is not None:
            index[own].append(image)
    return index


class _Parts:
    """Images by their names' words, to be found in a mask's name, or it in theirs."""

    def __init__(self, images: Sequence[Name]) -> None:
        self._by_own: dict[tuple[str, ...], list[Name]] = defaultdict(list)
        self._containing: dict[tuple[str, ...], list[Name]] = defaultdict(list)
        around = _in_common([image.own for image in images])
        for image in images:
            self._by_own[image.own].append(image)
            differing = image.own[around[0] : len(image.own) - around[1]]
            if differing != image.own:
                self._by_own[differing].append(image)
            for part in _parts(image.own):
                self._containing[part].append(image)

    def of(self, mask: Name) -> Pair | None:
        """Return the image whose name is in a mask's, the longest; or that has the mask's in it."""
        for part in sorted([mask.own, *_parts(mask.own)], key=len, reverse=True):
            found = _nearest(self._by_own.get(part, []), mask)
            if found is not None:
                left = within(part, mask.own) or ()
                return Pair(found.path, mask, left, "the image's name in the mask's")
        found = _nearest(self._containing.get(mask.own, []), mask)
        if found is None:
            return None
        return Pair(found.path, mask, (), "the mask's name in the image's")


def _in_common(names: Sequence[tuple[str, ...]]) -> tuple[int, int]:
    """Return how many words all names begin with, and end with."""
    if len(names) < 2:
        return 0, 0
    shortest = min(map(len, names))
    first, last = min(names), max(names)
    head = next((n for n in range(shortest) if first[n] != last[n]), shortest)
    turned = sorted(name[::-1] for name in names)
    pairs = range(shortest - head)
    tail = next((n for n in pairs if turned[0][n] != turned[-1][n]), shortest - head)
    return head, tail


def _parts(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the shorter runs of words that tell something: the first, with a number, or long."""
    for start in range(len(words)):
        for end in range(start + 1, len(words) + 1):
            part = words[start:end]
            telling = start == 0 or any(word.isdecimal() or len(word) > 3 for word in part)
            if len(part) < len(words) and telling:
                yield part


def _nearest(images: Sequence[Name], mask: Name) -> Name | None:
    """Return the one image among several that shares a mask's split and folder."""
    images = [image for image in images if image.path != mask.path]
    if len(images) > 1:
        images = [i for i in images if i.split == mask.split] or images
    if len(images) > 1:
        shared = [_shared_folders(image, mask) for image in images]
        images = [i for i, count in zip(images, shared, strict=True) if count == max(shared)]
    return images[0] if len(images) == 1 else None


def _shared_folders(image: Name, mask: Name) -> int:
    """Return how many words the folders of both begin with."""
    pairs = zip(image.folders, mask.folders, strict=False)
    differing = (n for n, (one, other) in enumerate(pairs) if one != other)
    return next(differing, min(len(image.folders), len(mask.folders)))


def _by_numbers(images: Sequence[Name], masks: Sequence[Name], pairs: Sequence[Pair]) -> list[Pair]:
    """Pair what is left by the numbers in the names, where they are each one's own."""
    taken = {pair.image for pair in pairs}
    index = _index([i for i in images if i.path not in taken], lambda n: n.numbers or None)
    counts = Counter((mask.split, mask.numbers) for mask in masks)
    found = [
        Pair(index[mask.numbers][0].path, mask, (), "the number in the name")
        for mask in masks
        if counts[mask.split, mask.numbers] == 1 and len(index.get(mask.numbers, [])) == 1
    ]
    # A number that stands for something else would pair a few files by chance.
    return found if 2 * len(found) >= len(masks) else []


def _by_place(images: Sequence[Name], masks: Sequence[Name], pairs: Sequence[Pair]) -> list[Pair]:
    """Pair masks with the only image of their folder, however they are called."""
    if pairs:
        return []
    index = _index(images, lambda n: (n.split, n.folders) if n.folders else None)
    found = []
    for mask in masks:
        own = index.get((mask.split, mask.folders), [])
        if len(own) == 1 and own[0].path != mask.path:
            found.append(Pair(own[0].path, mask, mask.own, "the folder"))
    return found
