"""Attacks on one network, shown to others."""

from ui.address.browser import current
from ui.address.views import TransferView
from ui.common.shell import through_app
from ui.plans.page import plan_view
from ui.transfer.list import plan_list
from ui.transfer.plans import PAGE

through_app()

asked = current(TransferView).plan
if asked is None:
    plan_list()
else:
    plan_view(PAGE, asked)
