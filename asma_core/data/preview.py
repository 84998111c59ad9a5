"""Looking at a folder before it is taken in as a data set: what it is read as, and choices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from asma_core.data.class_areas import (
    OnProgress,
    should_decode,
)
from asma_core.data.dataset_cards import DatasetCard
from asma_core.data.datasets import Dataset, class_names, from_card
from asma_core.data.finding import (
    CHOICES,
    INVERTED,
    OBJECTS,
    PAIRING,
    PALETTES,
    PLACES,
    SIZES,
    TURNED,
    Finding,
    Seen,
)
from asma_core.data.findings import palettes_finding
from asma_core.data.formats.headers import read_header
from asma_core.data.formats.images import picture_size
from asma_core.data.formats.slices import Slice
from asma_core.data.formats.windows import Window
from asma_core.data.inspection import Inspection, inspect
from asma_core.data.intensities import settled_window
from asma_core.data.layouts.detection import recognise
from asma_core.data.layouts.entries import Found
from asma_core.data.layouts.known import KNOWN
from asma_core.data.layouts.several_masks import STRUCTURE
from asma_core.data.masks.encodings import SHARE, VALUES, Encoding, exchanged
from asma_core.data.samples import Sample
from asma_core.data.value_counts import (
    Survey,
    hold_objects,
    larger_first,
    may_hold_objects,
    settled_encoding,
    survey,
)
from asma_core.data.volumes import frame_counts, with_slices
from asma_core.errors import AsmaError, InputError

SURVEYED: Final = 24
FIRST_LOOK: Final = 12
# Whatever is not 0 is the structure.
WHOLE: Final = Encoding(kind=SHARE, values=(), full=1.0, threshold=0.0)


@dataclass(frozen=True)
class Preview:
    """What a folder looks like before it is taken in.

    Attributes:
        root: The folder.
        layouts: Every layout that fits, the likeliest first.
        found: What the chosen layout makes of it.
        card: The card as it would be written, with guesses.
        dataset: What that card would open.
        survey: Values found in some of the masks.
    """

    root: Path
    layouts: tuple[Found, ...]
    found: Found
    card: DatasetCard
    dataset: Dataset
    survey: Survey

    def chosen(self, kind: str, key: str) -> Preview:
        """Return it with what was chosen for a finding; see `findings.Finding`.

        Args:
            kind: Of the finding.
            key: Of the choice.

        Raises:
            InputError: Nothing is to be chosen under these names.
        """
        if key not in CHOICES.get(kind, ()):
            raise InputError(
                f"{kind}={key} can't be chosen; it is one of "
                + ", ".join(f"{one}={word}" for one, words in CHOICES.items() for word in words)
            )
        if kind == TURNED:
            return self._with(replace(self.card, upright=key == "upright"))
        if kind == PLACES:
            return self._with(replace(self.card, places=key))
        if kind == SIZES:
            return self._with(replace(self.card, resize=key == "resize"))
        if kind == PALETTES:
            return self._anew(by_colour=key == "colours")
        if kind == OBJECTS:
            return self._with(replace(self.card, **_of_objects(key == "structure", self)))
        if kind == INVERTED and key == "exchange":
            return self._with(replace(self.card, encoding=exchanged(self.card.encoding)))
        return self

    def _anew(self, by_colour: bool) -> Preview:
        """Return it with its values found again."""
        if by_colour == self.card.by_colour:
            return self
        card = replace(self.card, by_colour=by_colour, encoding=None)
        return _settled(replace(self, card=card))

    def _with(self, card: DatasetCard) -> Preview:
        if card == self.card:
            return self
        return replace(self, card=card, dataset=from_card("preview", self.root, card, self.found))

    def corrected(
        self,
        classes: Sequence[str] | None = None,
        encoding: Encoding | None = None,
        frame: int | None = None,
        axis: int | None = None,
        window: Window | None = None,
        every: bool | None = None,
        layers: Mapping[str, int] | None = None,
        volume: int | None = None,
    ) -> Preview:
        """Return it with what the user says better; None leaves the guess.

        Raises:
            InputError: Names that are none, or too few of them.
        """
        encoding = encoding or self.card.encoding
        names = tuple(self.card.classes if classes is None else (name.strip() for name in classes))
        if not self.dataset.masked:
            if classes is not None:
                raise InputError("images without masks have no classes; leave them out")
        elif len(names) < 2 or not all(names) or len(set(names)) < len(names):
            raise InputError("name a background and at least one class, each by a name of its own")
        card = replace(
            self.card,
            encoding=encoding,
            classes=names,
            frame=self.card.frame if frame is None else frame,
            axis=self.card.axis if axis is None else axis,
            window=window or self.card.window,
            layers=self.card.layers if layers is None else layers,
            volume=self.card.volume if volume is None else volume,
        )
        if every is False:
            card = replace(card, frame_counts={})
        elif every and not (card.frame_counts and card.axis == self.card.axis):
            # Counting reads every file, so it is not repeated for the same axis.
            card = replace(card, frame_counts=frame_counts(self.root, self.found, card.axis))
        return self._with(card)


def preview(root: Path, layout: str = "", images: str = "", masks: str = "") -> Preview:
    """Look at a folder: its layout, its classes, what its masks hold.

    Args:
        root: The folder.
        layout: Name of a layout; the likeliest that fits by default.
        images: A pattern (`*`, `?`) of what is an image, where the guess is wrong.
        masks: The same of what is a mask.

    Raises:
        UnknownNameError: No layout has that name.
        InputError: Nothing in it that is a data set, or a file that can't be read.
    """
    if not root.is_dir():
        raise InputError(f"{root} is not a folder; check the path")
    fitting = tuple(recognise(root, layout, images, masks))
    found = fitting[0]
    card = DatasetCard(
        layout=found.layout,
        title=_title(root, found),
        images=images,
        masks=masks,
    )
    card = with_slices(card, root, found)
    dataset = from_card("preview", root, replace(card, encoding=Encoding()), found)
    card = replace(card, window=settled_window(dataset.samples))
    looked_at = Preview(root, fitting, found, card, dataset, Survey({}, False, {}, 0))
    if not dataset.masked:
        return replace(looked_at, card=card, dataset=from_card("preview", root, card, found))
    if dataset.samples and _fits_as_stored(dataset.samples[0]):
        looked_at = looked_at.chosen(TURNED, "stored")
    settled = _settled(looked_at)
    # Their heads are enough: no image is decoded for it.
    heads = [Seen(one, mask=read_header(one.mask)) for one in _some(settled) if one.mask]
    if palettes_finding(settled.dataset, heads) is not None:
        settled = settled.chosen(PALETTES, "colours")
    return settled


def _fits_as_stored(sample: Sample) -> bool:
    """Tell whether a mask has the size of its image only where no EXIF tag turns this."""
    if sample.mask is None:
        return False
    if not read_header(sample.image).turned or read_header(sample.mask).turned:
        return False
    try:
        mask = picture_size(sample.mask)
        upright, stored = (
            picture_size(sample.image, where=Slice(upright=u)) for u in (True, False)
        )
    except AsmaError:
        return False
    return mask == stored != upright


def _settled(looked_at: Preview) -> Preview:
    """Return a preview with the values of its masks, and what they are likely to mean."""
    root, found, card = looked_at.root, looked_at.found, looked_at.card
    provisional = from_card("preview", root, replace(card, encoding=Encoding()), found)
    seen = survey(provisional.samples, SURVEYED)
    encoding = settled_encoding(found, seen)
    names = found.classes or class_names(max(encoding.classes, 2))
    if len(found.classes) != encoding.classes and encoding.kind == VALUES:
        names = class_names(max(encoding.classes, 2), found.classes)
    if found.classes and provisional.samples[0].layers[0][0]:
        layers = larger_first(found, seen)
        names = (found.classes[0], *layers)
        card = replace(card, layers=layers)
    card = replace(card, encoding=encoding, classes=names)
    dataset = from_card("preview", root, card, found)
    settled = replace(looked_at, card=card, dataset=dataset, survey=seen)
    if not found.classes and hold_objects(seen):
        return settled.chosen(OBJECTS, "structure")
    return settled


def _of_objects(together: bool, looked_at: Preview) -> dict[str, Any]:
    """Return the fields of a card that takes numbered objects as one structure, or as classes."""
    if together:
        return {"encoding": WHOLE, "classes": STRUCTURE}
    encoding = settled_encoding(looked_at.found, looked_at.survey)
    return {"encoding": encoding, "classes": class_names(max(encoding.classes, 2))}


def first_look(looked_at: Preview) -> Inspection:
    """Look at some images of a data set before it is kept, evenly taken; see `take_in` for all."""
    return look(looked_at, _some(looked_at))


def _some(looked_at: Preview) -> Sequence[Sample]:
    samples = looked_at.dataset.samples
    step = max(1, len(samples) // FIRST_LOOK)
    return samples[::step][:FIRST_LOOK]


def look(
    looked_at: Preview,
    samples: Sequence[Sample] | None = None,
    on_progress: OnProgress | None = None,
) -> Inspection:
    """Look at every file of a data set, or at some samples.

    Args:
        looked_at: What may be kept.
        samples: All unless given.
        on_progress: Called with samples done and all of them.
    """
    dataset = looked_at.dataset
    chosen = dataset.samples if samples is None else tuple(samples)
    decode = samples is not None or should_decode(dataset)
    inspected = inspect(dataset, chosen, decode, on_progress)
    objects = _objects_finding(looked_at)
    names = tuple(sample.name for sample in dataset.samples[:8])
    found = [Finding(PAIRING, doubt, names) for doubt in looked_at.found.doubts]
    found += [objects] if objects is not None else []
    return replace(inspected, findings=[*found, *inspected.findings])


def _objects_finding(looked_at: Preview) -> Finding | None:
    seen = looked_at.survey
    if looked_at.found.classes or not may_hold_objects(seen):
        return None
    together = looked_at.card.encoding == WHOLE
    now = "taken together as one structure" if together else "taken as classes"
    choices = (("structure", "One structure"), ("classes", "A class for each number"))
    return Finding(
        OBJECTS,
        f"The masks number up to {seen.most:,} things, {now}: single objects or classes?",
        (),
        choices if together else choices[::-1],
    )


def _title(root: Path, found: Found) -> str:
    known = {layout.name for layout in KNOWN}
    return found.title if found.layout in known else root.name
