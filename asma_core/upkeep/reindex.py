"""Making the database anew: of what can still be read of it, and of the folders.

    ASMA_HOME/runs.sqlite.before-DATE   the one of before, kept as it was

Rows come, in this order, from the database of before, from each `run.json` and from the copies of
rows (see `runs.row_copies`), which reviews and what was said in them come from as well. Runs that
had no result, and never got a folder, come from the first and the last; those that waited or ran
wait again.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from asma_core.errors import StoreError
from asma_core.files import as_store_error
from asma_core.runs.database import BESIDE, Database
from asma_core.upkeep.folder_rows import take_in_folders
from asma_core.upkeep.living import check_nobody_lives
from asma_core.upkeep.review_rows import take_in_reviews
from asma_core.upkeep.salvage import take_over

NAME: Final = "runs.sqlite"
_NEW: Final = "new.sqlite"
_KEPT: Final = "runs.sqlite.before-"


@dataclass
class Reindexed:
    """What a new database was made of.

    Attributes:
        kept: The database of before; None where there was none.
        read: How many rows of runs could be read of it.
        taken_in: The runs that came from their folders or copies.
        reviews: The reviews that came from their copies.
        problems: What could not be taken over, a sentence each.
    """

    kept: Path | None
    read: int = 0
    taken_in: list[str] = field(default_factory=list)
    reviews: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def reindex(home: Path) -> Reindexed:
    """Make the database of a data folder anew.

    Raises:
        StoreError: A living process uses the folder, there is none, or it can't be written.
    """
    if not home.is_dir():
        raise StoreError(f"there is no data folder {home}; set ASMA_HOME to the one you mean")
    check_nobody_lives(home, "stop it before the database is made anew")
    file, work = home / NAME, home / "work"
    told = Reindexed(file if file.exists() else _newest_kept(home))
    with as_store_error(work):
        work.mkdir(exist_ok=True)
    # What a crash leaves there the next start removes.
    with TemporaryDirectory(prefix="reindex-", dir=work) as folder:
        database = _empty(Path(folder))
        if told.kept is not None:
            told.read, told.problems = take_over(told.kept, database, home, Path(folder))
        told.taken_in, problems = take_in_folders(database, home)
        told.reviews, of_reviews = take_in_reviews(database, home)
        told.problems += problems + of_reviews
        new = Path(folder) / _NEW
        with database.reading() as connection:
            connection.execute("VACUUM INTO ?", (str(new),))
        with as_store_error(file):
            _sync(new)
            if file.exists():
                told.kept = _set_aside(file)
            new.rename(file)
    Database(file)
    return told


def _sync(file: Path) -> None:
    with file.open("rb") as opened:
        os.fsync(opened.fileno())


def _empty(folder: Path) -> Database:
    """Make a database aside, which counts for nobody yet."""
    file = folder / NAME
    file.touch()
    return Database(file)


def _newest_kept(home: Path) -> Path | None:
    """Return the database that was set aside last, such as before this was killed; None of none."""
    found = sorted(path for path in home.glob(f"{_KEPT}*") if not path.name.endswith(BESIDE))
    if not found:
        return None
    _follow(home / NAME, found[-1])
    return found[-1]


def _set_aside(file: Path) -> Path:
    """Rename a database and what is beside it; return its new name."""
    when = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    kept = file.with_name(f"{_KEPT}{when}")
    while kept.exists():
        kept = kept.with_name(f"{kept.name}x")
    file.rename(kept)
    _follow(file, kept)
    return kept


def _follow(file: Path, kept: Path) -> None:
    """Rename what SQLite keeps beside a file, after the file itself."""
    for ending in BESIDE:
        beside = file.with_name(file.name + ending)
        if beside.exists():
            beside.rename(kept.with_name(kept.name + ending))
