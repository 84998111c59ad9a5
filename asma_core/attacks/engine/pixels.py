"""What attacks ask of each pixel of the logits."""

from __future__ import annotations

from asma_core.attacks.engine.batch import AttackBatch
from asma_core.lazy import Tensor, torch


def margins(logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Return how far the strongest rival is above the target's logit, and which class it is.

    Args:
        logits: float32 (B, K, H, W).
        target: int64 (B, H, W).

    Returns:
        float32 (B, H, W), negative where the prediction is the target; int64 (B, H, W).
    """
    wanted = logits.gather(1, target[:, None])
    if logits.shape[1] == 2:
        rivals = 1 - target
        return (logits.gather(1, rivals[:, None]) - wanted)[:, 0], rivals
    others = logits.scatter(1, target[:, None], -torch.inf)
    strongest, rivals = others.max(dim=1)
    return strongest - wanted[:, 0], rivals


def typical_size(margin: Tensor, batch: AttackBatch) -> Tensor:
    """Return the median size of the margins of the pixels that count, float32 (B, 1, 1), above 0.

    Args:
        margin: float32 (B, H, W), of `margins`.
        batch: Of these images.
    """
    # What the logits are where nothing counts must not change a bit of any result.
    sizes = margin.abs().where(batch.valid, torch.nan).flatten(1)
    # A network that is certain nowhere has no scale: any serves.
    return sizes.nanmedian(dim=1).values.clamp_min(1e-6).view(-1, 1, 1)


def margin_weights(logits: Tensor, target: Tensor, rivals: Tensor, pull: Tensor) -> Tensor:
    """Return logit weights whose ascent lowers the margins, each by its own pull.

    Args:
        logits: float32 (B, K, H, W).
        target: int64 (B, H, W).
        rivals: int64 (B, H, W), of `margins`.
        pull: float32 (B, H, W), at least 0.

    Returns:
        float32 (B, K, H, W): pull at the target's logit, -pull at the rival's.
    """
    weights = torch.zeros_like(logits).scatter_(1, target[:, None], pull[:, None])
    return weights.scatter_(1, rivals[:, None], -pull[:, None])


def seeded() -> torch.Generator:
    """Return a generator on the CPU that hangs on the seed that torch was given alone."""
    return torch.Generator().manual_seed(torch.initial_seed() % 2**63)


def random_like(images: Tensor) -> Tensor:
    """Return uniform noise in [-1, 1], float32 (B, C, H, W): the same for every image.

    It hangs on the seed that torch was given (`torch.manual_seed`) and on the image's shape alone,
    so that a batch gives what single images give.
    """
    noise = torch.rand(images.shape[1:], generator=seeded()) * 2.0 - 1.0
    return noise.to(images).expand_as(images)


def entropy_weights(logits: Tensor, labels: Tensor, pull: Tensor) -> Tensor:
    """Return logit weights whose ascent lowers each pixel's cross-entropy, by its own pull.

    It is minus the gradient of sum_i pull_i CE(z_i, y_i): pull times (one-hot - softmax).

    Args:
        logits: float32 (B, K, H, W).
        labels: int64 (B, H, W).
        pull: float32 (B, H, W); negative to raise the cross-entropy.

    Returns:
        float32 (B, K, H, W).
    """
    weights = logits.softmax(dim=1).neg_()
    weights.scatter_add_(1, labels[:, None], torch.ones_like(weights[:, :1]))
    return weights.mul_(pull[:, None])


def keepable(values: Tensor, batch: AttackBatch, free: float) -> Tensor:
    """Return 1 where a constraint is to be kept: not on the worst pixels, which may stay wrong.

    Args:
        values: float32 (B, H, W), larger where worse.
        batch: Of these images.
        free: 1 - target IoU: about this share of the mask's structure may stay wrong.

    Returns:
        float32 (B, H, W), 0 on void pixels too.
    """
    structure = ((batch.target > 0) & batch.valid).flatten(1).sum(dim=1)
    may_stay = (free * structure).long()
    worst = values.where(batch.valid, -torch.inf).flatten(1)
    ranked = worst.topk(min(int(may_stay.max()) + 1, worst.shape[1]), dim=1).values
    edge = ranked.gather(1, may_stay.clamp_max(ranked.shape[1] - 1)[:, None])
    return ((values <= edge.view(-1, 1, 1)) & batch.valid).to(values)
