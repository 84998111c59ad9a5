import streamlit as st

from ui.address.browser import current
from ui.address.links import link
from ui.address.views import AttackView, RunsView
from ui.attack.editor import attack_editor
from ui.attack.live_run import live_run
from ui.attack.result import run_result
from ui.common import services
from ui.common.archive import is_archive
from ui.common.shell import name_tab, through_app

through_app()

run_id = current(AttackView).run
if run_id is None and is_archive():
    # Not even the network's prediction could be kept, which a target begins with.
    st.title("Attack", anchor=False)
    link(RunsView(), "Look at its runs", icon=":material/table_rows:")
elif run_id is None:
    attack_editor("attack")
else:
    run = services.store().get(run_id)
    name_tab(f"Run {run.id}", run.spec.image_name)
    if run.ended:
        run_result(run)
    else:
        live_run(run.id)
