"""Local folders of transformers: taken in without code or network, answering as they do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from asma_core.errors import AsmaError, ModelError
from asma_core.models.sources.cards import find_card, read_card
from asma_core.models.sources.draft import Choices
from asma_core.models.sources.drafting import draft_network
from asma_core.models.sources.importing import import_card
from asma_core.models.sources.loading import load_card
from asma_core.models.wrapper.contract import SegmentationModel
from tests.models import bare
from tests.models.sources.damage import damaged

CPU = torch.device("cpu")
MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)
PROCESSOR: dict[str, Any] = {
    "do_normalize": True,
    "do_reduce_labels": False,
    "do_rescale": True,
    "do_resize": True,
    "image_mean": list(MEAN),
    "image_processor_type": "SegformerImageProcessor",
    "image_std": list(STD),
    "resample": 2,
    "rescale_factor": 1 / 255,
    "size": {"height": 32, "width": 32},
}
SMALL: dict[str, dict[str, Any]] = {
    "segformer": {
        "depths": [1, 1, 1, 1], "hidden_sizes": [4, 4, 8, 8], "num_attention_heads": [1, 1, 2, 2],
        "decoder_hidden_size": 8,
    },
    "beit": {
        "hidden_size": 16, "num_hidden_layers": 4, "num_attention_heads": 2,
        "intermediate_size": 16, "image_size": 32, "patch_size": 16, "out_indices": [1, 2, 3, 4],
        "use_relative_position_bias": True,
    },
    "dpt": {
        "hidden_size": 16, "num_hidden_layers": 4, "num_attention_heads": 2,
        "intermediate_size": 16, "image_size": 32, "patch_size": 16,
        "backbone_out_indices": [0, 1, 2, 3], "neck_hidden_sizes": [8, 8, 8, 8],
        "fusion_hidden_size": 8, "is_hybrid": False,
    },
    "mobilevit": {
        "hidden_sizes": [8, 8, 8], "neck_hidden_sizes": [8, 8, 8, 8, 8, 8, 8],
        "num_attention_heads": 2, "aspp_out_channels": 8, "image_size": 64,
    },
    "upernet": {
        "backbone_config": {
            "model_type": "convnext", "depths": [1, 1, 1, 1], "hidden_sizes": [4, 4, 8, 8],
            "out_features": ["stage1", "stage2", "stage3", "stage4"],
        },
        "hidden_size": 8, "use_auxiliary_head": False,
    },
}  # fmt: skip


@pytest.fixture(autouse=True)
def _transformers(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("transformers", reason="transformers is not installed")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def saved(folder: Path, kind: str = "segformer", **more: Any) -> torch.nn.Module:
    """Save a tiny network with random weights as its library does; return it."""
    from transformers import AutoConfig, AutoModelForSemanticSegmentation

    torch.manual_seed(2)
    names = {0: "ground", 1: "disc", 2: "cup"}
    config = AutoConfig.for_model(kind, **(SMALL[kind] | more), id2label=names)
    net = AutoModelForSemanticSegmentation.from_config(config).eval()
    with torch.no_grad():
        for weight in net.parameters():
            weight.add_(0.05 * torch.randn_like(weight))
    net.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(PROCESSOR))
    return net


def taken_in(folder: Path, tmp_path: Path, **choices: Any) -> SegmentationModel:
    said = draft_network(folder, tmp_path / "draft", Choices(**choices))
    return load_card(read_card(Path(said["card"]), trusted=False), CPU)


@pytest.mark.parametrize("kind", SMALL)
def test_it_says_what_the_bare_network_says(home: Path, tmp_path: Path, kind: str) -> None:
    net = saved(tmp_path / "f", kind)
    side = 64 if kind in ("mobilevit", "upernet") else 32
    size = {"size": {"height": side, "width": side}}
    (tmp_path / "f" / "preprocessor_config.json").write_text(json.dumps(PROCESSOR | size))
    model = taken_in(tmp_path / "f", tmp_path)
    images = bare.images(2, 3, side, side).requires_grad_()
    with torch.no_grad():
        theirs = net(pixel_values=bare.prepared(images)).logits
        theirs = functional.interpolate(theirs, size=(side, side), mode="bilinear")
    ours = model(images)
    assert model.classes == ("ground", "disc", "cup")
    assert ours.shape == (2, 3, side, side) and theirs.std() > 1e-3
    assert (ours - theirs).abs().max() <= 1e-5
    ours[:, 1].sum().backward()
    assert images.grad is not None and images.grad.abs().sum() > 0


def test_it_is_kept_as_safetensors_and_a_card(home: Path, tmp_path: Path) -> None:
    saved(tmp_path / "mine")
    said = draft_network(tmp_path / "mine", tmp_path / "draft")
    assert said["kind"] == "transformers" and said["name"] == "mine-segformer"
    card = import_card(Path(said["card"]), trusted=False, name="theirs")
    assert find_card("theirs") == card and card.library == "transformers"
    assert card.input.mean == MEAN and card.input.exact == (32, 32)
    assert "SegformerForSemanticSegmentation" in card.description


@pytest.mark.parametrize(
    ("change", "mean", "std", "exact", "order"),
    [
        ({"do_normalize": False}, (0, 0, 0), (1, 1, 1), (32, 32), "rgb"),
        ({"do_rescale": False}, (0.4 / 255, 0.5 / 255, 0.6 / 255), None, (32, 32), "rgb"),
        ({"do_resize": False}, MEAN, STD, None, "rgb"),
        ({"size": 48}, MEAN, STD, (48, 48), "rgb"),
        ({"size": {"shortest_edge": 40}}, MEAN, STD, None, "rgb"),
        ({"do_flip_channel_order": True}, MEAN, STD, (32, 32), "bgr"),
        ({"image_mean": 0.5, "image_std": 0.5}, (0.5,) * 3, (0.5,) * 3, (32, 32), "rgb"),
    ],
)
def test_what_its_processor_does_is_on_the_card(
    home: Path, tmp_path: Path, change: dict[str, Any], mean: Any, std: Any, exact: Any, order: str
) -> None:
    saved(tmp_path / "f")
    (tmp_path / "f" / "preprocessor_config.json").write_text(json.dumps(PROCESSOR | change))
    said = draft_network(tmp_path / "f", tmp_path / "draft")
    spec = read_card(Path(said["card"])).input
    assert spec.mean == pytest.approx(mean) and (spec.exact, spec.order) == (exact, order)
    assert std is None or spec.std == pytest.approx(std)
    if "shortest_edge" in str(change):
        assert spec.size == 40 and "shorter side 40" in said["notes"][0]


def test_without_a_processor_it_says_what_is_taken(home: Path, tmp_path: Path) -> None:
    saved(tmp_path / "f", "beit")
    (tmp_path / "f" / "preprocessor_config.json").unlink()
    said = draft_network(tmp_path / "f", tmp_path / "draft")
    assert "ImageNet's normalisation is taken" in said["notes"][0]
    assert read_card(Path(said["card"])).input.exact == (32, 32)


def test_a_network_without_a_background_is_told(home: Path, tmp_path: Path) -> None:
    saved(tmp_path / "f")
    changed(tmp_path / "f" / "preprocessor_config.json", do_reduce_labels=True)
    said = draft_network(tmp_path / "f", tmp_path / "draft")
    assert "trained without a background" in said["notes"][0]


def changed(path: Path, **more: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | more))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"auto_map": {"AutoModel": "evil.Evil"}}, "Python code of its own, which is not run"),
        ({"backbone": "facebook/x"}, "names a backbone to be fetched"),
        ({"use_timm_backbone": True}, "stands on a network of timm"),
        ({"quantization_config": {"bits": 4}}, "is quantised"),
        ({"model_type": "bert"}, "no network of transformers for semantic segmentation"),
        ({"hidden_sizes": [10**9] * 4}, "hidden_sizes = 1000000000; at most"),
        ({"depths": [10**5, 1, 1, 1]}, "depths = 100000; at most 256"),
        ({"hidden_sizes": [16384] * 4}, "million weights; the limit|do not fit"),
        ({"depths": "x"}, "can't be built as its config.json says"),
        ({"id2label": {"0": "a", "2": "b"}}, "id2label ="),
        ({"hidden_sizes": [8, 8, 8, 8]}, "do not fit"),
        ({"num_channels": 5}, "5 in num_channels"),
    ],
)
def test_what_can_t_be_taken_in_is_one_sentence(
    home: Path, tmp_path: Path, change: dict[str, Any], sentence: str
) -> None:
    saved(tmp_path / "f")
    changed(tmp_path / "f" / "config.json", **change)
    with pytest.raises(ModelError, match=sentence) as told:
        draft_network(tmp_path / "f", tmp_path / "draft")
    assert "\n" not in str(told.value)


def test_code_that_settings_name_is_never_asked_for(home: Path, tmp_path: Path) -> None:
    """A kernel of the hub would be code that is fetched."""
    saved(tmp_path / "f")
    names = ("attn_implementation", "_attn_implementation", "_experts_implementation")
    changed(tmp_path / "f" / "config.json", **dict.fromkeys(names, "kernels-community/evil"))
    said = draft_network(tmp_path / "f", tmp_path / "draft")
    assert "kernels-community" not in Path(said["card"]).read_text()


def test_nothing_is_fetched(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    saved(tmp_path / "f")
    asked: list[object] = []

    def connect(*arguments: object) -> None:
        asked.append(arguments)
        raise OSError("there is no network in tests")

    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket, "getaddrinfo", connect)
    taken_in(tmp_path / "f", tmp_path)
    assert not asked


def test_weights_that_are_absent_are_told(home: Path, tmp_path: Path) -> None:
    saved(tmp_path / "f")
    (tmp_path / "f" / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"has 0 files of weights beside config\.json"):
        draft_network(tmp_path / "f", tmp_path / "draft")


def test_the_package_is_named_with_the_command(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(tmp_path / "f")
    import sys

    monkeypatch.setitem(sys.modules, "transformers.models.auto.modeling_auto", None)
    with pytest.raises(ModelError, match="pip install transformers"):
        draft_network(tmp_path / "f", tmp_path / "draft")


@pytest.mark.parametrize("seed", range(60))
def test_damaged_settings_are_read_or_told(home: Path, tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    saved(tmp_path / "f")
    path = tmp_path / "f" / ("config.json" if seed % 3 else "preprocessor_config.json")
    text = path.read_text()
    cut = text[: rng.integers(len(text))]
    path.write_text(json.dumps(damaged(json.loads(text), rng)) if seed % 10 else cut)
    try:
        model = taken_in(tmp_path / "f", tmp_path)
        assert model(bare.images(1, 3, 32, 32)).shape[0] == 1
    except AsmaError as error:
        assert len(str(error)) < 1000 and "\n" not in str(error)
