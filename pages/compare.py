from ui.compare_run import compare_run
from ui.run_choice import choose_run
from ui.shell import through_app

through_app()

run = choose_run("compare")
if run is not None:
    compare_run(run)
