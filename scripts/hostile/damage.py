"""Damage to what is valid: to bytes, to text and to plain values."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from copy import deepcopy
from random import Random
from typing import Any, Final

# Numbers that lengths, counts and offsets of files are seldom meant to be.
NUMBERS: Final = (
    b"\x00", b"\xff", b"\x7f", b"\xff\xff", b"\xff\x7f", b"\x00\x80", b"\xff\xff\xff\xff",
    b"\xff\xff\xff\x7f", b"\x7f\xff\xff\xff", b"\x00\x00\x00\x80", b"\x00\x00\x00\x00",
    b"\x00\x00\xc0\x7f", b"\x00\x00\x80\xff", b"\xff" * 8, b"\x00" * 8,
)  # fmt: skip
TEXTS: Final = (
    "", " ", "\0", "a\0b", "..", "../../etc/passwd", "/etc/passwd", "C:\\a", "x" * 300, "é" * 200,
    "\ud800", "a\udcffb", "\u202egnp.a", "<script>", "'; DROP TABLE runs; --", "{}", "%s%n", "-1",
    "1e999", "nan", "\u0663", "2026-11-29", "True", "a/b", "a\nb", "\ufeff",
    "\U0001d54f" * 20, "$(reboot)",
    "~root", "~nobody-of-this-name/x", "con", ".", "*", "[", "(" * 50, "a" * 5000, "0" * 400,
)  # fmt: skip
VALUES: Final[Sequence[Any]] = (
    None, True, False, 0, 1, -1, 2, 255, 256, 2**31, 2**63, -(2**63), 10**30, 10**400, 1.5, -0.0,
    1e308, float("nan"), float("inf"), [], {}, [[]], [None], [1, 2], [0.5, float("nan")], {"a": 1},
    [[1, 1], [2, 2]], list(range(100)), ["x"] * 3, {"": ""}, [{}], 16_384, 100_000,
)  # fmt: skip


def damaged_bytes(rng: Random, data: bytes) -> bytes:
    """Return bytes with up to eight wounds, most of them in their head."""
    wounded = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        rng.choice(_WOUNDS)(rng, wounded)
    return bytes(wounded)


def _place(rng: Random, data: bytearray) -> int:
    head = rng.random() < 0.6
    return rng.randrange(min(len(data), 600) if head else len(data)) if data else 0


def _flip(rng: Random, data: bytearray) -> None:
    if data:
        data[_place(rng, data)] ^= 1 << rng.randrange(8)


def _number(rng: Random, data: bytearray) -> None:
    place, number = _place(rng, data), rng.choice(NUMBERS)
    data[place : place + len(number)] = number


def _cut(rng: Random, data: bytearray) -> None:
    if rng.random() < 0.3:
        del data[_place(rng, data) :]


def _remove(rng: Random, data: bytearray) -> None:
    place = _place(rng, data)
    del data[place : place + rng.randint(1, 40)]


def _insert(rng: Random, data: bytearray) -> None:
    place = _place(rng, data)
    data[place:place] = rng.randbytes(rng.randint(1, 40))


def _double(rng: Random, data: bytearray) -> None:
    start = _place(rng, data)
    data[start:start] = data[start : start + rng.randint(1, 300)]


def _blank(rng: Random, data: bytearray) -> None:
    place, count = _place(rng, data), rng.randint(1, 64)
    data[place : place + count] = bytes(len(data[place : place + count]))


_WOUNDS: Final[Sequence[Callable[[Random, bytearray], None]]] = (
    *(_flip, _flip, _number, _number, _cut, _remove, _insert, _double, _blank),
)


def odd_text(rng: Random) -> str:
    """Return a text that nobody meant."""
    if rng.random() < 0.7:
        return rng.choice(TEXTS)
    signs = [chr(rng.choice((rng.randrange(128), rng.randrange(0x3000)))) for _ in range(9)]
    return "".join(signs) * rng.choice((1, 1, 1, 30))


def odd_value(rng: Random) -> Any:
    """Return a plain value that nobody meant."""
    kind = rng.random()
    if kind < 0.25:
        return odd_text(rng)
    if kind < 0.3:
        deep: Any = 1
        for _ in range(rng.choice((3, 50, 400))):
            deep = [deep] if rng.random() < 0.5 else {"a": deep}
        return deep
    return deepcopy(rng.choice(VALUES))


def damaged_value(rng: Random, content: Any) -> Any:
    """Return plain values with up to three places replaced, removed, doubled or added."""
    content = json.loads(json.dumps(content))
    for _ in range(rng.randint(1, 3)):
        content = _damaged_once(rng, content)
    return content


def _damaged_once(rng: Random, content: Any) -> Any:
    if not isinstance(content, dict | list) or not content or rng.random() < 0.02:
        return odd_value(rng)
    place = content
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = rng.choice(keys)
        if isinstance(place[key], dict | list) and place[key] and rng.random() < 0.8:
            place = place[key]
            continue
        _wound(rng, place, key)
        return content


def _wound(rng: Random, place: Any, key: Any) -> None:
    kind = rng.random()
    if kind < 0.15:
        del place[key]
    elif kind < 0.3 and isinstance(place, dict):
        place[odd_text(rng)] = place[key]
    elif kind < 0.3:
        place.append(deepcopy(place[key]))
    else:
        place[key] = odd_value(rng)


def json_bytes(rng: Random, content: Any) -> bytes:
    """Return plain values as JSON, now and then damaged as text too."""
    depth = 100_000
    if rng.random() < 0.02:
        return rng.choice((b"[" * depth, b'{"a":' * depth, b"[" * depth + b"]" * depth))
    data = json.dumps(content, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")
    return damaged_bytes(rng, data) if rng.random() < 0.2 else data
