"""Training learns, repeats by its seed, and writes what the loader reads."""

import tomllib
from dataclasses import replace

import numpy as np
import pytest
import torch

from asma_core.errors import InputError, ModelError, StoreError
from asma_core.models.sources.building import build_network
from asma_core.models.sources.cards import read_card
from asma_core.models.sources.names import network_name
from asma_core.training.augmentation import canvas_size, recoloured, warped
from asma_core.training.augmentation_config import Augmentation
from asma_core.training.evaluation import evaluate
from asma_core.training.train import TrainingConfig, train, train_model

TINY = TrainingConfig(
    steps=3, batch_size=2, image_size=32, channels=(4, 8, 16), residual_units=1, threads=1
)
STILL = Augmentation(False, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0)
NAMES = ("background", "square")


def square_pairs(count, channels=3, size=32):
    """Bright squares on noise, found by their brightness."""
    rng = np.random.default_rng(0)
    pairs = []
    for _ in range(count):
        mask = np.zeros((size, size), np.uint8)
        row, column = rng.integers(2, size - 14, 2)
        mask[row : row + 12, column : column + 12] = 1
        grey = np.clip(60 + 130 * mask + rng.normal(0, 12, mask.shape), 0, 255).astype(np.uint8)
        pairs.append((np.stack([grey] * 3, -1) if channels == 3 else grey, mask))
    return pairs


def test_a_bright_square_is_learnt(tmp_path):
    config = replace(TINY, steps=60, batch_size=4, learning_rate=1e-2, augmentation=STILL)
    seen = []
    report = train_model(
        "squares", square_pairs(12), square_pairs(4), NAMES, tmp_path, config, seen.append
    )
    assert report.evaluation.iou > 0.8
    assert seen[-1].step == seen[-1].steps == 60
    assert seen[-1].loss < 0.5 * seen[0].loss


def test_the_same_seed_gives_the_same_weights_and_another_seed_others():
    first, again, other = (
        train(square_pairs(4), NAMES, replace(TINY, seed=seed)).state_dict() for seed in (1, 1, 2)
    )
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert any(not torch.equal(first[key], other[key]) for key in first)


def test_training_leaves_the_global_random_state_and_threads_alone():
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    train(square_pairs(2), NAMES, TINY)
    assert torch.equal(before, torch.get_rng_state())
    assert threads == torch.get_num_threads()


@pytest.mark.parametrize("channels", [1, 3])
def test_the_written_card_and_weights_give_the_trained_network_back(channels, tmp_path):
    from safetensors.torch import load_file

    out = tmp_path / "out"
    pairs = square_pairs(4, channels)
    report = train_model("My <b>Set</b>/../é", pairs, pairs[:2], NAMES, out, TINY)
    card = read_card(report.card)
    assert card.classes == NAMES and card.input.channels == channels and card.input.multiple == 4
    model = train(pairs, NAMES, TINY)
    network = build_network(card.architecture, dict(card.arguments))
    network.load_state_dict(load_file(report.weights))
    image = torch.rand(1, channels, 32, 32)
    assert torch.equal(network.eval()(image), model.network(image))
    assert {path.name for path in out.iterdir()} == {report.card.name, report.weights.name}


def test_card_is_toml_with_the_figures_measured(tmp_path):
    report = train_model('a "quoted"\nset', square_pairs(2), square_pairs(2), NAMES, tmp_path, TINY)
    content = tomllib.loads(report.card.read_text(encoding="utf-8"))
    assert content["figures"]["test_iou"] == pytest.approx(report.evaluation.iou, abs=1e-4)
    assert content["training"]["steps"] == 3 and content["training"]["pairs"] == 2
    assert content["synthetic"] is False and content["dataset"] == 'a "quoted"\nset'
    assert [entry["name"] for entry in content["classes"]] == list(NAMES)


def test_network_names_are_safe_file_names():
    assert network_name("demo-fundus") == "demo-fundus-unet"
    assert network_name("/data/My Set.v2") == "my-set-v2-unet"
    assert network_name("../..") == "own-unet"


