"""Certificates from counts, against scipy's binomial functions and the papers' steps one by one."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as quickly
from hypothesis import strategies as st
from scipy import stats

from asma_core.defences.certificate import (
    BONFERRONI,
    HOLM,
    Certificate,
    CertificateSettings,
    against_truth,
    certificate,
    figures,
    least_draws,
    p_values,
    radius_of,
    rejected,
    smoothing_sigma,
)
from asma_core.defences.contract import Defence
from asma_core.errors import InputError

NOISE = Defence("smoothing", {"sigma": 0.3})


@pytest.mark.parametrize("draws", [1, 7, 100, 1000])
@pytest.mark.parametrize("tau", [0.5001, 0.75, 0.99])
def test_p_values_are_those_of_the_binomial_test(draws: int, tau: float) -> None:
    counts = np.arange(draws + 1)
    found = p_values(counts, draws, tau)
    truth = [
        stats.binomtest(int(count), draws, tau, alternative="greater").pvalue for count in counts
    ]
    assert np.allclose(found, truth, rtol=0, atol=1e-9)


def test_a_p_value_is_the_plain_sum() -> None:
    draws, tau = 12, 0.75
    for count in range(draws + 1):
        plain = sum(
            math.comb(draws, more) * tau**more * (1 - tau) ** (draws - more)
            for more in range(count, draws + 1)
        )
        assert p_values(np.array([count]), draws, tau)[0] == pytest.approx(plain, abs=1e-9)


@pytest.mark.parametrize(("sigma", "tau"), [(0.25, 0.75), (0.5, 0.95), (0.1, 0.5001)])
def test_the_radius_is_cohen_s(sigma: float, tau: float) -> None:
    assert radius_of(sigma, tau) == pytest.approx(sigma * stats.norm.ppf(tau), abs=1e-9)


def holm(values: list[float], alpha: float) -> list[bool]:
    """Holm's procedure as it is told: the smallest first, until one fails."""
    answer = [False] * len(values)
    left = list(range(len(values)))
    while left:
        smallest = min(left, key=lambda place: values[place])
        if values[smallest] > alpha / len(left):
            break
        answer[smallest] = True
        left.remove(smallest)
    return answer


@given(st.lists(st.floats(0, 0.1), max_size=12), st.floats(0.001, 0.5))
@quickly(max_examples=60)
def test_holm_goes_step_by_step_and_certifies_no_less(values: list[float], alpha: float) -> None:
    found = rejected(np.array(values), alpha, HOLM)
    assert found.tolist() == holm(values, alpha)
    plain = rejected(np.array(values), alpha, BONFERRONI)
    assert plain.tolist() == [value <= alpha / len(values) for value in values]
    assert not (plain & ~found).any()


def test_both_corrections_by_hand() -> None:
    values = np.array([0.02, 0.001, 0.03, 0.012])
    assert rejected(values, 0.05, BONFERRONI).tolist() == [False, True, False, True]
    # 0.001 <= 0.05 / 4, 0.012 <= 0.05 / 3, 0.02 <= 0.05 / 2, 0.03 <= 0.05.
    assert rejected(values, 0.05, HOLM).all()
    # The second fails, and so do those after it.
    assert rejected(np.array([0.001, 0.03, 0.04]), 0.05, HOLM).tolist() == [True, False, False]


@pytest.mark.parametrize("tau", [0.6, 0.75, 0.9])
def test_bonferroni_is_clopper_and_pearson_s_bound(tau: float) -> None:
    """A pixel is certified where the lower bound of its share, at alpha / N, is over tau."""
    draws, counts = 200, np.arange(201).reshape(3, 67)
    settings = CertificateSettings(tau=tau, samples_n=draws, correction=BONFERRONI)
    found = certificate(np.zeros_like(counts), counts, 0.25, settings)
    for count, certified in zip(counts.ravel(), found.certified.ravel(), strict=True):
        result = stats.binomtest(int(count), draws, alternative="greater")
        bound = result.proportion_ci(1 - settings.alpha / counts.size, method="exact").low
        assert certified == (bound >= tau)
    assert 0 < found.certified.sum() < counts.size


