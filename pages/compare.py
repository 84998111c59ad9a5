from ui.common.shell import through_app
from ui.compare.run_choice import choose_run
from ui.compare.view import compare_run

through_app()

run = choose_run()
if run is not None:
    compare_run(run)
