"""Choosing the image to attack: a sample of a data set or one's own file; the address names it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.uploaded_file_manager import UploadedFile

from asma_core.data.datasets import Dataset, dataset_names
from asma_core.data.formats.images import SUFFIXES, VOLUMES, count_frames
from asma_core.data.formats.slices import MIDDLE, Slice
from asma_core.errors import AsmaError, InputError
from asma_core.models.sources.cards import ModelCard
from asma_core.runs.sources import SourceImage, from_sample
from ui.address import browser as address
from ui.address.views import AttackView
from ui.attack.image_cache import kept_image
from ui.common import services
from ui.common.errors import show_error, show_errors
from ui.common.network_choice import fill_network, fitting_networks, network_choice
from ui.common.uploads import keep_upload, open_upload
from ui.common.values import SESSION, initial

DATASET: Final = "Data set"
OWN: Final = "Own image"


@dataclass(frozen=True)
class AttackSource:
    """An image with a network for it.

    Attributes:
        source: The image.
        dataset: Its data set, if it has one.
        card: The network to attack.
    """

    source: SourceImage
    dataset: Dataset | None
    card: ModelCard


def choose_source(key: str) -> AttackSource | None:
    """Show the choice of an image and a network; None until there is an image."""
    _follow_address(key)
    columns = st.columns([3, 3, 3, 2, 4], vertical_alignment="bottom")
    kind = columns[0].segmented_control(
        "Image from",
        [DATASET, OWN],
        key=initial(f"{key}-kind", DATASET),
        persist_state=SESSION,
        label_visibility="collapsed",
        required=True,
        on_change=_chosen_here,
        args=(key,),
    )
    return _from_upload(key, columns[4]) if kind == OWN else _from_dataset(key, columns[1:])


def _follow_address(key: str) -> None:
    """Take the image from a new address, such as the one of "Attack this image"."""
    _follow_network(key)
    asked = _asked_image()
    if asked == st.session_state.get(f"{key}-asked"):
        return
    st.session_state[f"{key}-asked"] = asked
    dataset, sample, own = asked
    if own:
        st.session_state[f"{key}-kind"] = OWN
        st.session_state[f"{key}-own"] = own
    elif dataset:
        st.session_state[f"{key}-kind"] = DATASET
        st.session_state[f"{key}-dataset"] = dataset
        if sample:
            st.session_state[f"{key}-sample-{dataset}"] = sample


def _follow_network(key: str) -> None:
    """Take the network from the address of "Attack it", once."""
    view = address.current(AttackView)
    if not view.network:
        return
    fill_network(key, view.network, view.dataset)
    address.change(AttackView, network="")
    if not view.dataset:
        st.session_state[f"{key}-kind"] = OWN


def _asked_image() -> tuple[str, str, str]:
    view = address.current(AttackView)
    return view.dataset, view.sample, view.own


def _chosen_here(key: str) -> None:
    """Let the choice stand that a widget has just made.

    After a quick second click the browser still has the address of before the first one.
    """
    st.session_state[f"{key}-asked"] = _asked_image()


def _say_in_address(key: str, dataset: str = "", sample: str = "", own: str = "") -> None:
    st.session_state[f"{key}-asked"] = (dataset, sample, own)
    address.change(AttackView, dataset=dataset, sample=sample, own=own)


def _from_dataset(key: str, columns: Sequence[DeltaGenerator]) -> AttackSource | None:
    names = dataset_names()
    asked = address.current(AttackView).dataset
    if asked and asked not in names:
        names.append(asked)
    name = columns[0].selectbox(
        "Data set",
        names,
        key=initial(f"{key}-dataset", names[0], names),
        persist_state=SESSION,
        on_change=_chosen_here,
        args=(key,),
    )
    dataset = services.open_dataset(name)
    samples = [sample.name for sample in dataset.samples]
    first = next((s.name for s in dataset.samples if s.split == "test"), samples[0])
    sample_key = f"{key}-sample-{name}"
    with show_errors():
        # An address may name it by its index, as on the command line.
        asked = st.session_state.get(sample_key, first)
        st.session_state[sample_key] = dataset.find(asked).name
    chosen = columns[1].selectbox(
        "Image",
        samples,
        key=initial(sample_key, first, samples),
        persist_state=SESSION,
        on_change=_chosen_here,
        args=(key,),
    )
    buttons = columns[2].container(horizontal=True, gap="small")
    for step, label, icon in (
        (-1, "Previous image", ":material/chevron_left:"),
        (1, "Next image", ":material/chevron_right:"),
    ):
        buttons.button(
            "",
            icon=icon,
            help=label,
            key=f"{key}-step{step}",
            on_click=_step,
            args=(key, sample_key, samples, step),
        )
    sample = dataset.find(chosen)
    kept = (dataset.fingerprint(sample),)
    source = kept_image(kept, lambda: from_sample(dataset, sample))
    card = _network(columns[3], key, dataset)
    _say_in_address(key, name, chosen)
    return AttackSource(source, dataset, card) if card else None


def _step(key: str, sample_key: str, samples: list[str], step: int) -> None:
    place = samples.index(st.session_state[sample_key])
    st.session_state[sample_key] = samples[(place + step) % len(samples)]
    _chosen_here(key)


def _network(place: DeltaGenerator, key: str, dataset: Dataset | None) -> ModelCard | None:
    fitting = fitting_networks(dataset)
    if not fitting:
        what = "There is no network"
        if dataset is not None:
            what = f"No network has {len(dataset.classes)} classes like this data set"
        st.warning(
            f"{what}; train one with `python -m asma_core train`.",
            icon=":material/info:",
        )
        return None
    return fitting[network_choice(place, key, fitting, dataset.name if dataset else "")]


def _from_upload(key: str, place: DeltaGenerator) -> AttackSource | None:
    card = _network(place, key, None)
    uploaded = st.file_uploader(
        "An image of your own: PNG, JPEG, TIFF, BMP, GIF, WebP, DICOM or NIfTI",
        type=[ending.rpartition(".")[2] for ending in SUFFIXES] + ["zip"],
        key=f"{key}-upload",
    )
    kept_key = f"{key}-own"
    with show_errors():
        where = _which_picture(uploaded, key) if uploaded is not None else MIDDLE
        token = None if uploaded is None else (uploaded.file_id, where)
        if uploaded is not None and token != st.session_state.get(f"{key}-upload-id"):
            _refuse_zip(uploaded.name)
            st.session_state[kept_key] = keep_upload(uploaded.getvalue(), uploaded.name, where)
            # Only now: a file that can't be read is complained of as long as it is there.
            st.session_state[f"{key}-upload-id"] = token
    own = st.session_state[initial(kept_key, "")]
    if not own:
        _say_in_address(key)
        st.info(
            "Upload an image to see what the network makes of it, then draw the outline that an "
            "attacker would want.",
            icon=":material/upload_file:",
        )
    if not own or card is None:
        return None
    try:
        source = _open(own)
    except AsmaError as error:
        show_error(error)
        return None
    _say_in_address(key, own=own)
    return AttackSource(source, None, card)


def _refuse_zip(name: str) -> None:
    if name.lower().endswith(".zip"):
        raise InputError(f"{name} is a data set rather than an image; add it on Datasets")


def _which_picture(uploaded: UploadedFile, key: str) -> Slice:
    """Let one picture of a file that holds several be chosen."""
    name = uploaded.name.lower()
    if not name.endswith((".tif", ".tiff", ".gif", *VOLUMES)):
        return MIDDLE
    axis = 2
    row = st.columns(2)
    if ".nii" in name:
        axis = row[1].selectbox(
            "Slices",
            [2, 1, 0],
            format_func=("sagittal", "coronal", "axial").__getitem__,
            key=f"{key}-upload-axis",
        )
    count = count_frames(uploaded.getvalue(), uploaded.name, axis)
    if count == 1:
        return MIDDLE
    frame = row[0].number_input(
        f"Picture, 0 to {count - 1}", 0, count - 1, count // 2, key=f"{key}-frame-{count}-{axis}"
    )
    return Slice(int(frame), axis)


def _open(own: str) -> SourceImage:
    return kept_image((own,), lambda: open_upload(own))
