from ui.run_list import run_list
from ui.shell import through_app

through_app()

run_list()
