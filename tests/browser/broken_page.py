"""A page that breaks wherever a page can; see test_server.py."""

import streamlit as st

from asma_core.errors import InputError

SECRET = "words of the source"


def break_down() -> None:
    """Break, as a bug does."""
    raise ValueError("of patient 4711")


def refuse() -> None:
    """Say what a user can mend."""
    raise InputError("the mask is empty; draw one")


@st.fragment
def part() -> None:
    """Show a part of the page that runs by itself."""
    if st.button("Break a part"):
        break_down()


st.title("Whole")
st.button("Break a callback", on_click=break_down)
st.button("Refuse in a callback", on_click=refuse)
part()
if st.button("Break the page"):
    break_down()
