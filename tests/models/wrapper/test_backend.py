"""Backends: a faster way to the same answer, and the network itself has the last word."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from asma_core.attacks.contract import AttackInputs
from asma_core.attacks.minimal.attack import MINIMAL
from asma_core.attacks.minimal.settings import MinimalConfig
from asma_core.errors import DeviceError
from asma_core.metrics.overlap import confusion_matrix, foreground_iou
from asma_core.models.sources.cards import find_card
from asma_core.models.sources.loading import load_model
from asma_core.models.wrapper import backend as backend_module
from asma_core.models.wrapper.backend import Backend, check_precision, float32_sums, make_backend
from asma_core.models.wrapper.precision import AUTO, BFLOAT16, FLOAT32, TF32
from tests import tiny
from tests.attacks.networks import disc, small_network, some_images

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _forget() -> None:
    make_backend.cache_clear()


def test_float32_is_the_network_itself() -> None:
    network, images = small_network(), some_images(2)
    backend = make_backend(network, CPU)
    assert (backend.precision, backend.rounds) == (FLOAT32, False)
    assert torch.equal(backend(images), network(images))


def test_bfloat16_takes_and_gives_float32_and_passes_gradients() -> None:
    network, images = small_network(), some_images(1).requires_grad_()
    backend = make_backend(network, CPU, BFLOAT16)
    logits = backend(images)
    assert logits.dtype == torch.float32 and backend.rounds
    assert not torch.equal(logits, network(images))
    torch.testing.assert_close(logits, network(images), atol=0.1, rtol=0.1)
    (gradient,) = torch.autograd.grad(logits.sum(), images)
    (exact,) = torch.autograd.grad(network(images).sum(), images)
    assert gradient.dtype == torch.float32
    assert float(torch.cosine_similarity(gradient.flatten(), exact.flatten(), dim=0)) > 0.98
    assert torch.equal(backend.exact(images.detach()), network(images))


@pytest.mark.parametrize("name", [tiny.MODEL, tiny.THREE])
def test_bfloat16_reaches_the_same_at_nearly_the_same_l2(home: Path, name: str) -> None:
    tiny.furnish(home)
    network, classes = load_model(find_card(name), CPU), tiny.CLASSES[name]
    images = torch.cat([torch.from_numpy(tiny.inputs(row).image)[None] for row in range(6)])
    masks = torch.stack([torch.from_numpy(tiny.mask_labels(7 - n, classes)) for n in range(6)])
    config = MinimalConfig(steps=80, target_iou=0.8)
    exact = MINIMAL(network, AttackInputs(images, masks), config)
    rounded = MINIMAL(make_backend(network, CPU, BFLOAT16), AttackInputs(images, masks), config)
    assert [result.success for result in rounded] == [result.success for result in exact]
    assert any(result.success for result in exact)
    lengths = [sum(result.best.l2 for result in some) for some in (exact, rounded)]
    assert lengths[1] == pytest.approx(lengths[0], rel=0.1)


class _Deceived(Backend):
    """A backend whose rounding sees the target everywhere; the network itself does not."""

    def __init__(self, network: nn.Module, target: Tensor) -> None:
        super().__init__(network, BFLOAT16, CPU)
        self._target = target

    def forward(self, images: Tensor) -> Tensor:
        wanted = nn.functional.one_hot(self._target, 2).movedim(-1, 1).float()
        return self.network(images) * 1e-6 + wanted[: len(images)]


def test_a_success_that_only_the_backend_sees_is_none() -> None:
    network, images, masks = small_network(), some_images(1), disc(1)
    config = MinimalConfig(steps=5, target_iou=0.99)
    (result,) = MINIMAL(_Deceived(network, masks), AttackInputs(images, masks), config)
    assert not result.success
    assert all(now.score < 0.99 for now in result.trajectory)


def test_precisions_that_there_are_not_are_sentences() -> None:
    with pytest.raises(DeviceError, match="choose auto, float32"):
        check_precision("float8", CPU)
    with pytest.raises(DeviceError, match="no TF32"):
        check_precision(TF32, CPU)


@pytest.mark.parametrize(("capability", "chosen"), [((7, 5), FLOAT32), ((8, 0), TF32)])
def test_auto_is_tf32_on_gpus_that_have_it(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], chosen: str
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert check_precision(AUTO, torch.device("cuda", 0)) == chosen


def test_the_setting_of_float32_sums_is_put_back() -> None:
    places = (torch.backends.cudnn.conv, torch.backends.cuda.matmul)
    before = [place.fp32_precision for place in places]
    with pytest.raises(RuntimeError, match="in the middle"), float32_sums(TF32):
        assert [place.fp32_precision for place in places] == ["tf32", "tf32"]
        with float32_sums(FLOAT32):
            assert [place.fp32_precision for place in places] == ["ieee", "ieee"]
        raise RuntimeError("in the middle")
    assert [place.fp32_precision for place in places] == before


def test_a_network_is_compiled_once_for_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[int, ...]] = []

    def compiled(network: nn.Module, **_: object) -> nn.Module:
        class Counted(nn.Module):
            def forward(self, images: Tensor) -> Tensor:
                calls.append(tuple(images.shape))
                return network(images) + 1e-7

        return Counted()

    monkeypatch.setattr(backend_module.torch, "compile", compiled)
    backend = make_backend(small_network(), CPU)
    images = some_images(2)
    assert backend.compiled_for(images[:1]) == "" == backend.compiled_for(images[:1])
    assert calls == [(1, 3, 32, 32)]
    assert backend.rounds
    backend(images[:1])
    backend(images)
    assert calls == [(1, 3, 32, 32)] * 2


def test_where_it_can_not_be_compiled_the_reason_is_told_and_it_runs_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(network: nn.Module, **_: object) -> nn.Module:
        raise RuntimeError("no C++ compiler\nand a long trace")

    monkeypatch.setattr(backend_module.torch, "compile", broken)
    backend, images = make_backend(small_network(), CPU), some_images(1)
    said = backend.compiled_for(images)
    assert said == "The network could not be compiled (no C++ compiler); it ran as is."
    assert backend.compiled_for(images) == said
    assert torch.equal(backend(images), backend.network(images)) and not backend.rounds


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
@pytest.mark.parametrize("precision", [FLOAT32, TF32, BFLOAT16])
def test_what_a_gpu_calls_a_success_is_one_in_float32(precision: str) -> None:
    device = torch.device("cuda", 0)
    network = small_network().to(device)
    images, masks = some_images(4).to(device), disc(4).to(device)
    backend = make_backend(network, device, precision)
    with float32_sums(backend.precision):
        results = MINIMAL(
            backend, AttackInputs(images, masks), MinimalConfig(steps=80, target_iou=0.9)
        )
    for result, mask in zip(results, masks.cpu().numpy(), strict=True):
        logits = backend.exact(result.adversarial[None].to(device))
        matrix = confusion_matrix(logits.argmax(dim=1)[0].cpu().numpy(), mask, 2)
        assert result.success and foreground_iou(matrix) >= 0.9


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_a_gpu_compiles_or_says_why() -> None:
    device = torch.device("cuda", 0)
    network, images = small_network().to(device), some_images(1).to(device)
    backend = make_backend(network, device)
    said = backend.compiled_for(images)
    assert said == "" or "could not be compiled" in said
    torch.testing.assert_close(backend(images), network(images), atol=1e-2, rtol=1e-2)
