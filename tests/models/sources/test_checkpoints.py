"""Checkpoints as trainers write them: what is the network's is found, the rest is named."""

from __future__ import annotations

import ast
from argparse import Namespace
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.networks import nets
from safetensors.torch import save_file

from asma_core.errors import InputError, ModelError
from asma_core.models.sources.cards import find_card, read_card
from asma_core.models.sources.drafting import draft_network
from asma_core.models.sources.fitting import fit_weights
from asma_core.models.sources.guessing import look_at
from asma_core.models.sources.importing import import_card
from asma_core.models.sources.loading import load_model
from asma_core.models.sources.looks import export_card, export_recipe, notes_on
from asma_core.models.sources.weights import find_weights
from tests.models import bare

CPU = torch.device("cpu")


def unet(seed: int = 1) -> torch.nn.Module:
    torch.manual_seed(seed)
    return nets.UNet(2, 3, 2, [4, 8], [2]).eval()


STATE = unet().state_dict()
SMOOTH = unet(2).state_dict()


def under(prefix: str, state: Any = STATE) -> dict[str, torch.Tensor]:
    return {f"{prefix}{key}": value for key, value in state.items()}


LIGHTNING = {
    "epoch": 3,
    "global_step": 40,
    "pytorch-lightning_version": "2.4.0",
    "state_dict": OrderedDict(
        under("model.") | {"criterion.weight": torch.ones(2), "train_dice.total": torch.tensor(3.0)}
    ),
    "optimizer_states": [{"state": {0: {"exp_avg": torch.ones(9, 9)}}}],
    "hyper_parameters": {"lr": 1e-3, "args": Namespace(path=Path("/data")), "best": np.float64(1)},
    "callbacks": {"ModelCheckpoint": {"best_model_score": torch.tensor(0.9)}},
}
# What is in the file: whose weights are found, which names are left out, at which place.
FILES: dict[str, tuple[Any, Any, list[str], str]] = {
    "lightning": (LIGHTNING, STATE, ["criterion.weight", "train_dice.total"], "state_dict"),
    "lightning of a compiled network": (
        {"state_dict": under("model._orig_mod.")}, STATE, [], "state_dict",
    ),
    "two networks": (
        {"state_dict": under("net.") | under("teacher.encoder.", {"w": torch.ones(3)})},
        STATE, ["teacher.encoder.w"], "state_dict",
    ),
    "EMA beside": (
        {"state_dict": dict(STATE), "state_dict_ema": dict(SMOOTH)},
        SMOOTH, ["state_dict"], "state_dict_ema",
    ),
    "EMA by another name": (
        {"model": dict(STATE), "ema_state_dict": under("module.", SMOOTH)},
        SMOOTH, ["model"], "ema_state_dict",
    ),
    "EMA within": (
        {"state_dict": under("model.") | under("model_ema.module.", SMOOTH)},
        SMOOTH, [f"model.{key}" for key in STATE], "state_dict",
    ),
    "EMA alone": ({"model_ema": dict(SMOOTH)}, SMOOTH, [], "model_ema"),
    "averaged": (under("module.") | {"n_averaged": torch.tensor(7)}, STATE, ["n_averaged"], ""),
    "deep": (
        {"run": {"best": [{"net": {"weights": dict(STATE)}}]}},
        STATE, [], "run.best.0.net.weights",
    ),
    "beside plain values": (dict(STATE) | {"epoch": 3, "best": 0.5}, STATE, [], ""),
    "loss at the top": (
        dict(STATE) | {"loss.pos_weight": torch.ones(1)}, STATE, ["loss.pos_weight"], "",
    ),
    "half precision": (
        {"model_state_dict": {key: value.half() for key, value in STATE.items()}},
        {key: value.half() for key, value in STATE.items()}, [], "model_state_dict",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", FILES)
def test_the_network_of_a_checkpoint_is_found(tmp_path: Path, kind: str) -> None:
    content, state, left_out, place = FILES[kind]
    torch.save(content, tmp_path / "w.ckpt")
    looked = look_at(tmp_path / "w.ckpt")
    assert (looked["architecture"], looked["channels"], looked["classes"]) == ("UNet", 3, 2)
    assert looked["place"] == place and sorted(looked["left_out"]) == sorted(left_out)
    assert all(word in " ".join(notes_on(looked)) for word in [place, *left_out[:4]])
    found = fit_weights(find_weights(tmp_path / "w.ckpt").state, unet(9), "w.ckpt")
    assert set(found.tensors) == set(STATE)
    assert all(torch.equal(found.tensors[key], state[key]) for key in state)


def test_a_part_of_another_network_is_not_left_out(tmp_path: Path) -> None:
    torch.save(under("model.") | {"model.head.weight": torch.ones(3)}, tmp_path / "w.pt")
    with pytest.raises(ModelError, match=r"1 are not the network's, such as head\.weight"):
        fit_weights(find_weights(tmp_path / "w.pt").state, unet(), "w.pt")


def test_tensors_that_have_two_names_are_kept_once(home: Path, tmp_path: Path) -> None:
    """MONAI's DynUNet registers its blocks twice, and safetensors takes no tensor twice."""
    arguments = {"kernel_size": [3] * 3, "strides": [1, 2, 2], "upsample_kernel_size": [2, 2]}
    torch.manual_seed(3)
    net = nets.DynUNet(2, 3, 2, **arguments, filters=[4, 8, 8]).eval()
    torch.save(net.state_dict(), tmp_path / "w.pt")
    made = (
        'weights = "w.pt"\n[architecture]\nname = "DynUNet"\narguments = {spatial_dims = 2, '
        "in_channels = 3, out_channels = 2, kernel_size = [3, 3, 3], strides = [1, 2, 2], "
        "upsample_kernel_size = [2, 2], filters = [4, 8, 8]}\n"
    )
    card = bare.put(tmp_path, "mine", bare.card_text("mine", made))
    import_card(card, trusted=False)
    images = bare.images()
    ours = load_model(find_card("mine"), CPU)(images)
    assert (ours - net(bare.prepared(images))).abs().max() <= 1e-5


# ------------------------------------------------------------------ cards that say little


CLASSES = '[[classes]]\nname = "ground"\n[[classes]]\nname = "disc"\n'


def test_a_card_needs_a_name_weights_and_classes_only(home: Path, tmp_path: Path) -> None:
    net = nets.UNet(2, 1, 2, [4, 8], [2]).eval()
    torch.save(
        {"state_dict": {f"model.{k}": v for k, v in net.state_dict().items()}}, tmp_path / "w.pt"
    )
    card = bare.put(tmp_path, "c", f'name = "mine"\nweights = "w.pt"\n{CLASSES}')
    kept = import_card(card, trusted=False)
    assert (kept.architecture, kept.title, kept.input.channels) == ("UNet", "mine", 1)
    images = bare.images(1, 1, 32, 64)
    assert torch.equal(load_model(find_card("mine"), CPU)(images), net(images))


def test_a_card_of_unknown_weights_says_what_to_do(home: Path, tmp_path: Path) -> None:
    torch.save(bare.Plain().state_dict(), tmp_path / "w.pt")
    card = bare.put(tmp_path, "c", f'name = "mine"\nweights = "w.pt"\n{CLASSES}')
    with pytest.raises(ModelError, match=r"owner of the server add the network as a program.*pt2"):
        import_card(card, trusted=True)


# ------------------------------------------------------------------ architectures unknown here


@pytest.mark.parametrize("file", ["w.ckpt", "w.safetensors"])
def test_the_lines_that_export_a_network_are_filled_in_and_run(
    home: Path, tmp_path: Path, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = bare.Plain().eval()
    if file.endswith("ckpt"):
        torch.save({"epoch": 3, "state_dict": net.state_dict()}, tmp_path / file)
    else:
        save_file(net.state_dict(), tmp_path / file)
    looked = look_at(tmp_path / file)
    assert (looked["seems_channels"], looked["seems_classes"]) == (3, 2)
    code = export_recipe(file, looked)
    ast.parse(code)
    assert len(code.splitlines()) <= 14 and file in code and "3 channels" in code
    # As whoever gets it would: fill in the class, run it, put both files into the folder.
    (tmp_path / "your_code.py").write_text("from tests.models.bare import Plain as YourNetwork\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    exec(code, {})
    (tmp_path / "w.toml").write_text(export_card(file, looked))
    import_card(tmp_path / "w.toml", trusted=True)
    images = bare.images(1, 3, 64, 96)
    assert (load_model(find_card("w"), CPU)(images) - net(images)).abs().max() <= 1e-5
    with pytest.raises(ModelError, match="only its owner may add one"):
        read_card(tmp_path / "w.toml", trusted=False)


# ------------------------------------------------------------------ other formats


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        ("net.H5", "is a file of Keras.*torch.export"),
        ("net.pt2", "is a program, which runs as the server itself; only its owner"),
        ("net.txt", "is no file of weights; give a .safetensors file"),
    ],
)
def test_a_file_of_another_kind_ends_in_what_to_do(
    home: Path, tmp_path: Path, file: str, sentence: str
) -> None:
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / file).write_bytes(b"x")
    with pytest.raises(ModelError, match=sentence):
        look_at(tmp_path / "f" / file)
    if not file.endswith("txt"):
        with pytest.raises(InputError, match=sentence):
            draft_network(tmp_path / "f", tmp_path / "draft")
