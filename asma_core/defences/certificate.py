"""Certificates of randomized smoothing: which pixels no small change of the image can move.

Source: SegCertify, Fischer, Baader and Vechev, "Scalable certified segmentation via randomized
smoothing", ICML 2021, arXiv:2107.00228, algorithm 2 and section 4; the radius is that of Cohen,
Rosenfeld and Kolter, arXiv:1902.02918, theorem 1; Holm, "A simple sequentially rejective multiple
test procedure", 1979. From counts alone: `asma_core.models.wrapper.certifying` does the asking.

The smoothed network says of a pixel what most noisy copies of the image are told of it. Where more
than the share tau of them agree, no change of the image with an L2 below sigma * Phi^-1(tau) gives
another class the majority.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from asma_core.defences.contract import Defence
from asma_core.defences.noise import ENTRY, SmoothingSettings
from asma_core.defences.registry import find_defence, settings_of
from asma_core.errors import InputError
from asma_core.fields import Settings, setting

HOLM: Final = "holm"
BONFERRONI: Final = "bonferroni"
Labels = NDArray[np.int64]
Pixels = NDArray[np.bool_]


@dataclass(frozen=True)
class CertificateSettings(Settings):
    """Settings of a certificate; the defaults are the paper's, but for Holm's correction there."""

    tau: float = setting(
        0.75,
        "Tau",
        "Share of the noisy copies that must agree; the radius grows with it.",
        minimum=0.5,
        maximum=0.999999,
        open_minimum=True,
    )
    samples_n: int = setting(
        100,
        "Draws",
        "Noisy copies by which a pixel is certified.",
        minimum=1,
        maximum=10_000_000,
    )
    samples_n0: int = setting(
        10,
        "Draws of the class",
        "Noisy copies before those, by which the class of a pixel is chosen.",
        minimum=1,
        maximum=1_000_000,
    )
    alpha: float = setting(
        0.001,
        "Alpha",
        "Probability that any of the certified pixels is wrongly certified.",
        minimum=0.0,
        maximum=0.5,
        open_minimum=True,
    )
    correction: Literal["holm", "bonferroni"] = setting(
        HOLM, "Correction", "For the number of pixels; Holm certifies at least as many."
    )
    seed: int = setting(0, "Seed", "Of the draws.", minimum=0, maximum=2**31 - 1)


@dataclass(frozen=True)
class Certificate:
    """What is certified of one image.

    Attributes:
        labels: int64 (H, W), the class of each pixel, which counts only where it is certified.
        certified: bool (H, W); elsewhere it abstains.
        counted: bool (H, W), the pixels that the network answers for.
        p_values: float64 (H, W), of "at most tau of the copies agree"; 1 where not counted.
        radius: L2 in [0, 1] units below which no change of the image moves a certified pixel.
        sigma: Of the noise, in [0, 1] units.
    """

    labels: Labels
    certified: Pixels
    counted: Pixels
    p_values: NDArray[np.float64]
    radius: float
    sigma: float


def certificate(
    labels: Labels,
    counts: NDArray[np.int64],
    sigma: float,
    settings: CertificateSettings,
    counted: Pixels | None = None,
) -> Certificate:
    """Certify what can be.

    Args:
        labels: int64 (H, W), chosen by draws other than those below.
        counts: int64 (H, W), in how many of `samples_n` draws a pixel has its label.
        sigma: Of the noise, in [0, 1] units.
        settings: See there.
        counted: bool (H, W), the pixels that the network answers for; all of them unless given.

    Raises:
        InputError: So few draws that no pixel can be certified.
    """
    asked = np.ones(labels.shape, dtype=np.bool_) if counted is None else counted
    check_draws(settings, int(asked.sum()))
    values = np.ones(labels.shape)
    values[asked] = p_values(counts[asked], settings.samples_n, settings.tau)
    sure = np.zeros(labels.shape, dtype=np.bool_)
    sure[asked] = rejected(values[asked], settings.alpha, settings.correction)
    return Certificate(labels, sure, asked, values, radius_of(sigma, settings.tau), sigma)


def p_values(counts: NDArray[np.int64], draws: int, tau: float) -> NDArray[np.float64]:
    """Return the probability of at least so many of the draws, were each one a tau, float64.

    It is at most a level exactly where the lower Clopper-Pearson bound of that level is over tau.
    """
    # An image has many pixels and few counts.
    table = special.bdtrc(np.arange(-1.0, draws), draws, tau)
    table[0] = 1.0
    values: NDArray[np.float64] = table[counts]
    return values


def rejected(values: NDArray[np.float64], alpha: float, correction: str) -> Pixels:
    """Return which null hypotheses are rejected, so that alpha bounds the chance of any mistake.

    Args:
        values: float64 (N,), their p-values.
        alpha: Of all of them together.
        correction: `HOLM` or `BONFERRONI`.
    """
    if correction == BONFERRONI:
        return values <= alpha / max(len(values), 1)
    order = np.argsort(values, kind="stable")
    fine = values[order] <= alpha / np.arange(len(values), 0, -1)
    # The first that fails keeps all that come after it.
    passed = len(values) if fine.all() else int(fine.argmin())
    found = np.zeros(len(values), dtype=np.bool_)
    found[order[:passed]] = True
    return found


def radius_of(sigma: float, tau: float) -> float:
    """Return sigma * Phi^-1(tau): an L2 in [0, 1] units, for an image at its own size."""
    return float(sigma * special.ndtri(tau))


def least_draws(tau: float, alpha: float, pixels: int) -> int:
    """Return the fewest draws by which a pixel that always has its label can be certified."""
    level = alpha / max(pixels, 1)
    draws = max(1, math.floor(math.log(level) / math.log(tau)))
    while special.bdtrc(draws - 1.0, draws, tau) > level:
        draws += 1
    return draws


def check_draws(settings: CertificateSettings, pixels: int) -> None:
    """Refuse a number of draws by which nothing can be certified.

    Raises:
        InputError: There are fewer.
    """
    least = least_draws(settings.tau, settings.alpha, pixels)
    if settings.samples_n < least:
        raise InputError(
            f"{settings.samples_n} draws can certify none of {pixels} pixels at tau "
            f"{settings.tau:g} and alpha {settings.alpha:g}, however much they agree; take at "
            f"least {least} (samples_n)"
        )


def smoothing_sigma(defences: Sequence[Defence], name: str) -> float:
    """Return the sigma of a network that stands behind randomized smoothing.

    Args:
        defences: The first of which meets the image first.
        name: Of the network, for what is said.

    Raises:
        InputError: It does not, or another defence is in the way.
    """
    names = [one.name for one in defences]
    if ENTRY.name not in names:
        raise InputError(
            f"{name} does not stand behind {ENTRY.name}, which is what gives a certificate; defend "
            f"it first: python -m asma_core defend --model {name} --defence {ENTRY.name}"
        )
    before = names[: names.index(ENTRY.name)]
    if before:
        raise InputError(
            f"{name} has {', '.join(before)} before {ENTRY.name}, so that a radius around the "
            f"image is not known; defend it the other way round, {ENTRY.name} last"
        )
    drawing = [one for one in names[1:] if find_defence(one).random]
    if drawing:
        raise InputError(
            f"{name} has {', '.join(drawing)} behind {ENTRY.name}, which draws too, so that copies "
            "are not independent; certify a network without it"
        )
    settings = settings_of(defences[0])
    assert isinstance(settings, SmoothingSettings)
    return settings.sigma


def figures(found: Certificate) -> dict[str, Any]:
    """Return the radius, and the shares of the counted pixels, in [0, 1]."""
    total = max(int(found.counted.sum()), 1)
    share = float(found.certified.sum()) / total
    return {
        "radius": found.radius,
        "sigma": found.sigma,
        "pixels": int(found.counted.sum()),
        "share_certified": share,
        "share_abstained": 1.0 - share,
    }


def against_truth(
    found: Certificate, truth: Labels, valid: Pixels, classes: int
) -> dict[str, float]:
    """Return what is certified to be right, each in [0, 1] or NaN.

    Args:
        found: The certificate.
        truth: int64 (H, W).
        valid: bool (H, W), the pixels of it that count.
        classes: K.

    Returns:
        `certified_accuracy`: the share of pixels that are certified and right. `certified_iou`:
        the mean IoU of the foreground, where a pixel that abstains has no class, as in the paper.
        `guaranteed_iou`: the least that it can be within the radius, whatever becomes of the
        pixels that abstain.
    """
    asked = valid & found.counted
    sure, true, said = found.certified[asked], truth[asked], found.labels[asked]
    right = sure & (true == said)
    plain, worst = [], []
    for label in range(1, classes):
        both = int((right & (true == label)).sum())
        either = (true == label) | (sure & (said == label))
        plain.append(both / either.sum() if either.any() else math.nan)
        widest = int((either | ~sure).sum())
        worst.append(both / widest if widest else math.nan)
    return {
        "certified_accuracy": float(right.mean()) if right.size else math.nan,
        "certified_iou": _mean(plain),
        "guaranteed_iou": _mean(worst),
    }


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return float(np.mean(known)) if known else math.nan
