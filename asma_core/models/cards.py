"""Model cards: what a network is, what it takes and what it gives, as TOML beside its weights."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, TypeVar

from asma_core import paths
from asma_core.errors import ModelError, UnknownNameError

LARGEST_SIZE: Final = 16_384
Value = TypeVar("Value")


@dataclass(frozen=True)
class InputSpec:
    """How a network wants its images.

    Attributes:
        channels: 1 (grey) or 3 (RGB).
        size: Images are resized, keeping their aspect, to an area of size x size pixels;
            0 keeps their own size.
        multiple: Both sides are rounded to a multiple of this.
        mean: Per channel, subtracted from values in [0, 1].
        std: Per channel, divided by.
    """

    channels: int
    size: int
    multiple: int
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def inner_size(self, height: int, width: int) -> tuple[int, int]:
        """Return the height and width at which the network sees an image of that size."""
        scale = self.size / (height * width) ** 0.5 if self.size else 1.0
        return self._rounded(height * scale), self._rounded(width * scale)

    def _rounded(self, side: float) -> int:
        return max(1, round(side / self.multiple)) * self.multiple


@dataclass(frozen=True)
class ModelCard:
    """A network of the workbench.

    Attributes:
        name: Unique.
        title: For people.
        description: What it was trained on and what it is good for.
        weights: The safetensors file.
        architecture: Name of a class of `monai.networks.nets`.
        arguments: What the class is called with.
        input: What it takes.
        classes: Names of the classes, background first.
        dataset: The data set that it was trained on.
        source: The command that made it.
        figures: What was measured on the test split.
    """

    name: str
    title: str
    description: str
    weights: Path
    architecture: str
    arguments: Mapping[str, Any]
    input: InputSpec
    classes: tuple[str, ...]
    dataset: str = ""
    source: str = ""
    figures: Mapping[str, Any] = field(default_factory=dict)


def read_card(path: Path) -> ModelCard:
    """Read a card.

    Raises:
        ModelError: Not TOML, a field is absent or of another kind, or the weights are not beside
            it.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{path} can't be read as a model card ({error}); mend the file"
        ) from error
    card = _card(_Table(content, path))
    if card.weights.parent != path.parent or not card.weights.is_file():
        raise ModelError(
            f"{path} names weights that are not a file beside it: {card.weights.name}; "
            "put the safetensors file there"
        )
    return card


@dataclass(frozen=True)
class _Table:
    """A table of a card that says what is wrong with its fields."""

    content: Mapping[str, Any]
    path: Path

    def get(self, name: str, kind: type[Value], default: Value | None = None) -> Value:
        value = self.content.get(name, default)
        if value is None:
            raise ModelError(f"{self.path} lacks {name!r}; add it as the README's model card shows")
        if not isinstance(value, kind) or isinstance(value, bool):
            raise self.wrong(name)
        return value

    def table(self, name: str) -> _Table:
        return _Table(self.get(name, dict), self.path)

    def numbers(self, name: str, count: int) -> tuple[float, ...]:
        values = self.get(name, list)
        if len(values) != count or not all(type(value) in (int, float) for value in values):
            raise self.wrong(name)
        return tuple(float(value) for value in values)

    def wrong(self, name: str) -> ModelError:
        value = self.content[name]
        return ModelError(
            f"{self.path} has {name} = {value!r}, which can't be; "
            "correct it as the README's model card shows"
        )


def _card(table: _Table) -> ModelCard:
    architecture = table.table("architecture")
    return ModelCard(
        name=table.get("name", str),
        title=table.get("title", str),
        description=table.get("description", str),
        weights=table.path.parent / table.get("weights", str),
        architecture=architecture.get("name", str),
        arguments=architecture.get("arguments", dict, {}),
        input=_input(table.table("input")),
        classes=_classes(table),
        dataset=table.get("dataset", str, ""),
        source=table.get("source", str, ""),
        figures=table.get("figures", dict, {}),
    )


def _input(table: _Table) -> InputSpec:
    channels = table.get("channels", int)
    spec = InputSpec(
        channels=channels,
        size=table.get("size", int),
        multiple=table.get("multiple", int),
        mean=table.numbers("mean", channels),
        std=table.numbers("std", channels),
    )
    fits = {
        "channels": spec.channels in (1, 3),
        "size": 0 <= spec.size <= LARGEST_SIZE,
        "multiple": 1 <= spec.multiple <= LARGEST_SIZE,
        "std": min(spec.std, default=0.0) > 0,
    }
    for name, fitting in fits.items():
        if not fitting:
            raise table.wrong(name)
    return spec


def _classes(table: _Table) -> tuple[str, ...]:
    entries = table.get("classes", list)
    if len(entries) < 2 or not all(isinstance(entry, dict) for entry in entries):
        raise table.wrong("classes")
    return tuple(_Table(entry, table.path).get("name", str) for entry in entries)


def model_cards() -> dict[str, ModelCard]:
    """Return the cards by name: the shipped ones, then those in `models` of the data folder.

    Of two with the same name the first counts, so that nothing replaces a shipped network.

    Raises:
        ModelError: One of them can't be read.
    """
    folders = (paths.SHIPPED_MODELS, paths.home() / "models")
    cards: dict[str, ModelCard] = {}
    for path in (path for folder in folders for path in sorted(folder.glob("*.toml"))):
        card = read_card(path)
        cards.setdefault(card.name, card)
    return cards


def find_card(name: str) -> ModelCard:
    """Return the card of that name.

    Raises:
        UnknownNameError: There is none.
    """
    cards = model_cards()
    if name not in cards:
        raise UnknownNameError("model", name, sorted(cards))
    return cards[name]


def weights_hash(card: ModelCard) -> str:
    """Return the SHA-256 of a card's weights, in hex.

    Raises:
        ModelError: They can't be read any more.
    """
    try:
        status = card.weights.stat()
        return _hash(card.weights, status.st_mtime_ns, status.st_size)
    except OSError as error:
        raise ModelError(
            f"{card.weights} can't be read ({error.strerror}); restore the weights"
        ) from error


@lru_cache(maxsize=64)
def _hash(path: Path, _modified: int, _size: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
