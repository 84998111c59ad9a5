"""What this is, one button to try it, and what has been run."""

import streamlit as st

from ui.common.errors import show_errors
from ui.common.shell import through_app
from ui.home import pieces as home

through_app()

st.title("ASMA Workbench", anchor=False)
st.markdown(home.WHAT, width=720)
with show_errors():
    home.demo_button()
with show_errors():
    home.activity()
