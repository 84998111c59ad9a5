"""Pairing images with masks by evidence, whatever people call their files.

First what is an image and what is a mask: by the words of folders and names, and where they don't
say it, by what the files hold. Then which mask is of which image: by what the paths share. Of
several ways the one that leaves the fewest images without a mask is proposed, with its reasons.
"""

from __future__ import annotations

import fnmatch
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from asma_core.data.formats.images import SUFFIXES
from asma_core.data.formats.tree import MASK_SUFFIXES, stem, suffix
from asma_core.data.layouts.contents import are_outlines, share_of_masks, share_of_soft
from asma_core.data.layouts.entries import Found, Group, entries_of
from asma_core.data.layouts.matching import match_masks, shifted_numbers
from asma_core.data.layouts.names import IMAGE, MASK, Name, composed, name_of, shared_folders
from asma_core.data.layouts.series_folders import holds_volumes, with_series
from asma_core.data.layouts.several_masks import LOSSY, Pair, what_several_are, without_others
from asma_core.data.layouts.sharing import share_masks

PAIRED: Final = "paired"
PAIRED_TITLE: Final = "images and masks, paired by their names and contents"
OUTLINE: Final = ".txt"
FEW_VALUES: Final = (
    "The images hold few values, as masks do. They are taken for images as their names say so."
)
EXCHANGED: Final = (
    "what is called a mask holds images, and the other way round, so they are exchanged"
)
# More kinds of names than this in a folder are names that differ, not kinds.
MOST_KINDS: Final = 12


@dataclass(frozen=True)
class _Roles:
    """Which files are images and which are masks, why, and what may be wrong with that."""

    images: list[Name]
    masks: list[Name]
    reason: str = ""
    doubt: str = ""


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
    pictures = [path for path in files if suffix(path) in MASK_SUFFIXES]
    shared = shared_folders(pictures)
    names = [name_of(path, shared) for path in pictures]
    texts = [name.path for name in names if name.ending == OUTLINE]
    if texts and not are_outlines(folder, texts):
        names = [name for name in names if name.ending != OUTLINE]
    files_alone = _best(folder, names, images, masks)
    series = with_series(names)
    if series is None:
        return files_alone
    volumes = _best(folder, series, images, masks)
    if volumes is None or not holds_volumes(volumes, series):
        return files_alone
    if files_alone is not None and _worth(files_alone) > _worth(volumes):
        return files_alone
    return volumes


def _best(folder: Path, names: Sequence[Name], images: str, masks: str) -> Found | None:
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
    chosen = [name for name in names if masks and _fits(name, masks)]
    taken = {name.path for name in chosen}
    rest = [name for name in names if name.path not in taken]
    if images:
        rest = [name for name in rest if _fits(name, images)]
    else:
        rest = [n for n in rest if MASK not in (n.folder_role, n.stem_role)] or rest
    pictures = _pictures(rest)
    if not masks:
        taken = {name.path for name in pictures}
        left = [name for name in names if name.path not in taken]
        chosen = [n for n in left if MASK in (n.folder_role, n.stem_role)] or left
    return _Roles(pictures, chosen, "images and masks told apart by your patterns")


def _fits(name: Name, pattern: str) -> bool:
    """Tell whether a path, or its end, fits a pattern; that of a series, or of its first slice."""
    pattern = composed(pattern)
    paths = [composed(path) for path in (name.path, name.inside) if path]
    return any(
        fnmatch.fnmatchcase(path, one) for path in paths for one in (pattern, f"*/{pattern}")
    )


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
    if images < 1.0:
        return told
    if masks > 0.0 or share_of_soft(folder, [name.path for name in told.masks]) > 0.5:
        return replace(told, doubt=FEW_VALUES)
    return _Roles(_pictures(told.masks), told.images, EXCHANGED, f"W{EXCHANGED[1:]}. Is it so?")


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
    pairs = match_masks(images, roles.masks)
    shared, of_each = share_masks(images, roles.masks, pairs)
    pairs = shared or pairs
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
        doubts=tuple(filter(None, [roles.doubt, of_each, shifted_numbers(images, roles.masks)])),
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
