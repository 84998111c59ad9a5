"""Plans that stand above experiments, such as those of defences: each a file of the data folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from asma_core.errors import UnknownExperimentError
from asma_core.files import read_json, write_json


class KeptPlan(Protocol):
    """What can be kept: see `RobustnessPlan` and `TransferPlan`."""

    @property
    def id(self) -> str:
        """Eight hexadecimal digits; the same for the same plan."""
        ...

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        ...


PlanKind = TypeVar("PlanKind", bound=KeptPlan)


def id_of(values: Mapping[str, Any]) -> str:
    """Return eight hexadecimal digits; the same for the same plain values."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:8]


class PlanFiles(Generic[PlanKind]):
    """The plans of one kind that somebody asked for."""

    def __init__(
        self, folder: Path, read: Callable[[Mapping[str, Any]], PlanKind], page: str
    ) -> None:
        """Find them in a folder.

        Args:
            folder: Of their files.
            read: Makes a plan of what its `as_dict` gave.
            page: Title of the page that lists them.
        """
        self._folder, self._read, self._page = folder, read, page

    def keep(self, plan: PlanKind) -> str:
        """Keep a plan; return its id.

        Raises:
            StoreError: The data folder can't be written.
        """
        write_json(self._folder / f"{plan.id}.json", plan.as_dict())
        return plan.id

    def get(self, plan_id: str) -> PlanKind:
        """Return a plan.

        Raises:
            UnknownExperimentError: There is none of that id, or its file can't be read.
        """
        known = {path.stem: path for path in self._files()}
        try:
            return self._read(read_json(known[plan_id]))
        except (KeyError, TypeError, ValueError, OSError) as error:
            raise UnknownExperimentError(
                f"nothing is known of {plan_id[:40]!r}; the {self._page} page lists what there is"
            ) from error

    def newest(self) -> list[str]:
        """Return the ids, the newest first."""
        files = sorted(self._files(), key=lambda path: path.stat().st_mtime, reverse=True)
        return [path.stem for path in files]

    def created(self, plan_id: str) -> float:
        """Return when a plan was asked for last, in seconds since 1970; 0 of none."""
        file = self._folder / f"{plan_id}.json"
        return file.stat().st_mtime if file.exists() else 0.0

    def delete(self, plan_id: str) -> None:
        """Forget a plan; its runs and networks stay."""
        self.get(plan_id)
        (self._folder / f"{plan_id}.json").unlink(missing_ok=True)

    def _files(self) -> list[Path]:
        return list(self._folder.glob("*.json"))
