"""JSON that others have written, field by field, with a sentence on what is wrong."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from asma_core.errors import ModelError

MOST_BYTES: Final = 20_000_000


@dataclass(frozen=True)
class Fields:
    """An object of a JSON file that says what is wrong with its fields.

    Attributes:
        content: Its fields.
        label: What to call it in errors, such as `plans.json`.
    """

    content: Mapping[str, Any]
    label: str

    def has(self, name: str) -> bool:
        """Tell whether a field is there and not null."""
        return self.content.get(name) is not None

    def get(self, name: str) -> Any:
        """Return a field.

        Raises:
            ModelError: It is absent or null.
        """
        if not self.has(name):
            raise ModelError(f"{self.label} lacks {name!r}; give the whole file, as it was written")
        return self.content[name]

    def whole(self, name: str, low: int, high: int, default: int | None = None) -> int:
        """Return a whole number from low to high.

        Raises:
            ModelError: It is absent without a default, or something else.
        """
        if default is not None and not self.has(name):
            return default
        return self._whole(name, self.get(name), low, high)

    def wholes(self, name: str, low: int, high: int, most: int = 64) -> list[int]:
        """Return a list of at most `most` whole numbers from low to high.

        Raises:
            ModelError: It is absent or something else.
        """
        return [self._whole(name, value, low, high) for value in self.list(name, most)]

    def number(self, name: str, default: float | None = None) -> float:
        """Return a finite number.

        Raises:
            ModelError: It is absent without a default, or something else.
        """
        value = default if default is not None and not self.has(name) else self.get(name)
        if type(value) not in (int, float) or not math.isfinite(float(value)):
            raise self.wrong(name)
        return float(value)

    def text(self, name: str, default: str | None = None) -> str:
        """Return a text.

        Raises:
            ModelError: It is absent without a default, or something else.
        """
        value = default if default is not None and not self.has(name) else self.get(name)
        if not isinstance(value, str):
            raise self.wrong(name)
        return value

    def flag(self, name: str, default: bool) -> bool:
        """Return true or false.

        Raises:
            ModelError: It is something else.
        """
        value = self.get(name) if self.has(name) else default
        if not isinstance(value, bool):
            raise self.wrong(name)
        return value

    def list(self, name: str, most: int = 64) -> list[Any]:
        """Return a list of at most `most` entries.

        Raises:
            ModelError: It is absent, longer or something else.
        """
        value = self.get(name)
        if not isinstance(value, list | tuple) or len(value) > most:
            raise self.wrong(name)
        return list(value)

    def table(self, name: str, default: Mapping[str, Any] | None = None) -> Fields:
        """Return an object in this one.

        Raises:
            ModelError: It is absent without a default, or something else.
        """
        value = default if default is not None and not self.has(name) else self.get(name)
        if not isinstance(value, Mapping):
            raise self.wrong(name)
        return Fields(value, f"{name} of {self.label}")

    def wrong(self, name: str) -> ModelError:
        """Return the error that says that a field can't be."""
        shown = repr(self.content.get(name))
        shown = shown if len(shown) <= 80 else f"{shown[:80]}..."
        return ModelError(f"{self.label} has {name} = {shown}, which can't be; correct the file")

    def _whole(self, name: str, value: Any, low: int, high: int) -> int:
        if type(value) is not int or not low <= value <= high:
            shown = repr(value)[:40]
            raise ModelError(
                f"{self.label} has {shown} in {name}; it has to be a whole number from {low} to "
                f"{high}"
            )
        return value


def read_fields(path: Path) -> Fields:
    """Read a JSON file that holds an object.

    Raises:
        ModelError: It can't be read, is too large, or is no JSON object.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ModelError(f"{path.name} is larger than {MOST_BYTES // 1_000_000} MB; shorten it")
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(
            f"{path.name} can't be read as JSON ({type(error).__name__}); give the file as it was "
            "written"
        ) from error
    if not isinstance(content, dict):
        raise ModelError(f"{path.name} is no JSON object; give the file as it was written")
    return Fields(content, path.name)
