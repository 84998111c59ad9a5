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

import torch
from torch import Tensor

from asma_core.attacks.configs import ConstantConfig, DynamicConfig, PaperConfig
from asma_core.attacks.engine.batch import per_image
from asma_core.attacks.engine.loop import Look, Method, MethodAttack
from asma_core.attacks.engine.multipliers import Multipliers, gradient_rms


class _Climb(Method):
    """Ascend S(x) - lambda ||x - x_0||^2 with S(x) = sum_i a_i z_{y_i, i}(x).

    Source: arXiv:1907.13124, eq. 2 to 5. Adaptive: pixels that are at the target leave the sum
    (ASM), or they stay (SSM). With `DynamicConfig` the multiplier grows with the IoU (DPM).
    """

    keeps_shown: ClassVar[bool] = False

    def __init__(self, config: PaperConfig, adaptive: bool) -> None:
        self._config = config
        self._adaptive = adaptive
        self._multipliers: Multipliers | None = None
        self._chosen: Mapping[int, Mapping[str, float]] = {}

    def weights(self, look: Look) -> Tensor:
        """a_i is 1 where the prediction is not at the target; everywhere if not adaptive."""
        counts = look.problem.valid
        if self._adaptive:
            counts = counts & (look.predictions != look.problem.target)
        return torch.zeros_like(look.logits).scatter_(
            1, look.problem.target[:, None], counts[:, None].to(look.logits.dtype)
        )

    def move(self, look: Look, gradient: Tensor) -> Tensor:
        """One ascent, clipped."""
        multipliers = self._multipliers or self._choose(look, gradient)
        alpha = multipliers.at(look.step, look.scores).to(look.images)
        pull = 2.0 * multipliers.pull_at(look.step).to(look.images)
        ascent = gradient
        if bool(pull.any()):
            back = (look.images - look.problem.images).mul_(per_image(pull))
            ascent = torch.sub(gradient, back, out=back)
        return (ascent * per_image(alpha)).add_(look.images).clamp_(0.0, 1.0)

    def _choose(self, look: Look, gradient: Tensor) -> Multipliers:
        rms = gradient_rms(gradient, look.problem)
        self._multipliers = Multipliers.make(self._config, rms)
        named = self._multipliers.named(self._config)
        rows = zip(look.problem.indices.tolist(), named, look.success.tolist(), strict=True)
        self._chosen = {index: own for index, own, at_target in rows if not at_target}
        return self._multipliers

    def only(self, rows: Tensor) -> None:
        """Drop the multipliers of the others."""
        if self._multipliers is not None:
            self._multipliers = self._multipliers.only(rows)

    def chosen(self) -> Mapping[int, Mapping[str, float]]:
        """Return the multipliers of each image."""
        return self._chosen


SSM: Final = MethodAttack(ConstantConfig, lambda _, config: _Climb(config, adaptive=False))
SSM_DPM: Final = MethodAttack(DynamicConfig, lambda _, config: _Climb(config, adaptive=False))
ASM: Final = MethodAttack(ConstantConfig, lambda _, config: _Climb(config, adaptive=True))
ASMA: Final = MethodAttack(DynamicConfig, lambda _, config: _Climb(config, adaptive=True))
