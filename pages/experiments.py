"""Attacks compared on many images: the paper's Table 1 on any network and data set."""

import streamlit as st

from ui.experiment_list import experiment_list
from ui.experiment_view import experiment_view
from ui.shell import through_app

through_app()

asked = st.query_params.get("experiment")
if asked is None:
    experiment_list()
else:
    experiment_view(asked)
