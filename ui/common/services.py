"""What all sessions of a server share: the store, the queue and the predictor."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import streamlit as st

from asma_core import paths
from asma_core.data.datasets import Dataset, dataset_names
from asma_core.data.datasets import open_dataset as _open_dataset
from asma_core.data.importing import clear_uploads
from asma_core.errors import UnknownNameError
from asma_core.jobs.detection import DetectionRunner
from asma_core.jobs.experiments import ExperimentRunner
from asma_core.jobs.predictions import Predictor, usual_predictor
from asma_core.jobs.queue import JobQueue
from asma_core.jobs.retention import keep_deleting
from asma_core.jobs.robustness import RobustnessRunner
from asma_core.jobs.trainings import Trainer
from asma_core.jobs.transfer import TransferRunner
from asma_core.jobs.universal import UniversalRunner
from asma_core.limited.reading import files, pictures, read
from asma_core.reviews.store import ReviewStore
from asma_core.runs.store import RunStore
from asma_core.server_config import settings
from ui.common.rerun import patiently

_OPENING: Final = (
    "Opening the data set. The images of a demo set are drawn at its first opening, which takes "
    "up to half a minute"
)


def store() -> RunStore:
    """Return the store of runs."""
    return queue().store


def queue() -> JobQueue:
    """Return the queue; runs that dead processes left behind are settled now and then."""
    jobs = _queue(str(paths.home()))
    jobs.recover()
    return jobs


@st.cache_resource(show_spinner=False)
def _queue(home: str) -> JobQueue:
    clear_uploads()
    jobs = JobQueue(RunStore(Path(home)))
    jobs.keep_going()
    keep_deleting(Path(home))
    return jobs


def experiments() -> ExperimentRunner:
    """Return what carries out experiments."""
    return _experiments(str(paths.home()))


@st.cache_resource(show_spinner=False)
def _experiments(home: str) -> ExperimentRunner:
    return ExperimentRunner(queue())


def reviews() -> ReviewStore:
    """Return the store of reviews."""
    return _reviews(str(paths.home()))


@st.cache_resource(show_spinner=False)
def _reviews(home: str) -> ReviewStore:
    return ReviewStore(Path(home))


def predictor() -> Predictor:
    """Return what predicts unattacked images."""
    return _predictor(str(paths.home()))


@st.cache_resource(show_spinner=False)
def _predictor(home: str) -> Predictor:
    return usual_predictor(Path(home))


def robustness() -> RobustnessRunner:
    """Return what carries plans of defences out."""
    return _robustness(str(paths.home()))


@st.cache_resource(show_spinner=False)
def _robustness(home: str) -> RobustnessRunner:
    return RobustnessRunner(Path(home), experiments(), predictor())


def detection() -> DetectionRunner:
    """Return what carries plans of detectors out."""
    return _detection(str(paths.home()))


@st.cache_resource(show_spinner=False)
def _detection(home: str) -> DetectionRunner:
    return DetectionRunner(Path(home), experiments(), predictor())


def transfer() -> TransferRunner:
    """Return what carries plans of transfer out."""
    return _transfer(str(paths.home()))


@st.cache_resource(show_spinner=False)
def _transfer(home: str) -> TransferRunner:
    return TransferRunner(Path(home), experiments(), predictor())


def universal() -> UniversalRunner:
    """Return what learns universal changes; what dead processes left behind is settled."""
    changes = _universal(str(paths.home()))
    changes.recover()
    return changes


@st.cache_resource(show_spinner=False)
def _universal(home: str) -> UniversalRunner:
    return UniversalRunner(Path(home))


def trainer() -> Trainer:
    """Return what trains networks; what dead processes left behind is settled now and then."""
    trainings = _trainer(str(paths.home()))
    trainings.recover()
    return trainings


@st.cache_resource(show_spinner=False)
def _trainer(home: str) -> Trainer:
    return Trainer(Path(home))


def warm() -> None:
    """Start the worker processes, without waiting for them; what waits for its turn goes on."""
    queue().warm()
    predictor().warm()
    files().warm()
    pictures().warm()
    trainer()
    universal()


def go_on() -> None:
    """See to it that work goes on though nobody looks: what dead processes left is taken over.

    Raises:
        StoreError: The store can't be read or written.
    """
    queue()
    trainer()
    universal()
    experiments().recover()


def open_dataset(name: str) -> Dataset:
    """Open a data set; a demo set is generated on first use, which takes some seconds.

    Raises:
        InputError: It can't be opened, or is a folder that the owner of the server has not opened.
    """
    if name not in dataset_names() and not settings().may_read(Path(name)):
        raise UnknownNameError("data set", name, dataset_names())
    return _dataset(name, str(paths.home()))


def forget_datasets() -> None:
    """Open data sets anew when they are asked for next, as after one was removed."""
    _dataset.clear()


# Shared and only read: a copy of ten thousand samples at every rerun would be felt.
@st.cache_resource(show_spinner=_OPENING, ttl=60)
def _dataset(name: str, home: str) -> Dataset:
    return patiently(_opened, name, home)


def _opened(name: str, _home: str) -> Dataset:
    """Open a data set; the home is there to tell calls apart."""
    return read(name, _open_dataset, name)
