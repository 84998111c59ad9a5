"""Looking at a whole data folder: is it as it should be, and what mends it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from asma_core import paths
from asma_core.errors import AsmaError, StoreError
from asma_core.runs.database import Database, is_read_only
from asma_core.runs.leftovers import OLD_ASIDE
from asma_core.training.store import TrainingStore
from asma_core.upkeep.database_findings import database_findings, is_usable
from asma_core.upkeep.file_findings import left_findings, permission_findings, record_findings
from asma_core.upkeep.finding import Finding
from asma_core.upkeep.review_findings import review_findings
from asma_core.upkeep.row_findings import row_findings


@dataclass
class Report:
    """What was found.

    Attributes:
        problems: What is wrong, a sentence each.
        mended: What was wrong and is not any more.
        notes: What is odd and harmless.
    """

    problems: list[str] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def check(*, repair: bool = False, older_than: float = OLD_ASIDE) -> Report:
    """Look at the data folder; with `repair` mend what loses nothing.

    Args:
        repair: Whether to mend.
        older_than: See `leftovers.asides`.

    Raises:
        StoreError: There is no data folder, or it is an archive and shall be mended.
    """
    home = paths.home()
    file = home / "runs.sqlite"
    if not home.is_dir():
        raise StoreError(f"there is no data folder {home}; set ASMA_HOME to the one you mean")
    if repair and is_read_only(file):
        raise StoreError(f"{home} can't be written, so nothing can be mended; mend a copy of it")
    report = Report()
    # First, as opening a store closes its folder to others.
    _note(report, permission_findings(home), repair)
    _note(report, _of_database(file), repair)
    if file.exists() and is_usable(file):
        # Takes in what is of before its table.
        TrainingStore(home)
        database = Database(file)
        # First, as a row that can't be read must not be copied over its copy.
        _note(report, review_findings(database, home), repair)
        _note(report, row_findings(database, home), repair)
        _note(report, left_findings(database, home, older_than), repair)
        _note(report, record_findings(home), repair)
    return report


def _of_database(file: Path) -> Iterator[Finding]:
    if file.exists():
        yield from database_findings(file)
        return
    try:
        Database(file)
    except StoreError as error:
        yield Finding(str(error))


def _note(report: Report, findings: Iterator[Finding], repair: bool) -> None:
    for finding in list(findings):
        if finding.harmless:
            report.notes.append(f"{finding.sentence}.")
        elif repair and finding.mend is not None:
            _mend(report, finding)
        else:
            hint = "" if finding.mend is None else "; `store check --repair` mends it"
            report.problems.append(f"{finding.sentence}{hint}.")


def _mend(report: Report, finding: Finding) -> None:
    assert finding.mend is not None
    try:
        finding.mend()
    except AsmaError as error:
        report.problems.append(f"{finding.sentence}; it could not be mended: {error}.")
    else:
        report.mended.append(f"{finding.sentence}.")
