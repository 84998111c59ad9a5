"""What every attack promises: budget, box, region, void, best kept, nothing left changed."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from asma_core.attacks.asma.attack import (
    ASM,
    ASMA,
    SSM,
    SSM_DPM,
)
from asma_core.attacks.asma.settings import ConstantConfig, DynamicConfig
from asma_core.attacks.contract import AttackInputs, AttackResult, OnStep, StepReport
from asma_core.attacks.engine.batch import as_saved
from asma_core.data.formats.images import encode_png, read_image, to_bytes
from asma_core.errors import InputError, ModelError
from asma_core.metrics.overlap import confusion_matrix, foreground_iou
from asma_core.models.sources.cards import InputSpec
from asma_core.models.sources.loading import predict
from asma_core.models.wrapper.contract import SegmentationModel
from tests.attacks.along import assert_batch_equals_singles
from tests.attacks.networks import Linear, disc, small_network, some_images

ALL = [SSM, SSM_DPM, ASM, ASMA]


class Answering(nn.Module):
    """A network that answers what a function of the images says."""

    def __init__(self, function: object) -> None:
        super().__init__()
        self.function = function

    def forward(self, images: Tensor) -> object:
        return self.function(images)


@settings(max_examples=8)
@given(seed=st.integers(0, 2**16), big=st.booleans(), rounding=st.booleans())
def test_box_region_and_steps_hold_exactly(seed: int, big: bool, rounding: bool) -> None:
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand(2, 3, 16, 16, generator=generator)
    images[:, :, :3] = 0.0
    images[:, :, -3:] = 1.0
    region = torch.rand(2, 16, 16, generator=generator) < 0.5
    config = ConstantConfig(alpha=10.0 if big else 1e-3, steps=5, rounding=rounding, target_iou=1.0)
    seen: list[Tensor] = []
    results = SSM(
        small_network(),
        AttackInputs(images, disc(2, size=16), region=region),
        config,
        on_step=lambda report: seen.append(report.pictures().images),
    )
    for image, kept, result in zip(images, region, results, strict=True):
        outside = ~kept.expand_as(image)
        assert torch.equal(result.adversarial[outside], image[outside])
        assert result.steps <= 5
    for step in seen:
        assert float(step.min()) >= 0.0
        assert float(step.max()) <= 1.0
    if big:
        assert float(seen[-1].max()) == 1.0


def test_void_pixels_neither_count_nor_steer() -> None:
    network = Linear((1.0,), bias=-0.5)
    image = torch.full((1, 1, 16, 16), 0.25)
    target = torch.zeros(1, 16, 16, dtype=torch.int64)
    target[:, 4:12, 4:12] = 1
    valid = torch.ones(1, 16, 16, dtype=torch.bool)
    valid[:, :, 8:] = False
    config = ConstantConfig(steps=400, target_iou=1.0)
    (result,) = ASM(network, AttackInputs(image, target, valid=valid), config)
    assert result.success
    assert result.best.iou == 1.0
    assert result.best.pixel_accuracy == 1.0
    assert torch.equal(result.adversarial[..., 8:], image[0, ..., 8:])
    # What the target says of void pixels is never read, not even a class that there is not.
    elsewhere = target.where(valid, 255)
    (same,) = ASM(network, AttackInputs(image, elsewhere, valid=valid), config)
    assert torch.equal(same.adversarial, result.adversarial)


def test_cancel_returns_the_best_so_far() -> None:
    images, targets = some_images(2), disc(2)
    config = DynamicConfig(steps=50, target_iou=1.0)
    results = ASMA(
        small_network(),
        AttackInputs(images, targets),
        config,
        on_step=lambda report: report.step == 7,
    )
    for result in results:
        assert result.ending == "cancelled"
        assert result.steps == 7
        assert result.gradient_evaluations == 7
        assert result.best.score == max(now.score for now in result.trajectory)
        assert result.best.score > result.trajectory[0].score


def test_cancel_before_the_first_update_returns_the_original() -> None:
    images, targets = some_images(1), disc(1)
    (result,) = ASMA(
        small_network(), AttackInputs(images, targets), DynamicConfig(), on_step=lambda _: True
    )
    assert (result.steps, result.ending, result.success) == (0, "cancelled", False)
    assert torch.equal(result.adversarial, images[0])


def test_cancel_after_the_last_update_is_no_cancel() -> None:
    config = DynamicConfig(steps=3, target_iou=1.0)
    (result,) = ASMA(
        small_network(),
        AttackInputs(some_images(1), disc(1)),
        config,
        on_step=lambda report: report.step == 3,
    )
    assert (result.steps, result.ending) == (3, "steps used")


def test_of_a_trajectory_that_gets_worse_the_earlier_image_is_kept() -> None:
    follower: list[Tensor] = []
    config = ConstantConfig(alpha=1.0, steps=9, target_iou=1.0, rounding=False)
    (result,) = SSM(
        small_network(),
        AttackInputs(some_images(1), disc(1)),
        config,
        on_step=lambda report: follower.append(report.pictures().images[0]),
    )
    scores = [now.score for now in result.trajectory]
    assert scores[-1] < max(scores)
    assert result.best.step == scores.index(max(scores))
    assert torch.equal(result.adversarial, follower[result.best.step])


def test_of_two_successes_the_nearer_one_is_kept() -> None:
    config = DynamicConfig(steps=60, target_iou=0.6, stop_at_target=False)
    (result,) = ASMA(small_network(), AttackInputs(some_images(1), disc(1)), config)
    successes = [now for now in result.trajectory if now.score >= 0.6]
    assert len(successes) > 1
    assert result.success
    assert result.ending == "steps used"
    assert result.best == min(successes, key=lambda now: now.l2)


@pytest.mark.parametrize("seed", range(4))
def test_success_is_what_the_file_gives_when_it_is_read_back(seed: int) -> None:
    spec = InputSpec(channels=3, size=48, multiple=8, mean=(0.5,) * 3, std=(0.25,) * 3)
    model = SegmentationModel(small_network(seed=seed), spec, ("a", "b")).eval()
    images, targets = some_images(1, seed=seed), disc(1)
    (result,) = ASMA(model, AttackInputs(images, targets), DynamicConfig(target_iou=0.9, steps=60))
    saved = read_image(encode_png(to_bytes(result.adversarial.numpy())))
    seen = predict(model, saved, torch.device("cpu"))
    iou = foreground_iou(confusion_matrix(seen, targets[0].numpy(), 2))
    assert result.best.iou == iou
    assert result.success == (iou >= 0.9)


def test_hide_counts_the_share_of_the_structure_that_is_gone() -> None:
    network, images = small_network(), some_images(1)
    nothing = torch.zeros(1, 32, 32, dtype=torch.int64)
    before = network(images).argmax(dim=1)
    assert before.any()
    (result,) = ASMA(network, AttackInputs(images, nothing), DynamicConfig(target_iou=0.95))
    after = network(as_saved(result.adversarial[None])).argmax(dim=1)
    left = int(((before > 0) & (after > 0)).sum()) / int((before > 0).sum())
    assert result.success
    assert result.best.score == pytest.approx(1 - left)
    assert math.isnan(result.best.iou)
    assert result.trajectory[0].score == 0.0


def test_hiding_what_is_not_there_is_done_at_once() -> None:
    network = Linear((1.0,), bias=-2.0)
    nothing = torch.zeros(1, 16, 16, dtype=torch.int64)
    (result,) = ASMA(network, AttackInputs(some_images(1, 1, 16), nothing), DynamicConfig())
    assert (result.steps, result.ending, result.best.score) == (0, "already there", 1.0)
    assert not result.success


def test_one_forward_and_one_backward_per_step_and_none_to_the_weights() -> None:
    network = small_network()
    counts = {"forward": 0, "backward": 0}

    def forward(module: nn.Module, given: object, output: Tensor) -> None:
        counts["forward"] += 1
        assert not any(weight.requires_grad for weight in module.parameters())
        output.register_hook(lambda _: counts.update(backward=counts["backward"] + 1))

    network.register_forward_hook(forward)
    config = DynamicConfig(steps=12, target_iou=1.0)
    results = ASMA(network, AttackInputs(some_images(3), disc(3)), config)
    assert [result.gradient_evaluations for result in results] == [12] * 3
    assert [result.forward_passes for result in results] == [13] * 3
    # The last forward measures the last image.
    assert counts == {"forward": 13, "backward": 12}


def left_as_found(network: nn.Module, attack: object) -> None:
    network.train()
    network[1].eval()
    network[0].bias.requires_grad_(False)
    network[0].weight.grad = torch.ones_like(network[0].weight)
    modes = [module.training for module in network.modules()]
    wanted = [weight.requires_grad for weight in network.parameters()]
    state = {name: value.clone() for name, value in network.state_dict().items()}
    images, targets = some_images(2), disc(2)
    copies = images.clone(), targets.clone()
    attack(images, targets)
    assert [module.training for module in network.modules()] == modes
    assert [weight.requires_grad for weight in network.parameters()] == wanted
    assert torch.equal(network[0].weight.grad, torch.ones_like(network[0].weight))
    assert all(weight.grad is None for weight in list(network.parameters())[1:])
    for name, value in network.state_dict().items():
        assert torch.equal(value, state[name])
    assert torch.equal(images, copies[0])
    assert torch.equal(targets, copies[1])
    assert not images.requires_grad
    assert images.grad is None


@pytest.mark.parametrize("rounding", [True, False])
def test_model_and_inputs_are_left_as_found(rounding: bool) -> None:
    network, config = small_network(), DynamicConfig(steps=3, rounding=rounding)
    left_as_found(
        network, lambda images, targets: ASMA(network, AttackInputs(images, targets), config)
    )


def test_model_and_inputs_are_left_as_found_after_an_exception() -> None:
    network = small_network()

    def stop(report: StepReport) -> None:
        if report.step == 2:
            raise KeyError("a bug in who watches")

    def attack(images: Tensor, targets: Tensor) -> None:
        with pytest.raises(KeyError):
            ASMA(network, AttackInputs(images, targets), DynamicConfig(), on_step=stop)

    left_as_found(network, attack)


@pytest.mark.parametrize("quiet", [torch.no_grad, torch.inference_mode])
def test_it_works_where_gradients_are_turned_off(quiet: type) -> None:
    network, config = small_network(), DynamicConfig(steps=3)
    (expected,) = ASMA(network, AttackInputs(some_images(1), disc(1)), config)
    with quiet():
        (result,) = ASMA(network, AttackInputs(some_images(1), disc(1)), config)
    assert torch.equal(result.adversarial, expected.adversarial)


def test_a_network_without_padding_answers_on_a_smaller_map() -> None:
    network = small_network(padding=0)
    images, targets = some_images(1), disc(1, size=26)
    (result,) = ASMA(network, AttackInputs(images, targets), DynamicConfig(target_iou=0.8))
    assert result.success
    with pytest.raises(InputError, match=r"shape \(26, 26\), got \(32, 32\)"):
        ASMA(network, AttackInputs(images, disc(1)), DynamicConfig())


class TurnsBad(nn.Module):
    """Answers well at first and then not."""

    def __init__(self, bad: float, after: int) -> None:
        super().__init__()
        self.network, self.bad, self.left = small_network(), bad, after

    def forward(self, images: Tensor) -> Tensor:
        self.left -= 1
        logits = self.network(images)
        return logits if self.left >= 0 else logits.masked_fill(logits > 0, self.bad)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_logits_of_an_original_that_are_not_finite_end_in_a_clear_error(bad: float) -> None:
    with pytest.raises(ModelError, match="NaN or infinite logits"):
        ASMA(TurnsBad(bad, 0), AttackInputs(some_images(1), disc(1)), DynamicConfig())


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_logits_that_are_not_finite_later_end_the_attack_with_what_it_had(bad: float) -> None:
    (result,) = ASMA(TurnsBad(bad, 3), AttackInputs(some_images(1), disc(1)), DynamicConfig())
    assert (result.steps, result.ending) == (2, "NaN or infinite values")
    assert (len(result.trajectory), result.success) == (3, False)
    assert result.best == max(result.trajectory, key=lambda now: now.score)


def test_a_gradient_that_is_not_finite_ends_the_attack() -> None:
    # The root's gradient at 0 is infinite, and what the network gives for NaN is finite.
    network = small_network()
    rooted = Answering(
        lambda images: network(torch.nan_to_num(images - images.mean()).abs().sqrt())
    )
    images = torch.full((1, 3, 32, 32), 0.5)
    (result,) = SSM(rooted, AttackInputs(images, disc(1)), ConstantConfig())
    assert (result.steps, result.ending, result.success) == (0, "NaN or infinite values", False)
    assert torch.equal(result.adversarial, images[0])


def saturated(images: Tensor) -> Tensor:
    return torch.sigmoid((images[:, :2] - 2.0) * 1e4)


def hard_mask(images: Tensor) -> Tensor:
    return nn.functional.one_hot(images.argmax(dim=1), 3).movedim(-1, 1).float()


def deaf(images: Tensor) -> Tensor:
    return torch.tensor([1.0, 0.0]).view(1, 2, 1, 1).expand(len(images), 2, 32, 32)


@pytest.mark.parametrize("attack", ALL)
def test_an_image_without_gradient_ends_at_once(attack: object) -> None:
    inputs = AttackInputs(some_images(1), disc(1))
    (result,) = attack(Answering(saturated), inputs, attack.config())
    assert (result.steps, result.gradient_evaluations) == (0, 1)
    assert (result.ending, result.success) == ("no gradient", False)
    assert dict(result.chosen) == {}


@pytest.mark.parametrize("function", [hard_mask, deaf])
@pytest.mark.parametrize("attack", ALL)
def test_a_network_without_gradient_ends_in_a_clear_error(attack: object, function: object) -> None:
    with pytest.raises(ModelError, match="no gradient"):
        attack(Answering(function), AttackInputs(some_images(1), disc(1)), attack.config())


def test_a_region_that_does_not_matter_ends_the_attack_at_once() -> None:
    region = torch.zeros(1, 16, 16, dtype=torch.bool)
    region[:, 0, 0] = True
    target = torch.zeros(1, 16, 16, dtype=torch.int64)
    target[:, 8:] = 1
    valid = target.bool()
    image = torch.full((1, 1, 16, 16), 0.25)
    inputs = AttackInputs(image, target, valid=valid, region=region)
    (result,) = SSM(Linear((1.0,), -0.5), inputs, ConstantConfig())
    assert (result.steps, result.ending) == (0, "no gradient")


@pytest.mark.parametrize(
    "answer",
    [
        lambda images: (images, images),
        lambda images: {"out": images},
        lambda images: images[:, :1],
        lambda images: images.argmax(dim=1),
        lambda images: images.long(),
    ],
)
def test_what_is_no_logits_ends_in_a_clear_error(answer: object) -> None:
    with pytest.raises(ModelError, match="expected logits"):
        ASMA(Answering(answer), AttackInputs(some_images(1), disc(1)), DynamicConfig())


IMAGES, TARGETS = torch.rand(2, 3, 16, 16), torch.ones(2, 16, 16, dtype=torch.int64)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"images": IMAGES[0]}, "expected images of float32"),
        ({"images": IMAGES.double()}, "expected images of float32"),
        ({"images": (IMAGES * 255).byte()}, "expected images of float32"),
        ({"images": IMAGES[:0], "target": TARGETS[:0]}, "expected images of float32"),
        ({"images": IMAGES * 255}, "divide 8-bit values by 255"),
        ({"images": IMAGES - 1}, r"in \[0, 1\]"),
        ({"images": IMAGES * math.nan}, r"in \[0, 1\]"),
        ({"target": TARGETS[0]}, r"target mask of int64 \(2, H, W\)"),
        ({"target": TARGETS[:1]}, r"target mask of int64 \(2, H, W\)"),
        ({"target": TARGETS.int()}, "target mask of int64"),
        ({"target": TARGETS[:, :8]}, r"shape \(16, 16\), got \(8, 16\)"),
        ({"target": TARGETS * 2}, "class 2; the network has 0 to 1"),
        ({"target": TARGETS * -1}, "class -1; the network has 0 to 1"),
        ({"valid": TARGETS}, "valid mask of bool"),
        ({"valid": TARGETS.bool()[:, :3]}, "valid mask of bool"),
        ({"valid": ~TARGETS.bool()}, "valid mask of an image is empty"),
        ({"region": TARGETS.bool()[0]}, "region mask of bool"),
        ({"region": ~TARGETS.bool()}, "region mask of an image is empty"),
        ({"config": ConstantConfig()}, "expected settings of DynamicConfig"),
    ],
)
def test_inputs_that_do_not_fit_are_told(changed: dict[str, object], sentence: str) -> None:
    given = {"images": IMAGES, "target": TARGETS} | changed
    config = given.pop("config", DynamicConfig())
    with pytest.raises(InputError, match=sentence):
        ASMA(small_network(), AttackInputs(**given), config)


def test_figures_are_those_of_the_metrics() -> None:
    network, images, targets = small_network(3), some_images(2), disc(2, classes=3)
    reports: list[tuple[StepReport, object]] = []
    config = DynamicConfig(steps=4, rounding=False)
    ASMA(
        network,
        AttackInputs(images, targets),
        config,
        on_step=lambda report: reports.append((report, report.pictures())),
    )
    for report, pictures in reports:
        for now, image, seen in zip(
            report.images, pictures.images, pictures.predictions, strict=True
        ):
            change = (image - images[now.index]).numpy().astype(np.float64)
            matrix = confusion_matrix(seen.numpy(), targets[now.index].numpy(), 3)
            assert now.iou == foreground_iou(matrix)
            assert now.l2 == pytest.approx(float(np.sqrt((change**2).sum())), rel=1e-5)
            assert now.linf == pytest.approx(float(np.abs(change).max()), rel=1e-6)
            expected = float((seen == targets[now.index]).float().mean())
            assert now.pixel_accuracy == pytest.approx(expected)


@pytest.mark.gpu
def test_a_gpu_gives_what_the_cpu_gives() -> None:
    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA device")
    network, images, targets = small_network(), some_images(3), disc(3)
    targets[1] = network(images).argmax(dim=1)[1]
    config = DynamicConfig(steps=20, target_iou=1.0, rounding=False)
    given = [images, targets, *torch.ones(2, *targets.shape, dtype=torch.bool)]

    def attack(model: nn.Module, rows: slice, on_step: OnStep) -> list[AttackResult]:
        # The network stays where it was, and answers the same to both.
        device = "cpu" if rows == slice(0, 3) else "cuda"
        moved, mask, valid, region = (some[rows].to(device) for some in given)
        return ASMA(
            Elsewhere(model),
            AttackInputs(moved, mask, valid=valid, region=region),
            config,
            on_step=on_step,
        )

    assert_batch_equals_singles(attack, network, 3)


class Elsewhere(nn.Module):
    """Has a network on the CPU answer to images of any device."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        return self.network(images.cpu()).to(images.device)
