"""A view in the place of another takes nothing of it over, and stays where it is in later runs."""

from __future__ import annotations

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.scriptrunner_utils.script_run_context import ScriptRunContext
from streamlit.testing.v1 import AppTest

Path = tuple[int, ...]


def page() -> None:
    import streamlit as st

    from ui.common.fresh_view import fresh_view

    with fresh_view("test", st.session_state["open"]):
        st.markdown(st.session_state["open"])


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[ForwardMsg]:
    """What goes to the browser, each by itself: the queue may or may not make one of two."""
    found: list[ForwardMsg] = []
    enqueue = ScriptRunContext.enqueue

    def keep(context: ScriptRunContext, message: ForwardMsg) -> None:
        found.append(message)
        enqueue(context, message)

    monkeypatch.setattr(ScriptRunContext, "enqueue", keep)
    return found


def emptied_and_filled(sent: list[ForwardMsg]) -> tuple[list[Path], list[Path]]:
    deltas = [one for one in sent if one.WhichOneof("type") == "delta"]
    paths = {id(one): tuple(one.metadata.delta_path) for one in deltas}
    emptied = [paths[id(one)] for one in deltas if one.delta.new_element.HasField("empty")]
    filled = [paths[id(one)] for one in deltas if one.delta.HasField("add_block")]
    return emptied, filled


def test_the_place_of_a_view_that_stays_is_not_emptied(sent: list[ForwardMsg]) -> None:
    app = AppTest.from_function(page)
    app.session_state["open"] = "one"
    app.run()
    sent.clear()
    app.run()
    emptied, filled = emptied_and_filled(sent)
    assert len(filled) == 1 and filled[0] not in emptied


def test_another_view_is_elsewhere_and_that_of_before_goes_first(sent: list[ForwardMsg]) -> None:
    app = AppTest.from_function(page)
    app.session_state["open"] = "one"
    app.run()
    [before] = emptied_and_filled(sent)[1]
    sent.clear()
    app.session_state["open"] = "two"
    app.run()
    emptied, [after] = emptied_and_filled(sent)
    assert after != before and before in emptied
    assert [one.value for one in app.markdown] == ["two"]
