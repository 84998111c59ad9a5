"""Defences that learn from images: under which name, once, and from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from asma_core.cli.main import main
from asma_core.data.datasets import open_dataset
from asma_core.defences.contract import Defence
from asma_core.errors import AsmaError
from asma_core.models.sources.cards import find_card
from asma_core.models.sources.defending import keep_defended
from asma_core.models.sources.learning import learns, learnt, named
from asma_core.runs.execute import execute
from asma_core.runs.run import DONE
from asma_core.runs.store import RunStore
from tests import tiny

DENOISER = Defence("denoiser", {"steps": 3})


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ASMA_HOME", str(tmp_path))
    return tiny.furnish(tmp_path)


def test_what_is_learnt_is_named_after_images_and_settings(home: Path) -> None:
    dataset = open_dataset(tiny.DATASET)
    first = named(DENOISER, dataset)
    assert named(DENOISER, dataset) == first and first != DENOISER
    assert named(Defence("denoiser", {"steps": 4}), dataset) != first
    # What has learnt stays what it is, whatever becomes of the images.
    file = dataset.samples[0].files[0]
    file.write_bytes(file.read_bytes() + b"\0")
    assert named(DENOISER, open_dataset(tiny.DATASET)) != first
    assert named(first, open_dataset(tiny.DATASET)) == first
    jpeg = Defence("jpeg", {"quality": 60})
    assert named(jpeg, dataset) == learnt(jpeg, dataset) == jpeg and not learns(jpeg)


def test_it_learns_once(home: Path) -> None:
    dataset, steps = open_dataset(tiny.DATASET), list[int]()
    assert learns(DENOISER)
    done = learnt(DENOISER, dataset, steps.append)
    assert not learns(done) and steps == [1, 2, 3]
    assert learnt(DENOISER, dataset, steps.append) == learnt(done, dataset, steps.append) == done
    assert steps == [1, 2, 3]


def test_a_network_stands_behind_what_has_learnt_only(home: Path) -> None:
    card = find_card(tiny.MODEL)
    with pytest.raises(AsmaError, match="learns from images first"):
        keep_defended(card, DENOISER, "clean")
    assert not (home / "models" / "clean.toml").exists()
    made = keep_defended(card, DENOISER, "clean", open_dataset(tiny.DATASET))
    assert find_card("clean") == made and made.defences[0].values["learnt"]
    runs = RunStore()
    request = tiny.request(model="clean", config=tiny.QUICK)
    run = execute(runs, runs.create(request, tiny.inputs(0, 2)).id)
    assert run.state == DONE, run.results
    (kept,) = (home / "denoisers").iterdir()
    kept.unlink()
    with pytest.raises(AsmaError, match="learns from images first"):
        keep_defended(card, made.defences[0], "clean-again")


def test_the_command_line_has_it_learn(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["defend", "--model", tiny.MODEL, "--defence", "denoiser", "--set", "steps=3", "--json"]
    assert main(asked) == 2 and "--dataset" in capsys.readouterr().err
    assert main([*asked, "--dataset", tiny.DATASET]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["name"] == f"{tiny.MODEL}-denoiser"
    asked = ["robustness", "--model", tiny.MODEL, "--dataset", tiny.DATASET, "--samples", "1"]
    given = ["--defences", "denoiser:steps=3", "--attacks", "pgd", "--steps", "3", "--no-black-box"]
    assert main([*asked, *given, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [row["network"] for row in rows] == [tiny.MODEL, f"{tiny.MODEL}-denoiser"]
