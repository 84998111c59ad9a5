"""Choosing the image to attack: a sample of a data set or one's own file; the address names it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from asma_core.data.datasets import Dataset, dataset_names
from asma_core.errors import AsmaError
from asma_core.models.cards import ModelCard, model_cards
from asma_core.runs.sources import SourceImage, from_sample
from ui import services
from ui.guard import guarded, show_error
from ui.uploads import keep_upload, open_upload
from ui.values import SESSION, initial

DATASET: Final = "Data set"
OWN: Final = "Own image"


@dataclass(frozen=True)
class Chosen:
    """An image with a network for it.

    Attributes:
        source: The image.
        dataset: Its data set, if it has one.
        card: The network to attack.
    """

    source: SourceImage
    dataset: Dataset | None
    card: ModelCard


def choose_source(key: str) -> Chosen | None:
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
    )
    return _from_upload(key, columns[4]) if kind == OWN else _from_dataset(key, columns[1:])


def _follow_address(key: str) -> None:
    """Take the image from a new address, such as the one of "Attack this image"."""
    query = st.query_params
    asked = (query.get("dataset"), query.get("sample"), query.get("own"))
    if asked == st.session_state.get(f"{key}-asked"):
        return
    st.session_state[f"{key}-asked"] = asked
    if asked[2]:
        st.session_state[f"{key}-kind"] = OWN
        st.session_state[f"{key}-own"] = asked[2]
    elif asked[0] and asked[1]:
        st.session_state[f"{key}-kind"] = DATASET
        st.session_state[f"{key}-dataset"] = asked[0]
        st.session_state[f"{key}-sample-{asked[0]}"] = asked[1]


def _say_in_address(key: str, dataset: str | None, sample: str | None, own: str | None) -> None:
    asked = (dataset, sample, own)
    st.session_state[f"{key}-asked"] = asked
    for name, value in zip(("dataset", "sample", "own"), asked, strict=True):
        if value is None:
            st.query_params.pop(name, None)
        elif st.query_params.get(name) != value:
            st.query_params[name] = value


def _from_dataset(key: str, columns: Sequence[DeltaGenerator]) -> Chosen | None:
    names = dataset_names()
    asked = st.query_params.get("dataset")
    if asked and asked not in names:
        names.append(asked)
    name = columns[0].selectbox(
        "Data set", names, key=initial(f"{key}-dataset", names[0], names), persist_state=SESSION
    )
    dataset = services.open_dataset(name)
    samples = [sample.name for sample in dataset.samples]
    first = next((s.name for s in dataset.samples if s.split == "test"), samples[0])
    sample_key = initial(f"{key}-sample-{name}", first, samples)
    chosen = columns[1].selectbox("Image", samples, key=sample_key)
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
            args=(sample_key, samples, step),
        )
    source = _read(name, chosen)
    card = _network(columns[3], key, len(dataset.classes), name)
    _say_in_address(key, name, chosen, None)
    return Chosen(source, dataset, card) if card else None


def _step(sample_key: str, samples: list[str], step: int) -> None:
    place = samples.index(st.session_state[sample_key])
    st.session_state[sample_key] = samples[(place + step) % len(samples)]


@st.cache_data(max_entries=16, show_spinner=False)
def _read(dataset: str, sample: str) -> SourceImage:
    opened = services.open_dataset(dataset)
    return from_sample(opened, opened.find(sample))


def _network(
    place: DeltaGenerator, key: str, classes: int | None, dataset: str
) -> ModelCard | None:
    cards = model_cards()
    fitting = [name for name, card in cards.items() if classes in (None, len(card.classes))]
    if not fitting:
        st.warning(
            f"No network has {classes} classes like this data set; train one with "
            f"`python -m asma_core train`.",
            icon=":material/info:",
        )
        return None
    own = next((name for name in fitting if cards[name].dataset == dataset), fitting[0])
    chosen = place.selectbox(
        "Network",
        fitting,
        key=initial(f"{key}-network-{dataset}", own, fitting),
        persist_state=SESSION,
    )
    return cards[chosen]


def _from_upload(key: str, place: DeltaGenerator) -> Chosen | None:
    card = _network(place, key, None, "")
    uploaded = st.file_uploader(
        "An image of your own: PNG, JPEG, BMP or TIFF",
        type=["png", "jpg", "jpeg", "bmp", "tif", "tiff"],
        key=f"{key}-upload",
    )
    kept_key = f"{key}-own"
    if uploaded is not None and uploaded.file_id != st.session_state.get(f"{key}-upload-id"):
        st.session_state[f"{key}-upload-id"] = uploaded.file_id
        with guarded():
            st.session_state[kept_key] = keep_upload(uploaded.getvalue(), uploaded.name)
    own = st.session_state[initial(kept_key, "")]
    if not own or card is None:
        _say_in_address(key, None, None, None)
        return None
    try:
        source = _open(own)
    except AsmaError as error:
        show_error(error)
        return None
    _say_in_address(key, None, None, own)
    return Chosen(source, None, card)


@st.cache_data(max_entries=8, show_spinner=False)
def _open(own: str) -> SourceImage:
    return open_upload(own)
