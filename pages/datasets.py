"""The images of a data set, and one of them large."""

import streamlit as st

from asma_core.data.datasets import dataset_names
from ui import services
from ui.dataset_grid import back_to_grid, dataset_choice, dataset_grid
from ui.dataset_import import dataset_import
from ui.dataset_own import add_dataset, remove_dataset, train_on
from ui.dataset_sample import sample_view
from ui.dataset_view import current_view
from ui.guard import guarded
from ui.shell import through_app

through_app()

if "add" in st.query_params:
    back_to_grid()
    dataset_import()
    st.stop()

names = dataset_names()
view = current_view(names)
if not view.sample:
    st.title("Datasets", anchor=False)
bar = st.container(horizontal=True, vertical_alignment="center" if view.sample else "bottom")
with bar:
    if view.sample:
        back_to_grid()
    else:
        dataset_choice(view, names)
        add_dataset()
        train_on(view.dataset)
        remove_dataset(view.dataset)
with guarded():
    dataset = services.open_dataset(view.dataset)
    if view.sample:
        sample_view(dataset, view, bar)
    else:
        dataset_grid(dataset, view, bar)
