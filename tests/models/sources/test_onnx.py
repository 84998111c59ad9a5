"""ONNX files as networks that answer and take no gradients."""

from __future__ import annotations

import gc
import os
import random
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import asma_core
from asma_core.errors import AsmaError, InputError, ModelError
from asma_core.jobs.checks import check_on_noise
from asma_core.models.sources.cards import ModelCard, find_card, identity
from asma_core.models.sources.guessing import look_at
from asma_core.models.sources.importing import can_forget, drafted, forget_model, import_card
from asma_core.models.sources.loading import load_model
from asma_core.models.sources.looks import notes_on
from asma_core.models.sources.onnx import process
from asma_core.models.sources.onnx.network import OnnxNetwork
from asma_core.models.wrapper.specs import InputSpec
from tests.models import bare
from tests.models.sources import onnx_files
from tests.models.sources.onnx_files import changed, exported

pytestmark = onnx_files.needs_onnx

CPU = torch.device("cpu")
FINE = bare.card_text("mine", 'weights = "net.onnx"\n')


class Pair(bare.Plain):
    """A coarse map beside the one that counts, as of deep supervision."""

    def forward(self, images: Tensor) -> Any:
        logits = super().forward(images)
        return nn.functional.avg_pool2d(logits, 2), logits


def kept(folder: Path, net: nn.Module | None = None, more: str = "", **how: Any) -> ModelCard:
    """An upload of a card beside an ONNX file, taken in."""
    exported(folder / "net.onnx", net, **how)
    card = bare.put(folder, "c", bare.card_text("mine", 'weights = "net.onnx"\n', more))
    return import_card(card, trusted=False)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ASMA_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


# ------------------------------------------------------------------ the same outputs


@pytest.mark.parametrize(
    ("net", "more"),
    [
        (bare.Plain(), ""),
        (bare.Probabilities(), '[output]\nreading = "probabilities"\n'),
        (bare.OneLogit(), '[output]\nreading = "one-logit"\n'),
        (bare.OneProbability(), '[output]\nreading = "one-probability"\n'),
        (bare.Flat(), '[output]\nreading = "one-logit"\n'),
        (bare.Half(), ""),
        (bare.Valid(), '[output]\nfit = "centre"\n'),
        (Pair(), "[output]\nelement = [1]\n"),
    ],
    ids=lambda one: type(one).__name__ if isinstance(one, nn.Module) else "",
)
def test_it_answers_as_the_network_that_it_came_from(
    home: Path, tmp_path: Path, net: nn.Module, more: str
) -> None:
    card = kept(tmp_path / "in", net, more)
    ours = load_model(card, CPU)
    theirs = type(ours)(net.eval(), card.input, card.classes, card.output)
    images = bare.images()
    with torch.no_grad():
        assert (ours(images) - theirs(images)).abs().max() <= 1e-5
        assert torch.equal(ours.covered(32, 40), theirs.covered(32, 40))


def test_channels_that_come_last_are_turned(tmp_path: Path) -> None:
    """As in files that were made of TensorFlow's networks."""

    class Last(bare.Plain):
        def forward(self, images: Tensor) -> Any:
            return super().forward(images.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)

    images = bare.images(2, 3, 40, 32)
    file = exported(tmp_path / "net.onnx", Last(), size=(40, 32), free="n", last=True)
    assert look_at(file)["exact"] == [40, 32]
    answer = OnnxNetwork(file)(images)
    assert (answer - bare.Plain()(images)).abs().max() <= 1e-5


def test_half_floats_are_taken(tmp_path: Path) -> None:
    file = exported(tmp_path / "net.onnx", bare.Plain().half(), size=(32, 32))
    images = bare.images(1, 3, 32, 32)
    answer = OnnxNetwork(file)(images)
    assert answer.dtype == torch.float32
    assert (answer - bare.Plain()(images)).abs().max() <= 1e-2


# ------------------------------------------------------------------ what the file says


@pytest.mark.parametrize(
    ("net", "how", "wanted"),
    [
        (bare.Plain(classes=4), {}, {"classes": 4, "reading": "logits", "exact": None, "batch": 0}),
        (
            bare.Plain(1),
            {"channels": 1, "free": ""},
            {"channels": 1, "exact": [32, 40], "batch": 1},
        ),
        (bare.Probabilities(), {"free": "n"}, {"reading": "probabilities", "batch": 0}),
        (bare.OneLogit(), {}, {"classes": 1, "reading": "one-logit"}),
        (bare.OneProbability(), {}, {"classes": 1, "reading": "one-probability"}),
        (Pair(), {}, {"element": [1], "classes": 2}),
    ],
    ids=lambda one: type(one).__name__ if isinstance(one, nn.Module) else "",
)
def test_what_it_takes_and_gives_is_seen(
    tmp_path: Path, net: nn.Module, how: dict[str, Any], wanted: dict[str, Any]
) -> None:
    looked = look_at(exported(tmp_path / "net.onnx", net, **how))
    assert {name: looked[name] for name in wanted} == wanted
    assert "takes no gradients: only square and dla attack it" in " ".join(notes_on(looked))


