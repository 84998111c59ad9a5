"""Reading model cards, and saying what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, TypeVar

from asma_core.defences.contract import Defence
from asma_core.defences.registry import settings_of
from asma_core.errors import AsmaError, InputError, ModelError
from asma_core.files import file_state
from asma_core.models.sources.model_card import (
    EXPORT,
    FACTORY,
    LIBRARIES,
    MONAI,
    MOST_CLASSES,
    ONNX,
    PROGRAMS,
    TORCHSCRIPT,
    ModelCard,
)
from asma_core.models.wrapper.specs import (
    FITS,
    FIXED,
    LOGITS,
    NORMALISATIONS,
    ONE_LOGIT,
    ONE_PROBABILITY,
    ORDERS,
    PADS,
    PER_CHANNEL,
    PER_IMAGE,
    READINGS,
    RESIZE,
    USUAL_MULTIPLE,
    InputSpec,
    OutputSpec,
)
from asma_core.plain_toml import read_toml

# Images are resized to it, and padded to multiples, whatever they are: more would be memory alone.
LARGEST_SIZE: Final = 4096
LARGEST_MULTIPLE: Final = 1024
# Before one network; more is a mistake.
MOST_DEFENCES: Final = 8
_WORDS: Final = (
    "name", "title", "description", "weights", "dataset", "source", "figures", "synthetic",
    "architecture", "program", "input", "output", "classes", "defences", "base", "members",
)  # fmt: skip
_WORDS_OF_INPUT: Final = tuple(InputSpec.__dataclass_fields__)
# Programs that a file's ending tells.
_KINDS: Final = {".pt2": EXPORT, ".ts": TORCHSCRIPT, ".onnx": ONNX}
_FACTORY: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
Value = TypeVar("Value")


def read_card(path: Path, trusted: bool = True) -> ModelCard:
    """Read a card.

    Args:
        path: Of the TOML file.
        trusted: Whether the owner of the server put it there: only then may it name a program that
            runs code.

    Raises:
        ModelError: Not TOML, a field is absent or of another kind, the weights are not beside
            it, or it names a program and is an upload.
    """
    try:
        content = _content(path, file_state(path))
    except InputError as error:
        raise ModelError(
            f"{path} can't be read as a model card ({error}); mend the file"
        ) from error
    card = _card(_Table(content, path), trusted)
    if card.runs_code and not trusted:
        raise ModelError(
            f"{path.name} names a program ({card.program}), which runs as the server itself; only "
            "its owner may add one, by putting card and file into the server's model folder"
        )
    if not _is_beside(card, path):
        raise ModelError(
            f"{path} names weights that are not a file beside it: {card.weights.name}; "
            "put the safetensors file there"
        )
    return card


@lru_cache(maxsize=256)
def _content(path: Path, state: tuple[str, int, int]) -> Mapping[str, Any]:
    # All cards are read at every page.
    return read_toml(path)


def _is_beside(card: ModelCard, path: Path) -> bool:
    try:
        if not card.weights.is_file():
            return False
    except OSError:
        # Longer than a name can be.
        return False
    if card.factory:
        return card.weights.resolve().is_relative_to(path.parent.resolve())
    inside = card.weights.parent == path.parent
    return inside and (card.trusted or card.weights.resolve().parent == path.parent.resolve())


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

    def table(self, name: str, default: dict[str, Any] | None = None) -> _Table:
        return _Table(self.get(name, dict, default), self.path)

    def check_words(self, known: Sequence[str]) -> None:
        """Refuse a word that is nearly one of those that are known, and would go unheard."""
        for word in self.content:
            near = [] if word in known else get_close_matches(word, known, 1, 0.75)
            if near and near[0] not in self.content:
                raise ModelError(f"{self.path} has {word!r}; if {near[0]!r} is meant, write that")

    def numbers(self, name: str, count: int, default: float) -> tuple[float, ...]:
        values = self.get(name, list, [default] * min(max(count, 0), 3))
        if len(values) != count or not all(type(value) in (int, float) for value in values):
            raise self.wrong(name)
        return tuple(float(value) for value in values)

    def wrong(self, name: str) -> ModelError:
        value = self.content[name]
        return ModelError(
            f"{self.path} has {name} = {value!r}, which can't be; "
            "correct it as the README's model card shows"
        )


def _card(table: _Table, trusted: bool) -> ModelCard:
    table.check_words(_WORDS)
    table.table("input", {}).check_words(_WORDS_OF_INPUT)
    made = _made(table)
    classes = _classes(table)
    name = table.get("name", str)
    channels = made["arguments"].get("in_channels")
    return ModelCard(
        name=name,
        title=table.get("title", str, name),
        description=table.get("description", str, ""),
        input=_input(table.table("input", {}), channels if channels in (1, 3) else 3),
        output=_output(table.table("output", {}), len(classes)),
        classes=classes,
        dataset=table.get("dataset", str, ""),
        source=table.get("source", str, ""),
        figures=table.get("figures", dict, {}),
        defences=_defences(table),
        base=table.get("base", str, ""),
        trusted=trusted,
        synthetic=table.content.get("synthetic") is True,
        **made,
    )


def _made(table: _Table) -> dict[str, Any]:
    """Return what makes the network: members, a program, or an architecture and its weights."""
    if "members" in table.content:
        return {
            "architecture": "",
            "arguments": {},
            "weights": table.path,
            "members": _members(table),
        }
    if "program" in table.content:
        made = _program(table.table("program"))
        if "weights" in table.content:
            made["weights"] = table.path.parent / table.get("weights", str)
        if "weights" not in made:
            table.get("weights", str)
        return made
    weights = table.path.parent / table.get("weights", str)
    kind = _KINDS.get(weights.suffix.lower())
    if kind and "architecture" not in table.content:
        return {"program": kind, "architecture": "", "arguments": {}, "weights": weights}
    architecture = table.table("architecture", {})
    return {
        "weights": weights,
        # Without one it is guessed from the weights when they are loaded.
        "architecture": architecture.get("name", str) if architecture.content else "",
        "arguments": architecture.get("arguments", dict, {}),
        "library": _library(architecture),
    }


def _members(table: _Table) -> tuple[str, ...]:
    names = table.get("members", list)
    if len(names) < 2 or not all(isinstance(name, str) for name in names):
        raise table.wrong("members")
    return tuple(names)


def _library(architecture: _Table) -> str:
    library = architecture.get("library", str, MONAI)
    if library not in LIBRARIES:
        raise architecture.wrong("library")
    return library


def _program(table: _Table) -> dict[str, Any]:
    kind = table.get("kind", str)
    if kind not in PROGRAMS:
        raise table.wrong("kind")
    made: dict[str, Any] = {
        "program": kind,
        "architecture": "",
        "arguments": table.get("arguments", dict, {}),
    }
    if kind == FACTORY:
        factory = table.get("factory", str)
        if not _FACTORY.fullmatch(factory):
            raise table.wrong("factory")
        module = factory.partition(":")[0].replace(".", "/")
        made |= {"factory": factory, "weights": table.path.parent / f"{module}.py"}
    return made


def _input(table: _Table, usual: int) -> InputSpec:
    """Return what it takes; `usual` channels at their own size as they are, unless it is said."""
    channels = table.get("channels", int, usual)
    size = table.content.get("size")
    exact = _exact(table) if isinstance(size, list) else None
    normalisation = table.get("normalisation", str, FIXED)
    fixed = normalisation not in (PER_IMAGE, PER_CHANNEL)
    spec = InputSpec(
        channels=channels,
        size=0 if exact else table.get("size", int, 0),
        multiple=table.get("multiple", int, 1 if exact else USUAL_MULTIPLE),
        mean=table.numbers("mean", channels, 0.0) if fixed else (0.0,) * channels,
        std=table.numbers("std", channels, 1.0) if fixed else (1.0,) * channels,
        exact=exact,
        pad=table.get("pad", str, ""),
        normalisation=normalisation,
        order=table.get("order", str, "rgb"),
        batch=table.get("batch", int, 0),
    )
    fits = {
        "channels": spec.channels in (1, 3),
        "size": 0 <= spec.size <= LARGEST_SIZE,
        "multiple": 1 <= spec.multiple <= LARGEST_MULTIPLE,
        "std": min(spec.std, default=0.0) > 0,
        "pad": spec.pad in PADS,
        "normalisation": spec.normalisation in NORMALISATIONS,
        "order": spec.order in ORDERS,
        "batch": spec.batch in (0, 1),
    }
    for name, fitting in fits.items():
        if not fitting:
            raise table.wrong(name)
    return spec


def _exact(table: _Table) -> tuple[int, int]:
    sides = table.content["size"]
    fits = len(sides) == 2 and all(type(s) is int and 1 <= s <= LARGEST_SIZE for s in sides)
    if not fits:
        raise table.wrong("size")
    return sides[0], sides[1]


def _output(table: _Table, classes: int) -> OutputSpec:
    element = table.content.get("element", [])
    spec = OutputSpec(
        reading=table.get("reading", str, LOGITS),
        element=tuple(element if isinstance(element, list) else [element]),
        fit=table.get("fit", str, RESIZE),
        channels=tuple(table.get("channels", list, [])),
        counts_as=tuple(table.get("counts_as", list, [])),
    )
    own = spec.own_classes(classes)
    alone = spec.reading in (ONE_LOGIT, ONE_PROBABILITY)
    numbers = [type(channel) is int and 0 <= channel < 10_000 for channel in spec.channels]
    fits = {
        "reading": spec.reading in READINGS and (own == 2 or not alone),
        "element": all(type(part) in (int, str) for part in spec.element),
        "fit": spec.fit in FITS,
        "channels": all(numbers) and len(numbers) in (0, own),
        "counts_as": len(spec.counts_as) != 1
        and all(type(label) is int and 0 <= label < classes for label in spec.counts_as),
    }
    for name, fitting in fits.items():
        if not fitting:
            raise table.wrong(name)
    return spec


def _defences(table: _Table) -> tuple[Defence, ...]:
    entries = table.get("defences", list, [])
    if len(entries) > MOST_DEFENCES or not all(isinstance(entry, dict) for entry in entries):
        raise table.wrong("defences")
    found = []
    for entry in entries:
        values = {key: value for key, value in entry.items() if key != "name"}
        defence = Defence(_Table(entry, table.path).get("name", str), values)
        try:
            settings_of(defence)
        except AsmaError as error:
            raise ModelError(f"{table.path} names a defence that can't be: {error}") from error
        found.append(defence)
    return tuple(found)


def _classes(table: _Table) -> tuple[str, ...]:
    entries = table.get("classes", list)
    if not 2 <= len(entries) <= MOST_CLASSES or not all(isinstance(e, dict) for e in entries):
        raise table.wrong("classes")
    return tuple(_Table(entry, table.path).get("name", str) for entry in entries)
