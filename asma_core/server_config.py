"""What the owner of a server sets: limits, and the folders that others may read from.

All of it has defaults. `config.toml` in the data folder (or the file that `ASMA_CONFIG` names)
changes them:

    data_roots = ["/data/challenges"]   # folders from which the page may import
    max_upload_mb = 200                 # one uploaded file
    max_archive_mb = 8000               # what a zip may unpack to
    max_archive_files = 50000           # how many files a zip may hold
    max_weights_mb = 2000               # one file of weights
    max_onnx_mb = 4000                  # memory of the process of one ONNX network
    max_image_megapixels = 50           # one picture
    max_image_mb = 200                  # one file of a picture or a volume
"""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from asma_core import paths
from asma_core.errors import InputError
from asma_core.plain_toml import read_toml


@dataclass(frozen=True)
class Settings:
    """See the module's text.

    Attributes:
        data_roots: Folders from which a page may import; the command line may from anywhere.
        max_upload_mb: Largest uploaded file in MB.
        max_archive_mb: Most MB that an archive may unpack to.
        max_archive_files: Most files in an archive.
        max_weights_mb: Largest file of weights in MB.
        max_onnx_mb: Most memory in MB that the process of one ONNX network may take.
        max_image_megapixels: Largest picture in millions of pixels.
        max_image_mb: Largest file of a picture or a volume in MB.
    """

    data_roots: tuple[Path, ...] = ()
    max_upload_mb: int = 200
    max_archive_mb: int = 8000
    max_archive_files: int = 50_000
    max_weights_mb: int = 2000
    max_onnx_mb: int = 4000
    max_image_megapixels: int = 50
    max_image_mb: int = 200

    def may_read(self, folder: Path) -> bool:
        """Tell whether a folder lies inside one of the roots, links resolved."""
        resolved = folder.resolve()
        return any(resolved.is_relative_to(root.resolve()) for root in self.data_roots)


def settings() -> Settings:
    """Return what is set; `ASMA_DATASETS` and `ASMA_DATA_ROOTS` add roots, separated like PATH.

    Raises:
        InputError: The file holds something else than these settings.
    """
    return read_settings(Path(os.environ.get("ASMA_CONFIG") or paths.home() / "config.toml"))


def read_settings(path: Path) -> Settings:
    """Return what a file sets, and the environment; defaults where there is no file.

    Raises:
        InputError: The file holds something else than these settings.
    """
    modified = path.stat().st_mtime_ns if path.is_file() else 0
    named = [*_folders("ASMA_DATA_ROOTS"), *_folders("ASMA_DATASETS")]
    return _read(path, modified, tuple(named))


def _folders(variable: str) -> list[Path]:
    parts = os.environ.get(variable, "").split(os.pathsep)
    return [Path(part).expanduser() for part in parts if part]


@lru_cache(maxsize=8)
def _read(path: Path, modified: int, named: tuple[Path, ...]) -> Settings:
    content: dict[str, Any] = {}
    if modified:
        try:
            content = read_toml(path)
        except InputError as error:
            raise InputError(f"{path} can't be read as TOML ({error}); mend the file") from error
    known = {field.name for field in fields(Settings)}
    for name, value in content.items():
        wanted = isinstance(value, list) if name == "data_roots" else type(value) is int
        if name not in known or not wanted or (type(value) is int and value < 1):
            raise InputError(
                f"{path} has {name} = {value!r}, which can't be; it knows "
                f"{', '.join(sorted(known))}"
            )
    roots = tuple(Path(str(root)).expanduser() for root in content.pop("data_roots", ()))
    return Settings(data_roots=roots + named, **content)
