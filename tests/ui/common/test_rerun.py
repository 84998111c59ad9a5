"""What is asked for while a page is drawn: callbacks are carried out whole, waits can be left."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from tests.waiting import PATIENCE
from ui.common import rerun
from ui.common.rerun import patiently

PROJECT = Path(__file__).resolve().parents[3]
MODULES = sorted((PROJECT / "ui").rglob("*.py"))
CALLBACK = re.compile(r"on_(click|change|select|submit|dismiss|\w+_change)")


def calls_in(path: Path) -> list[ast.Call]:
    tree = ast.parse(path.read_text("utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_each_callback_is_carried_out_whole(path: Path) -> None:
    """A plain one is lost without a word when a newer click crosses it."""
    plain = [
        f"line {given.value.lineno}: {given.arg}"
        for node in calls_in(path)
        for given in node.keywords
        if given.arg and CALLBACK.fullmatch(given.arg)
        if not isinstance(given.value, ast.Constant | ast.Lambda)
        if not ast.unparse(given.value).startswith("whole(")
    ]
    assert plain == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_each_button_has_a_callback_or_is_one_whose_press_waits(path: Path) -> None:
    """What Streamlit's button returns is lost when something newer is asked for; see `pressed`."""
    plain = [
        f"line {node.lineno}"
        for node in calls_in(path)
        if isinstance(node.func, ast.Attribute)
        if node.func.attr in ("button", "form_submit_button")
        if not {"on_click", None} & {given.arg for given in node.keywords}
    ]
    assert plain == []


def test_a_wait_gives_what_the_call_gives() -> None:
    assert patiently(divmod, 7, 2) == (3, 1)


def test_a_wait_passes_an_error_on() -> None:
    with pytest.raises(TimeoutError, match="of its own"):
        patiently(_fail)


def test_who_comes_back_waits_for_the_call_that_is_under_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun, go = Event(), Event()
    calls: list[str] = []

    def draw(name: str) -> str:
        calls.append(name)
        begun.set()
        go.wait(PATIENCE)
        return name

    class Session:
        def __contains__(self, _: object) -> bool:
            go.set()  # once somebody waits
            return False

    # Of a person who has gone elsewhere.
    first = rerun._begun(draw, ("set",))
    begun.wait(PATIENCE)
    monkeypatch.setattr(rerun, "st", SimpleNamespace(session_state=Session()))
    assert patiently(draw, "set") == "set" == first.result()
    assert calls == ["set"]
    assert patiently(draw, "set") == "set"
    assert calls == ["set", "set"]


def test_what_can_not_be_hashed_is_a_call_of_its_own() -> None:
    assert patiently(sorted, [2, 1]) == [1, 2]


def _fail() -> None:
    raise TimeoutError("of its own")


def _page_after_a_fragment(first: bool) -> None:
    import streamlit as st
    from streamlit.delta_generator_singletons import context_dg_stack

    from ui.common.rerun import begin_at_top

    left_open = st.container()
    # As the thread is when a fragment has ended in it.
    context_dg_stack.set((*context_dg_stack.get(), left_open))
    if first:
        begin_at_top()
    st.markdown("the page")


@pytest.mark.parametrize("first", [True, False])
def test_a_page_goes_into_nothing_that_a_fragment_has_left_open(first: bool) -> None:
    app = AppTest.from_function(_page_after_a_fragment, args=(first,), default_timeout=PATIENCE)
    app.run()
    assert not app.exception
    inside = [one.value for one in app.main.children[0].markdown]
    assert inside == ([] if first else ["the page"])


def test_the_app_begins_at_the_top() -> None:
    tree = ast.parse((PROJECT / "app.py").read_text("utf-8"))
    (main,) = [one for one in tree.body if isinstance(one, ast.FunctionDef)]
    assert ast.unparse(main.body[1]) == "begin_at_top()"
