"""Ensembles: the plain mean of their members, whatever each takes; cards, hashes, runs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor

import asma_core
from asma_core.cli.main import main
from asma_core.data.datasets import open_dataset
from asma_core.data.formats.images import read_image
from asma_core.defences.contract import Defence
from asma_core.errors import AsmaError, InputError, ModelError
from asma_core.models.sources.card_text import card_text
from asma_core.models.sources.cards import (
    find_card,
    identity,
    network_hash,
    unfit_member,
    weights_hash,
)
from asma_core.models.sources.class_mapping import keep_mapped
from asma_core.models.sources.defending import keep_defended
from asma_core.models.sources.ensembles import keep_ensemble
from asma_core.models.sources.importing import forget_model, import_card
from asma_core.models.sources.loading import load_model, predict
from asma_core.models.sources.model_card import ONNX
from asma_core.models.wrapper.defended import DefendedModel
from asma_core.models.wrapper.specs import CENTRE, OutputSpec
from asma_core.runs.artefacts import ADVERSARIAL, PREDICTION_ADVERSARIAL
from asma_core.runs.execute import execute_together
from asma_core.runs.run import DONE, FAILED
from asma_core.runs.store import RunStore
from tests import tiny

CPU = torch.device("cpu")
OTHER, GREY, BOTH = "tiny-other", "tiny-grey", "both"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tiny networks, and two like the first: other weights, and other images."""
    monkeypatch.setenv("ASMA_HOME", str(tmp_path))
    models = tiny.furnish(tmp_path) / "models"
    weights = load_file(models / f"{tiny.MODEL}.safetensors")
    card = (models / f"{tiny.MODEL}.toml").read_text()
    generator = torch.Generator().manual_seed(5)
    moved = {
        key: value + 0.05 * torch.randn(value.shape, generator=generator)
        for key, value in weights.items()
    }
    grey = {
        key: value[:, :1] if value.shape[1:2] == (3,) else value for key, value in weights.items()
    }
    for name, tensors in ((OTHER, moved), (GREY, grey)):
        save_file(
            {key: value.contiguous() for key, value in tensors.items()},
            models / f"{name}.safetensors",
        )
        (models / f"{name}.toml").write_text(card.replace(tiny.MODEL, name))
    own = (models / f"{GREY}.toml").read_text()
    own = own.replace("in_channels = 3", "in_channels = 1").replace(
        "channels = 3\nsize = 0", "channels = 1\nsize = 24"
    )
    for name, value in (("mean", tiny.MEAN), ("std", tiny.STD)):
        own = own.replace(f"{name} = [{value}, {value}, {value}]", f"{name} = [0.4]")
    (models / f"{GREY}.toml").write_text(own)
    return tmp_path


def images(*numbers: int) -> Tensor:
    pixels = np.stack([tiny.image_pixels(number) for number in numbers]).astype(np.float32)
    return torch.from_numpy(pixels / np.float32(255.0)).permute(0, 3, 1, 2).contiguous()


def test_it_answers_the_mean_of_what_the_bare_networks_say(home: Path) -> None:
    """Of networks that MONAI builds, outside of the workbench."""
    keep_ensemble([tiny.MODEL, OTHER], BOTH)
    asked = images(0, 1, 6)
    plain = []
    for name in (tiny.MODEL, OTHER):
        network = tiny.bare_network(tiny.MODEL, home / "models" / f"{name}.safetensors")
        plain.append(network((asked - tiny.MEAN) / tiny.STD).softmax(1))
    mean = torch.stack(plain).mean(0)
    model = load_model(find_card(BOTH), CPU)
    assert torch.allclose(model(asked).softmax(1), mean, atol=1e-6)
    assert torch.allclose(model(asked).exp(), mean, atol=1e-6)
    assert not torch.allclose(plain[0], plain[1], atol=1e-2)


