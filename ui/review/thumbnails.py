"""Small pictures of attacked images, without outlines: as reviewers saw them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import streamlit as st
from PIL import Image

from asma_core.runs import artefacts
from ui.common import services
from ui.pictures.encoding import jpeg

SIDE: Final = 260


def attacked_picture(run_id: str) -> bytes | None:
    """Return a run's attacked picture as a small JPEG; None when its files can't be read."""
    try:
        # Files of a run that ended never change.
        return _small(services.store().folder(run_id) / artefacts.ADVERSARIAL)
    except (OSError, ValueError, SyntaxError):
        return None


@st.cache_data(max_entries=400, show_spinner=False)
def _small(file: Path) -> bytes:
    with Image.open(file, formats=["PNG"]) as picture:
        small = picture.convert("RGB")
    small.thumbnail((SIDE, SIDE), Image.Resampling.BOX)
    return jpeg(np.asarray(small))
