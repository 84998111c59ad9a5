"""What each treatment makes of a file, against Pillow and by hand, and its form for gradients."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from asma_core.data.formats.images import to_bytes
from asma_core.treatments import compression, noise, resizing, rotation
from asma_core.treatments.contract import UNSEEN
from asma_core.treatments.registry import DRAWS, TREATMENTS, UNTOUCHED, each_draw

SHAPES = [(3, 48, 64), (1, 33, 21), (3, 1, 1)]


def picture(shape: tuple[int, int, int] = (3, 48, 64)) -> NDArray[np.float32]:
    """Soft colours of 8 bits, as a camera has them."""
    channels, height, width = shape
    rows, columns = np.mgrid[:height, :width]
    waves = [np.sin(rows / (5 + place)) + np.cos(columns / 7) for place in range(channels)]
    return (np.rint(120 + 50 * np.stack(waves)) / 255).astype(np.float32)


def disc(height: int = 240, width: int = 320) -> NDArray[np.int64]:
    """A disc far from the centre, where a turn moves it most."""
    rows, columns = np.mgrid[:height, :width]
    return (np.hypot(rows - 40, columns - 40) < 30).astype(np.int64)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", TREATMENTS)
def test_it_gives_a_file_of_8_bits_and_the_same_size_each_time(
    name: str, shape: tuple[int, int, int]
) -> None:
    image = picture(shape)
    before = image.copy()
    treated = TREATMENTS[name].treat(image)
    assert treated.shape == image.shape and treated.dtype == np.float32
    assert np.abs(np.rint(treated * 255) - treated * 255).max() < 1e-4
    assert np.array_equal(TREATMENTS[name].treat(image), treated)
    assert np.array_equal(image, before)


@pytest.mark.parametrize("quality", compression.QUALITIES)
def test_jpeg_is_the_file_that_pillow_writes(quality: int) -> None:
    file = io.BytesIO()
    Image.fromarray(to_bytes(picture())).save(file, "JPEG", quality=quality)
    read = np.asarray(Image.open(file))
    assert np.array_equal(to_bytes(TREATMENTS[f"jpeg-{quality}"].treat(picture())), read)


def test_half_size_takes_away_what_is_finer_and_keeps_the_rest() -> None:
    fine = np.tile(np.array([[0.2, 0.6], [0.6, 0.2]], np.float32), (8, 8))[None]
    assert np.abs(resizing.halved(fine) - 0.4)[:, 2:-2, 2:-2].max() < 0.02
    flat = np.full((3, 17, 9), 51 / 255, np.float32)
    assert np.array_equal(resizing.halved(flat), flat)


def test_noise_has_its_sigma() -> None:
    grey = np.full((3, 128, 128), 0.5, np.float32)
    added = noise.noisy(grey) - grey
    assert added.std() == pytest.approx(noise.SIGMA, rel=0.03)
    assert abs(added.mean()) < 0.001


def test_what_was_turned_comes_back_and_what_was_lost_is_not_counted() -> None:
    labels = disc()
    askew = np.asarray(Image.fromarray(labels.astype(np.uint8)).rotate(1.0)).astype(np.int64)
    back = rotation.turned_back(askew)
    seen = back != UNSEEN
    both, either = ((back == 1) & (labels == 1)).sum(), ((back == 1) | (labels == 1)).sum()
    assert both / either > 0.97 > (askew & labels).sum() / (askew | labels).sum()
    # By the tangent of 1 degree times half of the other side, and no more.
    assert not seen[0, 0] or not seen[0, -1]
    assert 0 < (~seen).sum() < 3 * (240 + 320)
    assert seen[5:-5, 5:-5].all()


def test_only_turning_moves_pixels() -> None:
    labels = disc()
    moved = [one.name for one in TREATMENTS.values() if one.back(labels) is not labels]
    assert moved == ["rotation"] and UNTOUCHED.back(labels) is labels


@pytest.mark.parametrize("degrees", [1.0, -1.3])
def test_the_turn_for_gradients_is_pillow_s(degrees: float) -> None:
    image = picture((3, 60, 80))
    ours = rotation.rotated(torch.from_numpy(image)[None], degrees)[0].numpy()
    theirs = Image.fromarray(to_bytes(image)).rotate(degrees, Image.Resampling.BILINEAR)
    difference = np.abs(ours.transpose(1, 2, 0) * 255 - np.asarray(theirs))[4:-4, 4:-4]
    assert difference.max() <= 1.5


def test_an_answer_that_was_turned_lies_where_it_was() -> None:
    images = torch.from_numpy(picture((1, 60, 80)))[None].double()
    back = rotation.rotated(rotation.rotated(images, 1.5), -1.5)
    assert (back - images).abs()[..., 6:-6, 6:-6].max() < 0.01


def logits_of(images: Tensor) -> Tensor:
    bright = images.mean(1, keepdim=True)
    return torch.cat([1 - bright, bright], 1)


def test_each_kind_is_drawn_once_from_the_seed_for_all_images_alike() -> None:
    one = torch.from_numpy(picture())
    images = torch.stack([one, one.flip(2)])

    def answers(of: Tensor, seed: int = 3) -> list[Tensor]:
        torch.manual_seed(seed)
        return list(each_draw(logits_of, of))

    together, alone = answers(images), answers(images[:1])
    assert len(together) == DRAWS == 5
    for several, single in zip(together, alone, strict=True):
        assert several.shape == (2, 2, 48, 64)
        assert torch.allclose(several[:1], single, atol=1e-6)
    assert torch.equal(together[0], logits_of(images))
    others = [answers(images, seed) for seed in range(4, 8)]
    for kind in range(1, DRAWS):
        assert any(not torch.equal(together[kind], other[kind]) for other in others)


@pytest.mark.parametrize("drawn", [compression, resizing, rotation, noise])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_gradient_goes_through_each_and_lies_near_the_bare_one(
    drawn: object, channels: int
) -> None:
    images = torch.from_numpy(picture((channels, 48, 64)))[None].requires_grad_()
    torch.manual_seed(0)
    answer = drawn.drawn(logits_of, images)  # type: ignore[attr-defined]
    (slope,) = torch.autograd.grad(answer[:, 1, 12:36, 16:48].sum(), images)
    (bare,) = torch.autograd.grad(logits_of(images)[:, 1, 12:36, 16:48].sum(), images)
    assert torch.isfinite(slope).all()
    cosine = torch.nn.functional.cosine_similarity(slope.flatten(), bare.flatten(), dim=0)
    assert cosine > 0.4
