"""The generators give plausible, repeatable pictures whose masks fit the anatomy."""

import numpy as np
import pytest
from scipy import ndimage

from asma_core.data.synthetic import fundus_pair, lesion_pair
from asma_core.data.synthetic.camera import Camera, photograph
from asma_core.data.synthetic.noise import blur, smooth_noise
from asma_core.data.synthetic.outline import irregular_ellipse
from asma_core.data.synthetic.strokes import Stroke, draw

GENERATORS = [(fundus_pair, 3), (lesion_pair, 2)]


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize(("generator", "classes"), GENERATORS)
def test_pair_has_the_promised_shape_type_and_classes(generator, classes, wide):
    for seed in range(4):
        image, mask = generator(np.random.default_rng(seed), 96, wide)
        assert image.shape == (96, 96, 3) and image.dtype == np.uint8
        assert mask.shape == (96, 96) and mask.dtype == np.uint8
        assert mask.max() < classes
        assert (mask > 0).any() and (mask == 0).any()
        assert image.std() > 1


@pytest.mark.parametrize(("generator", "_classes"), GENERATORS)
def test_same_seed_same_picture_other_seed_another(generator, _classes):
    first, again, other = (generator(np.random.default_rng(seed), 64) for seed in (5, 5, 6))
    assert np.array_equal(first[0], again[0]) and np.array_equal(first[1], again[1])
    assert not np.array_equal(first[0], other[0])


def test_fundus_cup_lies_inside_the_disc_with_a_ratio_that_eyes_have():
    for seed in range(12):
        _, mask = fundus_pair(np.random.default_rng(seed), 128)
        disc, cup = mask > 0, mask == 2
        # A rim all around: the cup never touches the background.
        assert not (ndimage.binary_dilation(cup) & ~disc).any()
        disc_height, cup_height = np.ptp(np.nonzero(disc)[0]), np.ptp(np.nonzero(cup)[0])
        assert 0.12 <= cup_height / disc_height <= 0.95
        assert 0.2 <= disc_height / 128 <= 0.65
        assert ndimage.label(disc)[1] == 1


def test_fundus_disc_is_brighter_than_the_retina():
    brighter = []
    for seed in range(12):
        image, mask = fundus_pair(np.random.default_rng(seed), 96)
        green = image[..., 1].astype(float)
        brighter.append(green[mask > 0].mean() > green[mask == 0].mean())
    assert all(brighter)


def test_lesion_is_one_piece_and_darker_than_the_skin_around_it():
    for seed in range(12):
        image, mask = lesion_pair(np.random.default_rng(seed), 96)
        assert ndimage.label(mask)[1] == 1
        around = ndimage.binary_dilation(mask, iterations=8) & (mask == 0)
        assert image[mask == 1].mean() < image[around].mean()


def test_wide_pictures_vary_more_than_the_demo_pictures():
    def spread(wide):
        pictures = [fundus_pair(np.random.default_rng(seed), 64, wide) for seed in range(24)]
        return np.std([(mask > 0).mean() for _, mask in pictures])

    assert spread(True) > 1.3 * spread(False)


def test_a_smooth_outline_is_the_ellipse_it_is_made_of():
    outline = irregular_ellipse(np.random.default_rng(0), (32, 32), (20, 10), roughness=0.0)
    inside = outline.distance(64) > 0
    # The area of an ellipse is pi a b.
    assert inside.sum() == pytest.approx(np.pi * 20 * 10, rel=0.02)


def test_a_stroke_covers_its_length_times_its_width():
    line = Stroke(np.asarray([[20.0, 10.0], [20.0, 50.0]]), np.asarray([4.0, 4.0]))
    assert draw([line], 64).sum() == pytest.approx(40 * 4, rel=0.1)


def test_blur_keeps_the_mean_of_a_constant_and_noise_is_centred():
    assert blur(np.full((16, 16), 0.3, np.float32), 2.0) == pytest.approx(0.3, abs=1e-6)
    fields = [smooth_noise(np.random.default_rng(seed), 32, 4) for seed in range(200)]
    assert abs(np.mean(fields)) < 0.05


def test_a_perfect_camera_only_rounds():
    perfect = Camera(0, 0, 0, 0, 0, 0, 0, 0)
    scene = np.linspace(0, 1, 64 * 64 * 3, dtype=np.float32).reshape(64, 64, 3)
    image = photograph(np.random.default_rng(0), scene, perfect)
    assert np.abs(image / 255.0 - scene).max() <= 0.5 / 255 + 1e-3
