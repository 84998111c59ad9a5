from ui.address.browser import current
from ui.address.views import AttackView
from ui.attack.editor import attack_editor
from ui.attack.live_run import live_run
from ui.attack.result import run_result
from ui.common import services
from ui.common.shell import name_tab, through_app

through_app()

run_id = current(AttackView).run
if run_id is None:
    attack_editor("attack")
else:
    run = services.store().get(run_id)
    name_tab(f"Run {run.id}", run.spec.image_name)
    if run.ended:
        run_result(run)
    else:
        live_run(run.id)
