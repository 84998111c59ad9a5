"""An archive, a data folder that can't be written: it is said before anybody tries to change it."""

from __future__ import annotations

from typing import Final

import streamlit as st

from asma_core import paths
from asma_core.runs.database import is_read_only

_LINE: Final = (
    ":material/lock: This is an archive: everything can be looked at, nothing run, judged or "
    "changed. To work on it, set ASMA_HOME to a copy of its folder."
)


def is_archive() -> bool:
    """Tell whether what there is can only be looked at."""
    return is_read_only(paths.home() / "runs.sqlite")


def archive_line() -> None:
    """Say on an archive's pages that they show one."""
    if is_archive():
        st.caption(_LINE)
