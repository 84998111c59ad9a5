"""The public names: light to import, known to editors, and tables of what there is."""

from __future__ import annotations

import ast
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import asma_core as asma
from asma_core.runs.execute import execute
from asma_core.runs.export import FIGURES
from asma_core.runs.store import RunStore
from tests import tiny

PROJECT = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "monai", "numpy", "pandas", "PIL", "scipy")


def printed(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_importing_the_package_imports_nothing_heavy() -> None:
    program = f"""
import sys, asma_core
asma_core.__version__, dir(asma_core), asma_core.AsmaError
print(*(name for name in {HEAVY!r} if name in sys.modules))
"""
    assert printed(program) == ""


def test_the_tables_are_there_before_and_after_their_rooms_are_imported() -> None:
    program = """
import asma_core as asma
first = [callable(room) for room in (asma.attacks, asma.models, asma.runs)]
from asma_core.attacks.registry import ATTACKS
import asma_core.runs.store, asma_core.models.sources.cards
print(all(first), len(asma.attacks()) == len(ATTACKS), asma.runs.store.RunStore.__name__)
"""
    assert printed(program) == "True True RunStore"


def test_every_public_name_is_there_listed_and_known_to_editors() -> None:
    tree = ast.parse((PROJECT / "asma_core" / "__init__.py").read_text())
    known = {
        alias.asname: f"{node.module}"
        for block in tree.body if isinstance(block, ast.If)
        for node in block.body if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }  # fmt: skip
    assert known == asma.PLACES
    assert set(asma.__all__) == {*known, "__version__"} and {*asma.__all__} <= {*dir(asma)}
    assert all(getattr(asma, name) is not None for name in asma.__all__)
    with pytest.raises(AttributeError, match="no attribute 'atack'"):
        asma.atack  # noqa: B018


def test_nothing_in_the_package_imports_its_root_for_a_public_name() -> None:
    names = {*asma.__all__} - {"attacks", "models", "runs"}
    for file in (PROJECT / "asma_core").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module == "asma_core":
                assert not names & {alias.name for alias in node.names}, file


def test_attacks_are_a_table_and_so_are_the_settings_of_one() -> None:
    table = asma.attacks().set_index("name")
    assert list(table.columns) == ["title", "answers", "summary", "source", "settings"]
    assert table.loc["minimal", "settings"]["steps"] == 1000
    settings = asma.attacks("minimal").set_index("name")
    assert (
        settings.loc["steps", "default"] == 1000 and "at least 1" in settings.loc["steps", "range"]
    )
    with pytest.raises(asma.UnknownNameError):
        asma.attacks("fgsm")


def test_networks_and_data_sets_are_tables_in_which_a_broken_one_hides_no_other(
    home: Path,
) -> None:
    tiny.furnish(home)
    (home / "models" / "broken.toml").write_text("no card")
    (home / "datasets" / "empty").mkdir()
    models = asma.models().set_index("name")
    assert models.loc[tiny.THREE, "classes"] == ("class 0", "class 1", "class 2")
    assert models.loc["broken", "problem"] and not models.loc[tiny.MODEL, "problem"]
    datasets = asma.datasets().set_index("name")
    assert datasets.loc[tiny.DATASET, "images"] == tiny.COUNT
    assert datasets.loc["empty", "problem"] and not datasets.loc[tiny.DATASET, "problem"]


def test_a_data_set_opens_by_name_and_by_folder(home: Path) -> None:
    tiny.furnish(home)
    by_name = asma.open_dataset(tiny.DATASET)
    by_folder = asma.open_dataset(home / "datasets" / tiny.DATASET)
    assert np.array_equal(by_name["03"].image, by_folder["03"].image)
    with pytest.raises(asma.UnknownNameError, match="there is: "):
        asma.open_dataset("nothing")


def test_a_loaded_network_is_one_s_own(home: Path) -> None:
    tiny.furnish(home)
    one, other = asma.load_model(tiny.MODEL), asma.load_model(tiny.MODEL, "cpu")
    logits = one(torch.rand(2, 3, 32, 32))
    assert logits.shape == (2, 2, 32, 32) and not one.training
    for weight in one.parameters():
        weight.zero_()
    assert any(weight.any() for weight in other.parameters())
    with pytest.raises(asma.UnknownNameError, match=tiny.MODEL):
        asma.load_model("resnet")


def test_runs_are_a_table_of_what_was_asked_and_came_out(home: Path) -> None:
    tiny.furnish(home)
    assert len(asma.runs()) == 0 and set(FIGURES) <= set(asma.runs().columns)
    store = RunStore(home)
    done = execute(store, store.create(tiny.request(), tiny.inputs()).id)
    away = tiny.request({"goal_is": "away from the prediction"}, attack="pgd")
    queued = store.create(away, tiny.inputs())
    table = asma.runs(home).set_index("id")
    assert list(table.index) == [queued.id, done.id]
    assert list(table.columns[:8]) == [
        "created", "state", "outcome", "attack", "model", "dataset", "sample", "target",
    ]  # fmt: skip
    assert table.loc[done.id, "l2_8bit"] == done.results["l2_8bit"]
    assert table.loc[done.id, "target"] == "mask of 02" and table.loc[queued.id, "target"] == ""
    assert table.loc[queued.id, "state"] == "queued" and np.isnan(table.loc[queued.id, "l2_8bit"])
    assert table["created"].dt.year.min() > 2000
    with pytest.raises(asma.InputError, match="is not a folder"):
        asma.runs(home / "nowhere")


def test_results_pass_between_processes(home: Path) -> None:
    tiny.furnish(home)
    dataset = asma.open_dataset(tiny.DATASET)
    results = asma.attack(tiny.MODEL, dataset[:2], dataset[2], steps=1)
    again = pickle.loads(pickle.dumps(results))  # noqa: S301 - our own
    assert repr(again) == repr(results)
