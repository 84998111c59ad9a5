"""Hostile zips: odd names, lies on sizes, damage, many entries."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from random import Random

from asma_core.data.formats.archives import unpack
from asma_core.server_config import Settings
from scripts.hostile.damage import damaged_bytes, odd_text
from scripts.hostile.pictures import Ask

_LIMITS = Settings(max_archive_mb=20, max_archive_files=100)


def hostile_zip(rng: Random, folder: Path) -> Ask:
    """A zip of pictures that is damaged, or holds what no zip should."""
    data = _zip(rng)
    data = damaged_bytes(rng, data) if rng.random() < 0.5 else data
    return lambda: unpack(io.BytesIO(data), folder / "new", _LIMITS, "a.zip")


def _zip(rng: Random) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", rng.choice((0, 8, 12, 14))) as archive:
        for _ in range(rng.choice((1, 3, 3, 200))):
            archive.writestr(_entry(rng), rng.choice((b"", b"x" * 50, bytes(300_000))))
    return _renamed(rng, buffer.getvalue())


def _entry(rng: Random) -> zipfile.ZipInfo:
    name = f"set/{rng.randrange(10**6)}.png"
    if rng.random() < 0.4:
        odd = odd_text(rng).replace("\0", "")
        name = odd.encode("utf-8", "replace").decode()[:60_000] + rng.choice(("", ".png", "/a.png"))
    entry = zipfile.ZipInfo(name or "x", (2026, 11, 29, 0, 0, 0))
    if rng.random() < 0.1:
        entry.external_attr = rng.randrange(1 << 32)
    return entry


def _renamed(rng: Random, data: bytes) -> bytes:
    """Return a zip with bytes in its names that no text has, said to be UTF-8 or not."""
    if rng.random() < 0.2:
        odd = rng.choice((b"set\xff", b"se\xed\xa0\x80"[:4], b"s\0t/", b"..//", b"//et"))
        data = data.replace(b"set/", odd[:4])
    return data
