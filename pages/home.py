"""What this is, one button to try it, and what has been run."""

import streamlit as st

from ui import home
from ui.guard import guarded
from ui.shell import through_app

through_app()

st.title("ASMA Workbench", anchor=False)
st.markdown(home.WHAT, width=720)
with guarded():
    home.demo_button()
with guarded():
    home.activity()
