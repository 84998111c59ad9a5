"""Void pixels pull at nothing."""

import torch

from asma_core.training.loop import without_void


def test_void_pixels_pull_at_nothing() -> None:
    torch.manual_seed(0)
    logits = torch.randn(1, 2, 8, 8, requires_grad=True)
    labels = torch.zeros(1, 1, 8, 8, dtype=torch.int64)
    labels[..., :4] = 255
    seen, truth = without_void(logits, labels)
    assert truth.max() == 0
    torch.nn.functional.cross_entropy(seen, truth[:, 0]).backward()
    assert logits.grad is not None
    assert logits.grad[..., :4].abs().max() == 0 and logits.grad[..., 4:].abs().min() > 0
