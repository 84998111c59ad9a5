"""A step of the paper's procedure, written plainly: two forward passes, one image at a time.

Source: arXiv:1907.13124, eq. 2 to 5, and the authors' public code: the distance term, alpha_0 = tau
and the gradients that flow into the weights too. Unlike there, what is measured is the clipped
image.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

# Logits of a pixel that are closer to each other than this may change places by rounding.
ROUNDING = 1e-5


def mean_foreground_iou(prediction: Tensor, target: Tensor, classes: int) -> float:
    """Counted class by class."""
    found = []
    for number in range(1, classes):
        both = int(((prediction == number) & (target == number)).sum())
        either = int(((prediction == number) | (target == number)).sum())
        if either:
            found.append(both / either)
    return sum(found) / len(found)


def assert_seen(logits: Tensor, prediction: Tensor) -> None:
    """Check a prediction, (H, W), but for pixels that rounding may move over the border."""
    first, second = logits.detach()[0].topk(2, dim=0).values
    wrong = logits.argmax(dim=1)[0] != prediction
    assert not bool((wrong & (first - second > ROUNDING)).any())


def paper_step(
    model: nn.Module,
    original: Tensor,
    current: Tensor,
    prediction: Tensor,
    target: Tensor,
    *,
    adaptive: bool,
    multiplier: tuple[float, float],
    distance_weight: float,
) -> tuple[Tensor, float]:
    """Return the image x_{n+1} after x_n, both (C, H, W), and the IoU of x_n.

    Args:
        model: The network.
        original: x_0.
        current: x_n.
        prediction: What the attack saw in x_n, (H, W); it is checked.
        target: (H, W).
        adaptive: Whether pixels at the target leave the sum.
        multiplier: alpha_n is the first, and the second times the IoU.
        distance_weight: Of the distance term.
    """
    given = current[None].clone().requires_grad_()
    logits = model(given)
    assert_seen(logits, prediction)
    iou = mean_foreground_iou(prediction, target, logits.shape[1])
    total = torch.zeros(())
    for number in range(logits.shape[1]):
        counted = target == number
        if adaptive:
            counted = counted & (prediction != number)
        total = total + (logits[0, number] * counted).sum()
    objective = total - distance_weight * ((given - original[None]) ** 2).sum()
    objective.backward()
    assert given.grad is not None
    alpha = multiplier[0] + multiplier[1] * iou
    return (given.detach() + alpha * given.grad).clamp(0, 1)[0], iou
