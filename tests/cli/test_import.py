"""`import-dataset`, `import-model` and `check-model`."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load

from asma_core.cli import main as cli
from asma_core.data.datasets import dataset_names
from asma_core.models.sources.cards import model_cards
from tests import tiny
from tests.data.publish import PUBLISHED, lay_out
from tests.models import bare
from tests.models.sources import nnunet_folder, onnx_files, test_bundles, test_huggingface

Ask = Callable[..., Any]


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Ask:
    def call(*arguments: str) -> Any:
        assert cli.main([*arguments, "--json"]) == 0, capsys.readouterr().err
        return json.loads(capsys.readouterr().out)

    return call


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.main([*arguments, "--json"]) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1
    return said.err


def test_a_folder_is_imported(home: Path, tmp_path: Path, ask: Ask) -> None:
    folder = lay_out(tmp_path / "download", PUBLISHED["refuge"][0]())
    answer = ask("import-dataset", str(folder), "--name", "fundus")
    assert (answer["name"], answer["layout"], answer["images"]) == ("fundus", "refuge", 4)
    assert answer["classes"] == ["background", "disc rim", "cup"]
    assert (answer["train"], answer["validation"], answer["test"]) == (2, 1, 1)
    assert "128 is class 1" in answer["encoding"] and "128" in answer["values"]
    assert "fundus" in {entry["name"] for entry in ask("datasets")}


def test_a_zip_is_imported_under_a_free_name(home: Path, tmp_path: Path, ask: Ask) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for name, data in PUBLISHED["shenzhen"][0]().items():
            archive.writestr(name, data)
    first = ask("import-dataset", str(tmp_path / "x.zip"), "--classes", "chest,lung")
    again = ask("import-dataset", str(tmp_path / "x.zip"))
    assert (first["name"], again["name"]) == ("shenzhen", "shenzhen-2")
    assert first["classes"] == ["chest", "lung"] and first["left_out"] == 1


def test_what_can_t_be_imported_is_told(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "neither a folder nor a zip" in refused(capsys, "import-dataset", str(tmp_path / "no"))
    assert "holds no images" in refused(capsys, "import-dataset", str(tmp_path))
    assert "no layout is called" in refused(
        capsys, "import-dataset", str(tmp_path), "--layout", "x"
    )
    assert "is not a file or a folder" in refused(capsys, "import-model", str(tmp_path / "no.pt"))
    (tmp_path / "w.pt").write_bytes(b"rubbish")
    assert "w.pt" in refused(capsys, "import-model", str(tmp_path / "w.pt"))
    assert "no model is called" in refused(capsys, "check-model", "nothing")
    assert dataset_names()[2:] == []


def test_weights_are_imported_checked_and_described(
    home: Path, tmp_path: Path, ask: Ask, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny.furnish(home)
    buffer = io.BytesIO()
    torch.save(load(tiny._weights(tiny.MODEL, 2)), buffer)
    (tmp_path / "mine.pt").write_bytes(buffer.getvalue())
    options = ["--mean", str(tiny.MEAN), "--std", str(tiny.STD), "--multiple", "4"]
    answer = ask("import-model", str(tmp_path / "mine.pt"), *options, "--dataset", tiny.DATASET)
    assert (answer["name"], answer["architecture"]) == ("mine", "UNet")
    assert answer["check"]["iou"] > 0.8 and answer["check"]["usable"]
    checked = ask("check-model", "mine")
    assert checked["dataset"] == tiny.DATASET
    assert {one["name"] for one in checked["checks"]} >= {"answer", "gradient", "overlap"}
    assert "already" in refused(capsys, "import-model", str(tmp_path / "mine.pt"), "--name", "mine")


def test_a_card_is_imported_with_its_program(home: Path, tmp_path: Path, ask: Ask) -> None:
    network = bare.Plain().eval()
    sizes = {name: torch.export.Dim(name, min=2) for name in ("batch", "h", "w")}
    program = torch.export.export(
        network,
        (bare.images(2),),
        dynamic_shapes=({0: sizes["batch"], 2: sizes["h"], 3: sizes["w"]},),
    )
    torch.export.save(program, tmp_path / "w.pt2")
    made = 'weights = "w.pt2"\n\n[program]\nkind = "export"\n'
    card = bare.put(tmp_path, "mine", bare.card_text("mine", made))
    answer = ask("import-model", str(card), "--name", "theirs")
    assert answer["architecture"] == "export program" and answer["check"]["usable"]
    assert model_cards()["theirs"].weights == home / "models" / "theirs.pt2"


def test_a_network_that_does_not_answer_stays_out(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny.furnish(home)
    (tmp_path / "mine.safetensors").write_bytes(tiny._weights(tiny.NAN, 2))
    said = refused(capsys, "import-model", str(tmp_path / "mine.safetensors"))
    assert "does not answer as its card says" in said and "NaN" in said
    assert "mine" not in model_cards()


def test_a_folder_of_nnunet_is_imported_and_checked(
    home: Path, tmp_path: Path, ask: Ask, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip(
        "dynamic_network_architectures", reason="dynamic-network-architectures is not installed"
    )
    plan = nnunet_folder.plans(patch_size=[128, 128])
    folder = nnunet_folder.trained(
        tmp_path / "up" / "nnUNetTrainer__nnUNetPlans__2d", plan, folds=("0", "2")
    )
    answer = ask("import-model", str(tmp_path / "up"), "--fold", "2", "--name", "disc")
    assert (answer["name"], answer["kind"]) == ("disc", "nnU-Net v2")
    assert answer["folds"] == ["0", "2"] and answer["check"]["usable"] and answer["notes"]
    assert model_cards()["disc"].weights == home / "models" / "disc.safetensors"
    mirrored = ask("import-model", str(folder), "--mirror", "--classes", "ground, rim")
    assert mirrored["classes"] == ["ground", "rim"]
    assert "no fold '7'" in refused(capsys, "import-model", str(folder), "--fold", "7")
    resampled = ask("import-model", str(folder), "--spacing", "0.5,2", "--name", "resampled")
    assert resampled["check"]["usable"] and model_cards()["resampled"].arguments[
        "image_spacing"
    ] == [0.5, 2.0]
    assert "is not a spacing" in refused(capsys, "import-model", str(folder), "--spacing", "0")
    for wrong in ("--values=5", "--values=9,1", "--values=1,2,3", "--values=a,b"):
        assert "is not 2 numbers" in refused(capsys, "import-model", str(folder), wrong)
    (folder / "plans.json").write_text("{")
    assert "plans.json can't be read as JSON" in refused(capsys, "import-model", str(folder))
    assert "holds no network" in refused(capsys, "import-model", str(home))


def test_a_folder_of_transformers_is_imported_and_checked(
    home: Path, tmp_path: Path, ask: Ask
) -> None:
    pytest.importorskip("transformers", reason="transformers is not installed")
    test_huggingface.saved(tmp_path / "mine")
    answer = ask("import-model", str(tmp_path / "mine"))
    assert (answer["name"], answer["kind"]) == ("mine-segformer", "transformers")
    assert answer["check"]["usable"] and answer["classes"] == ["ground", "disc", "cup"]


def test_a_bundle_is_imported_and_a_program_is_not(
    home: Path, tmp_path: Path, ask: Ask, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = test_bundles.bundle(tmp_path / "f")
    answer = ask("import-model", str(folder), "--name", "disc")
    assert (answer["name"], answer["kind"]) == ("disc", "MONAI bundle")
    assert answer["check"]["usable"]
    content = test_bundles.config(network="$Mine()")
    (folder / "configs" / "inference.json").write_text(json.dumps(content))
    assert "owner of the server" in refused(capsys, "import-model", str(folder))


def test_an_unknown_architecture_ends_in_a_way_out(
    home: Path, tmp_path: Path, ask: Ask, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save(bare.Plain().state_dict(), tmp_path / "mine.pt")
    said = refused(capsys, "import-model", str(tmp_path / "mine.pt"))
    assert "torch.export" in said and "--recipe export.py" in said
    recipe = tmp_path / "export.py"
    answer = ask("import-model", str(tmp_path / "mine.pt"), "--recipe", str(recipe))
    assert 'torch.load("mine.pt"' in recipe.read_text() and answer["recipe"] == str(recipe)
    assert 'weights = "mine.pt2"' in (tmp_path / "mine.toml").read_text()
    again = refused(capsys, "import-model", str(tmp_path / "mine.pt"), "--recipe", str(recipe))
    assert "is there already" in again


def test_what_is_beside_the_network_is_named(home: Path, tmp_path: Path, ask: Ask) -> None:
    tiny.furnish(home)
    state = {f"model.{key}": one for key, one in load(tiny._weights(tiny.MODEL, 2)).items()}
    torch.save({"state_dict": state | {"loss.weight": torch.ones(2)}}, tmp_path / "mine.ckpt")
    answer = ask("import-model", str(tmp_path / "mine.ckpt"), "--multiple", "4")
    assert answer["notes"] == [
        "The weights are those of state_dict in the file.",
        "Left out, as no part of the network: loss.weight.",
    ]


@onnx_files.needs_onnx
def test_an_onnx_file_is_imported_and_only_square_attacks_it(
    home: Path, tmp_path: Path, ask: Ask, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny.furnish(home)
    net = tiny.bare_network(tiny.MODEL, home / "models" / f"{tiny.MODEL}.safetensors")
    file = onnx_files.exported(tmp_path / "disc.onnx", net, size=(32, 32))
    answer = ask("import-model", str(file), "--classes", "background,disc", "--dataset",
                 tiny.DATASET, "--multiple", "2", "--mean", "0.5", "--std", "0.25")  # fmt: skip
    assert (answer["name"], answer["architecture"]) == ("disc", "onnx program")
    assert not answer["gradients"] and answer["output"] == {}
    assert "only square and dla attack it" in " ".join(answer["notes"])
    assert answer["check"]["iou"] == ask("check-model", tiny.MODEL)["iou"]
    image = ("--dataset", tiny.DATASET, "--sample", "0", "--target-sample", "2")
    said = refused(capsys, "attack", "--model", "disc", *image)
    assert "disc is a black box (ONNX)" in said and "asma needs them; choose square, dla" in said
    said = refused(capsys, "ablation", "--model", "disc", "--dataset", tiny.DATASET)
    assert "ssm needs them; choose square, dla" in said
    run = ask("attack", "--model", "disc", *image, "--attack", "square", "--steps", "30")
    assert run["gradient_evaluations"] == 0 and run["forward_passes"] > 0


@onnx_files.needs_onnx
def test_an_onnx_file_needs_no_lines_that_export_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = onnx_files.exported(tmp_path / "net.onnx")
    said = refused(capsys, "import-model", str(file), "--recipe", str(tmp_path / "export.py"))
    assert "net.onnx is a whole network; leave --recipe out" in said
