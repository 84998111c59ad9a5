"""The paper's procedure as its authors run it, to be compared with.

One image at a time, a second forward pass per step for its IoU, and gradients that reach the
weights too. Source: arXiv:1907.13124 and the authors' public code (MIT licence), written anew.
"""

from __future__ import annotations

from typing import Final

from torch import Tensor, nn

from asma_core.metrics.overlap import confusion_matrix, foreground_iou

# Of tau, from the one that barely arrives to the one that is soon there and far away; beta is ten
# times tau, as in the authors' demo.
SCALES: Final = (1e-6, 3e-6, 1e-5, 3e-5, 1e-4)


def plain_asma(
    model: nn.Module,
    image: Tensor,
    target: Tensor,
    steps: int,
    tau: float,
    beta: float,
    distance_weight: float = 1.0,
    stop_at: float | None = None,
) -> tuple[Tensor, list[float]]:
    """Attack one image.

    Args:
        model: Returns logits; its weights want gradients.
        image: float32 (1, C, H, W) in [0, 1].
        target: int64 (1, H, W).
        steps: Updates.
        tau: Multiplier at IoU 0.
        beta: Growth of the multiplier with the IoU.
        distance_weight: Weight of the squared distance.
        stop_at: IoU at which to stop; the authors never do.

    Returns:
        The last image, and the IoU after each update.
    """
    adversarial, multiplier, ious = image.clone(), tau, []
    for _ in range(steps):
        adversarial = adversarial.detach().requires_grad_()
        logits = model(adversarial)
        wrong = logits.argmax(dim=1) != target
        wanted = logits.gather(1, target[:, None])[:, 0]
        score = (wanted * wrong).sum() - distance_weight * ((adversarial - image) ** 2).sum()
        model.zero_grad()
        score.backward()
        assert adversarial.grad is not None
        adversarial = (adversarial + multiplier * adversarial.grad).detach().clamp(0.0, 1.0)
        prediction = model(adversarial).argmax(dim=1)
        counts = confusion_matrix(
            prediction[0].cpu().numpy(), target[0].cpu().numpy(), logits.shape[1]
        )
        ious.append(foreground_iou(counts))
        multiplier = beta * ious[-1] + tau
        if stop_at is not None and ious[-1] >= stop_at:
            break
    return adversarial, ious
