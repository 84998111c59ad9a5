"""What is wrong with files: what crashes left, what others may read, records that are none."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from asma_core.data.dataset_cards import card_of_folder
from asma_core.errors import AsmaError
from asma_core.experiments.detection_plan import DetectionPlans
from asma_core.experiments.plan_folder import PlanFolder
from asma_core.experiments.robustness_plan import RobustnessPlans
from asma_core.experiments.store import ExperimentStore
from asma_core.experiments.transfer_plan import TransferPlans
from asma_core.experiments.universal_plan import UniversalPlans
from asma_core.files import as_store_error
from asma_core.models.sources.cards import broken_cards
from asma_core.runs.database import Database
from asma_core.runs.leftovers import OLD_ASIDE, asides, left_in_work, tidy, unused_inputs
from asma_core.runs.store import RunStore
from asma_core.server_config import settings
from asma_core.training.store import TrainingStore
from asma_core.upkeep.finding import Finding, listed

# Read, write or open: of the group and of all others.
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def left_findings(
    database: Database, home: Path, older_than: float = OLD_ASIDE
) -> Iterator[Finding]:
    """Yield what crashes left behind; see `leftovers.asides` for `older_than`."""
    if database.read_only:
        return
    with database.writing() as connection:
        unused = unused_inputs(connection, home)
        left = left_in_work(connection, home)
    if unused:
        yield Finding(
            f"images of no run in {home / 'inputs'}: {len(unused)}",
            lambda: tidy(database, home),
        )
    if left:
        yield Finding(
            f"a crash left {listed([path.name for path in left])} in {home / 'work'}",
            lambda: tidy(database, home),
        )
    if half := asides(home, older_than):
        yield Finding(
            "these files were being written when their process died: "
            f"{listed([path.name for path in half])}",
            lambda: _remove(half),
        )


def permission_findings(home: Path) -> Iterator[Finding]:
    """Yield what other accounts of this machine may read or change, if they get in at all."""
    if not _mode(home) & _OTHERS:
        return
    entries = (path for path in home.rglob("*") if not path.is_symlink())
    open_ones = [path for path in (home, *entries) if _mode(path) & _OTHERS]
    if open_ones:
        names = [str(path.relative_to(home)) for path in open_ones]
        yield Finding(
            f"other accounts of this machine may read {listed(names)}",
            lambda: _close(open_ones),
        )


def record_findings(home: Path) -> Iterator[Finding]:
    """Yield the records that can't be read; each hides nothing but itself."""
    for folder in sorted((home / "datasets").glob("*")):
        if folder.is_dir() and not folder.name.startswith("."):
            yield from _unless(f"the data set {folder.name}", partial(card_of_folder, folder))
    for path, sentence in broken_cards().items():
        if path.is_relative_to(home):
            yield Finding(f"{path.name}: {sentence}")
    plans: Sequence[PlanFolder[Any]] = (
        *(RobustnessPlans(home), DetectionPlans(home)),
        *(TransferPlans(home), UniversalPlans(home)),
    )
    for kept in plans:
        for name in kept.newest():
            yield from _unless(f"the plan {name}", partial(kept.get, name))
    sentences = [*TrainingStore(home).damaged(), *ExperimentStore(RunStore(home)).damaged()]
    yield from map(Finding, sentences)
    yield from _unless("config.toml", settings)


def _unless(what: str, reads: Callable[[], object]) -> Iterator[Finding]:
    """Yield what is wrong with a record unless it can be read."""
    try:
        reads()
    except AsmaError as error:
        yield Finding(f"{what} can't be read: {error}")


def _mode(path: Path) -> int:
    try:
        return stat.S_IMODE(path.lstat().st_mode)
    except FileNotFoundError:
        # Gone meanwhile.
        return 0


def _remove(files: Sequence[Path]) -> None:
    for file in files:
        with as_store_error(file):
            file.unlink(missing_ok=True)


def _close(paths: Sequence[Path]) -> None:
    for path in paths:
        with as_store_error(path):
            if path.exists():
                path.chmod(_mode(path) & ~_OTHERS)
