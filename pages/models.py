"""The networks: cards, checks, a new one by upload or by training."""

import streamlit as st

from ui.common.errors import guarded
from ui.common.fresh_view import fresh_view
from ui.common.shell import through_app
from ui.models.importing import model_import
from ui.models.list import model_list
from ui.models.training_form import training_form
from ui.models.training_view import training_view
from ui.models.view import model_view

through_app()

query = st.query_params
# The parameter "check" only asks for something to be done in a view.
view = [f"{name}={query[name]}" for name in ("model", "training", "add", "train") if name in query]
with fresh_view("models", *view), guarded():
    if "model" in query:
        model_view(query["model"])
    elif "training" in query:
        training_view(query["training"])
    elif "add" in query:
        model_import()
    elif "train" in query:
        training_form()
    else:
        model_list()
