"""Running the page again from within, without taking the place of what a person has just asked."""

from __future__ import annotations

import streamlit as st


def rerun_page() -> None:
    """Run the whole page again, from a fragment.

    Streamlit puts such a request in the place of one that waits, with the page and the address of
    before: whoever has clicked a link in that moment would be brought back. Each element is a point
    where a waiting request is carried out; so is the one here.
    """
    st.empty()
    st.rerun()
