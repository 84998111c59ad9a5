from ui.account.view import account_view
from ui.common.shell import through_app

through_app()

account_view()
