"""A backward pass goes through the last forward pass, to the images alone."""

import pytest
import torch
from torch import Tensor, nn

from asma_core.attacks.asma.attack import ASMA
from asma_core.attacks.asma.settings import DynamicConfig
from asma_core.attacks.contract import AttackInputs
from asma_core.attacks.engine.passes import GradientPasses
from asma_core.errors import ModelError


def network() -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.Tanh(), nn.Conv2d(4, 2, 3, padding=1))


def images(count: int) -> Tensor:
    return torch.rand(count, 3, 16, 16, generator=torch.Generator().manual_seed(5))


def test_logits_and_gradient_are_autograd_s() -> None:
    model, batch = network(), images(3)
    inputs = batch.clone().requires_grad_()
    logits = model(inputs)
    weights = torch.randn(logits.shape, generator=torch.Generator().manual_seed(7))
    (expected,) = torch.autograd.grad(logits, inputs, weights)
    passes = GradientPasses(model)
    found = passes.forward(batch)
    assert torch.equal(found, logits.detach())
    assert not found.requires_grad
    assert torch.equal(passes.backward(weights), expected)
    assert not batch.requires_grad


def test_one_forward_pass_serves_one_backward_pass() -> None:
    passes = GradientPasses(network())
    weights = torch.ones_like(passes.forward(images(1)))
    passes.backward(weights)
    with pytest.raises(ModelError, match="no gradient"):
        passes.backward(weights)
    with torch.no_grad():
        passes.forward(images(1))
    with pytest.raises(ModelError, match="no gradient"):
        passes.backward(weights)


def test_each_image_passes_once_a_step() -> None:
    model, seen = network(), []
    model.register_forward_hook(lambda _module, given, _output: seen.append(len(given[0])))
    target = torch.zeros(4, 16, 16, dtype=torch.int64)
    target[:, 4:12, 4:12] = 1
    config = DynamicConfig(steps=5, target_iou=1.0)
    results = ASMA(model, AttackInputs(images(4), target), config)
    assert [result.gradient_evaluations for result in results] == [5] * 4
    assert seen == [4] * 6  # the last forward pass measures the last image
