"""Addresses are written in one room, and a widget's key by the module that has the widget."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from ui.address import views
from ui.address.view import View

PROJECT = Path(__file__).resolve().parents[3]
HOME = PROJECT / "ui" / "address"
MODULES = sorted([*(PROJECT / "ui").rglob("*.py"), *(PROJECT / "pages").glob("*.py")])
OTHERS = [path for path in MODULES if HOME not in path.parents]
ADDRESS = re.compile(r"query_params|switch_page|page_link|[\"']pages/\w+\.py[\"']|[\"']\w*\?\w+=")
PARAMETERS = {
    name
    for kind in vars(views).values()
    if isinstance(kind, type) and issubclass(kind, View) and kind is not View
    for name in kind.names()
}
WIDGETS_KEY = ("initial", "prime")


def named(path: Path) -> str:
    return str(path.relative_to(PROJECT))


@pytest.mark.parametrize("path", OTHERS, ids=named)
def test_only_the_address_s_room_reads_or_writes_it(path: Path) -> None:
    found = [line for line in path.read_text("utf-8").splitlines() if ADDRESS.search(line)]
    assert found == []


@pytest.mark.parametrize("path", OTHERS, ids=named)
def test_no_query_is_written_out_elsewhere(path: Path) -> None:
    """A dict named "query", or given to one, is one that the views should make."""
    found = [
        ast.unparse(node)
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.keyword)
        and isinstance(node.value, ast.Dict)
        and "query" in target_of(node)
    ]
    assert found == []


def target_of(node: ast.Assign | ast.AnnAssign | ast.keyword) -> str:
    if isinstance(node, ast.keyword):
        return node.arg or ""
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    return ast.unparse(target)


def test_the_six_pages_have_views() -> None:
    assert {"run", "with", "from", "draft", "dataset", "experiment", "network"} <= PARAMETERS


def pattern(node: ast.expr) -> str:
    """Return a key as a text in which a variable part is its name in braces."""
    if isinstance(node, ast.JoinedStr):
        return "".join(
            part.value if isinstance(part, ast.Constant) else f"{{{ast.unparse(part.value)}}}"
            for part in node.values
        )
    return str(node.value) if isinstance(node, ast.Constant) else ""


def shape(key: str) -> str:
    """Return a key of a page's `key` with its other variable parts alike; "" for another one."""
    return re.sub(r"\{(?!key\})[^}]*\}", "*", key) if key.startswith("{key}") else ""


def widget_keys(tree: ast.AST) -> Iterator[str]:
    """Yield the shapes of the keys of the widgets that a module has."""
    called = {
        node.targets[0].id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        given = [word.value for word in call.keywords if word.arg == "key"]
        if isinstance(call.func, ast.Name) and call.func.id in WIDGETS_KEY:
            given += call.args[:1]
        for key in given:
            said = called.get(key.id, key) if isinstance(key, ast.Name) else key
            yield from filter(None, [shape(pattern(said))])


def written_keys(tree: ast.AST) -> Iterator[str]:
    """Yield the shapes of the keys of the session that a module writes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
            yield from filter(None, [shape(pattern(node.slice))])


@cache
def owners() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for path in MODULES:
        for key in widget_keys(ast.parse(path.read_text("utf-8"))):
            found.setdefault(key, set()).add(named(path))
    return found


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_no_module_writes_the_widgets_of_another(path: Path) -> None:
    known = owners()
    written = set(written_keys(ast.parse(path.read_text("utf-8"))))
    foreign = {key: known[key] for key in written & set(known) if named(path) not in known[key]}
    assert foreign == {}


def test_a_foreign_key_would_be_found() -> None:
    tree = ast.parse('state[f"{key}-attack"], state[f"{key}-start"] = 1, 2')
    assert set(written_keys(tree)) == {"{key}-attack", "{key}-start"}
    assert owners()["{key}-attack"] == {"ui/attack/form.py"}
    assert owners()["{key}-start"] == {"ui/attack/target_choice.py"}
