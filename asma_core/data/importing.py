"""Taking a folder or a zip in as a data set: look at it, say what it means, keep a card."""

from __future__ import annotations

import re
import shutil
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Final

from asma_core import paths
from asma_core.data.class_areas import (
    OnProgress,
    SampleError,
    class_areas_file,
    keep,
    should_decode,
)
from asma_core.data.dataset_cards import CARD, DatasetCard
from asma_core.data.datasets import Dataset, class_names, dataset_names, from_card, open_dataset
from asma_core.data.formats.archives import unpack
from asma_core.data.formats.headers import read_header
from asma_core.data.formats.images import VOLUMES, count_frames, picture_size
from asma_core.data.formats.tree import suffix
from asma_core.data.inspection import (
    CHOICES,
    INVERTED,
    OBJECTS,
    PALETTES,
    SIZES,
    TURNED,
    Finding,
    Inspection,
    inspect,
)
from asma_core.data.layouts.detection import recognise
from asma_core.data.layouts.entries import Found
from asma_core.data.layouts.known import KNOWN
from asma_core.data.layouts.several_masks import STRUCTURE
from asma_core.data.masks.encodings import SHARE, VALUES, Encoding, exchanged
from asma_core.data.samples import Sample
from asma_core.data.synthetic import demo
from asma_core.data.value_counts import (
    Survey,
    hold_objects,
    larger_first,
    may_hold_objects,
    settled_encoding,
    survey,
)
from asma_core.errors import AsmaError, InputError
from asma_core.files import as_store_error, remove_old, write_json
from asma_core.naming import free_among
from asma_core.server_config import settings

