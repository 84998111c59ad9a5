"""Adding a data set: upload or choose a folder, look at what was understood, correct, keep."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import streamlit as st

from asma_core.data.formats.dicom import HEAD, is_dicom
from asma_core.data.formats.images import count_volumes
from asma_core.data.formats.nameless_dicom import write_nameless
from asma_core.data.formats.tree import WANTED, suffix
from asma_core.data.importing import new_upload, unpack_upload
from asma_core.data.layouts.detection import layout_title
from asma_core.data.layouts.unmasked import UNMASKED
from asma_core.data.preview import Preview, preview
from asma_core.errors import AsmaError, InputError
from asma_core.files import put_aside, write_bytes
from asma_core.limited.reading import read
from asma_core.server_config import settings
from ui.common.errors import escape_markdown, show_error
from ui.common.format import capitalised
from ui.common.rerun import patiently
from ui.common.staging import kept_upload
from ui.common.values import SESSION, initial
from ui.datasets.findings import key_of_meaning, show_findings, with_choices
from ui.datasets.keeping import KEY, keep_data_set
from ui.datasets.mask_meaning import mask_meaning
from ui.datasets.window_choice import window_choice
from ui.pictures.thumbnails import sample_thumbnail

UPLOAD: Final = "Upload"
FOLDER: Final = "Folder on the server"
SHOWN: Final = 8
MOST_FOLDERS: Final = 500
UNMASKED_SWITCH: Final = "There are no masks"
WHAT: Final = (
    "Images with their masks, as a zip or as single files, in whatever folders and under whatever "
    "names: they are paired by what names and files have in common. Also a CSV that lists them, "
    "one mask per class, nnU-Net, Pascal VOC, challenges as they are published (ISIC, PH2, "
    "Drishti-GS, REFUGE, DRIVE, Kvasir-SEG and others), and outlines of COCO, labelme, CVAT, Label "
    "Studio, YOLO, Supervisely and FiftyOne. PNG, JPEG, TIFF, BMP, GIF, WebP, DICOM, NIfTI. "
    "Images without masks can be attacked, too."
)


def dataset_import() -> None:
    """Show the way to a new data set."""
    st.title("Add a data set", anchor=False)
    st.markdown(f":small[:gray[{escape_markdown(WHAT)}]]", width=980)
    root = _source()
    if root is None:
        return
    left, right = st.columns([2, 3], gap="large")
    with left:
        understood = st.container()
        images, masks, unmasked = _patterns(root)
    try:
        found = _looked_at(root, images, masks, unmasked)
        with understood:
            _found(found)
        with left:
            found = _pictures_of_volumes(found, str(root))
            key = f"{KEY}-{root}-{found.found.layout}-{images}-{masks}"
            found = window_choice(found, f"{KEY}-{root}-{found.found.layout}")
            found, findings = with_choices(found, key)
            show_findings(found, findings, key)
            if found.dataset.masked:
                found = mask_meaning(found, key_of_meaning(found, key))
    except AsmaError as error:
        with understood:
            show_error(error)
            if UNMASKED_SWITCH in str(error):
                st.caption("Patterns and switch are below, under *Wrong images or masks?*")
        return
    with right:
        _thumbnails(found)
        keep_data_set(found, root, findings)


def _source() -> Path | None:
    kind = st.segmented_control(
        "From",
        [UPLOAD, FOLDER],
        required=True,
        key=initial(f"{KEY}-from", UPLOAD),
        label_visibility="collapsed",
    )
    return _upload() if kind == UPLOAD else _folder()


def _upload() -> Path | None:
    limit = settings().max_upload_mb
    files = st.file_uploader(
        # Any ending, and none: DICOM files are often called IM000001.
        f"A zip, or images and masks; up to {limit} MB a file",
        accept_multiple_files=True,
        key=f"{KEY}-files",
        max_upload_size=limit,
    )
    return kept_upload(f"{KEY}-unpacked", files, _unpacked_with_words, Path.exists)


def _unpacked_with_words(files: Sequence[Any]) -> Path:
    with st.spinner("Unpacking", show_time=True):
        return _unpacked(files)


def _unpacked(files: Sequence[Any]) -> Path:
    zips = [file for file in files if file.name.lower().endswith(".zip")]
    if zips and len(files) > 1:
        raise InputError("upload either one zip, or images and masks; not both together")
    if zips:
        with put_aside(zips[0].getbuffer()) as archive:
            return read(zips[0].name, unpack_upload, archive, zips[0].name)
    for file in files:
        if suffix(file.name) not in WANTED:
            raise InputError(f"{file.name} is no image, mask, table or annotation; leave it out")
    folder = new_upload() / "upload"
    try:
        for file in files:
            _write(folder, Path(file.name.replace("\\", "/")).name, file.getvalue())
    except AsmaError:
        shutil.rmtree(folder.parent, ignore_errors=True)
        raise
    return folder


def _write(folder: Path, name: str, data: bytes) -> None:
    if (folder / name).exists():
        raise InputError(f"{name} was chosen twice; rename one, or pack folders into a zip")
    if is_dicom(data[:HEAD]):
        read(name, write_nameless, folder / name, data)
    else:
        write_bytes(folder / name, data)


def _folder() -> Path | None:
    roots = settings().data_roots
    if not roots:
        st.info(
            "No folder of this server is open for imports. Its owner opens one with "
            '`data_roots = ["/data"]` in `config.toml` of the data folder, or in the '
            "environment variable `ASMA_DATA_ROOTS`. Zips can be uploaded, and "
            "`python -m asma_core import-dataset FOLDER` takes in any folder.",
            icon=":material/folder_off:",
        )
        return None
    folders = _folders(tuple(map(str, roots)))
    chosen = st.selectbox(
        "Folder",
        folders,
        index=None,
        placeholder="Choose or type a folder",
        accept_new_options=True,
        key=f"{KEY}-folder",
        help=f"Inside {', '.join(map(str, roots))}",
    )
    if not chosen:
        return None
    path = Path(chosen).expanduser()
    if not settings().may_read(path):
        show_error(
            InputError(f"{path} is not inside {', '.join(map(str, roots))}; choose one that is")
        )
        return None
    return path.resolve()


@st.cache_data(ttl=30, show_spinner=False)
def _folders(roots: tuple[str, ...]) -> list[str]:
    """List the folders two levels below the roots."""
    found: list[str] = []
    for root in roots:
        found.append(root)
        for pattern in ("*", "*/*"):
            paths = sorted(path for path in Path(root).glob(pattern) if path.is_dir())
            found += [str(path) for path in paths if not path.name.startswith(".")]
    return found[:MOST_FOLDERS]


def _patterns(root: Path) -> tuple[str, str, bool]:
    """Let people say what is an image and what a mask, or that there are no masks."""
    asked = ("images", "masks", "unmasked")
    given = [st.session_state.get(f"{KEY}-{what}-{root}") for what in asked]
    with st.expander("Wrong images or masks?", expanded=any(given)):
        st.caption("`*` stands for any text and `?` for one sign; an ending or a folder is enough.")
        images = st.text_input(
            "Images are",
            key=initial(f"{KEY}-images-{root}", ""),
            placeholder="photos/*.jpg",
            persist_state=SESSION,
        )
        masks = st.text_input(
            "Masks are",
            key=initial(f"{KEY}-masks-{root}", ""),
            placeholder="*_outline.png",
            persist_state=SESSION,
        )
        unmasked = st.toggle(
            UNMASKED_SWITCH,
            key=initial(f"{KEY}-unmasked-{root}", False),
            persist_state=SESSION,
            help="Images alone can be attacked and shown to detectors; nothing is held against a "
            "truth, and no network can be trained on them.",
        )
    return images.strip(), masks.strip(), unmasked


def _looked_at(root: Path, images: str, masks: str, unmasked: bool) -> Preview:
    layout = UNMASKED if unmasked else st.session_state.get(f"{KEY}-layout-{root}", "")
    with st.spinner("Looking at the files", show_time=True):
        return _preview(str(root), layout, images, masks)


@st.cache_resource(max_entries=4, show_spinner=False, ttl=600)
def _preview(root: str, layout: str, images: str, masks: str) -> Preview:
    if layout == UNMASKED:
        return _previewed(Path(root), layout, images)
    first = _previewed(Path(root), "", images, masks)
    if not layout or layout == first.found.layout or images or masks:
        return first
    other = _previewed(Path(root), layout)
    return Preview(other.root, first.layouts, other.found, other.card, other.dataset, other.survey)


def _previewed(root: Path, *how: str) -> Preview:
    found: Preview = patiently(read, root.name, preview, root, *how)
    return found


def _found(found: Preview) -> None:
    names = [one.layout for one in found.layouts]
    counts = {one.layout: len(one.entries) for one in found.layouts}
    st.selectbox(
        "Understood as",
        names,
        format_func=lambda name: f"{layout_title(name)} ({counts[name]:,})",
        key=initial(f"{KEY}-layout-{found.root}", found.found.layout, names),
        help="Choose another where this is wrong.",
    )
    samples = found.dataset.samples
    parts = {
        name: sum(sample.split == name for sample in samples)
        for name in ("train", "validation", "test")
    }
    split = ", ".join(f"{count:,} {name}" for name, count in parts.items() if count)
    st.markdown(
        f"**{len(samples):,} images {'with' if found.dataset.masked else 'without'} masks**"
        + (f": {split}" if split else ""),
    )
    if found.found.reasons:
        reasons = "; ".join(found.found.reasons)
        st.caption(escape_markdown(f"{capitalised(reasons)}."))
    left = found.found.left_out
    if left:
        st.warning(
            f"{len(left):,} images have no mask and are left out, such as "
            f"{escape_markdown(left[0].rpartition('/')[2])}.",
            icon=":material/info:",
        )


def _pictures_of_volumes(found: Preview, key: str) -> Preview:
    """Let every slice, or one, of files that hold several be chosen."""
    if not found.card.frame_counts:
        return found
    most = max(found.card.frame_counts.values())
    volumes = any(".nii" in path.lower() for path in found.card.frame_counts)
    axis = found.card.axis
    if volumes:
        axis = st.selectbox(
            "Slices",
            [2, 1, 0],
            format_func=("sagittal", "coronal", "axial").__getitem__,
            key=initial(f"{KEY}-axis-{key}", axis),
        )
        found = _volume(found, key)
    every = st.toggle("Every picture of a file", key=initial(f"{KEY}-every-{key}", True))
    if every:
        return found.corrected(axis=axis, every=True)
    frame = st.number_input(
        "The picture, from 0", 0, most - 1, key=initial(f"{KEY}-frame-{key}", most // 2)
    )
    return found.corrected(axis=axis, every=False, frame=frame)


def _volume(found: Preview, key: str) -> Preview:
    """Let a volume of NIfTI files of four dimensions be chosen."""
    first = next(path for path in found.card.frame_counts if ".nii" in path.lower())
    count = _volume_count(str(found.root / first))
    if count == 1:
        return found
    volume = st.number_input(
        f"Volume, 0 to {count - 1}", 0, count - 1, key=initial(f"{KEY}-volume-{key}", 0)
    )
    return found.corrected(volume=int(volume))


@st.cache_data(show_spinner=False, max_entries=16, ttl=600)
def _volume_count(path: str) -> int:
    return read(Path(path).name, count_volumes, Path(path))


def _thumbnails(found: Preview) -> None:
    samples = found.dataset.samples
    step = max(1, len(samples) // SHOWN)
    shown = samples[::step][:SHOWN]
    if found.dataset.masked:
        st.caption("Masks outlined, as they would be read")
    columns = st.columns(4)
    for place, sample in enumerate(shown):
        picture = sample_thumbnail(found.dataset, sample)
        with columns[place % 4]:
            if picture.picture is not None:
                st.image(picture.picture, width="stretch", alt=sample.name)
            area = "" if picture.area is None else f"{picture.area:.1f} %"
            st.caption(f"{escape_markdown(sample.name)} {area}")
            if picture.message:
                st.caption(f":red[{escape_markdown(picture.message)}]")
