"""Training pictures change with their masks."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from asma_core.training.augmentation import Augmentation, canvas_size, recoloured, warped
from tests.training.squares import square_pairs

STILL = Augmentation(False, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0)


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
