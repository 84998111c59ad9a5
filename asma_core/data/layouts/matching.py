"""Which mask is of which image, by what their paths share, the surest thing first."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Final

from asma_core.data.layouts.names import Name, within
from asma_core.data.layouts.several_masks import Pair

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


def match_masks(images: Sequence[Name], masks: Sequence[Name]) -> list[Pair]:
    """Return an image for each mask that has just one by the surest thing that they share.

    Args:
        images: The images.
        masks: The masks; those without an image are left out.
    """
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
    left = [image for image in images if image.path not in taken]
    for number in (_numbers, _counters):
        of_image, of_mask = number(left), number(masks)
        index = _index(left, lambda name, of=of_image: of[name.path] or None)  # type: ignore[misc]
        counts = Counter((mask.split, mask.folders, of_mask[mask.path]) for mask in masks)
        found = [
            Pair(image.path, mask, (), "the number in the name")
            for mask in masks
            if counts[mask.split, mask.folders, of_mask[mask.path]] == 1
            and (image := _nearest(index.get(of_mask[mask.path], []), mask)) is not None
        ]
        # A number that stands for something else would pair a few files by chance.
        if 2 * len(found) >= len(masks) and len({p.image for p in found}) == len(found):
            return found
    return []


def shifted_numbers(images: Sequence[Name], masks: Sequence[Name]) -> str:
    """Return what is to be asked where images and masks are numbered from another start; or ""."""
    ours, theirs = (sorted(_counters(names).values()) for names in (images, masks))
    single = all(len(numbers) == 1 for numbers in (*ours, *theirs))
    if not single or len(ours) != len(theirs) or len(set(ours)) < max(len(ours), 3):
        return ""
    shifts = {one[0] - other[0] for one, other in zip(ours, theirs, strict=True)}
    if len(shifts) != 1 or shifts == {0}:
        return ""
    return (
        f"Images are numbered from {ours[0][0]} and masks from {theirs[0][0]}, as many of the one "
        "as of the other: is each mask that of the image with its number, or of the next? Look "
        "whether the outlines fit; if not, number both from one start."
    )


def _numbers(names: Sequence[Name]) -> Mapping[str, tuple[int, ...]]:
    """Return all numbers of each name, by its path."""
    return {name.path: name.numbers for name in names}


def _counters(names: Sequence[Name]) -> Mapping[str, tuple[int, ...]]:
    """Return the numbers that differ from name to name in a folder, each once, by the path."""
    groups: dict[Hashable, list[Name]] = defaultdict(list)
    for name in names:
        groups[name.path.rpartition("/")[0], len(name.numbers)].append(name)
    found = {}
    for own in groups.values():
        columns = list(zip(*(name.numbers for name in own), strict=True))
        differ = [place for place, column in enumerate(columns) if len(set(column)) > 1]
        for name in own:
            found[name.path] = tuple(dict.fromkeys(name.numbers[place] for place in differ))
    return found


def _by_place(images: Sequence[Name], masks: Sequence[Name], pairs: Sequence[Pair]) -> list[Pair]:
    """Pair masks with the only image in or below their folder, however they are called."""
    if pairs:
        return []
    if len(images) == len(masks) == 1 and images[0].path != masks[0].path:
        return [Pair(images[0].path, masks[0], masks[0].own, "there being no other")]
    index: dict[tuple[str, tuple[str, ...]], list[Name]] = defaultdict(list)
    for image in images:
        for depth in range(1, len(image.folders) + 1):
            index[image.split, image.folders[:depth]].append(image)
    found = []
    for mask in masks:
        # Its own folder, else one above: a mask may lie deeper than its image, or the other way.
        above = [mask.folders[:depth] for depth in range(len(mask.folders), 0, -1)]
        own = next((near for one in above if (near := index.get((mask.split, one)))), [])
        own = [image for image in own if image.path != mask.path]
        if len(own) == 1:
            found.append(Pair(own[0].path, mask, mask.own, "the folder"))
    return found
