"""A press of a button counts once, whatever else is asked for in that moment."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from tests.waiting import PATIENCE


def _page(way: str, cross: str) -> None:
    """Show a button; at the first run after its press something newer is asked for."""
    import streamlit as st
    from streamlit.runtime.scriptrunner import RerunData, get_script_run_ctx

    from ui.common.presses import end_presses, keep_presses, pressed
    from ui.common.rerun import rerun_page

    session = st.session_state

    def ask(at: str) -> None:
        context = get_script_run_ctx()
        crossed = at == cross and session.get("go") and "crossed" not in session
        if context is None or context.script_requests is None or not crossed:
            return
        session["crossed"] = True
        query = "run=0123abcd" if "elsewhere" in cross else context.query_string
        newer = RerunData(query_string=query)
        context.script_requests.request_rerun(newer)

    session.setdefault("count", 0)
    keep_presses("home", st.query_params.to_dict())
    ask("before")
    ask("before, elsewhere")
    st.markdown("on top")
    begun = st.button("Go", key="go") if way == "streamlit" else pressed(st, "Go", key="go")
    if begun:
        ask("in it")
        # As what is called in between may use it.
        _ = "runs" in session
        st.markdown("under way")
        session["count"] += 1
        rerun_page()
    end_presses()


def counted(way: str, cross: str) -> tuple[int, bool]:
    """Press once; return how often it counted, and whether something newer was asked for."""
    app = AppTest.from_function(_page, args=(way, cross), default_timeout=PATIENCE).run()
    app.button(key="go").click().run()
    app.run()
    assert not app.exception
    session = app.session_state
    return session["count"], "crossed" in session


@pytest.mark.parametrize("cross", ["before", "in it"])
def test_a_press_counts_once_though_something_newer_is_asked_for(cross: str) -> None:
    assert counted("ours", cross) == (1, True)


@pytest.mark.parametrize("cross", ["before", "in it"])
def test_a_plain_button_would_lose_it(cross: str) -> None:
    assert counted("streamlit", cross) == (0, True)


def test_who_goes_elsewhere_before_it_counts_takes_it_back() -> None:
    assert counted("ours", "before, elsewhere") == (0, True)


def test_a_press_that_nothing_crosses_counts_once() -> None:
    assert counted("ours", "never") == (1, False)
