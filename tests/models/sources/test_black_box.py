"""What holds for an ONNX file where onnxruntime is not installed, too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import asma_core
from asma_core.attacks.registry import ATTACKS, suited
from asma_core.cli import main as cli
from asma_core.defences.contract import Defence
from asma_core.errors import InputError, ModelError
from asma_core.models.checking.checks import check_model
from asma_core.models.checking.diagnosis import LabelledImage
from asma_core.models.sources import optional
from asma_core.models.sources.cards import read_card
from asma_core.models.sources.drafting import draft_network
from asma_core.models.sources.guessing import look_at
from asma_core.models.sources.onnx import process
from asma_core.models.wrapper.backend import make_backend
from asma_core.models.wrapper.contract import SegmentationModel
from asma_core.models.wrapper.defended import DefendedModel
from asma_core.models.wrapper.specs import InputSpec
from tests import tiny
from tests.models import bare

BLACK_BOXES = {"square", "dla"}


class Box(bare.Plain):
    """Answers, and takes no gradients."""

    takes_gradients = False

    def forward(self, images: Any) -> Any:
        return super().forward(images.detach()).detach()


def boxed() -> SegmentationModel:
    spec = InputSpec(3, 0, 1, (0.0,) * 3, (1.0,) * 3)
    return SegmentationModel(Box(), spec, ("ground", "disc")).eval()


def named(home: Path) -> str:
    """The card of an ONNX network in a data folder; its file is never opened."""
    folder = tiny.furnish(home) / "models"
    (folder / "box.onnx").write_bytes(b"x")
    bare.put(folder, "box", bare.card_text("box", 'weights = "box.onnx"\n'))
    return "box"


def test_only_attacks_that_need_no_gradient_suit() -> None:
    assert set(suited(False)) == BLACK_BOXES and suited(True) == ATTACKS


def test_from_python_black_boxes_attack_it_and_each_other_is_refused() -> None:
    model, image = boxed(), bare.images(1)[0].numpy()
    for name in BLACK_BOXES:
        found = asma_core.attack(
            model, image, attack=name, goal_is="away from the prediction", steps=40, budget=0.3
        )
        assert found.figures["forward_passes"] > 0 and found.figures["gradient_evaluations"] == 0
    for name in set(ATTACKS) - BLACK_BOXES:
        with pytest.raises(InputError, match=f"takes no gradients, and {name} needs them; choose"):
            asma_core.attack(model, image, np.zeros((32, 40), int), attack=name)


@pytest.mark.parametrize("defence", [Defence("jpeg", {}), Defence("smoothing", {})])
def test_behind_a_defence_it_is_still_a_black_box(defence: Defence) -> None:
    model, image = DefendedModel(boxed(), [defence]).eval(), bare.images(1)[0].numpy()
    found = asma_core.attack(
        model, image, attack="square", goal_is="away from the prediction", steps=3, budget=0.3
    )
    assert found.figures["gradient_evaluations"] == 0 < found.figures["forward_passes"]
    with pytest.raises(
        InputError, match="takes no gradients, and pgd needs them; choose square, dla"
    ):
        asma_core.attack(model, image, np.zeros((32, 40), int), attack="pgd")


def test_it_is_not_compiled_and_runs_as_it_is() -> None:
    model, images = boxed(), bare.images(1)
    backend = make_backend(model, torch.device("cpu"))
    assert "(an ONNX file is run by onnxruntime); it ran as is" in backend.compiled_for(images)
    assert torch.equal(backend(images), model(images)) and not backend.rounds


def test_the_check_says_so_and_finds_it_usable() -> None:
    report = check_model(boxed(), [LabelledImage("noise", bare.images(1)[0].numpy())])
    (gradient,) = [check for check in report.checks if check.name == "gradient"]
    assert (gradient.state, report.usable) == ("warning", True)
    assert gradient.text == "it takes no gradients: only square and dla attack it"


@pytest.mark.parametrize(
    ("command", "first"),
    [
        (("attack", "--sample", "0", "--target-sample", "2"), "asma"),
        (("attack", "--sample", "0", "--target-sample", "2", "--attack", "worst-case"), ""),
        (("ablation",), "ssm"),
        (("robustness",), "minimal"),
        (("robustness", "--attacks", "square,asma"), "asma"),
        (("detect",), "minimal"),
        (("ablation", "--attacks", "square,pgd"), "pgd"),
        (("ablation", "--attacks", "square", "--distance-weights", "0,1"), "asma"),
    ],
)
def test_commands_refuse_other_attacks_before_anything_is_loaded(
    home: Path, capsys: pytest.CaptureFixture[str], command: tuple[str, ...], first: str
) -> None:
    name, *others = command
    assert cli.main([name, "--model", named(home), "--dataset", tiny.DATASET, *others]) == 2
    said = capsys.readouterr().err
    assert f"box is a black box (ONNX), which takes no gradients, and {first}" in said
    assert said.strip().endswith("needs them; choose square, dla") and said.count("\n") == 1


def test_no_attack_on_it_can_know_a_detector(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--model", named(home), "--dataset", tiny.DATASET, "--attack", "square"]
    assert cli.main(["detect", *given]) == 2
    assert "leave that attack out (--no-adaptive)" in capsys.readouterr().err


def test_commands_list_it_as_one(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    named(home)
    assert cli.main(["models", "--json"]) == 0
    listed = {one["name"]: one for one in json.loads(capsys.readouterr().out)}
    assert (listed["box"]["architecture"], listed["box"]["gradients"]) == ("onnx program", False)
    assert listed[tiny.MODEL]["gradients"]


def test_where_onnxruntime_is_absent_the_command_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "net.onnx"
    file.write_bytes(b"x")

    def absent(_: str) -> None:
        raise ModuleNotFoundError("No module named 'onnxruntime'")

    monkeypatch.setattr(process, "find_spec", lambda _: None)
    monkeypatch.setattr(optional, "import_module", absent)
    with pytest.raises(ModelError, match="pip install onnxruntime"):
        look_at(file)


def test_a_folder_that_holds_one_says_to_give_the_file(tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "net.onnx").write_bytes(b"x")
    with pytest.raises(InputError, match=r"holds an ONNX file; give net.onnx itself"):
        draft_network(tmp_path / "f", tmp_path / "draft")


def test_programs_that_run_code_are_still_refused(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(b"x")
    made = 'weights = "net.onnx"\n[program]\nkind = "torchscript"\n'
    with pytest.raises(ModelError, match="only its owner may add one"):
        read_card(bare.put(tmp_path, "c", bare.card_text("mine", made)), trusted=False)
