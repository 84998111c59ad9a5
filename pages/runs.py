from ui.common.shell import through_app
from ui.runs.list import run_list

through_app()

run_list()
