import streamlit as st

from ui import services
from ui.attack_editor import attack_editor
from ui.live_run import live_run
from ui.run_result import run_result
from ui.shell import through_app

through_app()

run_id = st.query_params.get("run")
if run_id is None:
    attack_editor("attack")
else:
    run = services.store().get(run_id)
    if run.ended:
        run_result(run)
    else:
        live_run(run.id)
