"""The form of a training."""

from __future__ import annotations

from typing import Any, Final

import streamlit as st

from asma_core.data.datasets import Dataset, dataset_names
from asma_core.data.synthetic.demo import DEMO_SETS
from asma_core.models.sources.names import check_model_name, free_model_name, network_name
from asma_core.training.cache import TRAINING_PLANS
from asma_core.training.config import ARCHITECTURES
from asma_core.training.data import Split, split_samples
from asma_core.training.plan import LEAST_VALIDATION, WIDTHS, TrainingPlan
from ui.address import browser as address
from ui.address.views import ModelsView
from ui.common import services
from ui.common.errors import guarded
from ui.common.values import SESSION, initial
from ui.models.link import back

KEY: Final = "training-form"
TITLES: Final = {"UNet": "U-Net", "SegResNet": "SegResNet", "AttentionUnet": "Attention U-Net"}


def training_form() -> None:
    """Show the form; a press of Start goes to the training."""
    back()
    st.title("Train a network", anchor=False)
    st.markdown(
        "A network of your own on your own images, good enough to be attacked: random turns, "
        "scales, colours and noise, Dice and cross-entropy, the weights that are best on the "
        "validation images. It goes on in the background.",
        width=760,
    )
    left, right = st.columns(2, gap="large")
    with left:
        wanted = _wanted()
    with right:
        settings = _settings()
    with guarded():
        dataset = services.open_dataset(wanted["dataset"])
        left.caption(_said(dataset, split_samples(dataset, settings["validation"])))
        if left.button("Start", type="primary", icon=":material/play_arrow:", key=f"{KEY}-start"):
            check_model_name(wanted["name"])
            training = services.trainer().start(TrainingPlan(**wanted, **settings))
            address.go_to(ModelsView(training=training.id))
            st.rerun()


def _wanted() -> dict[str, Any]:
    """Ask what is to be trained, on what."""
    names = dataset_names()
    asked = address.current(ModelsView).dataset
    dataset = st.selectbox(
        "Data set",
        names,
        key=initial(f"{KEY}-dataset", asked if asked in names else names[0], names),
        persist_state=SESSION,
    )
    architecture = st.selectbox(
        "Architecture",
        ARCHITECTURES,
        format_func=TITLES.__getitem__,
        key=f"{KEY}-architecture",
        persist_state=SESSION,
    )
    width = st.segmented_control(
        "Size",
        list(WIDTHS),
        required=True,
        key=initial(f"{KEY}-width", "small"),
        help="tiny for a try, small for a CPU, medium for a GPU",
    )
    free = free_model_name(network_name(dataset, architecture))
    name = st.text_input("Name", key=initial(f"{KEY}-name-{free}", free)).strip()
    return {"dataset": dataset, "architecture": architecture, "width": width, "name": name}


def _settings() -> dict[str, Any]:
    """Ask how it is to be trained."""
    steps = st.number_input("Steps", 10, 200_000, key=initial(f"{KEY}-steps", 1000), step=100)
    image_size = st.select_slider(
        "Images seen at an area of",
        [64, 96, 128, 192, 256, 320, 384, 512],
        key=initial(f"{KEY}-size", 256),
        format_func=lambda side: f"{side} x {side}",
    )
    with st.expander("More"):
        rate = st.number_input(
            "Highest learning rate", 1e-5, 0.1, format="%g", key=initial(f"{KEY}-rate", 3e-3)
        )
        batch = st.number_input("Images a step", 1, 64, key=initial(f"{KEY}-batch", 8))
        patience = st.number_input(
            "Looks without a gain before it stops",
            0,
            100,
            key=initial(f"{KEY}-patience", 8),
            help="At the validation images, 25 in all; 0 never stops early.",
        )
        validation = st.slider(
            "Share of the training images for validation",
            0.0,
            0.5,
            step=0.05,
            key=initial(f"{KEY}-validation", 0.15),
        )
        seed = st.number_input("Seed", 0, 10**6, key=initial(f"{KEY}-seed", 0))
    return {
        "steps": int(steps),
        "image_size": image_size,
        "learning_rate": rate,
        "batch_size": int(batch),
        "patience": int(patience),
        "validation": validation,
        "seed": int(seed),
    }


def _said(dataset: Dataset, split: Split) -> str:
    """Return what is trained, chosen and tested on."""
    if dataset.name in DEMO_SETS:
        count = TRAINING_PLANS[dataset.name][0]
        return (
            f"{count:,} pictures made for the training, which takes a minute or more at first; "
            f"{len(split.test):,} images to test"
        )
    words = (
        f"{len(split.train):,} images to train on, {len(split.validation):,} to choose by, "
        f"{len(split.test):,} to test"
    )
    if split.validation:
        return words
    return (
        f"{words}. With fewer than {LEAST_VALIDATION} training images all are trained on, and the "
        "last weights are kept."
    )
