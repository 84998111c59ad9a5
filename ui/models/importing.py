"""Adding a network: its weights, what they belong to, a check, and then a place in the list."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import streamlit as st

from asma_core import paths
from asma_core.data.datasets import class_names, dataset_names
from asma_core.errors import AsmaError, InputError
from asma_core.files import as_store_error, remove_old, write_bytes
from asma_core.limited.reading import networks
from asma_core.models.sources.architectures import ARCHITECTURES, arguments_from_text
from asma_core.models.sources.card_text import card_text
from asma_core.models.sources.importing import drafted
from asma_core.models.sources.looks import (
    FOREIGN,
    export_card,
    export_recipe,
    no_architecture,
    no_weights,
    notes_on,
)
from asma_core.models.sources.names import check_model_name, free_model_name
from asma_core.models.wrapper.specs import LOGITS, ONE_LOGIT, READINGS
from asma_core.plain_toml import read_toml
from asma_core.server_config import settings
from ui.address.links import open_here
from ui.address.views import ModelsView
from ui.common import services
from ui.common.errors import show_error, show_errors
from ui.common.presses import pressed
from ui.common.rerun import patiently
from ui.common.staging import kept_upload
from ui.common.values import initial
from ui.models.folders import described_folder, readable
from ui.models.input import model_input
from ui.models.link import back
from ui.models.report import model_report

KEY: Final = "model-import"
WEIGHTS: Final = (".safetensors", ".pt", ".pth", ".ckpt", ".bin", ".onnx")
WHAT: Final = (
    "The weights of a network of MONAI: a safetensors file, or a .pt, .pth or .ckpt with a plain "
    "state dict. What they belong to is guessed from their names and shapes. A card (.toml) "
    "uploaded with them says everything. An ONNX file is a whole network; it takes no gradients, "
    "so that only the attacks Square and DLA can attack it. Or a folder as its tool wrote it, as "
    "a zip or its files: a trained model of nnU-Net v2 (2D), a network for semantic segmentation "
    "that transformers has saved, or a MONAI bundle. Files that are programs (whole pickled "
    "networks, .pt2, TorchScript, Python) run as the server itself, so only its owner may add "
    "them, by putting card and file into `models` of the data folder."
)


@dataclass(frozen=True)
class _Staged:
    """An upload that lies aside.

    Attributes:
        weights: A file of weights; None where a folder or a zip of another tool is there.
        card: That came with them.
        source: The folder or the zip.
    """

    weights: Path | None
    card: Path | None
    source: Path


def model_import() -> None:
    """Show the way to a new network."""
    back()
    st.title("Add a network", anchor=False)
    st.markdown(f":small[:gray[{WHAT}]]", width=980)
    networks().warm()
    staged = _upload() or _on_server()
    if staged is None:
        return
    left, right = st.columns(2, gap="large")
    try:
        with left:
            card = staged.card or _card_of(staged)
        with right:
            _check_and_keep(card)
    except AsmaError as error:
        show_error(error)


def _card_of(staged: _Staged) -> Path:
    if staged.weights is None:
        return described_folder(staged.source)
    return _described(staged.weights)


def _on_server() -> _Staged | None:
    """Ask for a folder or a zip on the server, where its owner lets pages read."""
    roots = settings().data_roots
    if not roots:
        return None
    said = st.text_input(
        "Or a folder or a zip on the server",
        key=f"{KEY}-source",
        help=f"Inside {', '.join(map(str, roots))}",
    ).strip()
    if not said:
        return None
    with show_errors():
        return _Staged(None, None, readable(Path(said)))
    return None


def _upload() -> _Staged | None:
    limit = settings().max_upload_mb
    files = st.file_uploader(
        f"Weights, with or without a card, or a folder's files or zip; up to {limit} MB a file",
        type=[ending[1:] for ending in WEIGHTS] + ["toml", "json", "zip", "pt2", "ts"],
        accept_multiple_files=True,
        key=f"{KEY}-files",
        max_upload_size=limit,
    )
    return kept_upload(f"{KEY}-staged", files, _staged)


def _staged(files: Sequence[Any]) -> _Staged:
    """Write an upload aside, in a folder of its own."""
    names = [Path(file.name.replace("\\", "/")).name for file in files]
    cards = [name for name in names if name.lower().endswith(".toml")]
    weights = [name for name in names if name.lower().endswith(WEIGHTS)]
    zips = [name for name in names if name.lower().endswith(".zip")]
    foreign = [name for name in names if name.lower().endswith(FOREIGN)]
    if foreign:
        raise InputError(no_weights(foreign[0]))
    whole = bool(zips) or len(weights) + len(cards) < len(names)
    if zips and len(names) > 1:
        raise InputError("upload one zip alone, or a folder's files without it")
    if not whole and (len(weights) != 1 or len(cards) > 1):
        raise InputError("upload one file of weights, and at most one card (.toml) with it")
    aside = paths.home() / "uploads" / "staged"
    remove_old(aside)
    folder = aside / uuid.uuid4().hex
    for name, file in zip(names, files, strict=True):
        write_bytes(folder / name, file.getvalue())
    if whole:
        return _Staged(None, None, folder / zips[0] if zips else folder)
    return _Staged(folder / weights[0], folder / cards[0] if cards else None, folder)


def _described(weights: Path) -> Path:
    """Ask what the weights belong to; write their card beside them and return it."""
    looked = _looked_at(str(weights))
    whole = "program" in looked
    _tell(weights.name, looked, whole)
    key = f"{KEY}-{weights.parent.name}"
    architecture, text = ("", "{}") if whole else _architecture(key, looked)
    outputs = int(looked.get("classes", looked.get("seems_classes", 2)))
    row = st.columns(2)
    reading = row[0].selectbox(
        "It answers with",
        READINGS,
        format_func=lambda name: name.replace("-", " "),
        key=initial(f"{key}-reading", looked.get("reading", ONE_LOGIT if outputs == 1 else LOGITS)),
    )
    default = ", ".join(class_names(max(outputs, 2)))
    classes = row[1].text_input("Classes, background first", key=initial(f"{key}-classes", default))
    spec = model_input(
        key,
        int(looked.get("channels", looked.get("seems_channels", 3))),
        looked.get("exact"),
        looked.get("batch", 0),
    )
    row = st.columns(2)
    name = row[0].text_input("Name", key=initial(f"{key}-name", free_model_name(weights.stem)))
    trained_on = row[1].selectbox(
        "Trained on", ["", *dataset_names()], key=f"{key}-dataset",
        format_func=lambda one: one or "not one of these",
    )  # fmt: skip
    card = drafted(
        check_model_name(name),
        weights,
        architecture,
        arguments_from_text(text),
        classes.split(","),
        spec,
        reading,
        trained_on,
        looked=looked if whole else None,
    )
    path = weights.with_name("card.toml")
    content = card_text(card)
    with as_store_error(path):
        if not path.exists() or path.read_text(encoding="utf-8") != content:
            write_bytes(path, content.encode())
    return path


def _tell(name: str, looked: Mapping[str, Any], whole: bool) -> None:
    """Say what was seen in a file, of weights or of a whole network."""
    if not whole:
        st.caption(
            f"{looked['tensors']:,} tensors, {looked['weights'] / 1e6:,.2f} million weights"
            + (". What fits them all is filled in." if "architecture" in looked else "")
        )
    for note in notes_on(looked):
        st.info(note, icon=":material/info:")
    if not whole and "architecture" not in looked:
        _way_out(name, looked)


def _way_out(name: str, looked: Mapping[str, Any]) -> None:
    """Say what can be done with weights that no known architecture fits."""
    st.warning(f"{no_architecture(name)}.", icon=":material/help:")
    with st.expander("How to export it", icon=":material/code:"):
        st.markdown(
            "Run this where the network was trained, with its class filled in; then the owner of "
            "the server puts the `.pt2` and the card into `models` of the data folder, or takes "
            "them in with `python -m asma_core import-model`."
        )
        st.code(export_recipe(name, looked), language="python")
        st.code(export_card(name, looked), language="toml")


def _architecture(key: str, looked: Mapping[str, Any]) -> tuple[str, str]:
    """Ask for the architecture and its arguments as JSON; what was guessed is filled in."""
    names = list(ARCHITECTURES)
    architecture = st.selectbox(
        "Architecture (monai.networks.nets)",
        names,
        key=initial(f"{key}-architecture", looked.get("architecture", names[0])),
    )
    guessed = architecture == looked.get("architecture")
    arguments = looked["arguments"] if guessed else ARCHITECTURES[architecture]
    text = st.text_area(
        "Its arguments, without the numbers of channels and classes",
        key=initial(f"{key}-arguments-{architecture}", json.dumps(dict(arguments))),
        height=90,
        help="JSON. Strides can't be seen in weights; 2 is assumed.",
    )
    return architecture, text


@st.cache_data(max_entries=16, show_spinner="Looking at the weights")
def _looked_at(weights: str) -> dict[str, Any]:
    return patiently(services.predictor().look_at_weights, Path(weights))


def _check_and_keep(card: Path) -> None:
    """Let the network be checked; what answers can be kept."""
    names = dataset_names()
    said = _said(card)
    row = st.container(horizontal=True, vertical_alignment="bottom")
    first = said if said in names else names[0]
    dataset = row.selectbox(
        "Check it on images of",
        names,
        key=initial(f"{KEY}-check-{card.parent.name}-{first}", first),
    )
    token = (card.read_bytes(), dataset)
    if pressed(row, "Check", icon=":material/fact_check:", key=f"{KEY}-check"):
        with st.spinner("Checking the network", show_time=True):
            report = patiently(services.predictor().check_staged, card, dataset)
        st.session_state[f"{KEY}-report"] = (token, report)
    known = st.session_state.get(f"{KEY}-report")
    if known is None or known[0] != token:
        st.caption("A network is kept once it has been checked as it is described now.")
        return
    report = known[1]
    model_report(report, dataset)
    if not report["usable"]:
        st.caption("It can't be attacked as it is; correct what is marked and check again.")
    answers = all(c["state"] != "bad" for c in report["checks"] if c["name"] == "answer")
    if pressed(
        st,
        "Keep this network",
        type="primary",
        icon=":material/add:",
        key=f"{KEY}-keep",
        disabled=not answers,
    ):
        with show_errors():
            name = services.predictor().import_model(card)
            st.session_state.pop(f"{KEY}-staged", None)
            shutil.rmtree(card.parent, ignore_errors=True)
            open_here(ModelsView(name))


def _said(card: Path) -> str:
    try:
        return str(read_toml(card).get("dataset", ""))
    except InputError:
        # The check says what is wrong with the card.
        return ""
