"""One image of a data set, as a data set gives it to whoever writes Python."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from asma_core.data.formats.images import FloatImage
from asma_core.data.masks.label_maps import Mask
from asma_core.data.samples import Sample

if TYPE_CHECKING:
    from asma_core.data.datasets import Dataset


@dataclass(frozen=True, repr=False)
class Item:
    """One image of a data set with its mask; both are read when they are asked for.

    Attributes:
        dataset: The data set.
        sample: Where its files lie.
    """

    dataset: Dataset = field(hash=False)
    sample: Sample

    @property
    def name(self) -> str:
        """Its name in the data set."""
        return self.sample.name

    @property
    def image(self) -> FloatImage:
        """The image, float32 (C, H, W) in [0, 1].

        Raises:
            InputError: It can't be read.
        """
        return self.dataset.image(self.sample)

    @property
    def mask(self) -> Mask:
        """The mask: `labels`, int64 (H, W) in 0..K-1, and `valid`, bool (H, W), False where void.

        Raises:
            InputError: It can't be read, holds a class that the data set has not, or there is none.
        """
        return self.dataset.mask(self.sample)

    def __repr__(self) -> str:
        return f"Item({self.dataset.name!r}, {self.name!r})"
