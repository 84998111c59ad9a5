"""The mean of several answers of a network."""

from __future__ import annotations

import math
from collections.abc import Iterable

from asma_core.lazy import Tensor, torch


def mean_answer(answers: Iterable[Tensor]) -> Tensor:
    """Return the logarithm of the mean probabilities, which are logits, (B, K, H, W).

    Args:
        answers: Logits of that shape, at least one.
    """
    # In logarithms: a probability that rounds to 0 would end the gradient.
    total: Tensor | None = None
    count = 0
    for logits in answers:
        one = logits.log_softmax(dim=1)
        total = one if total is None else torch.logaddexp(total, one)
        count += 1
    if total is None:
        raise ValueError("no answer to average")
    return total - math.log(count)
