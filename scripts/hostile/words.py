"""Hostile addresses, notes, tags, names and settings."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any, Final

import numpy as np

from asma_core.data.importing import check_name
from asma_core.errors import InputError
from asma_core.models.sources.architectures import arguments_from_text
from asma_core.models.sources.draft import spacing_from_text, values_from_text
from asma_core.models.sources.names import check_model_name
from asma_core.models.wrapper.specs import figures_from_text
from asma_core.runs.spec import RunInputs, RunRequest
from asma_core.runs.store import RunStore
from asma_core.runs.target_source import TargetSource
from asma_core.server_config import read_settings
from scripts.hostile.damage import odd_text, odd_value
from scripts.hostile.networks import toml_bytes
from scripts.hostile.pictures import Ask


def hostile_address(rng: Random, folder: Path) -> Ask:
    """The parameters of an address, read as each page reads them, written and read again."""
    from ui.address import views

    known = [one for one in vars(views).values() if isinstance(getattr(one, "PAGE", None), str)]
    view = rng.choice(known)
    names = [*view.names(), odd_text(rng)]
    query = {rng.choice(names): odd_text(rng) for _ in range(rng.randint(1, 6))}

    def read() -> object:
        once = view.from_query(query)
        again = view.from_query(once.query())
        if again != view.from_query(again.query()):
            raise AssertionError(f"an address that does not come back: {query}")
        return again

    return read


def hostile_words(rng: Random, folder: Path) -> Ask:
    """What a person types: names, figures, arguments."""
    text = odd_text(rng)
    return rng.choice(
        (
            lambda: check_name(text),
            lambda: check_model_name(text),
            lambda: arguments_from_text(text),
            lambda: arguments_from_text("[" * 100_000),
            lambda: arguments_from_text("9" * 5000),
            lambda: values_from_text(text),
            lambda: spacing_from_text(text),
            lambda: figures_from_text(text, 3),
        )
    )


def hostile_note(rng: Random, folder: Path) -> Ask:
    """A note and tags on a run, kept and read back."""
    note, tags, verdict = (odd_text(rng) for _ in range(3))

    def annotate() -> object:
        store, run = _run()
        store.judgements.annotate(run, note=note, tags=tags, verdict=verdict)
        return store.get(run).note

    return annotate


@lru_cache(maxsize=1)
def _run() -> tuple[RunStore, str]:
    store = RunStore()
    request = RunRequest(
        model="demo-fundus-unet",
        attack="asma",
        config={},
        image_name="i",
        target=TargetSource("file", "t"),
    )
    blank = np.zeros((16, 16), np.int64)
    inputs = RunInputs(np.zeros((3, 16, 16), np.float32), blank, np.ones((16, 16), np.bool_), None)
    return store, store.create(request, inputs).id


_SETTINGS: Final[dict[str, Any]] = {
    "data_roots": ["/data"], "max_upload_mb": 200, "max_archive_mb": 8000, "max_image_mb": 200,
}  # fmt: skip
_LINES: Final = (
    "a." * 5000 + "a = 1", "a = " + "[" * 5000, "[[[[", "max_upload_mb = 2026-11-29", "\0",
    'data_roots = ["\\u0000"]', "data_roots = [[1]]", "data_roots = [1]", 'data_roots = ["~x/y"]',
    "max_upload_mb = " + "9" * 5000, "max_upload_mb = 1e3", "max_upload_mb = true",
    f"data_roots = [\"{'x' * 5000}\"]", 'x = "\\ud800"',
)  # fmt: skip


def hostile_settings(rng: Random, folder: Path) -> Ask:
    """The owner's `config.toml`, with odd values and lines."""
    content = dict(_SETTINGS)
    if rng.random() < 0.6:
        content[rng.choice((*content, odd_text(rng)))] = odd_value(rng)
    path = folder / "config.toml"
    path.write_bytes(toml_bytes(rng, content, _LINES))

    def read() -> object:
        known = read_settings(path)
        if not isinstance(known.max_upload_mb, int):
            raise InputError("not a number")
        return known.may_read(folder)

    return read
