"""What is asked for while a page is drawn: callbacks are carried out whole, waits can be left."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from ui.common.rerun import patiently

PROJECT = Path(__file__).resolve().parents[3]
MODULES = sorted((PROJECT / "ui").rglob("*.py"))
CALLBACK = re.compile(r"on_(click|change|select|submit|dismiss|\w+_change)")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_each_callback_is_carried_out_whole(path: Path) -> None:
    """A plain one is lost without a word when a newer click crosses it."""
    plain = [
        f"line {given.value.lineno}: {given.arg}"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        for given in node.keywords
        if given.arg and CALLBACK.fullmatch(given.arg)
        if not isinstance(given.value, ast.Constant | ast.Lambda)
        if not ast.unparse(given.value).startswith("whole(")
    ]
    assert plain == []


def test_a_wait_gives_what_the_call_gives() -> None:
    assert patiently(divmod, 7, 2) == (3, 1)


def test_a_wait_passes_an_error_on() -> None:
    with pytest.raises(TimeoutError, match="of its own"):
        patiently(_fail)


def _fail() -> None:
    raise TimeoutError("of its own")
