"""The form of a training."""

from __future__ import annotations

from typing import Any, Final, NoReturn

import streamlit as st

from asma_core.data.datasets import Dataset, dataset_names
from asma_core.data.synthetic.demo import DEMO_SETS
from asma_core.errors import InputError
from asma_core.fields import declared
from asma_core.models.sources.cards import model_cards
from asma_core.models.sources.names import check_model_name, network_name
from asma_core.naming import free_among
from asma_core.training.data import LEAST_VALIDATION, Split, split_samples
from asma_core.training.demo_stream import DEMO_TRAININGS
from asma_core.training.plan import TrainingPlan
from asma_core.training.store import QUEUED, RUNNING
from ui.address import browser as address
from ui.address.links import open_here
from ui.address.views import ModelsView
from ui.common import services
from ui.common.errors import show_errors
from ui.common.settings_form import setting_widget
from ui.common.values import SESSION, initial
from ui.models.link import back

KEY: Final = "training-form"
SETTINGS: Final = declared(TrainingPlan)


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
    with show_errors():
        dataset = services.open_dataset(wanted["dataset"])
        dataset.check_masked()
        left.caption(_said(dataset, split_samples(dataset, settings["validation"])))
        if left.button("Start", type="primary", icon=":material/play_arrow:", key=f"{KEY}-start"):
            _start(TrainingPlan(**wanted, **settings))


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
    architecture = setting_widget(st, KEY, SETTINGS["architecture"])
    width = setting_widget(st, KEY, SETTINGS["width"])
    name = _name(network_name(dataset, architecture))
    return {"dataset": dataset, "architecture": architecture, "width": width, "name": name}


def _name(wanted: str) -> str:
    """Ask for the network's name: what was typed stays, what is suggested follows the choices."""
    key, suggested = f"{KEY}-name", f"{KEY}-name-suggested"
    if st.session_state.get(key, "") in ("", st.session_state.get(suggested)):
        st.session_state[suggested] = free_among(wanted, [*model_cards(), *_in_training()])
        st.session_state[key] = st.session_state[suggested]
    return st.text_input("Name", key=key, persist_state=SESSION).strip()


def _in_training() -> set[str]:
    """Return the names that networks will have which are in training."""
    trainings = services.trainer().store.all()
    return {one.plan.name for one in trainings if one.state in (QUEUED, RUNNING)}


def _start(plan: TrainingPlan) -> NoReturn:
    check_model_name(plan.name)
    if plan.name in _in_training():
        raise InputError(
            f"a network called {plan.name!r} is in training already; choose another name"
        )
    training = services.trainer().start(plan)
    # The next one is to be called otherwise.
    st.session_state[f"{KEY}-name-suggested"] = plan.name
    open_here(ModelsView(training=training.id))


def _settings() -> dict[str, Any]:
    """Ask how it is to be trained."""
    settings = {name: setting_widget(st, KEY, SETTINGS[name]) for name in ("steps", "image_size")}
    with st.expander("More"):
        for name, item in SETTINGS.items():
            if item.rule.advanced:
                settings[name] = setting_widget(st, KEY, item)
    return settings


def _said(dataset: Dataset, split: Split) -> str:
    """Return what is trained, chosen and tested on."""
    if dataset.name in DEMO_SETS:
        count = DEMO_TRAININGS[dataset.name].pairs
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