def test_each_member_sees_the_image_in_its_own_way_and_the_gradient_goes_through_all(
    home: Path,
) -> None:
    card = keep_ensemble([GREY, OTHER, tiny.MODEL], "three")
    members = [load_model(find_card(name), CPU) for name in (GREY, OTHER, tiny.MODEL)]
    assert members[0].spec.channels == 1 and members[0].spec.size == 24
    asked = images(0, 6).requires_grad_()
    truth = torch.stack([member(asked).softmax(1) for member in members]).mean(0).log()
    (wanted,) = torch.autograd.grad(truth[:, 1].sum(), asked)
    found = load_model(card, CPU)(asked)
    assert torch.allclose(found, truth, atol=1e-5)
    (slope,) = torch.autograd.grad(found[:, 1].sum(), asked)
    assert torch.allclose(slope, wanted, atol=1e-4)
    singles = torch.cat([load_model(card, CPU)(one[None]) for one in asked])
    assert torch.allclose(found, singles, atol=1e-5)


def test_grey_images_stay_grey_where_all_members_are(home: Path) -> None:
    """And are told to each as it takes them where not."""
    keep_defended(find_card(GREY), Defence("bit-depth"), "grey-bits")
    card = keep_ensemble([GREY, "grey-bits"], "greys")
    assert card.input.channels == 1
    asked = images(0)[:, :1]
    mixed = keep_ensemble([GREY, OTHER], "mixed")
    members = [load_model(find_card(name), CPU) for name in (GREY, OTHER)]
    truth = torch.stack([member(asked).softmax(1) for member in members]).mean(0)
    assert torch.allclose(load_model(mixed, CPU)(asked).exp(), truth, atol=1e-5)


def test_a_card_names_its_members_and_follows_them(home: Path) -> None:
    card = keep_ensemble([tiny.MODEL, OTHER], BOTH)
    assert find_card(BOTH) == card and card.members == (tiny.MODEL, OTHER)
    assert card.dataset == tiny.DATASET and f"{tiny.MODEL} and {OTHER}" in card.description
    assert identity(card)["members"] == [network_hash(find_card(one)) for one in card.members]
    assert "members" not in card_text(find_card(OTHER)) and "members" not in identity(
        find_card(OTHER)
    )
    before = network_hash(card), weights_hash(card), load_model(card, CPU)(images(0))
    other = home / "models" / f"{OTHER}.safetensors"
    other.write_bytes((home / "models" / f"{tiny.MODEL}.safetensors").read_bytes())
    assert network_hash(card) != before[0] and weights_hash(card) != before[1]
    assert not torch.equal(load_model(card, CPU)(images(0)), before[2])
    # What a member takes is no part of its weights.
    text = (home / "models" / f"{tiny.MODEL}.toml").read_text()
    hashed = network_hash(card), weights_hash(card)
    (home / "models" / f"{tiny.MODEL}.toml").write_text(
        text.replace("multiple = 2", "multiple = 4")
    )
    assert network_hash(card) != hashed[0] and weights_hash(card) == hashed[1]


def test_a_member_that_is_gone_is_a_sentence(home: Path) -> None:
    card = keep_ensemble([tiny.MODEL, OTHER, GREY], "three")
    forget_model(OTHER)
    for act in (lambda: load_model(card, CPU), lambda: network_hash(card)):
        with pytest.raises(ModelError, match=f"{OTHER}, a member of three, is gone"):
            act()
    forget_model("three")
    assert sorted(path.stem for path in (home / "models").glob("*.toml")) == sorted(
        [GREY, tiny.MODEL, tiny.THREE, tiny.NAN]
    )


def test_what_can_be_no_ensemble_is_a_sentence(home: Path) -> None:
    smooth = keep_defended(find_card(OTHER), Defence("smoothing"), "smooth").name
    keep_ensemble([tiny.MODEL, OTHER], BOTH)
    wrong = [
        ([tiny.MODEL], "2 to 16 members"),
        ([tiny.MODEL, tiny.MODEL], "twice"),
        ([tiny.MODEL, "garlic"], "garlic"),
        ([tiny.MODEL, tiny.THREE], "the classes"),
        ([tiny.MODEL, smooth], "before the ensemble"),
        ([BOTH, GREY], "an ensemble itself"),
    ]
    files = sorted((home / "models").iterdir())
    for names, says in wrong:
        with pytest.raises(AsmaError, match=says):
            keep_ensemble(names, "new")
    with pytest.raises(InputError, match="already"):
        keep_ensemble([tiny.MODEL, OTHER], BOTH)
    assert sorted((home / "models").iterdir()) == files


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"program": ONNX}, "no gradients"),
        ({"output": OutputSpec(fit=CENTRE)}, "the centre"),
        ({"classes": ("a", "b", "c")}, "3 classes"),
        ({"defences": (Defence("jpeg"), Defence("smoothing"))}, "smoothing, which draws"),
        ({"defences": (Defence("jpeg"),)}, ""),
    ],
)
def test_what_can_be_no_member_is_told(home: Path, more: dict[str, Any], says: str) -> None:
    told = unfit_member(replace(find_card(OTHER), **more), 2)
    assert says in told and bool(told) == bool(says)


