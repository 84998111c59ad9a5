"""One network: what it is, whether it can be trusted, and where it fails."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import streamlit as st

from asma_core.data.datasets import Dataset, dataset_names
from asma_core.errors import AsmaError
from asma_core.models.sources.card_text import card_text
from asma_core.models.sources.cards import ModelCard, find_card, fits
from asma_core.models.sources.importing import can_forget, forget_model
from asma_core.models.wrapper.specs import NO_GRADIENTS
from asma_core.training.start_check import kind_fault
from ui.address import browser as address
from ui.address.links import open_here, open_page
from ui.address.views import AttackView, DatasetsView, ModelsView
from ui.common import services
from ui.common.errors import escape_markdown, show_error, show_errors
from ui.common.format import described, number
from ui.common.icon_button import icon_popover
from ui.common.presses import pressed
from ui.common.rerun import patiently
from ui.common.shell import name_tab
from ui.common.values import SESSION, initial
from ui.models.certifying import certify
from ui.models.defending import defence_facts, defend
from ui.models.joining import join
from ui.models.link import back, model_link
from ui.models.mapping import class_mapping
from ui.models.members import member_facts
from ui.models.network_text import (
    architecture,
    class_legend,
    normalises,
    origin,
    outputs,
    spacing,
    takes,
)
from ui.models.report import model_report
from ui.pictures.cards import Card, card_grid
from ui.pictures.thumbnails import sample_thumbnail

WORST: Final = 6


def model_view(name: str) -> None:
    """Show a network.

    Raises:
        UnknownNameError: There is none of that name.
        ModelError: Its card can't be read.
    """
    back()
    card = find_card(name)
    name_tab(card.name)
    fitting = _datasets(card)
    _head(card, fitting)
    left, right = st.columns([2, 3], gap="large")
    with left:
        _facts(card)
        member_facts(card)
        defence_facts(card)
    with right:
        _trust(card, fitting)
        certify(card, _tried_on(card, fitting))
        class_mapping(card)
        defend(card, _tried_on(card, fitting))
        join(card, _tried_on(card, fitting))
        _train_on(card, _tried_on(card, fitting))


def _train_on(card: ModelCard, dataset: str) -> None:
    """Offer to train a network further, such as adversarially, where its weights can be."""
    if dataset and not kind_fault(card):
        view = ModelsView(train=True, dataset=dataset, start=card.name)
        model_link("Train it on, such as against attacks", view, "train-on", ":material/school:")


def _tried_on(card: ModelCard, fitting: Sequence[str]) -> str:
    return card.dataset if card.dataset in fitting else next(iter(fitting), "")


def _head(card: ModelCard, fitting: Sequence[str]) -> None:
    row = st.container(horizontal=True, vertical_alignment="center")
    row.title(escape_markdown(card.name), anchor=False, width="content")
    words, colour = origin(card)
    row.markdown(f":{colour}-badge[{words}]", width="content")
    row.space("stretch")
    if pressed(row, "Attack it", icon=":material/draw:", type="primary", key="model-attack"):
        # One that does not say its data set is attacked on images of one that it fits.
        first = card.dataset or (fitting[0] if fitting else "")
        chosen = st.session_state.get(f"model-dataset-{card.name}", first)
        open_page(AttackView(network=card.name, dataset=card.dataset or chosen))
    row.download_button(
        "Card",
        card_text(card),
        f"{card.name}.toml",
        icon=":material/download:",
        key="model-card",
        on_click="ignore",
    )
    if can_forget(card):
        with icon_popover(row, "Remove this network", ":material/delete:", "model-forget"):
            st.markdown(f"Remove **{escape_markdown(card.name)}** and its weights? Its runs stay.")
            if pressed(st, "Remove", key="model-remove", type="primary"):
                with show_errors():
                    forget_model(card.name)
                    open_here(ModelsView())
    words = described(card.name, card.title, card.description)
    st.markdown(escape_markdown(words), width=900)


def _facts(card: ModelCard) -> None:
    st.html(class_legend(card))
    rows = {
        "Architecture": architecture(card),
        "Takes": takes(card),
        "Answers": outputs(card),
        "Trained on": card.dataset or "not said",
    }
    if not card.members:
        rows |= {"Normalises": normalises(card), "Weights": card.weights.name}
    if spacing(card):
        rows["Spacing"] = spacing(card)
    if "robust_against" in card.figures:
        robust = number(card.figures.get("test_robust_iou"))
        rows["Robust IoU"] = (
            f"{robust} on its test images, against {card.figures['robust_against']}"
        )
    if not card.takes_gradients:
        rows["Gradients"] = NO_GRADIENTS
    if card.source:
        rows["Made by" if not card.defences else "Without the defence made by"] = card.source
    for key, value in rows.items():
        st.markdown(f":small[:gray[{key}]]  \n{escape_markdown(value)}")
    figures = {key: value for key, value in card.figures.items() if isinstance(value, int | float)}
    if figures:
        parts = [f"{_words(key)} {_figure(value)}" for key, value in figures.items()]
        st.caption(escape_markdown(", ".join(parts)))


def _words(key: str) -> str:
    return key.replace("_", " ").replace("iou", "IoU").replace("dice", "Dice")


def _figure(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.3f}"


def _trust(card: ModelCard, fitting: Sequence[str]) -> None:
    if not fitting:
        st.info(
            f"No data set has {len(card.classes)} classes, so the network can't be held against "
            "masks; add one on Datasets, or use the network with one of other classes.",
            icon=":material/info:",
        )
        return
    _known(card, fitting)
    row = st.container(horizontal=True, vertical_alignment="bottom")
    name = row.selectbox(
        "Hold it against",
        fitting,
        key=initial(f"model-dataset-{card.name}", _tried_on(card, fitting), fitting),
        persist_state=SESSION,
        width=320,
    )
    check = pressed(row, "Check on a few", icon=":material/fact_check:", key="model-check")
    measure = pressed(
        row, "Clean IoU of all images", icon=":material/analytics:", key="model-clean-iou"
    )
    shown = f"{card.name} {name}"
    if check or address.current(ModelsView).check:
        st.session_state["model-checked"] = shown
        address.change(ModelsView, check=False)
    if measure:
        st.session_state["model-measured"] = shown
    if st.session_state.get("model-checked") == shown:
        _checked(card, name)
    if st.session_state.get("model-measured") == shown:
        _measured(card, name)


def _known(card: ModelCard, names: Sequence[str]) -> None:
    """Show the clean IoU on every data set on which all images have been measured."""
    parts = []
    for name in names:
        ious = services.predictor().known_clean_ious(card, services.open_dataset(name))
        values = [value for value in (ious or {}).values() if value is not None]
        if values:
            mean = number(sum(values) / len(values))
            parts.append(f"{escape_markdown(name)} **{mean}** ({len(values):,} images)")
    if parts:
        st.markdown(f":small[Clean IoU: {'&ensp; '.join(parts)}]")


def _datasets(card: ModelCard) -> list[str]:
    fitting = []
    for name in dataset_names():
        try:
            if fits(card, services.open_dataset(name)):
                fitting.append(name)
        except AsmaError:
            # Datasets says what is wrong with it.
            continue
    return fitting


def _checked(card: ModelCard, name: str) -> None:
    with st.spinner("Checking the network", show_time=True):
        try:
            report = patiently(services.predictor().check, card, name)
        except AsmaError as error:
            show_error(error)
            return
    model_report(report, name)


def _measured(card: ModelCard, name: str) -> None:
    dataset = services.open_dataset(name)
    count = f"{len(dataset.samples):,}"
    words = f"Measuring the clean IoU of {count} images, once; about a second per ten"
    with st.spinner(words, show_time=True):
        try:
            ious = patiently(services.predictor().clean_ious, card, name)
        except AsmaError as error:
            show_error(error)
            return
    _split_means(dataset, ious)
    known = [(value, key) for key, value in ious.items() if value is not None]
    st.markdown("**Worst first**")
    cards = [_worst(dataset, card, key, value) for value, key in sorted(known)[:WORST]]
    card_grid(cards, "worst")


def _split_means(dataset: Dataset, ious: Mapping[str, float | None]) -> None:
    parts: dict[str, list[float]] = {}
    for sample in dataset.samples:
        value = ious.get(sample.name)
        if value is not None and not math.isnan(value):
            parts.setdefault("all", []).append(value)
            if sample.split:
                parts.setdefault(sample.split, []).append(value)
    row = st.container(horizontal=True)
    for part, values in parts.items():
        label = "Clean IoU" if part == "all" else f"Clean IoU, {part}"
        row.metric(label, number(sum(values) / len(values)), help=f"{len(values)} images")


def _worst(dataset: Dataset, card: ModelCard, key: str, value: float) -> Card:
    sample = dataset.find(key)
    picture: Any = sample_thumbnail(dataset, sample, card)
    return Card(
        title=sample.name,
        view=DatasetsView(dataset=dataset.name, sample=sample.name, model=card.name),
        picture=picture.picture,
        caption=(f"Clean IoU {number(value)}",),
        message=picture.message,
    )
