"""The paper's procedure, written plainly: two forward passes per step, one image at a time.

Source: arXiv:1907.13124, eq. 2 to 5, and the authors' public code: the distance term, alpha_0 = tau
and the gradients that flow into the weights too. Unlike there, what is measured is the clipped
image.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def mean_foreground_iou(prediction: Tensor, target: Tensor, classes: int) -> float:
    """Counted class by class."""
    found = []
    for number in range(1, classes):
        both = int(((prediction == number) & (target == number)).sum())
        either = int(((prediction == number) | (target == number)).sum())
        if either:
            found.append(both / either)
    return sum(found) / len(found)


def paper_images(
    model: nn.Module,
    image: Tensor,
    target: Tensor,
    *,
    adaptive: bool,
    dynamic: bool,
    multiplier: tuple[float, float],
    distance_weight: float,
    steps: int,
) -> tuple[list[Tensor], list[float]]:
    """Return the images x_0 to x_steps of one image (C, H, W), and their IoU with the target."""
    tau, beta = multiplier
    original = image[None].clone()
    current = original.clone()
    alpha = tau
    with torch.no_grad():
        classes = model(current).shape[1]
        ious = [mean_foreground_iou(model(current).argmax(1)[0], target, classes)]
    images = [current[0].clone()]
    for _ in range(steps):
        current = current.clone().requires_grad_()
        logits = model(current)
        prediction = logits.argmax(dim=1)[0]
        total = torch.zeros(())
        for number in range(classes):
            counted = target == number
            if adaptive:
                counted = counted & (prediction != number)
            total = total + (logits[0, number] * counted).sum()
        objective = total - distance_weight * ((current - original) ** 2).sum()
        objective.backward()
        current = (current.detach() + alpha * current.grad).clamp(0, 1)
        with torch.no_grad():
            measured = model(current).argmax(dim=1)[0]
        ious.append(mean_foreground_iou(measured, target, classes))
        images.append(current[0].clone())
        if dynamic:
            alpha = beta * ious[-1] + tau
    return images, ious