def test_a_fixed_size_and_a_batch_of_one_are_kept(home: Path, tmp_path: Path) -> None:
    net = bare.Plain()
    file = exported(tmp_path / "net.onnx", net, free="")
    looked = look_at(file)
    spec = InputSpec(3, 0, 1, (0.0,) * 3, (1.0,) * 3, (32, 40), batch=1)
    card = drafted("mine", file, "", {}, ("ground", "disc"), spec, looked=looked)
    assert (card.program, card.architecture) == ("onnx", "")
    images = bare.images()
    with torch.no_grad():
        assert (load_model(card, CPU)(images) - net(images)).abs().max() <= 1e-5
    assert load_model(card, CPU)(bare.images(1, 3, 64, 64)).shape == (1, 2, 64, 64)


# ------------------------------------------------------------------ kept, and without gradients


def test_an_upload_is_kept_and_can_be_removed(home: Path, tmp_path: Path) -> None:
    card = kept(tmp_path / "in")
    assert not card.trusted and card.program == "onnx" and not card.takes_gradients
    assert card.weights == home / "uploads" / "models" / "mine.onnx"
    assert find_card("mine") == card and identity(card)["program"] == "onnx"
    forget_model("mine")
    assert not card.weights.exists()
    again = import_card(tmp_path / "in" / "c.toml", trusted=True)
    assert again.trusted and can_forget(again)


def test_the_check_says_that_only_square_attacks_it(home: Path, tmp_path: Path) -> None:
    report = check_on_noise(kept(tmp_path / "in"))
    states = {check["name"]: (check["state"], check["text"]) for check in report["checks"]}
    assert states["gradient"] == ("warning", "it takes no gradients: only square and dla attack it")
    assert report["usable"] and states["determinism"][0] == states["batch"][0] == "good"


def test_square_attacks_it_from_python_and_no_other_does(home: Path, tmp_path: Path) -> None:
    card = kept(tmp_path / "in")
    image = bare.images(1)[0].numpy()
    found = asma_core.attack("mine", image, attack="square", goal_is="away from the prediction",
                             steps=40, budget=0.3)  # fmt: skip
    assert found.figures["forward_passes"] > 0 and found.figures["gradient_evaluations"] == 0
    wanted = r"takes no gradients, and minimal needs them; choose square, dla"
    for given in ("mine", card, asma_core.load_model("mine", "cpu")):
        with pytest.raises(InputError, match=wanted):
            asma_core.attack(given, image, np.zeros((32, 40), int))


def test_its_process_ends_with_it(tmp_path: Path) -> None:
    net = OnnxNetwork(exported(tmp_path / "net.onnx"))
    child = net.process._started()._process
    assert child.poll() is None
    del net
    gc.collect()
    assert child.poll() is not None


# ------------------------------------------------------------------ what can't be taken


def opset(model: Any) -> None:
    model.opset_import[0].version = 99


def version(model: Any) -> None:
    model.ir_version = 99


def unknown(model: Any) -> None:
    model.graph.node[0].op_type = "Nothing"


def foreign(model: Any) -> None:
    model.graph.node[0].domain = "mine"
    added = model.opset_import.add()
    added.domain, added.version = "mine", 1


def elsewhere(place: str) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        from onnx import external_data_helper

        (tensor,) = [one for one in model.graph.initializer if one.name == "first.weight"]
        external_data_helper.set_external_data(tensor, place, 0, len(tensor.raw_data))
        tensor.ClearField("raw_data")

    return change


def two_inputs(model: Any) -> None:
    added = model.graph.input.add()
    added.CopyFrom(model.graph.input[0])
    added.name = "more"


def numbers(model: Any) -> None:
    """Class numbers, chosen inside the network."""
    from onnx import TensorProto, helper

    name = model.graph.output[0].name
    model.graph.node.append(helper.make_node("ArgMax", [name], ["chosen"], axis=1, keepdims=0))
    del model.graph.output[:]
    model.graph.output.append(helper.make_tensor_value_info("chosen", TensorProto.INT64, None))


