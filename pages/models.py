"""The networks: cards, checks, a new one by upload or by training."""

import streamlit as st

from ui.fresh_view import fresh_view
from ui.guard import guarded
from ui.model_import import model_import
from ui.model_list import model_list
from ui.model_view import model_view
from ui.shell import through_app
from ui.training_form import training_form
from ui.training_view import training_view

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
