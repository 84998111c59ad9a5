"""Write the table of docs/server.md, of all settings of config.toml, from their own text.

python -m scripts.settings_page
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from asma_core import server_config

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "server.md"
_LINE: Final = re.compile(r" {4}(\w+) = (.+?) +# (.+)")
_BARE: Final = re.compile(r" {4}(\w+) = (.+)")
_TABLE: Final = re.compile(r"\| setting \|.*?(?=\n\n)", re.S)


def settings_told() -> dict[str, tuple[str, str]]:
    """Return how each setting is written, and what is told of it."""
    found: dict[str, tuple[str, str]] = {}
    told = ""
    for line in (server_config.__doc__ or "").splitlines():
        if match := _LINE.fullmatch(line):
            told = match[3]
            found[match[1]] = (match[2], told)
        elif match := _BARE.fullmatch(line):
            # What stands above is told of several.
            found[match[1]] = (match[2], told)
    return found


def table() -> str:
    """Return the table as Markdown."""
    rows = [f"| `{name} = {value}` | {told} |" for name, (value, told) in settings_told().items()]
    return "\n".join(["| setting | what it is |", "| --- | --- |", *rows])


def page() -> str:
    """Return the page with the table as it should be."""
    return _TABLE.sub(lambda _: table(), PAGE.read_text(encoding="utf-8"), count=1)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
