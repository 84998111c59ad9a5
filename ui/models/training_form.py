"""The form of a training."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final, NoReturn

import streamlit as st

from asma_core.data.datasets import Dataset, dataset_names
from asma_core.data.synthetic.demo import DEMO_SETS
from asma_core.errors import AsmaError, InputError
from asma_core.fields import declared
from asma_core.models.sources.cards import model_cards
from asma_core.models.sources.names import check_model_name
from asma_core.naming import free_among
from asma_core.training.data import LEAST_VALIDATION, Split, demo_validation, split_samples
from asma_core.training.demo_stream import DEMO_TRAININGS
from asma_core.training.naming import PLAIN, usual_name
from asma_core.training.plan import (
    OF_THE_ATTACK,
    OF_THE_START,
    TrainingPlan,
)
from asma_core.training.start_check import check_start
from asma_core.training.store import QUEUED, RUNNING
from ui.address import browser as address
from ui.address.links import open_here
from ui.address.views import ModelsView
from ui.common import services
from ui.common.errors import show_errors
from ui.common.presses import pressed
from ui.common.settings_form import fill_settings, setting_widget
from ui.common.values import SESSION, initial
from ui.models.link import back

KEY: Final = "training-form"
SETTINGS: Final = declared(TrainingPlan)
# So large that no network's multiple is in the way of being offered.
LARGE: Final = 4096
# Of a network that is trained already; the plan's own begins with random weights.
GENTLE_RATE: Final = 1e-3


def training_form() -> None:
    """Show the form; a press of Start goes to the training."""
    back()
    st.title("Train a network", anchor=False)
    st.markdown(
        "A network of your own on your own images, good enough to be attacked: random turns, "
        "scales, colours and noise, Dice and cross-entropy, the weights that are best on the "
        "validation images. Trained adversarially it sees attacked images, so as to withstand "
        "changes within a budget. It goes on in the background.",
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
        adversarial = settings["adversarial"] != PLAIN
        split = split_samples(dataset, settings["validation"])
        left.caption(_said(dataset, split, adversarial))
        if pressed(left, "Start", type="primary", icon=":material/play_arrow:", key=f"{KEY}-start"):
            _start(TrainingPlan(**wanted, **settings))


def _wanted() -> dict[str, Any]:
    """Ask what is to be trained, on what."""
    names = dataset_names()
    asked = address.current(ModelsView).dataset
    dataset = st.selectbox(
        "Data set",
        names,
        key=_asked_first(f"{KEY}-dataset", asked, names[0], names),
        persist_state=SESSION,
    )
    start = _start_from(dataset)
    shape = {}
    if not start:
        shape = {name: setting_widget(st, KEY, SETTINGS[name]) for name in OF_THE_START}
    kind = st.session_state.get(f"{KEY}-adversarial", PLAIN)
    name = _name(usual_name(dataset, start, kind, shape.get("architecture", "")))
    return {"dataset": dataset, "start_from": start, **shape, "name": name}


def _start_from(dataset: str) -> str:
    """Ask whose weights it begins with; "" for fresh ones."""
    fitting = ["", *_startable(dataset)]
    asked = address.current(ModelsView).start
    key = f"{KEY}-start_from"
    rule = SETTINGS["start_from"].rule
    chosen: str = st.selectbox(
        rule.label,
        fitting,
        format_func=lambda name: name or "fresh weights",
        key=_asked_first(key, asked, "", fitting),
        persist_state=SESSION,
        help="A network that is there goes on learning, and what comes of it is a network of its "
        "own; it keeps its architecture. Networks of MONAI of the same classes are offered.",
    )
    if st.session_state.get(f"{key}-suited", "") != chosen:
        st.session_state[f"{key}-suited"] = chosen
        fill_settings(KEY, _suiting(chosen))
    return chosen


def _asked_first(key: str, asked: str, otherwise: str, options: Sequence[str]) -> str:
    """Give a widget the value that the address asks for, once; return its key."""
    if asked in options and st.session_state.get(f"{key}-asked", "") != asked:
        st.session_state[key] = asked
    st.session_state[f"{key}-asked"] = asked
    return initial(key, otherwise, options)


def _startable(dataset: str) -> list[str]:
    """Return the networks that a training on a data set can start from."""
    try:
        classes = services.open_dataset(dataset).classes
    except AsmaError:
        return []
    found = []
    for name, card in model_cards().items():
        with suppress(InputError):
            check_start(card, classes, TrainingPlan(dataset, image_size=LARGE, start_from=name))
            found.append(name)
    return found


def _suiting(start: str) -> dict[str, Any]:
    """Return the settings that suit a start: its own size, and steps that do not undo it."""
    size, rate = SETTINGS["image_size"], SETTINGS["learning_rate"].default
    if not start:
        return {"image_size": size.default, "learning_rate": rate}
    own = model_cards()[start].input.size
    fitting = own if own in size.options else size.default
    return {"image_size": fitting, "learning_rate": GENTLE_RATE}


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
    settings["adversarial"] = setting_widget(st, KEY, SETTINGS["adversarial"])
    if settings["adversarial"] != PLAIN:
        columns = st.columns(2)
        for place, name in enumerate(OF_THE_ATTACK):
            settings[name] = setting_widget(columns[place % 2], KEY, SETTINGS[name])
    with st.expander("More"):
        for name, item in SETTINGS.items():
            if item.rule.advanced:
                settings[name] = setting_widget(st, KEY, item)
    return settings


def _said(dataset: Dataset, split: Split, adversarial: bool) -> str:
    """Return what is trained, chosen and tested on."""
    if dataset.name in DEMO_SETS:
        count = DEMO_TRAININGS[dataset.name].pairs
        choosing = f"{len(demo_validation(split)):,} to choose by, " if adversarial else ""
        return (
            f"{count:,} pictures made for the training, which takes a minute or more at first; "
            f"{choosing}{len(split.test):,} images to test"
        )
    words = (
        f"{len(split.train):,} images to train on, {len(split.validation):,} to choose by, "
        f"{len(split.test):,} to test"
    )
    if split.validation:
        return words
    unseen = " There are no curves of clean and robust IoU then." if adversarial else ""
    return (
        f"{words}. With fewer than {LEAST_VALIDATION} training images all are trained on, and the "
        f"last weights are kept.{unseen}"
    )
