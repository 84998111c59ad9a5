"""ASMA, the Adaptive Segmentation Mask Attack, and its ablations SSM, SSM + DPM and ASM.

Source: Ozbulak, Van Messem, De Neve, "Impact of Adversarial Examples on Deep Learning Models for
Biomedical Image Segmentation", MICCAI 2019, arXiv:1907.13124.

Deviations, each a setting that can be turned off: the multipliers may be chosen from the first
gradient (`alpha`, `tau` and `beta` left automatic), the distance term then fades
(`distance_weight`), an image stops at its first success (`stop_at_target`), and the network sees
the image as rounded to 8 bits (`rounding`). The authors' code measures each step with a second
forward pass; here the step's own forward pass serves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from asma_core.attacks.asma.multipliers import Multipliers, Pace, gradient_rms
from asma_core.attacks.asma.settings import ConstantConfig, DynamicConfig, PaperConfig
from asma_core.attacks.contract import THE_PAPERS, AttackEntry
from asma_core.attacks.engine.batch import per_image
from asma_core.attacks.engine.loop import AttackRule, AttackState, RuleAttack
from asma_core.lazy import Tensor, torch


class _GradientAscent(AttackRule):
    """Ascend S(x) - lambda ||x - x_0||^2 with S(x) = sum_i a_i z_{y_i, i}(x).

    Source: arXiv:1907.13124, eq. 2 to 5. Adaptive: pixels that are at the target leave the sum
    (ASM), or they stay (SSM). With `DynamicConfig` the multiplier grows with the IoU (DPM).
    """

    keeps_shown: ClassVar[bool] = False

    def __init__(self, config: PaperConfig, adaptive: bool) -> None:
        self._config = config
        self._adaptive = adaptive
        self._multipliers: Multipliers | None = None
        self._pace: Pace | None = None
        self._chosen: Mapping[int, Mapping[str, float]] = {}

    def logit_weights(self, state: AttackState) -> Tensor:
        """a_i is 1 where the prediction is not at the target; everywhere if not adaptive."""
        counts = state.batch.valid
        if self._adaptive:
            counts = counts & (state.predictions != state.batch.target)
        return torch.zeros_like(state.logits).scatter_(
            1, state.batch.target[:, None], counts[:, None].to(state.logits.dtype)
        )

    def step(self, state: AttackState, gradient: Tensor) -> Tensor:
        """One ascent, clipped."""
        multipliers = self._multipliers or self._choose(state, gradient)
        alpha = multipliers.at(state.step, state.scores)
        if multipliers.automatic:
            alpha = alpha * self._raised(state)
        alpha = alpha.to(state.images)
        pull = 2.0 * multipliers.pull_at(state.step).to(state.images)
        ascent = gradient
        if bool(pull.any()):
            back = (state.images - state.batch.images).mul_(per_image(pull))
            ascent = torch.sub(gradient, back, out=back)
        return (ascent * per_image(alpha)).add_(state.images).clamp_(0.0, 1.0)

    def _raised(self, state: AttackState) -> Tensor:
        if self._pace is None:
            self._pace = Pace(self._config, state.scores)
        if self._pace.update(state.step, state.scores):
            factors = zip(state.batch.indices.tolist(), self._pace.raised.tolist(), strict=True)
            raised = {index: {"raised": factor} for index, factor in factors if factor > 1.0}
            self._chosen = {
                index: {**own, **raised.get(index, {})} for index, own in self._chosen.items()
            }
        return self._pace.raised

    def _choose(self, state: AttackState, gradient: Tensor) -> Multipliers:
        rms = gradient_rms(gradient, state.batch)
        self._multipliers = Multipliers.make(self._config, rms)
        named = self._multipliers.named(self._config)
        # Who is at the target, or has no gradient, takes no step by these.
        climbs = (gradient.flatten(1).any(dim=1).cpu() & ~state.success).tolist()
        rows = zip(state.batch.indices.tolist(), named, climbs, strict=True)
        self._chosen = {index: own for index, own, chosen in rows if chosen}
        return self._multipliers

    def select(self, rows: Tensor) -> None:
        """Drop the multipliers of the others."""
        if self._multipliers is not None:
            self._multipliers = self._multipliers.select(rows)
        if self._pace is not None:
            self._pace.select(rows)

    def chosen(self) -> Mapping[int, Mapping[str, float]]:
        """Return the multipliers of each image."""
        return self._chosen


SSM: Final = RuleAttack(ConstantConfig, lambda _, config: _GradientAscent(config, adaptive=False))
SSM_DPM: Final = RuleAttack(
    DynamicConfig, lambda _, config: _GradientAscent(config, adaptive=False)
)
ASM: Final = RuleAttack(ConstantConfig, lambda _, config: _GradientAscent(config, adaptive=True))
ASMA: Final = RuleAttack(DynamicConfig, lambda _, config: _GradientAscent(config, adaptive=True))

PAPER: Final = {"target_iou": 1.0, "steps": 2501, "stop_at_target": False, "rounding": False}
DYNAMIC_PRESETS: Final = {
    "quick": {"steps": 100, "target_iou": 0.9},
    "strong": {"steps": 1000, "target_iou": 0.99},
    "paper": PAPER | {"tau": 1e-7, "beta": 1e-6},
}
CONSTANT_PRESETS: Final = DYNAMIC_PRESETS | {"paper": PAPER | {"alpha": 1e-6}}

ENTRIES: Final = (
    AttackEntry(
        "asma",
        "ASMA",
        THE_PAPERS,
        "Raises the target's logit on the pixels that are not there yet; the multiplier grows "
        "with the overlap.",
        "arXiv:1907.13124, ASM + DPM",
        DynamicConfig,
        ASMA,
        DYNAMIC_PRESETS,
        monotone=True,
    ),
    AttackEntry(
        "asm",
        "ASM",
        THE_PAPERS,
        "As ASMA, with a constant multiplier.",
        "arXiv:1907.13124, eq. 4",
        ConstantConfig,
        ASM,
        CONSTANT_PRESETS,
        monotone=True,
    ),
    AttackEntry(
        "ssm-dpm",
        "SSM + DPM",
        THE_PAPERS,
        "Raises the target's logit on all pixels; the multiplier grows with the overlap.",
        "arXiv:1907.13124, eq. 3 and 5",
        DynamicConfig,
        SSM_DPM,
        DYNAMIC_PRESETS,
        monotone=True,
    ),
    AttackEntry(
        "ssm",
        "SSM",
        THE_PAPERS,
        "Raises the target's logit on all pixels, with a constant multiplier.",
        "arXiv:1907.13124, eq. 3",
        ConstantConfig,
        SSM,
        CONSTANT_PRESETS,
        monotone=True,
    ),
)
