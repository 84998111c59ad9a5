"""Networks behind defences: their cards, their names, their runs, the command line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import asma_core
from asma_core.cli.main import main
from asma_core.data.datasets import open_dataset
from asma_core.data.formats.images import read_image
from asma_core.defences.contract import Defence
from asma_core.errors import AsmaError
from asma_core.models.sources.card_text import card_text
from asma_core.models.sources.cards import find_card, network_hash, weights_hash
from asma_core.models.sources.class_mapping import keep_mapped
from asma_core.models.sources.defending import draws_at_random, keep_defended
from asma_core.models.sources.loading import load_model, predict
from asma_core.models.wrapper.defended import JUDGED_DRAWS, DefendedModel
from asma_core.runs.artefacts import ADVERSARIAL, PREDICTION_ADVERSARIAL
from asma_core.runs.execute import execute_together
from asma_core.runs.run import DONE
from asma_core.runs.store import RunStore
from tests import tiny

CPU = torch.device("cpu")
JPEG = Defence("jpeg", {"quality": 60})


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ASMA_HOME", str(tmp_path))
    return tiny.furnish(tmp_path)


def test_a_card_says_its_defences_and_is_another_network(home: Path) -> None:
    card = find_card(tiny.MODEL)
    made = keep_defended(card, JPEG, "tiny-jpeg")
    assert made.defences == (JPEG,) and made.base == tiny.MODEL
    assert "JPEG (quality 60)" in made.description
    assert find_card("tiny-jpeg") == made
    assert weights_hash(made) == weights_hash(card)
    assert network_hash(made) != network_hash(card)
    twice = keep_defended(made, Defence("bit-depth"), "tiny-twice")
    # The new one comes first, with every setting said, and the base is the bare network.
    assert twice.defences == (Defence("bit-depth", {"bits": 4}), JPEG)
    assert twice.base == tiny.MODEL
    # Without a defence a card reads as it did before there were any.
    assert "defences" not in card_text(card) and "base" not in card_text(card)


@pytest.mark.parametrize(
    ("defence", "name", "says"),
    [
        (Defence("garlic"), "new", "defence"),
        (Defence("jpeg", {"quality": 0}), "new", "at least 1"),
        (Defence("jpeg", {"colour": 1}), "new", "colour"),
        (JPEG, tiny.MODEL, "already"),
        (JPEG, "a b", "can't be the name"),
    ],
)
def test_what_can_t_be_kept_is_a_sentence(
    home: Path, defence: Defence, name: str, says: str
) -> None:
    before = sorted((home / "models").iterdir())
    with pytest.raises(AsmaError, match=says):
        keep_defended(find_card(tiny.MODEL), defence, name)
    assert sorted((home / "models").iterdir()) == before


@pytest.mark.parametrize(
    "entries",
    [
        "defences = 3",
        "defences = [3]",
        "[[defences]]\nquality = 3",
        '[[defences]]\nname = "garlic"',
        '[[defences]]\nname = "jpeg"\nquality = 1000',
        '[[defences]]\nname = "jpeg"\n' * 9,
    ],
)
def test_a_card_with_a_defence_that_can_t_be_is_a_sentence(home: Path, entries: str) -> None:
    place = home / "models" / f"{tiny.MODEL}.toml"
    text = place.read_text()
    place.write_text(f"{entries}\n{text}" if entries.startswith("defences") else text + entries)
    with pytest.raises(AsmaError, match="defence"):
        find_card(tiny.MODEL)


def test_too_many_defences_are_refused(home: Path) -> None:
    card = replace(find_card(tiny.MODEL), defences=(JPEG,) * 8)
    with pytest.raises(AsmaError, match="8 defences"):
        keep_defended(card, JPEG, "one-more")


def test_other_classes_keep_the_defence(home: Path) -> None:
    made = keep_defended(find_card(tiny.THREE), JPEG, "three-jpeg")
    mapped = keep_mapped(made, open_dataset(tiny.DATASET), (0, 1, 1), "mapped")
    assert mapped.defences == (JPEG,)
    assert isinstance(asma_core.load_model("mapped", "cpu"), DefendedModel)


@pytest.mark.parametrize("name", ["jpeg", "smoothing"])
def test_a_run_goes_through_the_defence(home: Path, name: str) -> None:
    """What counts is what the defended network says of the file, not what the search was shown."""
    random = name == "smoothing"
    values = {"sigma": 0.02} if random else {}
    made = keep_defended(find_card(tiny.MODEL), Defence(name, values), f"tiny-{name}")
    assert draws_at_random(made.name) == random
    runs = RunStore()

    def ask(number: int) -> str:
        request = tiny.request(model=made.name, config=tiny.QUICK)
        return runs.create(request, tiny.inputs(number, number + 2)).id

    together = execute_together(runs, [ask(0), ask(1)])
    (alone,) = execute_together(runs, [ask(1)])
    for run in (*together, alone):
        assert run.state == DONE, run.results
        folder = runs.folder(run.id)
        saved = read_image(folder / ADVERSARIAL)
        labels = predict(load_model(made, CPU), saved, CPU)
        assert np.array_equal(labels, np.asarray(Image.open(folder / PREDICTION_ADVERSARIAL)))
        assert run.results["batch"] == (1 if random or run is alone else 2)
        assert ("draws" in run.results) == ("score_8bit_draws" in run.results) == random
    assert together[1].results["l2_8bit"] == pytest.approx(alone.results["l2_8bit"], abs=1e-6)
    if random:
        scores = alone.results["score_8bit_draws"]
        assert scores["count"] == JUDGED_DRAWS and alone.results["draws"] >= 1
        assert scores["lowest"] <= scores["mean"] <= scores["highest"]


def test_many_given_to_python_are_each_as_alone(home: Path) -> None:
    keep_defended(find_card(tiny.MODEL), Defence("smoothing"), "tiny-smoothing")
    images = [tiny.image_pixels(number) for number in (0, 1)]
    targets = [tiny.mask_labels(number) for number in (2, 3)]
    given = {"attack": "pgd", "steps": 5, "device": "cpu", "seed": 3}
    many = asma_core.attack("tiny-smoothing", images, targets, **given)
    for result, image, target in zip(many, images, targets, strict=True):
        alone = asma_core.attack("tiny-smoothing", image, target, **given)
        assert np.array_equal(result.adversarial, alone.adversarial)


def test_the_command_line_lists_and_keeps(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["defences", "--json"]) == 0
    told = {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)}
    assert told["jpeg"]["settings"]["quality"]["default"] == 75
    given = ["--model", tiny.MODEL, "--defence", "jpeg", "--set", "quality=85", "--name", "j85"]
    assert main(["defend", *given, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["defences"] == [{"name": "jpeg", "quality": 85}]
    assert find_card("j85").defences[0].values == {"quality": 85}
    assert main(["defend", "--model", tiny.MODEL, "--defence", "jpeg", "--set", "quality=x"]) == 2
    assert "quality" in capsys.readouterr().err
