"""Hostile weights and model cards."""

from __future__ import annotations

import io
import json
import struct
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any, Final

from asma_core.models.sources.building import check_card
from asma_core.models.sources.card_reading import read_card
from asma_core.models.sources.card_text import card_text
from asma_core.models.sources.cards import network_hash
from asma_core.models.sources.guessing import look_at
from scripts.hostile.damage import damaged_bytes, damaged_value, json_bytes, odd_text, odd_value
from scripts.hostile.pictures import Ask


def hostile_weights(rng: Random, folder: Path) -> Ask:
    """A safetensors file or a checkpoint, damaged, or with a head that is made up."""
    if rng.random() < 0.6:
        path = folder / "a.safetensors"
        head, body = _tensors()
        told = json_bytes(rng, damaged_value(rng, head))
        size = rng.choice((len(told), len(told), len(told), 0, 1 << 62, len(told) + 1))
        data = struct.pack("<Q", size) + told + body
    else:
        path = folder / rng.choice(("a.pt", "a.pth", "a.ckpt", "a.bin"))
        data = rng.choice(_checkpoints())
    path.write_bytes(damaged_bytes(rng, data) if rng.random() < 0.6 else data)
    return lambda: look_at(path)


@lru_cache(maxsize=1)
def _tensors() -> tuple[dict[str, Any], bytes]:
    from safetensors.torch import save

    data = save(_network().state_dict())
    length = struct.unpack("<Q", data[:8])[0]
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def _network() -> Any:
    from asma_core.models.sources.building import build_network

    return build_network(
        "UNet",
        {"spatial_dims": 2, "in_channels": 3, "out_channels": 2, "channels": [4, 8],
         "strides": [2], "num_res_units": 1},
    )  # fmt: skip


@lru_cache(maxsize=1)
def _checkpoints() -> list[bytes]:
    import torch

    state = _network().state_dict()
    contents = [
        state,
        {"state_dict": state, "epoch": 3, "optimizer": {}},
        [1, "x"],
        {"a": {"b": 2}},
    ]
    made = []
    for content in contents:
        for new in (True, False):
            buffer = io.BytesIO()
            torch.save(content, buffer, _use_new_zipfile_serialization=new)
            made.append(buffer.getvalue())
    return made


_CARD: Final = {
    "name": "mine", "title": "Mine", "weights": "mine.safetensors", "dataset": "demo-fundus",
    "architecture": {"name": "UNet", "arguments": {
        "spatial_dims": 2, "in_channels": 3, "out_channels": 2, "channels": [4, 8, 16],
        "strides": [2, 2], "num_res_units": 1}},
    "input": {"channels": 3, "size": 256, "multiple": 16, "mean": [0.5, 0.5, 0.5],
              "std": [0.2, 0.2, 0.2], "pad": "zeros", "order": "rgb", "batch": 1},
    "output": {"reading": "logits", "element": ["out", 0], "channels": [0, 1]},
    "classes": [{"name": "skin"}, {"name": "lesion"}],
    "defences": [{"name": "jpeg", "quality": 75}], "figures": {"iou": 0.5, "of": [1, 2]},
}  # fmt: skip
_LINES: Final = (
    ".".join("a" * 4000) + " = 1", "[" + ".".join("a" * 300) + "]", "a = " + "[" * 4000,
    "a = " + '{b="' * 300, "[[[[", "a = 2026-11-29", "a = 25:61:61", "a = nan", "a = 1e99999",
    "a = 0x" + "f" * 6000, "a = " + "9" * 6000, 'a = "\\ud800"', 'a = "\\u0000"', "\0", '"""',
    "a = {b.c.d.e = 1}", "[classes]", "[[input]]", 'name = "other"', "weights = 07:32:00",
    "a." * 90 + "a = 1", 'a = """' + '"' * 500,
)  # fmt: skip
_ARCHITECTURES: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("BasicUNet", {"features": [4, 4, 8, 8, 16, 4]}), ("SegResNet", {"init_filters": 8}),
    ("AttentionUnet", {"channels": [4, 8], "strides": [2]}), ("VNet", {}), ("HighResNet", {}),
    ("DynUNet", {"kernel_size": [3, 3], "strides": [1, 2], "upsample_kernel_size": [2]}),
    ("UNETR", {"img_size": [32, 32], "feature_size": 4, "hidden_size": 24, "num_heads": 2}),
    ("SwinUNETR", {"feature_size": 12}), ("FlexibleUNet", {"backbone": "efficientnet-b0"}),
)  # fmt: skip


def hostile_card(rng: Random, folder: Path) -> Ask:
    """A model card with odd values and lines, and the network that it asks for."""
    content: dict[str, Any] = json.loads(json.dumps(_CARD))
    if rng.random() < 0.3:
        name, arguments = rng.choice(_ARCHITECTURES)
        base = {"spatial_dims": 2, "in_channels": 3, "out_channels": 2}
        content["architecture"] = {
            "name": name,
            "arguments": base | json.loads(json.dumps(arguments)),
        }
    if rng.random() < 0.4:
        arguments = content["architecture"]["arguments"]
        key = rng.choice(list(arguments))
        arguments[key] = rng.choice(
            (odd_value(rng), [rng.choice((4, 10**5))] * rng.choice((2, 5000)))
        )
    elif rng.random() < 0.8:
        content = damaged_value(rng, content)
    path = folder / "mine.toml"
    (folder / "mine.safetensors").write_bytes(b"weights")
    path.write_bytes(toml_bytes(rng, content, _LINES))

    def ask() -> object:
        card = read_card(path, trusted=False)
        card_text(card), network_hash(card)
        check_card(card)
        return card

    return ask


def toml_bytes(rng: Random, content: Any, lines: tuple[str, ...]) -> bytes:
    """Return plain values as TOML, now and then with an odd line, or damaged as text."""
    content = content if isinstance(content, dict) else {"a": content}
    told = [f"{_key(key)} = {_value(value)}" for key, value in content.items()]
    if rng.random() < 0.2:
        told.insert(rng.randint(0, len(told)), rng.choice((*lines, odd_text(rng))))
    data = "\n".join(told).encode("utf-8", "surrogatepass")
    return damaged_bytes(rng, data) if rng.random() < 0.2 else data


def _key(key: str) -> str:
    return key if key.replace("_", "").isalnum() and key.isascii() else json.dumps(key)


def _value(value: Any) -> str:
    # By hand: what can be written may be deeper than a writer goes.
    pending: list[Any] = [value]
    told: list[str] = []
    while pending:
        one = pending.pop()
        if isinstance(one, _Raw):
            told.append(str(one))
        elif isinstance(one, dict):
            parts = [
                part
                for key, inner in one.items()
                for part in (_Raw(f"{_key(key)} = "), inner, _Raw(", "))
            ]
            pending += [_Raw("}"), *reversed(parts[:-1]), _Raw("{")]
        elif isinstance(one, list):
            parts = [part for inner in one for part in (inner, _Raw(", "))]
            pending += [_Raw("]"), *reversed(parts[:-1]), _Raw("[")]
        else:
            told.append(_scalar(one))
    return "".join(told)


class _Raw(str):
    """A piece of TOML."""


def _scalar(value: Any) -> str:
    if value is None:
        return "2026-11-29"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value)