@pytest.mark.parametrize("members", ['"x"', "[3, 4]", '["one"]', f'["{OTHER}", "{BOTH}"]'])
def test_a_card_with_members_that_can_t_be_is_a_sentence(home: Path, members: str) -> None:
    card = keep_ensemble([tiny.MODEL, OTHER], BOTH)
    text = card.weights.read_text().replace(f'["{tiny.MODEL}", "{OTHER}"]', members)
    card.weights.write_text(text)
    with pytest.raises(ModelError, match=r"members|ensemble"):
        load_model(find_card(BOTH), CPU)


def test_it_is_not_taken_in_without_its_members(home: Path, tmp_path: Path) -> None:
    card = keep_ensemble([tiny.MODEL, OTHER], BOTH)
    copy = tmp_path / "copy.toml"
    copy.write_text(card_text(card).replace(BOTH, "copy"))
    with pytest.raises(InputError, match="take in its members"):
        import_card(copy, trusted=False)


def test_it_stands_behind_defences_and_is_seen_in_other_classes(home: Path) -> None:
    card = keep_ensemble([tiny.MODEL, OTHER], BOTH)
    kept = keep_defended(card, Defence("smoothing", {"sigma": 0.05}), "both-smooth")
    assert kept.members == card.members and kept.base == BOTH
    assert isinstance(load_model(kept, CPU), DefendedModel)
    assert card_text(find_card(BOTH)) == card_text(card)
    swapped = keep_mapped(card, open_dataset(tiny.DATASET), (1, 0), "swapped")
    asked = images(0)
    assert torch.allclose(load_model(swapped, CPU)(asked), load_model(card, CPU)(asked).flip(1))


def test_a_run_goes_through_all_members_and_notices_when_one_changed(home: Path) -> None:
    card = keep_ensemble([tiny.MODEL, OTHER], BOTH)
    runs = RunStore()
    first, second = (
        runs.create(tiny.request(model=BOTH, config=tiny.QUICK), tiny.inputs(0, 2)).id
        for _ in range(2)
    )
    (run,) = execute_together(runs, [first])
    assert run.state == DONE and run.results["iou_8bit"] > 0.8, run.results
    folder = runs.folder(run.id)
    labels = predict(load_model(card, CPU), read_image(folder / ADVERSARIAL), CPU)
    assert np.array_equal(labels, np.asarray(Image.open(folder / PREDICTION_ADVERSARIAL)))
    weights = load_file(home / "models" / f"{OTHER}.safetensors")
    changed = {key: value * 1.01 for key, value in weights.items()}
    save_file(changed, home / "models" / f"{OTHER}.safetensors")
    (late,) = execute_together(runs, [second])
    assert late.state == FAILED and "changed after the run was queued" in late.message


def test_the_command_line_keeps_checks_and_lists(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--models", f"{tiny.MODEL}, {OTHER}", "--name", BOTH, "--json"]
    assert main(["ensemble", *given]) == 0
    assert json.loads(capsys.readouterr().out)["members"] == [tiny.MODEL, OTHER]
    assert main(["check-model", BOTH, "--samples", "2", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["usable"] and told["iou"] > 0.5
    assert main(["models", "--json"]) == 0
    assert {one["name"] for one in json.loads(capsys.readouterr().out)} >= {BOTH, OTHER}
    assert main(["ensemble", "--models", tiny.MODEL, "--name", "one"]) == 2
    assert "2 to 16 members, got 1" in capsys.readouterr().err
    result = asma_core.attack(
        BOTH, tiny.image_pixels(0), tiny.mask_labels(2), attack="minimal", steps=40, device="cpu"
    )
    assert result.iou > 0.5