@pytest.mark.parametrize("tau", [0.51, 0.75, 0.99])
@pytest.mark.parametrize("pixels", [1, 100, 65536])
def test_the_fewest_draws_are_enough_and_one_less_is_not(tau: float, pixels: int) -> None:
    least = least_draws(tau, 0.001, pixels)
    assert tau**least <= 0.001 / pixels
    assert least == 1 or tau ** (least - 1) > 0.001 / pixels


def test_too_few_draws_are_a_sentence_that_says_how_many_are_enough() -> None:
    labels = np.zeros((10, 10), dtype=np.int64)
    least = least_draws(0.75, 0.001, 100)
    few = CertificateSettings(samples_n=least - 1)
    with pytest.raises(InputError, match=f"at least {least}"):
        certificate(labels, labels + least - 1, 0.25, few)
    enough = CertificateSettings(samples_n=least)
    assert certificate(labels, labels + least, 0.25, enough).certified.all()


@pytest.mark.parametrize(
    "values",
    [{"samples_n": 0}, {"samples_n0": 0}, {"tau": 0.5}, {"tau": 1.0}, {"alpha": 0.0}],
)
def test_settings_that_can_t_be_are_sentences(values: dict[str, float]) -> None:
    with pytest.raises(InputError, match="must be"):
        CertificateSettings(**values)


def test_a_pixel_that_the_network_does_not_answer_for_is_none() -> None:
    counted = np.array([[True, True, False, False]])
    counts = np.array([[100, 50, 100, 0]])
    found = certificate(np.ones_like(counts), counts, 0.25, CertificateSettings(), counted)
    assert found.certified.tolist() == [[True, False, False, False]]
    assert figures(found)["share_certified"] == 0.5 and figures(found)["pixels"] == 2


def made(labels: list[int], certified: list[int]) -> Certificate:
    sure = np.array([certified], dtype=bool)
    ones = np.ones(sure.shape)
    return Certificate(np.array([labels]), sure, ones > 0, ones, 0.2, 0.3)


def test_figures_against_the_truth_by_hand() -> None:
    found = made([1, 1, 1, 0, 0, 0, 1], [1, 1, 0, 1, 0, 1, 1])
    truth, valid = np.array([[1, 0, 1, 0, 0, 1, 1]]), np.array([[1, 1, 1, 1, 1, 1, 0]]) > 0
    told = against_truth(found, truth, valid, 2)
    assert told["certified_accuracy"] == pytest.approx(2 / 6)
    # Right: the first. Said or true: the first three and the sixth.
    assert told["certified_iou"] == pytest.approx(1 / 4)
    # The fifth abstains, and may become anything.
    assert told["guaranteed_iou"] == pytest.approx(1 / 5)


@given(st.integers(0, 10_000))
@quickly(max_examples=40)
def test_no_answer_within_the_radius_has_less_than_the_guaranteed_iou(seed: int) -> None:
    rng = np.random.default_rng(seed)
    found = made(rng.integers(0, 3, 12).tolist(), rng.integers(0, 2, 12).tolist())
    truth, valid = rng.integers(0, 3, (1, 12)), np.ones((1, 12), dtype=bool)
    told = against_truth(found, truth, valid, 3)["guaranteed_iou"]
    for _ in range(20):
        answer = np.where(found.certified, found.labels, rng.integers(0, 3, (1, 12)))
        ious = []
        for label in (1, 2):
            either = (truth == label) | (answer == label)
            if either.any():
                ious.append(((truth == label) & (answer == label)).sum() / either.sum())
        if ious:
            assert told <= np.mean(ious) + 1e-9


@pytest.mark.parametrize(
    ("defences", "says"),
    [
        ([], "defend it first"),
        ([Defence("jpeg")], "defend it first"),
        ([Defence("jpeg"), NOISE], "smoothing last"),
        ([NOISE, Defence("random-resizing")], "draws too"),
        ([NOISE, NOISE], "draws too"),
    ],
)
def test_what_gives_no_certificate_is_a_sentence(defences: list[Defence], says: str) -> None:
    with pytest.raises(InputError, match=says):
        smoothing_sigma(defences, "mine")


def test_smoothing_before_what_does_not_draw_gives_one() -> None:
    assert smoothing_sigma([NOISE, Defence("jpeg")], "mine") == 0.3
