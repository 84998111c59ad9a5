"""The notebook runs, and the page of public names says what the docstrings say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import asma_core as asma
from scripts import api_page

DOCS = Path(__file__).resolve().parents[2] / "docs"


def code_cells() -> list[dict[str, Any]]:
    cells = json.loads((DOCS / "from_python.ipynb").read_text())["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def test_the_notebook_runs_from_top_to_bottom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    space: dict[str, Any] = {}
    for cell in code_cells():
        source = "".join(cell["source"]).replace("STEPS = 20", "STEPS = 2")
        exec(compile(source, "from_python.ipynb", "exec"), space)
    assert space["STEPS"] == 2 and isinstance(space["result"], asma.Result)
    assert (tmp_path / "adversarial-demo" / "adversarial.png").is_file()


def test_the_notebook_is_kept_without_outputs() -> None:
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in code_cells())


def test_the_page_of_public_names_is_up_to_date() -> None:
    assert api_page.PAGE.read_text() == api_page.page(), "run python -m scripts.api_page"
    page = api_page.page()
    assert all(f"\n## {name}\n" in page for name in asma.PLACES)
