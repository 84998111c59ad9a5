"""What defences are worth, against attacks that know them."""

from ui.address.browser import current
from ui.address.views import DefencesView
from ui.common.shell import through_app
from ui.defences.list import plan_list
from ui.defences.plans import PAGE
from ui.plans.page import plan_view

through_app()

asked = current(DefencesView).plan
if asked is None:
    plan_list()
else:
    plan_view(PAGE, asked)
