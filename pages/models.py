"""The networks: cards, checks, a new one by upload or by training."""

from dataclasses import replace

from ui.address.browser import current
from ui.address.views import ModelsView
from ui.common.errors import show_errors
from ui.common.fresh_view import fresh_view
from ui.common.shell import through_app
from ui.models.importing import model_import
from ui.models.list import model_list
from ui.models.training_form import training_form
from ui.models.training_view import training_view
from ui.models.view import model_view

through_app()

view = current(ModelsView)
# What is to be checked or trained on asks for something to be done in a view; it is none itself.
with fresh_view("models", str(replace(view, check=False, dataset=""))), show_errors():
    if view.model is not None:
        model_view(view.model)
    elif view.training is not None:
        training_view(view.training)
    elif view.add:
        model_import()
    elif view.train:
        training_form()
    else:
        model_list()