def endless(model: Any) -> None:
    """A constant of 4 TB that stands in the file as its four sides."""
    from onnx import TensorProto, helper

    sides = helper.make_tensor("sides", TensorProto.INT64, [4], [1, 1, 1_000_000, 1_000_000])
    model.graph.initializer.append(sides)
    model.graph.node.append(helper.make_node("ConstantOfShape", ["sides"], ["huge"]))
    model.graph.output.append(helper.make_tensor_value_info("huge", TensorProto.FLOAT, None))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (opset, r"too new here \(Opset 99 is\).*lower opset_version.*newer onnxruntime"),
        (version, r"too new here \(IR version: 99\)"),
        (unknown, "has operators that onnxruntime does not have by itself"),
        (foreign, r"libraries of others are not loaded \(.*mine:Conv.*ONNX's own operators"),
        (elsewhere("w.data"), r"keeps its weights in another file.*external_data=False"),
        (elsewhere("etc/passwd"), r"keeps its weights in another file"),
        (elsewhere("/etc/passwd"), r"keeps its weights in another file"),
        (two_inputs, "takes 2 inputs, and only images are given"),
        (numbers, r"answers with int64 \(1, 64, 64\), and not with scores.*argmax"),
        (endless, "asks for more memory than a network may have .max_onnx_mb."),
    ],
)
def test_what_can_not_be_taken_ends_in_what_to_do(
    tmp_path: Path, change: Callable[[Any], None], sentence: str
) -> None:
    (tmp_path / "w.data").write_bytes(bytes(1 << 16))
    with pytest.raises(ModelError, match=sentence):
        look_at(changed(exported(tmp_path / "net.onnx"), change))


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ({"net": bare.Plain(4), "channels": 4}, "images of 4 channels; only grey .1. and colour"),
        ({"batch": 2, "free": ""}, "takes exactly 2 images at once; export it for one"),
    ],
)
def test_other_images_than_grey_or_colour_are_refused(
    tmp_path: Path, how: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ModelError, match=sentence):
        look_at(exported(tmp_path / "net.onnx", **how))


@pytest.mark.parametrize("data", [b"", b"x" * 300])
def test_rubbish_is_named(home: Path, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "net.onnx").write_bytes(data)
    with pytest.raises(ModelError, match=r"net.onnx is no ONNX file or is damaged"):
        import_card(bare.put(tmp_path, "c", FINE), trusted=False)
    with pytest.raises(ModelError, match="max_weights_mb"):
        with (tmp_path / "net.onnx").open("wb") as file:
            file.truncate(3_000_000_000)
        look_at(tmp_path / "net.onnx")


# ------------------------------------------------------------------ processes that fail


def test_a_network_that_is_too_large_for_an_image_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.toml").write_text("max_onnx_mb = 600\n")
    monkeypatch.setenv("ASMA_CONFIG", str(tmp_path / "config.toml"))
    net = OnnxNetwork(exported(tmp_path / "net.onnx"))
    with pytest.raises(ModelError, match=r"more memory .*max_onnx_mb.*; give it a smaller image"):
        net(torch.zeros(1, 3, 4096, 4096))
    assert net(bare.images()).shape == (2, 2, 32, 40)


def test_a_process_that_dies_is_a_sentence_and_is_started_again(tmp_path: Path) -> None:
    net = OnnxNetwork(exported(tmp_path / "net.onnx"))
    os.kill(net.process._started()._process.pid, signal.SIGKILL)
    with pytest.raises(ModelError, match="its process ended"):
        net(bare.images())
    assert net(bare.images()).shape == (2, 2, 32, 40)


def test_an_answer_to_a_question_that_was_broken_off_is_no_answer_to_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    net, images = OnnxNetwork(exported(tmp_path / "net.onnx")), bare.images()
    wanted = net(images)

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(process, "receive", interrupted)
        with pytest.raises(KeyboardInterrupt):
            net(1 - images)
    assert torch.equal(net(images), wanted)


def test_an_answer_that_never_comes_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = OnnxNetwork(exported(tmp_path / "net.onnx"))
    child = net.process._started()._process
    os.kill(child.pid, signal.SIGSTOP)
    monkeypatch.setattr(process, "PATIENCE", 0.05)
    with pytest.raises(ModelError, match="takes longer than"):
        # More than a pipe holds, so that already the question is never taken.
        net(bare.images(2, 3, 256, 256))
    assert child.poll() is not None


# ------------------------------------------------------------------ damage


def damaged(data: bytes, seed: int) -> bytes:
    """A file with bytes changed, cut off, doubled or put elsewhere."""
    rng = random.Random(seed)
    found = bytearray(data)
    for _ in range(rng.choice((1, 2, 8))):
        found[rng.randrange(len(found))] = rng.randrange(256)
    start, end = sorted((rng.randrange(len(found)), rng.randrange(len(found))))
    if seed % 5 == 1:
        del found[end:]
    if seed % 5 == 2:
        found[start:start] = found[start:end]
    if seed % 5 == 3:
        del found[start : start + 9]
    return bytes(found)


def test_damaged_files_answer_or_say_what_is_wrong(tmp_path: Path) -> None:
    whole = exported(tmp_path / "net.onnx").read_bytes()
    ended = {"fine": 0, "refused": 0}
    for seed in range(DAMAGED):
        file = tmp_path / "damaged.onnx"
        file.write_bytes(damaged(whole, seed))
        try:
            look_at(file)
        except AsmaError as error:
            assert "\n" not in str(error) and 20 < len(str(error)) < 500
            ended["refused"] += 1
        else:
            ended["fine"] += 1
    assert min(ended.values()) >= DAMAGED // 10


# Each takes a process, 0.2 s; `ASMA_DAMAGED_FILES=200` tries as many (docs/decisions.md).
DAMAGED = int(os.environ.get("ASMA_DAMAGED_FILES", "20"))
