"""Plain values of a bundle's configuration; expressions in it are never evaluated."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from asma_core.errors import ModelError
from asma_core.models.sources.plain_json import Fields

_REFERENCE: Final = re.compile(r"@[\w]+((#|::)[\w]+)*")
_DEEPEST: Final = 12
OWNER_ONLY: Final = (
    "that is a program, which the owner of the server would have to allow: export the network and "
    "add it as one (.pt2)"
)


class ExpressionError(ModelError):
    """A value that would have to be computed by code of the bundle."""


def plain(value: Any, config: Fields, name: str, level: int = 0) -> Any:
    """Return a value with references to other values of the file put in.

    Args:
        value: Of the file.
        config: The whole file.
        name: What to call it in errors.
        level: How deep it is.

    Raises:
        ExpressionError: It is an expression, or refers to another file or to one.
        ModelError: It is too deep, refers to nothing or to itself.
    """
    if level > _DEEPEST:
        raise ModelError(f"{config.label} has {name} too deep, or referring to itself")
    if isinstance(value, str):
        return _resolved(value, config, name, level)
    if isinstance(value, Mapping):
        return {str(key): plain(one, config, name, level + 1) for key, one in value.items()}
    if isinstance(value, list):
        return [plain(one, config, name, level + 1) for one in value]
    return value


def _resolved(text: str, config: Fields, name: str, level: int) -> Any:
    if text.startswith(("$", "%")) or ("@" in text and not _REFERENCE.fullmatch(text)):
        raise ExpressionError(f"{config.label} has {name} = {text[:60]!r}: {OWNER_ONLY}")
    if not text.startswith("@"):
        return text
    place: Any = config.content
    for part in re.split(r"#|::", text[1:]):
        if isinstance(place, Mapping) and part in place:
            place = place[part]
        elif isinstance(place, list) and part.isdecimal() and int(part[:6]) < len(place):
            place = place[int(part[:6])]
        else:
            raise ModelError(f"{config.label} refers to {text[:60]!r}, which is not in it")
    return plain(place, config, name, level + 1)
