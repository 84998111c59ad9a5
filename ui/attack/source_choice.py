"""Choosing the image to attack: a sample of a data set or one's own file; the address names it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from asma_core.data.datasets import Dataset, dataset_names
from asma_core.errors import AsmaError
from asma_core.models.sources.cards import ModelCard
from asma_core.runs.sources import SourceImage, seen_sample
from asma_core.runs.uploads import delete_upload, kept_words
from ui.address.views import AttackView
from ui.attack.image_cache import kept_image
from ui.attack.own_image import kept_upload_of, said_window, seen_upload, take_window
from ui.common import services
from ui.common.errors import show_error, show_errors
from ui.common.icon_button import icon_button
from ui.common.network_choice import fill_network, fitting_networks, network_choice
from ui.common.rerun import whole
from ui.common.values import SESSION, initial
from ui.common.window_slider import window_caption

DATASET: Final = "Data set"
OWN: Final = "Own image"


@dataclass(frozen=True)
class AttackSource:
    """An image with a network for it.

    Attributes:
        source: The image.
        dataset: Its data set, if it has one.
        card: The network to attack.
        own: Key of an uploaded image, or "".
    """

    source: SourceImage
    dataset: Dataset | None
    card: ModelCard
    own: str = ""

    @property
    def identity(self) -> str:
        """What a drawing on this image is kept under."""
        return self.own or self.source.name


def take_source(key: str, view: AttackView) -> None:
    """Take image and network from an address; call it before the choice is shown."""
    state = st.session_state
    if view.own:
        state[f"{key}-kind"] = OWN
        state[f"{key}-own"] = view.own
        take_window(key, view)
    elif view.dataset:
        state[f"{key}-kind"] = DATASET
        state[f"{key}-dataset"] = view.dataset
        if view.sample:
            state[f"{key}-sample-{view.dataset}"] = view.sample
    if view.network:
        fill_network(key, view.network, view.dataset)
        if not view.dataset:
            state[f"{key}-kind"] = OWN


def source_view(key: str) -> AttackView:
    """Return the address of the image that is chosen, whether it can be shown or not."""
    state = st.session_state
    if state.get(f"{key}-kind") == OWN:
        own = state.get(f"{key}-own", "")
        return AttackView(own=own, window=said_window(key, own))
    dataset = state.get(f"{key}-dataset", "")
    return AttackView(dataset=dataset, sample=state.get(f"{key}-sample-{dataset}", ""))


def choose_source(key: str) -> AttackSource | None:
    """Show the choice of an image and a network; None until there is an image."""
    columns = st.columns([4, 3, 3, 2, 4], vertical_alignment="bottom")
    kind = columns[0].segmented_control(
        "Image from",
        [DATASET, OWN],
        key=initial(f"{key}-kind", DATASET),
        persist_state=SESSION,
        label_visibility="collapsed",
        required=True,
    )
    return _from_upload(key, columns[4]) if kind == OWN else _from_dataset(key, columns[1:])


def _from_dataset(key: str, columns: Sequence[DeltaGenerator]) -> AttackSource | None:
    names = dataset_names()
    asked = st.session_state.get(f"{key}-dataset")
    if asked and asked not in names:
        names.append(asked)
    name = columns[0].selectbox(
        "Data set",
        names,
        key=initial(f"{key}-dataset", names[0], names),
        persist_state=SESSION,
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
    )
    buttons = columns[2].container(horizontal=True, gap=None)
    for step, label, icon in (
        (-1, "Previous image", ":material/chevron_left:"),
        (1, "Next image", ":material/chevron_right:"),
    ):
        icon_button(
            buttons,
            label,
            icon,
            f"{key}-step{step}",
            on_click=whole(_step),
            args=(sample_key, samples, step),
        )
    sample = dataset.find(chosen)
    kept = (dataset.fingerprint(sample),)
    source = kept_image(kept, lambda: seen_sample(dataset, sample))
    if source.window is not None:
        window_caption(source.window, source.extent)
    card = _network(columns[3], key, dataset)
    return AttackSource(source, dataset, card) if card else None


def _step(sample_key: str, samples: list[str], step: int) -> None:
    place = samples.index(st.session_state[sample_key])
    st.session_state[sample_key] = samples[(place + step) % len(samples)]


def _network(place: DeltaGenerator, key: str, dataset: Dataset | None) -> ModelCard | None:
    fitting = fitting_networks(dataset)
    if not fitting:
        what = "There is no network"
        if dataset is not None:
            what = f"No network has {len(dataset.classes)} classes like this data set"
        st.warning(
            f"{what}; train one, or open a network on Models and use it with a data set of other "
            "classes.",
            icon=":material/info:",
        )
        return None
    return fitting[network_choice(place, key, fitting, dataset.name if dataset else "")]


def _from_upload(key: str, place: DeltaGenerator) -> AttackSource | None:
    card = _network(place, key, None)
    uploaded = st.file_uploader(
        # Any ending, and none: files of a scanner are often called IM000001.
        "An image of your own: PNG, JPEG, TIFF, BMP, GIF, WebP, DICOM (a zip of a series too) or "
        "NIfTI",
        key=f"{key}-upload{st.session_state.get(f'{key}-uploads-deleted', '')}",
        help=kept_words() or None,
    )
    kept_key = f"{key}-own"
    with show_errors():
        if uploaded is not None:
            st.session_state[kept_key] = kept_upload_of(key, uploaded)
    own = st.session_state[initial(kept_key, "")]
    if not own:
        st.info(
            "Upload an image to see what the network makes of it, then draw the outline that an "
            "attacker would want.",
            icon=":material/upload_file:",
        )
    else:
        st.button(
            "Delete this image",
            key=f"{key}-delete-own",
            type="tertiary",
            icon=":material/delete:",
            help="It is removed from the server; runs on it keep their own copy until they are "
            "deleted.",
            on_click=whole(_delete_own),
            args=(key, own),
        )
    if not own or card is None:
        return None
    try:
        source = seen_upload(key, own)
    except AsmaError as error:
        show_error(error)
        return None
    return AttackSource(source, None, card, own)


def _delete_own(key: str, own: str) -> None:
    with show_errors():
        delete_upload(own)
        st.session_state[f"{key}-own"] = ""
        # Another uploader: the old one would bring its file back.
        state = f"{key}-uploads-deleted"
        st.session_state[state] = st.session_state.get(state, 0) + 1
