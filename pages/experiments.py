"""Attacks compared on many images: the paper's Table 1 on any network and data set."""

from ui.address.browser import current
from ui.address.views import ExperimentsView
from ui.common.shell import through_app
from ui.experiments.list import experiment_list
from ui.experiments.view import experiment_view

through_app()

asked = current(ExperimentsView).experiment
if asked is None:
    experiment_list()
else:
    experiment_view(asked)
