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
    max_reading_mb = 2000               # memory of a process that reads what somebody brought
    max_reading_s = 300                 # seconds that it may take without getting further
    max_network_mb = 12000              # the same of one that takes in or tries a network
    max_network_s = 600
    sign_in = "none"                    # "oidc": by Streamlit's st.login; "proxy": by a header
    trusted_proxy_header = ""           # the header in which a proxy names who is signed in
    trusted_proxies = ["127.0.0.1"]     # the proxy's addresses, or networks such as 10.0.0.0/8
    role_claim = ""                     # the claim of the identity provider that names a role
    default_role = "viewer"             # of who is signed in and named nowhere; "" lets nobody in
    viewers = []                        # who has which role, by name or e-mail address
    reviewers = []
    engineers = []
    owners = []
    keep_uploads_days = 0               # then an uploaded image is deleted; 0 for never
    keep_runs_days = 0                  # then a run is deleted that is not pinned; 0 for never
    quota_gb = 0                        # disk space of one person; 0 for no limit
    allowed_hosts = []                  # names by which people call the server: asma.example.org
    metrics_from = ["127.0.0.1", "::1"] # addresses or networks that may read /metrics
    metrics_token = ""                  # whoever sends it as a bearer token may read it, too
    max_queued_per_person = 0           # runs that wait for their turn; 0 for no limit
    max_running_per_person = 0          # runs at once, where there are several workers; 0 the same
    max_run_minutes = 0                 # then a run is stopped with what it has; 0 for no limit
    executor = "local"                  # or "dask://scheduler:8786": workers of a Dask cluster
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from asma_core import paths
from asma_core.errors import InputError
from asma_core.plain_toml import read_toml

NO_SIGN_IN: Final = "none"
OIDC: Final = "oidc"
PROXY: Final = "proxy"
LOCAL: Final = "local"
DASK: Final = "dask://"
# Of the settings that are words, what they can be.
CHOICES: Final = {
    "sign_in": (NO_SIGN_IN, OIDC, PROXY),
    "default_role": ("", "viewer", "reviewer", "engineer", "owner"),
}
_EXECUTORS: Final = rf"{LOCAL}|{DASK}(\[[0-9a-fA-F:]+\]|[\w.-]+):\d+"


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
        max_reading_mb: Most memory in MB that a process takes that reads somebody's file.
        max_reading_s: Seconds that it may take without getting further.
        max_network_mb: The same of a process that takes in or tries somebody's network.
        max_network_s: The same in seconds.
        sign_in: How people sign in: "none", "oidc" or "proxy".
        trusted_proxy_header: The header in which the proxy names who is signed in.
        trusted_proxies: Addresses or networks from which that header is believed.
        role_claim: The identity provider's claim that names a role or a list with one; "" for none.
        default_role: Of who is signed in and named nowhere; "" for nobody gets in.
        viewers: Names or e-mail addresses; who stands in several lists has the highest role.
        reviewers: The same.
        engineers: The same.
        owners: The same.
        keep_uploads_days: After how many days an uploaded image is deleted; 0 for never.
        keep_runs_days: After how many days a run is deleted that is not pinned; 0 for never.
        quota_gb: Disk space of one person in GB; 0 for no limit.
        allowed_hosts: Names by which people call the server, "*.example.org" for all below one;
            localhost and the address at which a request arrives always count.
        metrics_from: Addresses or networks that may read /metrics.
        metrics_token: Whoever sends it as a bearer token may read /metrics, too; "" for nobody.
        max_queued_per_person: Most runs of one person that wait for their turn; 0 for no limit.
        max_running_per_person: Most runs of one person at once; 0 for no limit.
        max_run_minutes: After how many minutes a run is stopped; 0 for never.
        executor: Where runs are carried out: "local", or "dask://HOST:PORT", a Dask scheduler.
    """

    data_roots: tuple[Path, ...] = ()
    max_upload_mb: int = 200
    max_archive_mb: int = 8000
    max_archive_files: int = 50_000
    max_weights_mb: int = 2000
    max_onnx_mb: int = 4000
    max_image_megapixels: int = 50
    max_image_mb: int = 200
    max_reading_mb: int = 2000
    max_reading_s: int = 300
    max_network_mb: int = 12_000
    max_network_s: int = 600
    sign_in: str = NO_SIGN_IN
    trusted_proxy_header: str = ""
    trusted_proxies: tuple[str, ...] = ("127.0.0.1", "::1")
    role_claim: str = ""
    default_role: str = "viewer"
    viewers: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    engineers: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    keep_uploads_days: int = 0
    keep_runs_days: int = 0
    quota_gb: int = 0
    allowed_hosts: tuple[str, ...] = ()
    metrics_from: tuple[str, ...] = ("127.0.0.1", "::1")
    metrics_token: str = ""
    max_queued_per_person: int = 0
    max_running_per_person: int = 0
    max_run_minutes: int = 0
    executor: str = LOCAL

    @property
    def people_sign_in(self) -> bool:
        """Whether there are people who sign in; else whoever reaches the server owns it."""
        return self.sign_in != NO_SIGN_IN

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
    return [_folder(part) for part in parts if part]


@lru_cache(maxsize=8)
def _read(path: Path, modified: int, named: tuple[Path, ...]) -> Settings:
    content: dict[str, Any] = {}
    if modified:
        try:
            content = read_toml(path)
        except InputError as error:
            raise InputError(f"{path} can't be read as TOML ({error}); mend the file") from error
    values = {name: _value(path, name, value) for name, value in content.items()}
    roots = values.pop("data_roots", ())
    return Settings(data_roots=tuple(map(_folder, roots)) + named, **values)


def _value(path: Path, name: str, value: Any) -> Any:
    """Return a setting as `Settings` has it.

    Raises:
        InputError: There is no such setting, or it can't have that value.
    """
    defaults = {field.name: field.default for field in fields(Settings)}
    usual = defaults.get(name)
    if isinstance(usual, tuple):
        fits = isinstance(value, list) and all(isinstance(one, str) for one in value)
    elif isinstance(usual, int):
        # Where 0 means something it is the default.
        fits = type(value) is int and (value > 0 or value == usual)
    else:
        fits = isinstance(value, str) and (name not in CHOICES or value in CHOICES[name])
        fits = fits and (name != "executor" or re.fullmatch(_EXECUTORS, value) is not None)
    if usual is None or not fits:
        raise InputError(
            f"{path} has {name} = {value!r}, which can't be; it knows {', '.join(sorted(defaults))}"
        )
    return tuple(value) if isinstance(value, list) else value


def _folder(text: str) -> Path:
    return Path(text).expanduser()
