"""A network seen in the classes of a data set: which of its classes counts as which of theirs.

What comes of it is a network of its own, with a card that says so (`output.counts_as`) and the
weights of the first: whatever takes a network takes it, and a run's record has all of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from asma_core.data.datasets import Dataset
from asma_core.data.layouts.names import words_of
from asma_core.errors import InputError
from asma_core.models.sources.derived import keep_derived
from asma_core.models.sources.model_card import ModelCard
from asma_core.models.sources.names import check_model_name

_BACKGROUND: Final = ("background", "bg", "void", "other", "rest")
_SAY_NOTHING: Final = ("class", "label", "structure")
Labels = NDArray[np.int64]
# A class that predictions hardly have says nothing by its overlap.
_LEAST_PIXELS: Final = 20


def own_classes(card: ModelCard) -> tuple[str, ...]:
    """Return the names of the classes that a network itself tells apart."""
    count = card.output.own_classes(len(card.classes))
    return card.classes if count == len(card.classes) else tuple(map(str, range(count)))


def by_names(network: Sequence[str], dataset: Sequence[str]) -> tuple[int | None, ...]:
    """Return, for each class of a network, that of a data set with its name; None for none.

    Args:
        network: Names, background first.
        dataset: The same.
    """
    known = [_plain(name) for name in dataset]
    return tuple(_alike(_plain(name), known) for name in network)


def _plain(name: str) -> frozenset[str]:
    words = frozenset(words_of(name))
    if words & {*_BACKGROUND}:
        return frozenset(("background",))
    return frozenset(word for word in words - {*_SAY_NOTHING} if not word.isdecimal())


def _alike(name: frozenset[str], known: Sequence[frozenset[str]]) -> int | None:
    """Return the place of the same words, else of the only one that shares some."""
    if name and name in known:
        return known.index(name)
    sharing = [place for place, other in enumerate(known) if name & other]
    return sharing[0] if len(sharing) == 1 else None


def by_overlap(
    pairs: Iterable[tuple[Labels, Labels]], network: int, dataset: int
) -> tuple[int | None, ...]:
    """Return, for each class of a network, that of a data set which it lies on most, for its size.

    Args:
        pairs: Predictions and masks, int64 (H, W) each.
        network: How many classes the network has.
        dataset: The same of the data set.
    """
    counts = np.zeros((network, dataset), dtype=np.int64)
    for prediction, mask in pairs:
        cells = prediction.ravel() * dataset + mask.ravel()
        counts += np.bincount(cells, minlength=counts.size).reshape(counts.shape)
    # Held against how common a class is: a rare one would never win by its pixels alone.
    areas = counts.sum(axis=0).clip(1)
    shares = counts / counts.sum(axis=1, keepdims=True).clip(1)
    lift = shares / (areas / max(areas.sum(), 1))
    best = lift.argmax(axis=1)
    known = counts.sum(axis=1) >= _LEAST_PIXELS
    return tuple(int(one) if there else None for one, there in zip(best, known, strict=True))


def proposed(
    card: ModelCard, dataset: Dataset, pairs: Iterable[tuple[Labels, Labels]] = ()
) -> tuple[int, ...]:
    """Return, for each class of a network, the class of a data set that it is likely to be.

    By its name, else by what it lies on, else by its number; background for want of all.

    Args:
        card: Of the network.
        dataset: The data set.
        pairs: Some predictions and masks.
    """
    names, count = own_classes(card), len(dataset.classes)
    named = by_names(names, dataset.classes)
    seen = by_overlap(pairs, len(names), count)
    same = len(names) == count and not any(one is not None for one in named[1:])
    found = []
    for place, (name, lies) in enumerate(zip(named, seen, strict=True)):
        numbered = place if same else 0
        found.append(next(one for one in (name, lies, numbered) if one is not None))
    return tuple(found)


def from_words(
    card: ModelCard, dataset: Dataset, words: Mapping[str, str], guess: Sequence[int]
) -> tuple[int, ...]:
    """Return a mapping in which what is said in words replaces the guess.

    Args:
        card: Of the network.
        dataset: The data set.
        words: The network's class and the data set's, by name or number.
        guess: For each class of the network.

    Raises:
        InputError: A class that there is not.
    """
    found = list(guess)
    for own, theirs in words.items():
        place = _place(own, own_classes(card), card.name)
        found[place] = _place(theirs, dataset.classes, dataset.name)
    return tuple(found)


def _place(text: str, names: Sequence[str], of: str) -> int:
    if text in names:
        return list(names).index(text)
    if text.isdecimal() and int(text) < len(names):
        return int(text)
    raise InputError(f"{of} has no class {text!r}; it has {', '.join(names)}")


def missing(counts_as: Sequence[int], dataset: Dataset) -> list[str]:
    """Return the classes of a data set that no class of a network counts as."""
    return [name for place, name in enumerate(dataset.classes) if place not in counts_as]


def seen_as(card: ModelCard, dataset: Dataset, counts_as: Sequence[int], name: str) -> ModelCard:
    """Return the card of a network in the classes of a data set, which nobody keeps yet.

    Raises:
        InputError: It is seen in other classes already, or all would be one class.
    """
    if card.output.counts_as:
        raise InputError(
            f"{card.name} is seen in the classes of {card.dataset or 'another set'} already; take "
            "the network that it was made of"
        )
    if len(counts_as) != len(card.classes) or len(set(counts_as)) < 2:
        raise InputError("at least two classes must be left; change what counts as what")
    told = f"{card.name} in the classes of {dataset.name}: " + ", ".join(
        f"{own} as {dataset.classes[place]}"
        for own, place in zip(card.classes, counts_as, strict=True)
    )
    return replace(
        card,
        name=name,
        title=f"{card.title or card.name} in the classes of {dataset.title}",
        description=f"{told}.",
        classes=dataset.classes,
        output=replace(card.output, counts_as=tuple(counts_as)),
        dataset=dataset.name,
        figures={},
    )


def keep_mapped(
    card: ModelCard, dataset: Dataset, counts_as: Sequence[int], name: str
) -> ModelCard:
    """Keep a network in the classes of a data set as a network of its own; return its card.

    Raises:
        InputError: As for `seen_as`; the name is taken; or Python code makes the network.
        StoreError: The data folder can't be written.
    """
    if card.factory:
        raise InputError(
            f"{card.name} is made by Python code; add output.counts_as = {list(counts_as)} and the "
            "classes to a card beside it yourself"
        )
    return keep_derived(card, seen_as(card, dataset, counts_as, check_model_name(name)))


def as_dict(card: ModelCard, dataset: Dataset, counts_as: Sequence[int]) -> dict[str, Any]:
    """Return a mapping in words, for an answer of the command line."""
    return {
        own: dataset.classes[place] for own, place in zip(own_classes(card), counts_as, strict=True)
    }
