"""A batch in pieces on threads gives what it gives in one piece."""

import pytest
import torch
from torch import Tensor, nn

from asma_core.attacks import passes as passes_module
from asma_core.attacks.asma import ASMA
from asma_core.attacks.configs import DynamicConfig
from asma_core.attacks.passes import Passes
from asma_core.errors import ModelError


def network() -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.Tanh(), nn.Conv2d(4, 2, 3, padding=1))


def images(count: int) -> Tensor:
    return torch.rand(count, 3, 16, 16, generator=torch.Generator().manual_seed(5))


@pytest.fixture(params=[1, 2, 3])
def cores(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Pretend that the machine has some cores, and that every batch is worth spreading."""
    count: int = request.param
    monkeypatch.setattr(passes_module, "LEAST_VALUES", 0)
    monkeypatch.setattr(torch, "get_num_threads", lambda: count)
    monkeypatch.setattr(torch, "set_num_threads", lambda _: None)
    return count


@pytest.mark.parametrize("count", [1, 2, 5])
def test_logits_and_gradient_are_those_of_the_whole_batch(cores: int, count: int) -> None:
    model, batch = network(), images(count)
    inputs = batch.clone().requires_grad_()
    logits = model(inputs)
    weights = torch.randn(logits.shape, generator=torch.Generator().manual_seed(7))
    (expected,) = torch.autograd.grad(logits, inputs, weights)
    with Passes(model, batch) as spread:
        torch.testing.assert_close(spread.forward(batch), logits.detach())
        torch.testing.assert_close(spread.backward(weights), expected)
        # A batch out of which the finished images were taken.
        torch.testing.assert_close(spread.forward(batch[:1]), logits[:1].detach())


def test_each_image_passes_once_a_step(cores: int) -> None:
    model, seen = network(), []
    model.register_forward_hook(lambda _module, given, _output: seen.append(len(given[0])))
    target = torch.zeros(4, 16, 16, dtype=torch.int64)
    target[:, 4:12, 4:12] = 1
    config = DynamicConfig(steps=5, target_iou=1.0)
    results = ASMA(model, images(4), target, config)
    assert [result.gradient_evaluations for result in results] == [5] * 4
    assert sum(seen) == 4 * 6  # the last forward pass measures the last image
    assert len(seen) == 6 * min(cores, 4)


def test_a_fault_in_a_piece_comes_out_and_the_threads_end(cores: int) -> None:
    def broken(_: Tensor) -> Tensor:
        raise ModelError("broken")

    model = nn.Identity()
    model.forward = broken  # type: ignore[method-assign]
    with pytest.raises(ModelError, match="broken"), Passes(model, images(4)) as spread:
        spread.forward(images(4))


def test_the_number_of_threads_is_left_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes_module, "LEAST_VALUES", 0)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with Passes(network(), images(4)) as spread:
            spread.forward(images(4))
            assert torch.get_num_threads() == 2
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
