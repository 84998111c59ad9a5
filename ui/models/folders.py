"""A network that comes as a folder or a zip of another tool: what can be chosen of it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import streamlit as st

from asma_core import paths
from asma_core.data.datasets import dataset_names
from asma_core.errors import AsmaError, InputError
from asma_core.files import as_store_error, write_bytes
from asma_core.models.sources.card_text import card_text
from asma_core.models.sources.cards import read_card
from asma_core.models.sources.draft import Choices, spacing_from_text, values_from_text
from asma_core.models.sources.names import check_model_name
from asma_core.server_config import settings
from ui.common import services
from ui.common.rerun import patiently
from ui.common.values import initial

KEY: Final = "model-folder"


def readable(path: Path) -> Path:
    """Return a folder or a zip on the server from which a page may read.

    Raises:
        InputError: It is not inside the folders that the owner of the server has opened.
    """
    path = path.expanduser()
    if not settings().may_read(path):
        roots = ", ".join(map(str, settings().data_roots))
        raise InputError(f"{path} is not inside {roots}; choose one that is")
    return path.resolve()


def described_folder(source: Path) -> Path:
    """Ask what can be chosen of a folder or a zip; return the card that is made of it.

    Raises:
        AsmaError: It can't be taken in, with what to do in a sentence.
    """
    key = f"{KEY}-{_token(str(source))}"
    fault: AsmaError | None = None
    try:
        drafted = _drafted_again(source, _chosen(key))
    except AsmaError as error:
        # Of what was chosen, perhaps: then the fields have to be there to choose otherwise.
        fault, drafted = error, _drafted_again(source, Choices())
    st.caption(f"{drafted['kind']}, {len(drafted['classes'])} classes")
    for note in drafted["notes"]:
        st.info(note, icon=":material/info:")
    _choices(key, drafted)
    names = _names(key, drafted)
    if fault is not None:
        raise fault
    return _written(Path(drafted["card"]), names)


def _chosen(key: str) -> Choices:
    """Return what the fields below say, as of the run before."""
    state = st.session_state
    return Choices(
        fold=str(state.get(f"{key}-fold", "")),
        mirror=bool(state.get(f"{key}-mirror", False)),
        values=values_from_text(str(state.get(f"{key}-values", ""))),
        spacing=spacing_from_text(str(state.get(f"{key}-spacing", ""))),
    )


def _choices(key: str, drafted: dict[str, Any]) -> None:
    row = st.columns(2)
    if drafted["values"]:
        st.text_input(
            "Black and white of an image stand for",
            placeholder=", ".join(f"{value:g}" for value in drafted["values"]),
            key=f"{key}-values",
            help="In the values of the files that it was trained on, such as -160, 240.",
        )
    if drafted["spacing"]:
        st.text_input(
            "Pixels of an image are (mm, rows and columns)",
            placeholder=", ".join(f"{side:g}" for side in drafted["spacing"]),
            key=f"{key}-spacing",
            help="Where they differ from those of its plans, images are resampled for it, as "
            "nnU-Net does. Empty: as in its plans.",
        )
    folds = drafted["folds"]
    if len(folds) > 1:
        row[0].selectbox(
            "Fold",
            ["", *folds],
            format_func=lambda fold: f"fold {fold}" if fold else "mean of all",
            key=f"{key}-fold",
        )
    if drafted["mirrors"]:
        row[1].toggle(
            "Mirror each window",
            key=f"{key}-mirror",
            help="As nnU-Net predicts; takes up to four times as long.",
        )


def _names(key: str, drafted: dict[str, Any]) -> tuple[str, str, str]:
    """Ask for the name, the classes and the data set that it was trained on."""
    name = st.text_input("Name", key=initial(f"{key}-name", drafted["name"]))
    classes = st.text_input(
        "Classes, background first", key=initial(f"{key}-classes", ", ".join(drafted["classes"]))
    )
    trained_on = st.selectbox(
        "Trained on",
        ["", *dataset_names()],
        key=f"{key}-dataset",
        format_func=lambda one: one or "not one of these",
    )
    return name, classes, trained_on


def _written(path: Path, names: tuple[str, str, str]) -> Path:
    """Write the names into a draft's card and return it."""
    name, listed, trained_on = names
    card = read_card(path, trusted=False)
    classes = tuple(part.strip() for part in listed.split(","))
    if len(classes) != len(card.classes):
        raise InputError(
            f"the network has {len(card.classes)} classes, {len(classes)} names are given; name "
            "each, background first, with commas between"
        )
    card = replace(card, name=check_model_name(name), classes=classes, dataset=trained_on)
    content = card_text(card)
    with as_store_error(path):
        if path.read_text(encoding="utf-8") != content:
            write_bytes(path, content.encode())
    return path


def _drafted_again(source: Path, choices: Choices) -> dict[str, Any]:
    """Return a draft; it is made anew where its files are gone."""
    drafted = _drafted(str(source), choices)
    if not Path(drafted["card"]).is_file():
        _drafted.clear()
        drafted = _drafted(str(source), choices)
    return drafted


@st.cache_data(max_entries=16, show_spinner="Looking at the network")
def _drafted(source: str, choices: Choices) -> dict[str, Any]:
    into = paths.home() / "uploads" / "staged" / _token(f"{source} {choices}")
    return patiently(services.predictor().draft_network, Path(source), into, choices)


def _token(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
