"""Write docs/api.md, the page of all public names, from their docstrings.

python -m scripts.api_page
"""

from __future__ import annotations

import inspect
import re
import textwrap
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, Final

import asma_core as asma

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "api.md"
FUNCTIONS: Final = (
    *("attack", "survives", "load_model", "open_dataset"),
    *("attacks", "models", "datasets", "runs"),
)
HEAD: Final = """\
# The public names

`import asma_core as asma`. Written by `python -m scripts.api_page` from the docstrings; a first
walk through is [from_python.ipynb](from_python.ipynb).
"""


def public(name: str) -> Any:
    """Return what a public name stands for; the tables share theirs with a room."""
    return getattr(__import__(asma.PLACES[name], fromlist=[name]), name)


def page() -> str:
    """Return the page as Markdown."""
    classes = [name for name in asma.PLACES if name not in FUNCTIONS]
    parts = [HEAD, *map(_function, FUNCTIONS), *map(_class, classes)]
    return "\n".join(part.rstrip() + "\n" for part in parts)


def _signature(what: Any) -> str:
    """Return what a function takes and gives, as it would be written; a long one in lines."""
    # The annotations are texts already, in quotes where they stand behind a name.
    text = re.sub(r"(: |-> )'([^']*)'", r"\1\2", str(inspect.signature(what)))
    text = text.replace("(self, ", "(").replace("(self)", "()")
    if len(text) < 80:
        return text
    given, returned = text[1:].rsplit(") -> ", 1)
    return "(\n" + "".join(f"    {one},\n" for one in given.split(", ")) + f") -> {returned}"


def _function(name: str) -> str:
    what = public(name)
    shown = f"```python\nasma.{name}{_signature(what)}\n```"
    return f"## {name}\n\n{shown}\n\n{_text(what)}"


def _class(name: str) -> str:
    what = public(name)
    members = [
        _member(key, member)
        for key, member in vars(what).items()
        if not key.startswith("_") and (inspect.isfunction(member) or isinstance(member, property))
    ]
    own = members if is_dataclass(what) or name == "Results" else []
    return "\n\n".join([f"## {name}", _text(what), *own])


def _member(name: str, member: Any) -> str:
    if isinstance(member, property):
        return f"### .{name}\n\n{_text(member)}"
    return f"### .{name}{_signature(member)}\n\n{_text(member)}"


def _text(what: Any) -> str:
    """Return a docstring as Markdown: its sections as lists, the rest as it is."""
    lines = (inspect.getdoc(what) or "").splitlines()
    blocks: list[str] = []
    section = ""
    for line in lines:
        if line in ("Args:", "Returns:", "Raises:", "Attributes:"):
            section = line
            blocks.append(f"**{line[:-1]}**\n")
        elif section and line.strip():
            blocks.append(_entry(line, section))
        else:
            blocks.append(line)
    return textwrap.dedent("\n".join(blocks)).strip()


def _entry(line: str, section: str) -> str:
    name, colon, rest = line.strip().partition(": ")
    if section != "Returns:" and line.startswith("    ") and line[4] != " " and colon:
        return f"- `{name}`: {rest}"
    return f"  {line.strip()}" if section != "Returns:" else line.strip()


if __name__ == "__main__":
    PAGE.write_text(page())
