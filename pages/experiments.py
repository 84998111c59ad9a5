"""Attacks compared on many images: the paper's Table 1 on any network and data set."""

import streamlit as st

from ui.common.shell import through_app
from ui.experiments.list import experiment_list
from ui.experiments.view import experiment_view

through_app()

asked = st.query_params.get("experiment")
if asked is None:
    experiment_list()
else:
    experiment_view(asked)