SURVEYED: Final = 24
FIRST_LOOK: Final = 12
STACKS: Final = (".tif", ".tiff", ".gif", *VOLUMES)
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}")


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
        """Return it with what was chosen for a finding; see `inspection.Finding`.

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
        window: tuple[float, float] | None = None,
        every: bool | None = None,
        layers: Mapping[str, int] | None = None,
    ) -> Preview:
        """Return it with what the user says better; None leaves the guess.

        Raises:
            InputError: Names that are none, or too few of them.
        """
        encoding = encoding or self.card.encoding
        names = tuple(self.card.classes if classes is None else (name.strip() for name in classes))
        if len(names) < 2 or not all(names) or len(set(names)) < len(names):
            raise InputError("name a background and at least one class, each by a name of its own")
        card = replace(
            self.card,
            encoding=encoding,
            classes=names,
            frame=self.card.frame if frame is None else frame,
            axis=self.card.axis if axis is None else axis,
            window=window or self.card.window,
            layers=self.card.layers if layers is None else layers,
        )
        if every is False:
            card = replace(card, frame_counts={})
        elif every and not (card.frame_counts and card.axis == self.card.axis):
            # Counting reads every file, so it is not repeated for the same axis.
            card = replace(card, frame_counts=_frame_counts(self.root, self.found, card.axis))
        return self._with(card)


@dataclass(frozen=True)
class Imported:
    """What an import gave.

    Attributes:
        dataset: As it is opened from now on.
        left_out: Images without a mask.
        decoded: Whether every image was decoded; else only its size was looked at.
        findings: What else was found.
    """

    dataset: Dataset
    left_out: int
    decoded: bool
    findings: tuple[Finding, ...] = ()


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
    card = DatasetCard(layout=found.layout, title=_title(root, found), images=images, masks=masks)
    card = replace(card, frame_counts=_frame_counts(root, found, card.axis))
    dataset = from_card("preview", root, replace(card, encoding=Encoding()), found)
    looked_at = Preview(root, fitting, found, card, dataset, Survey({}, False, {}, 0))
    if dataset.samples and _fits_as_stored(dataset.samples[0]):
        looked_at = looked_at.chosen(TURNED, "stored")
    settled = _settled(looked_at)
    if PALETTES in {one.kind for one in first_look(settled).findings}:
        settled = settled.chosen(PALETTES, "colours")
    return settled


def _fits_as_stored(sample: Sample) -> bool:
    """Tell whether a mask has the size of its image only where no EXIF tag turns this."""
    if not read_header(sample.image).turned or read_header(sample.mask).turned:
        return False
    try:
        mask = picture_size(sample.mask)
        upright, stored = (picture_size(sample.image, upright=u) for u in (True, False))
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
        whole = Encoding(kind=SHARE, values=(), full=1.0, threshold=0.0)
        return {"encoding": whole, "classes": STRUCTURE}
    encoding = settled_encoding(looked_at.found, looked_at.survey)
    return {"encoding": encoding, "classes": class_names(max(encoding.classes, 2))}


def first_look(looked_at: Preview) -> Inspection:
    """Look at some images of a data set before it is kept, evenly taken; see `take_in` for all."""
    samples = looked_at.dataset.samples
    step = max(1, len(samples) // FIRST_LOOK)
    return look(looked_at, samples[::step][:FIRST_LOOK])


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
    if objects is None:
        return inspected
    return replace(inspected, findings=[objects, *inspected.findings])


def _objects_finding(looked_at: Preview) -> Finding | None:
    seen = looked_at.survey
    if looked_at.found.classes or not may_hold_objects(seen):
        return None
    encoding = looked_at.card.encoding
    together = encoding is not None and encoding.kind == SHARE
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


def _frame_counts(root: Path, found: Found, axis: int) -> dict[str, int]:
    """Count the pictures of files that hold several, by the first of them."""
    stacks = [entry.image for entry in found.entries if suffix(entry.image) in STACKS]
    if not stacks or count_frames(root / stacks[0], axis=axis) == 1:
        return {}
    return {path: count_frames(root / path, axis=axis) for path in stacks}


def unpack_upload(archive: Path | IO[bytes], name: str) -> Path:
    """Unpack an uploaded zip aside, to be looked at; return its folder.

    What nobody takes in is removed after a day.

    Raises:
        InputError: As for `unpack`.
    """
    remove_old(imports_folder())
    folder = imports_folder() / uuid.uuid4().hex
    stem = re.sub(r"[^A-Za-z0-9._ -]+", "-", Path(name).stem).strip(" .-") or "upload"
    unpack(archive, folder / stem, settings(), name)
    inside = list((folder / stem).iterdir())
    # A zip of one folder is that folder, whose name says more than the zip's.
    return inside[0] if len(inside) == 1 and inside[0].is_dir() else folder / stem


def imports_folder() -> Path:
    """Return where uploads wait until they are taken in."""
    return paths.home() / "imports"


def check_name(name: str) -> str:
    """Return a name that a new data set may have.

    Raises:
        InputError: Not a name for a folder, or taken.
    """
    name = name.strip()
    if not _NAME.fullmatch(name):
        raise InputError(
            f"{name!r} can't be the name of a data set; use up to 64 letters, digits, spaces, "
            "dots, dashes and underscores"
        )
    if name in dataset_names():
        raise InputError(f"a data set is called {name!r} already; choose another name")
    return name


def free_name(wanted: str) -> str:
    """Return a name that nothing has yet, near the one that is wanted."""
    return free_among(wanted, dataset_names())


def take_in(
    looked_at: Preview,
    name: str,
    on_progress: OnProgress | None = None,
    inspection: Inspection | None = None,
) -> Imported:
    """Check every file of a data set and keep it under a name.

    A folder on the server stays where it is; an upload becomes the data set's own folder.

    Args:
        looked_at: What is to be kept.
        name: New among the data sets.
        on_progress: Called with samples done and all of them.
        inspection: Of all samples, where they were looked at already.

    Raises:
        InputError: The name can't be, or a file can't be used; the first one is named.
        StoreError: The data folder can't be written.
    """
    name = check_name(name)
    dataset = looked_at.dataset
    inspected = inspection or look(looked_at, on_progress=on_progress)
    if inspected.problems:
        raise InputError(_all_problems(inspected.problems, len(dataset.samples)))
    target = paths.home() / "datasets" / name
    description = looked_at.card.description or _description(looked_at)
    content = replace(looked_at.card, description=description).as_dict()
    if looked_at.root.resolve().is_relative_to(imports_folder().resolve()):
        _move(looked_at.root, target, content)
    else:
        _point(looked_at.root, target, content)
    opened = open_dataset(name)
    keep(class_areas_file(opened), inspected.areas)
    left_out = len(looked_at.found.left_out)
    decoded = should_decode(dataset)
    return Imported(opened, left_out, decoded, tuple(inspected.findings))


def _all_problems(problems: Sequence[SampleError], count: int) -> str:
    first = problems[0].message
    if len(problems) == 1:
        return first
    return f"{len(problems)} of {count} images can't be used, the first is this: {first}"


def _description(looked_at: Preview) -> str:
    found = looked_at.found
    count = len(looked_at.dataset.samples)
    left = len(found.left_out)
    without = f" {left:,} images without a mask are left out." if left else ""
    return f"{count:,} images. Layout: {found.title}.{without}"


def _move(root: Path, target: Path, content: dict[str, object]) -> None:
    """Make an unpacked upload a data set; it appears with its card in it."""
    write_json(root / CARD, content)
    with as_store_error(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        root.rename(target)
        shutil.rmtree(_upload_of(root), ignore_errors=True)


def _upload_of(root: Path) -> Path:
    inside = root.relative_to(imports_folder())
    return imports_folder() / inside.parts[0]


def _point(root: Path, target: Path, content: dict[str, object]) -> None:
    aside = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    with as_store_error(target):
        try:
            write_json(aside / CARD, {"root": str(root.resolve()), **content})
            aside.rename(target)
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def can_forget(name: str) -> bool:
    """Tell whether a data set was taken in here, so that it can be removed here."""
    folder = paths.home() / "datasets"
    inside = bool(name) and (folder / name).parent == folder and name not in demo.DEMO_SETS
    return inside and name not in (".", "..") and (folder / name / CARD).is_file()


def forget(name: str) -> None:
    """Remove a data set of the workbench; a folder that it only points to stays.

    Raises:
        InputError: It is not one that was taken in here.
    """
    target = paths.home() / "datasets" / name
    if not can_forget(name):
        raise InputError(f"{name!r} was not imported here, so it can't be removed here")
    with as_store_error(target):
        shutil.rmtree(target)
