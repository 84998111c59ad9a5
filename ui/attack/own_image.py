"""An own image on Attack: which picture of its file, through which window."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from asma_core.data.formats.images import VOLUMES, Source, count_frames, count_volumes
from asma_core.data.formats.slices import MIDDLE, Slice
from asma_core.data.formats.tree import suffix
from asma_core.limited.reading import read
from asma_core.runs.sources import SourceImage
from asma_core.runs.uploads import file_of, keep_series, keep_upload, open_upload, unpack_series
from ui.address.views import AttackView
from ui.attack.image_cache import kept_image
from ui.common.window_slider import window_caption, window_of_text, window_slider, window_text


def kept_upload_of(key: str, uploaded: UploadedFile) -> str:
    """Keep what was uploaded, with the picture of it that is chosen; return its key.

    Args:
        key: Of the page's widgets.
        uploaded: A file, or a zip of the DICOM slices of one series.

    Raises:
        InputError: It can't be read as an image.
    """
    series = _series(key, uploaded)
    source: Source = uploaded.getvalue() if series is None else series
    where = _which_picture(key, source, ".dcm" if series is not None else uploaded.name.lower())
    token, place = (uploaded.file_id, where), f"{key}-upload-id"
    if token != st.session_state.get(place, (None, ""))[0]:
        if series is not None:
            own = keep_series(series, uploaded.name, where)
        else:
            own = keep_upload(uploaded.getvalue(), uploaded.name, where)
        # Only now: a file that can't be read is complained of as long as it is there.
        st.session_state[place] = token, own
        return own
    return str(st.session_state.get(f"{key}-own", ""))


def _series(key: str, uploaded: UploadedFile) -> Path | None:
    """Return the folder of a zip's slices; None for a file."""
    if not uploaded.name.lower().endswith(".zip"):
        return None
    file, folder = st.session_state.get(f"{key}-series", ("", None))
    if file != uploaded.file_id or not folder.exists():
        with st.spinner("Unpacking"):
            folder = unpack_series(uploaded.getvalue(), uploaded.name)
        st.session_state[f"{key}-series"] = uploaded.file_id, folder
    return Path(folder)


def _which_picture(key: str, source: Source, name: str) -> Slice:
    """Let one picture of a file that holds several be chosen."""
    if suffix(name) not in (".tif", ".tiff", ".gif", *VOLUMES):
        return MIDDLE
    axis, volume = 2, 0
    row = st.columns(3)
    if ".nii" in name:
        volumes = read(name, count_volumes, source, name)
        if volumes > 1:
            volume = row[2].number_input(
                f"Volume, 0 to {volumes - 1}", 0, volumes - 1, 0, key=f"{key}-volume-{volumes}"
            )
        axis = row[1].selectbox(
            "Slices",
            [2, 1, 0],
            format_func=("sagittal", "coronal", "axial").__getitem__,
            key=f"{key}-upload-axis",
        )
    count = read(name, count_frames, source, name, axis)
    if count == 1:
        return Slice(axis=axis, volume=int(volume))
    frame = row[0].number_input(
        f"Picture, 0 to {count - 1}", 0, count - 1, count // 2, key=f"{key}-frame-{count}-{axis}"
    )
    return Slice(int(frame), axis, volume=int(volume))


def seen_upload(key: str, own: str) -> SourceImage:
    """Return an own image through its window, which can be changed where it is deep.

    Raises:
        InputError: It is not there any more.
    """
    source = kept_image((own,), lambda: open_upload(own))
    said = f"{key}-window-said-{own}"
    st.session_state[said] = ""
    if source.window is None:
        return source
    extent = source.extent
    if extent is not None:
        # One window for all slices of a volume.
        window = window_slider(f"{key}-window-{file_of(own)}", source.window, extent)
        if window != source.window:
            st.session_state[said] = window_text(window)
            source = kept_image((own, window), lambda: open_upload(own, window))
    if source.window is not None:
        window_caption(source.window, extent)
    return source


def said_window(key: str, own: str) -> str:
    """Return what the address says of the window of an own image; "" for the automatic one."""
    return str(st.session_state.get(f"{key}-window-said-{own}", ""))


def take_window(key: str, view: AttackView) -> None:
    """Take the window of an own image from an address; without one the automatic."""
    slider = f"{key}-window-{file_of(view.own)}"
    window = window_of_text(view.window) if view.window else None
    st.session_state.pop(slider, None)
    if window is not None:
        st.session_state[slider] = (window.low, window.high)
