"""Defences that learn from a data set's images before they stand before a network."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, Final

from asma_core.data.datasets import Dataset
from asma_core.defences.contract import Defence
from asma_core.defences.registry import find_defence, settings_of
from asma_core.naming import plain_name

# It learns from as many images, taken evenly.
MOST_IMAGES: Final = 64
# Of the name of a data set, within the name of what learnt from it.
LONGEST: Final = 40


def learns(defence: Defence) -> bool:
    """Tell whether a defence has yet to learn from images.

    Raises:
        UnknownNameError, InputError: As for `settings_of`.
    """
    entry, settings = find_defence(defence.name), settings_of(defence)
    return entry.learning is not None and not entry.learning.is_kept(settings)


def named(defence: Defence, dataset: Dataset) -> Defence:
    """Return a defence as it is once it has learnt from a data set.

    Others, and those that name what they have learnt, are given back. What one learns is kept
    under a name that is another when images or settings are.

    Raises:
        UnknownNameError, InputError: As for `settings_of`.
    """
    settings = settings_of(defence).as_dict()
    if find_defence(defence.name).learning is None or settings["learnt"]:
        return defence
    known = repr((defence.name, settings, dataset.fingerprint()))
    digest = hashlib.sha256(known.encode("utf-8", "backslashreplace")).hexdigest()[:8]
    return Defence(
        defence.name, settings | {"learnt": f"{plain_name(dataset.title)[:LONGEST]}-{digest}"}
    )


def learnt(
    defence: Defence, dataset: Dataset, on_step: Callable[[int], Any] = lambda _: None
) -> Defence:
    """Return a defence that has learnt from a data set; what has been learnt once is not again.

    It learns from the images of the split "train", of a set without one from all.

    Args:
        defence: Any; one that learns nothing is given back.
        dataset: To learn from.
        on_step: Gets the steps done.

    Raises:
        UnknownNameError, InputError: As for `settings_of`; or an image can't be read.
        StoreError: The data folder can't be written.
    """
    done = named(defence, dataset)
    learning = find_defence(done.name).learning
    if learning is not None and learns(done):
        samples = dataset.split("train")
        chosen = samples[:: -(-len(samples) // MOST_IMAGES)]
        learning.learn([dataset.image(one) for one in chosen], settings_of(done), on_step)
    return done
