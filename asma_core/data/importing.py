"""Taking a folder or a zip in as a data set: look at it, say what it means, keep a card."""

from __future__ import annotations

import re
import shutil
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Final

from asma_core import paths
from asma_core.accounts import audit
from asma_core.accounts.belongings import DATASET, check_changing_it, claim
from asma_core.accounts.belongings import forget as forget_belonging
from asma_core.accounts.quota import check_quota, forget_sums
from asma_core.accounts.rights import check_making
from asma_core.data.class_areas import (
    OnProgress,
    SampleError,
    class_areas_file,
    keep,
    should_decode,
)
from asma_core.data.dataset_cards import CARD
from asma_core.data.datasets import Dataset, all_dataset_names, open_dataset
from asma_core.data.finding import Finding
from asma_core.data.formats.archives import unpack
from asma_core.data.inspection import Inspection
from asma_core.data.preview import Preview, look
from asma_core.data.synthetic import demo
from asma_core.errors import InputError
from asma_core.files import as_store_error, clear_image_caches, remove_old, write_json
from asma_core.naming import free_among
from asma_core.server_config import settings

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}")


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


def unpack_upload(archive: Path | IO[bytes], name: str) -> Path:
    """Unpack an uploaded zip aside, to be looked at; return its folder.

    What nobody takes in is removed after a day, and when the server starts.

    Raises:
        InputError: As for `unpack`.
    """
    folder = new_upload()
    stem = re.sub(r"[^A-Za-z0-9._ -]+", "-", Path(name).stem).strip(" .-") or "upload"
    unpack(archive, folder / stem, settings(), name)
    inside = list((folder / stem).iterdir())
    # A zip of one folder is that folder, whose name says more than the zip's.
    return inside[0] if len(inside) == 1 and inside[0].is_dir() else folder / stem


def new_upload() -> Path:
    """Return a folder for an upload that is to be looked at; it is not there yet."""
    remove_old(imports_folder())
    return imports_folder() / uuid.uuid4().hex


def clear_uploads() -> None:
    """Remove all uploads that nobody has taken in: when a server starts, nobody looks at them."""
    shutil.rmtree(imports_folder(), ignore_errors=True)


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
    if name in all_dataset_names():
        raise InputError(f"a data set is called {name!r} already; choose another name")
    return name


def free_name(wanted: str) -> str:
    """Return a name that nothing has yet, near the one that is wanted."""
    return free_among(wanted, all_dataset_names())


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
        NotAllowedError: Who acts may not upload.
        StoreError: The data folder can't be written.
    """
    who, name = check_making(), check_name(name)
    check_quota(who)
    dataset = looked_at.dataset
    inspected = inspection or look(looked_at, on_progress=on_progress)
    if inspected.problems:
        raise InputError(_all_problems(inspected.problems, len(dataset.samples)))
    target = paths.home() / "datasets" / name
    description = looked_at.card.description or _description(looked_at)
    content = replace(looked_at.card, description=description).as_dict()
    # Before it is there: nobody else sees it even for a moment.
    claim(DATASET, name, who)
    if looked_at.root.resolve().is_relative_to(imports_folder().resolve()):
        _move(looked_at.root, target, content)
    else:
        _point(looked_at.root, target, content)
    forget_sums()
    audit.record("import", f"data set {name}")
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
    series = " Slices of a series are in the order of their place." if looked_at.card.order else ""
    return f"{count:,} images. Layout: {found.title}.{without}{series}"


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
        NotAllowedError: It is somebody else's.
    """
    target = paths.home() / "datasets" / name
    if not can_forget(name):
        raise InputError(f"{name!r} was not imported here, so it can't be removed here")
    check_changing_it(DATASET, name)
    with as_store_error(target):
        shutil.rmtree(target)
    audit.record("delete", f"data set {name}")
    forget_belonging(DATASET, name)
    clear_image_caches(paths.home())
    forget_sums()
