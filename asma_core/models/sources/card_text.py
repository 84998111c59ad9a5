"""Writing model cards as TOML."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from asma_core.models.sources.cards import ModelCard
from asma_core.models.sources.model_card import MONAI
from asma_core.models.wrapper.specs import input_table, output_table

Table = tuple[str, Mapping[str, Any]]


def card_text(card: ModelCard, more: Sequence[Table] = ()) -> str:
    """Return a card as TOML.

    Args:
        card: What it says.
        more: Further tables, such as how the network was trained.
    """
    output = output_table(card.output)
    classes = [("[[classes]]", {"name": name}) for name in card.classes]
    tables: list[Table] = [
        ("", _head(card)),
        *_made(card),
        ("[input]", input_table(card.input)),
        *([("[output]", output)] if output else []),
        *classes,
        *(("[[defences]]", defence.as_dict()) for defence in card.defences),
        *more,
        *([("[figures]", card.figures)] if card.figures else []),
    ]
    return "\n".join(_table(title, entries) for title, entries in tables)


def _made(card: ModelCard) -> list[Table]:
    if card.members:
        return []
    if card.program:
        return [("[program]", _program(card))]
    library = {} if card.library == MONAI else {"library": card.library}
    entries = library | {"name": card.architecture, "arguments": dict(card.arguments)}
    return [("[architecture]", entries)]


def _program(card: ModelCard) -> dict[str, Any]:
    table: dict[str, Any] = {"kind": card.program}
    if card.factory:
        table["factory"] = card.factory
    return table | ({"arguments": dict(card.arguments)} if card.arguments else {})


def _head(card: ModelCard) -> dict[str, Any]:
    head: dict[str, Any] = {"name": card.name, "title": card.title, "description": card.description}
    if card.members:
        head["members"] = list(card.members)
    elif card.weights.suffix != ".py":
        head["weights"] = card.weights.name
    optional = {"dataset": card.dataset, "source": card.source, "base": card.base}
    said = {name: value for name, value in optional.items() if value}
    return head | {"synthetic": card.synthetic} | said


def _table(title: str, entries: Mapping[str, Any]) -> str:
    lines = [title] if title else []
    lines += [f"{_key(key)} = {_value(value)}" for key, value in entries.items()]
    return "\n".join(lines) + "\n"


def _key(key: str) -> str:
    plain = key.replace("_", "").replace("-", "")
    return key if plain.isascii() and plain.isalnum() else _value(key)


def _value(value: Any) -> str:
    """Return a TOML value; a JSON string is a TOML string too."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    if isinstance(value, float) and not math.isfinite(value):
        return "nan"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
