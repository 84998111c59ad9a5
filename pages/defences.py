"""What defences and detectors are worth, against attacks that know them."""

from ui.address.browser import current
from ui.address.views import DefencesView
from ui.common.shell import through_app
from ui.defences.list import plan_list
from ui.defences.view import plan_view

through_app()

asked = current(DefencesView)
if asked.plan is None:
    plan_list()
else:
    plan_view(asked.room, asked.plan)