class Fixed(torch.nn.Module):
    """Calls class 1 in the left half of the picture."""

    classes = ("background", "left")

    def forward(self, images):
        logits = torch.zeros(1, 2, *images.shape[-2:])
        logits[:, 1, :, : images.shape[-1] // 2] = 1
        return logits


def test_evaluation_gives_the_numbers_worked_out_by_hand():
    image = np.zeros((4, 4, 3), np.uint8)
    quarter = np.zeros((4, 4), np.uint8)
    quarter[:2, :2] = 1
    half = np.zeros((4, 4), np.uint8)
    half[:, :2] = 1
    scores = evaluate(Fixed(), [(image, quarter), (image, half)])
    # Foreground: 4 of 8 pixels, then all of them; background: 8 of 12, then all.
    assert scores.iou == pytest.approx((0.5 + 1.0) / 2)
    assert scores.iou_per_class == pytest.approx(((8 / 12 + 1) / 2, 0.75))
    assert scores.dice == pytest.approx((2 / 3 + 1) / 2)


def test_no_augmentation_changes_nothing():
    image, mask = square_pairs(1)[0]
    rng = np.random.default_rng(0)
    pixels, labels = warped((image, mask), rng, STILL, (32, 32), 3)
    assert torch.allclose(pixels, torch.from_numpy(image).permute(2, 0, 1) / 255.0, atol=1e-5)
    assert torch.equal(labels[0], torch.from_numpy(mask).long())
    assert torch.allclose(recoloured(pixels[None], rng, STILL)[0].clamp(1e-4), pixels.clamp(1e-4))


def test_image_and_mask_move_together_and_keep_their_area():
    strong = replace(STILL, flip=True, rotation=40.0, shift=0.1)
    image = np.zeros((48, 64), np.uint8)
    image[14:34, 20:44] = 255
    mask = (image > 0).astype(np.uint8)
    for seed in range(8):
        pixels, labels = warped((image, mask), np.random.default_rng(seed), strong, (48, 64), 1)
        assert ((pixels[0] > 0.5) != (labels[0] == 1)).float().mean() < 0.02
        # A rotation in pixels, not in fractions of the sides, keeps the area.
        assert labels.sum().item() == pytest.approx(int(mask.sum()), rel=0.06)


def test_large_pictures_of_any_aspect_are_shrunk_to_the_canvas():
    image = np.full((300, 150, 3), 90, np.uint8)
    rng = np.random.default_rng(0)
    pixels, labels = warped((image, image[..., 0] // 90), rng, STILL, (32, 32), 3)
    assert pixels.shape == (3, 32, 32) and labels.shape == (1, 32, 32)
    height, width = canvas_size(rng, Augmentation(), 256, 16)
    assert height % 16 == width % 16 == 0
    assert height * width == pytest.approx(256**2, rel=0.1)


def test_bad_input_is_refused_with_a_sentence(tmp_path):
    pairs = square_pairs(2)
    with pytest.raises(InputError, match="nothing to train on"):
        train_model("x", [], [], NAMES, tmp_path, TINY)
    with pytest.raises(InputError, match="at least one class"):
        train_model("x", pairs, pairs, ("background",), tmp_path, TINY)
    with pytest.raises(InputError, match="class 4"):
        train_model("x", [(pairs[0][0], pairs[0][1] * 4)], pairs, NAMES, tmp_path, TINY)
    with pytest.raises(InputError, match="steps above 0"):
        TrainingConfig(steps=0)
    with pytest.raises(InputError, match="image_size and early_size of at least 32"):
        TrainingConfig(image_size=16)


def test_an_exploding_training_is_reported(tmp_path):
    config = replace(TINY, steps=30, learning_rate=1e30)
    with pytest.raises(ModelError, match="smaller learning rate"):
        train_model("x", square_pairs(2), square_pairs(1), NAMES, tmp_path, config)


def test_a_folder_that_cannot_be_made_is_reported(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError):
        train_model("x", square_pairs(2), square_pairs(1), NAMES, tmp_path / "file" / "in", TINY)
