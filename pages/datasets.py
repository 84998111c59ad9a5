"""The images of a data set, and one of them large."""

import streamlit as st

from asma_core.data.datasets import dataset_names
from ui.address.browser import current
from ui.address.views import DatasetsView
from ui.common.errors import show_errors
from ui.common.shell import through_app
from ui.datasets.grid import back_to_grid, dataset_choice, dataset_grid
from ui.datasets.importing import dataset_import
from ui.datasets.opening import opened
from ui.datasets.own import add_dataset, remove_dataset, share_dataset, train_on
from ui.datasets.sample import sample_view
from ui.datasets.view import current_view

through_app()

if current(DatasetsView).add:
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
        share_dataset(view.dataset)
        remove_dataset(view.dataset)
with show_errors(), opened(view) as dataset:
    if view.sample:
        sample_view(dataset, view, bar)
    else:
        dataset_grid(dataset, view, bar)
