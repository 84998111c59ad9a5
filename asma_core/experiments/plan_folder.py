"""Plans of several experiments or of one that is looked at further: each a file that is kept."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Generic, TypeVar

from asma_core.accounts import audit
from asma_core.accounts.account import OWNER
from asma_core.accounts.belongings import (
    DATASET,
    PLAN,
    check_changing_it,
    claim,
    forget,
    may_see_it,
)
from asma_core.accounts.current import account
from asma_core.accounts.rights import check_making
from asma_core.errors import AsmaError, UnknownExperimentError
from asma_core.files import read_json, write_json


class KeptPlan(ABC):
    """What is asked, such that it can be kept in a file.

    Attributes:
        dataset: Name or folder of the data set whose images it is about.
    """

    dataset: str

    @abstractmethod
    def as_dict(self) -> dict[str, Any]:
        """Return plain values, of which the plan can be made again."""

    @property
    def id(self) -> str:
        """Eight hexadecimal digits; the same for the same plan."""
        text = json.dumps(self.as_dict(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:8]


AskedPlan = TypeVar("AskedPlan", bound=KeptPlan)


class PlanFolder(Generic[AskedPlan]):
    """The plans of one kind that somebody asked for, each a file of a folder."""

    def __init__(self, folder: Path, from_dict: Callable[[Mapping[str, Any]], AskedPlan]) -> None:
        """Find them in a folder, which need not be there yet.

        Args:
            folder: Of the files.
            from_dict: Makes a plan of what its `as_dict` gave.
        """
        self._folder = folder
        self._from_dict = from_dict

    def keep(self, plan: AskedPlan) -> str:
        """Keep a plan; return its id.

        Raises:
            NotAllowedError: Who acts may not ask for it.
            StoreError: The data folder can't be written.
        """
        who, file = check_making(), self._folder / f"{plan.id}.json"
        new = not file.exists()
        if new:
            claim(PLAN, plan.id, who, shared=True)
        write_json(file, plan.as_dict())
        if new:
            audit.record("ask for", f"plan {plan.id}")
        return plan.id

    def get(self, plan_id: str) -> AskedPlan:
        """Return a plan.

        Raises:
            UnknownExperimentError: There is none of that id that who acts may see, or its file
                can't be read.
        """
        known = {path.stem: path for path in self._files()}
        try:
            plan = self._from_dict(read_json(known[plan_id]))
            if not may_see_it(DATASET, plan.dataset):
                raise KeyError(plan_id)
            return plan
        except (KeyError, TypeError, ValueError, OSError, AttributeError, AsmaError) as error:
            raise UnknownExperimentError(
                f"nothing is known of {plan_id[:40]!r}; the Defences page lists what there is"
            ) from error

    def newest(self) -> list[str]:
        """Return the ids of those that who acts may see, the newest first."""
        files = sorted(self._files(), key=lambda path: path.stat().st_mtime, reverse=True)
        return [path.stem for path in files if self._is_seen(path.stem)]

    def _is_seen(self, plan_id: str) -> bool:
        """Tell whether a plan may be listed; an owner is shown those that can't be read, too."""
        if account().role == OWNER:
            return True
        with suppress(AsmaError):
            self.get(plan_id)
            return True
        return False

    def created(self, plan_id: str) -> float:
        """Return when a plan was asked for last, in seconds since 1970; 0 of none."""
        file = self._folder / f"{plan_id}.json"
        return file.stat().st_mtime if file.exists() else 0.0

    def delete(self, plan_id: str) -> None:
        """Forget a plan; its runs and networks stay.

        Raises:
            UnknownExperimentError: There is none of that id.
            NotAllowedError: It is somebody else's.
        """
        self.get(plan_id)
        check_changing_it(PLAN, plan_id)
        (self._folder / f"{plan_id}.json").unlink(missing_ok=True)
        audit.record("delete", f"plan {plan_id}")
        forget(PLAN, plan_id)

    def _files(self) -> list[Path]:
        return list(self._folder.glob("*.json"))
