"""What there is, as tables: attacks, networks, data sets, runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from asma_core import paths
from asma_core.attacks.registry import ATTACKS, find_attack
from asma_core.attacks.settings import TOWARDS
from asma_core.data import datasets as data_sets
from asma_core.data.datasets import Dataset
from asma_core.errors import AsmaError, InputError
from asma_core.fields import described
from asma_core.models.sources.cards import broken_cards, model_cards
from asma_core.runs.export import COLUMNS, FIGURES, run_row
from asma_core.runs.run import Run
from asma_core.runs.store import RunStore

if TYPE_CHECKING:
    import pandas as pd

MADE_FROM: Final = (
    *("id", "created", "state", "outcome", "attack", "model", "dataset", "sample", "target"),
)
# What of a row of the export these columns say already.
SAID: Final = (*MADE_FROM, "image")


def attacks(name: str | None = None) -> pd.DataFrame:
    """Return the attacks: name, title, summary, source, and settings with their defaults.

    Args:
        name: Of one of them, for a table of its settings instead: name, default, type, range, unit
            and help.

    Raises:
        UnknownNameError: No attack has that name.
    """
    import pandas as pd

    if name is not None:
        settings = described(find_attack(name).config)
        return pd.DataFrame([{"name": key} | values for key, values in settings.items()])
    return pd.DataFrame(
        [
            {
                "name": entry.name,
                "title": entry.title,
                "answers": entry.answers,
                "summary": entry.summary,
                "source": entry.source,
                "settings": {
                    key: value["default"] for key, value in described(entry.config).items()
                },
            }
            for entry in ATTACKS.values()
        ]
    )


def models() -> pd.DataFrame:
    """Return the networks: name, title, dataset, classes, description, and problem.

    A problem is why a card can't be read, else "".
    """
    import pandas as pd

    columns = ("name", "title", "dataset", "classes", "description")
    rows = [
        {name: getattr(card, name) for name in columns} | {"problem": ""}
        for card in model_cards().values()
    ]
    rows += [{"name": path.stem, "problem": text} for path, text in broken_cards().items()]
    return pd.DataFrame(rows, columns=[*columns, "problem"]).fillna("")


def datasets() -> pd.DataFrame:
    """Return the data sets: name, title, images, classes, description, and problem.

    A problem is why a set can't be opened, else "". A demo set is generated on first use.
    """
    import pandas as pd

    columns = ["name", "title", "images", "classes", "description", "problem"]
    return pd.DataFrame([_listed(name) for name in data_sets.dataset_names()], columns=columns)


def _listed(name: str) -> dict[str, Any]:
    try:
        found = data_sets.open_dataset(name)
    except AsmaError as error:
        blank = {"title": "", "images": 0, "classes": (), "description": ""}
        return {"name": name, **blank, "problem": str(error)}
    told = {key: getattr(found, key) for key in ("title", "classes", "description")}
    return {"name": name, "images": len(found), "problem": "", **told}


def open_dataset(name_or_folder: str | os.PathLike[str]) -> Dataset:
    """Open a data set by its name among `datasets()`, or a folder of images and masks.

    Args:
        name_or_folder: A name, or a folder whose layout is recognised. A demo set is generated on
            first use.

    Returns:
        A sequence of `Item`: `dataset[3]`, `dataset["0003"]`, `dataset[:4]`.

    Raises:
        UnknownNameError: Neither a name nor a folder.
        InputError: The folder has no images, or no masks for them.
    """
    return data_sets.open_dataset(os.fspath(name_or_folder))


def runs(home: str | os.PathLike[str] | None = None) -> pd.DataFrame:
    """Return the runs of the workbench, newest first, one a row.

    Args:
        home: The data folder; `ASMA_HOME` unless given.

    Returns:
        id, created (UTC), state, outcome, attack, model, dataset, sample, target ("" of one that
        leads away), and the figures as the CSV export has them; undefined ones are NaN.

    Raises:
        InputError: There is no such folder.
        StoreError: It can't be read, or the database is damaged.
    """
    import pandas as pd

    table = pd.DataFrame([_run(run) for run in store_of(home).newest()], columns=_columns())
    table["created"] = pd.to_datetime(table["created"], utc=True)
    figures = [name for name in FIGURES if "per_class" not in name]
    table[figures] = table[figures].astype(float)
    return table


def store_of(home: str | os.PathLike[str] | None) -> RunStore:
    """Return the store of a data folder, `ASMA_HOME` unless given.

    Raises:
        InputError: There is no such folder.
        StoreError: It can't be read, or the database is damaged.
    """
    folder = paths.home() if home is None else Path(home).expanduser()
    if home is not None and not folder.is_dir():
        raise InputError(f"{folder} is not a folder; give the data folder of a workbench")
    return RunStore(folder)


def _run(run: Run) -> dict[str, Any]:
    target = run.spec.target_name if run.aim == TOWARDS else ""
    return run_row(run) | {"sample": run.spec.sample, "target": target}


def _columns() -> list[str]:
    return [*MADE_FROM, *(name for name in COLUMNS if name not in SAID)]
