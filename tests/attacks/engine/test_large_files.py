"""Files larger than what the network sees: the search is small, and what counts stays the file."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from asma_core.attacks.contract import AttackInputs, AttackResult, StepReport
from asma_core.attacks.engine.batch import as_saved
from asma_core.attacks.engine.reduction import ZERO, Reduction, is_worth_it
from asma_core.attacks.minimal.attack import MINIMAL
from asma_core.attacks.minimal.settings import MinimalConfig
from asma_core.errors import InputError
from asma_core.metrics.overlap import confusion_matrix, foreground_iou
from asma_core.models.wrapper.calls import predicted
from asma_core.models.wrapper.contract import SegmentationModel
from asma_core.models.wrapper.resizing import resized
from asma_core.models.wrapper.specs import InputSpec
from tests.attacks.networks import Linear, disc, small_network, some_images

SEEN = 16
SIZE = 80
NORMS = ["l2", "linf"]


def large(network: nn.Module | None = None, classes: int = 2) -> SegmentationModel:
    """A network that sees 16 x 16 of any file."""
    spec = InputSpec(3, 0, 1, (0.0,) * 3, (1.0,) * 3, exact=(SEEN, SEEN))
    inner = network or small_network(classes)
    return SegmentationModel(inner, spec, tuple(map(str, range(classes)))).eval()


def files(count: int, classes: int = 2) -> AttackInputs:
    """Files whose targets are the predictions of another file: to be reached."""
    images = some_images(count + 1, size=SIZE)
    with torch.no_grad():
        masks = predicted(large(classes=classes)(images))
    return AttackInputs(images[:count], masks[1:])


def config(norm: str = "l2", steps: int = 60, **settings: object) -> MinimalConfig:
    return MinimalConfig(norm=norm, steps=steps, target_iou=0.8, **settings)  # type: ignore[arg-type]


def iou_of(model: nn.Module, image: Tensor, target: Tensor, classes: int = 2) -> float:
    with torch.no_grad():
        labels = predicted(model(image[None]))[0]
    return foreground_iou(confusion_matrix(labels.numpy(), target.numpy(), classes))


@pytest.mark.parametrize(
    "sizes", [((64, 48), (16, 16)), ((37, 90), (17, 24)), ((41, 200), (32, 9))]
)
@pytest.mark.parametrize("norm", NORMS)
def test_what_is_shown_is_what_the_network_sees_of_the_file(
    sizes: tuple[tuple[int, int], tuple[int, int]], norm: str
) -> None:
    size, seen = sizes
    reduction = Reduction(size, seen, norm, torch.zeros(1))
    generator = torch.Generator().manual_seed(1)
    moved = ZERO + 0.01 * torch.randn(3, *seen, generator=generator)
    grey = torch.full((3, *size), 0.5)
    change = reduction.as_file(grey, moved, rounding=False) - grey
    shown = reduction.shown(moved[None])
    assert torch.allclose(resized(change[None], seen), shown, atol=1e-6)
    if norm == "l2":
        wanted = float((moved - ZERO).norm()) * reduction.scale
        assert float(change.norm()) == pytest.approx(wanted, rel=1e-3)
    else:
        assert float(change.abs().max()) <= float((moved - ZERO).abs().max()) + 1e-6


def test_no_smaller_change_of_the_file_shows_the_same() -> None:
    reduction = Reduction((64, 48), (16, 16), "l2", torch.zeros(1))
    moved = ZERO + 0.01 * torch.randn(1, 16, 16, generator=torch.Generator().manual_seed(1))
    grey = torch.full((1, 64, 48), 0.5)
    change = (reduction.as_file(grey, moved, rounding=False) - grey).double()
    weights = [
        resized(torch.eye(outer)[None, None], (16, outer))[0, 0].double() for outer in (64, 48)
    ]
    # The smallest of all solutions, by the pseudoinverse of the resizing.
    wanted = reduction.shown(moved[None])[0, 0].double()
    smallest = torch.linalg.pinv(weights[0]) @ wanted @ torch.linalg.pinv(weights[1]).T
    assert torch.allclose(change[0], smallest, atol=1e-6)


def test_dithering_keeps_what_rounding_would_take_away() -> None:
    reduction = Reduction((64, 64), (16, 16), "linf", torch.zeros(1))
    tenth = torch.full((1, 16, 16), ZERO + 0.1 / 255)
    grey = torch.full((1, 64, 64), 100 / 255)
    file = reduction.as_file(grey, tenth, rounding=True)
    levels = (file - grey) * 255
    assert torch.equal(file, as_saved(file))
    assert set(levels.round().unique().tolist()) == {0.0, 1.0}
    assert float(levels.mean()) == pytest.approx(0.1, abs=0.02)
    unchanged = torch.full((1, 16, 16), ZERO)
    assert torch.equal(reduction.as_file(grey, unchanged, rounding=True), grey)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("classes", [2, 3])
def test_what_counts_is_the_file(norm: str, classes: int) -> None:
    model, inputs = large(classes=classes), files(2, classes)
    results = MINIMAL(model, inputs, config(norm))
    for result, image, target in zip(results, inputs.images, inputs.target, strict=True):
        file = result.adversarial
        assert result.success
        assert file.shape == image.shape
        assert torch.equal(file, as_saved(file))
        assert iou_of(model, file, target, classes) == pytest.approx(result.best.score, abs=1e-9)
        assert result.best.score >= 0.8
        assert float((file - image).norm()) == pytest.approx(result.best.l2, rel=1e-4)
        assert float((file - image).abs().max()) == pytest.approx(result.best.linf, rel=1e-4)
        nearest = min(_norm(now, norm) for now in result.trajectory if now.score >= 0.8)
        assert nearest == _norm(result.best, norm), "no step claims what no file was tried for"


def _norm(now: object, norm: str) -> float:
    return float(getattr(now, norm))


def test_it_is_as_small_as_a_search_among_the_file_s_own_values(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, inputs = large(), files(2)
    reduced = MINIMAL(model, inputs, config())
    monkeypatch.delattr(SegmentationModel, "seen_size")
    whole = MINIMAL(model, inputs, config())
    for small, full in zip(reduced, whole, strict=True):
        assert small.best.l2 < 1.3 * full.best.l2


def test_the_network_is_asked_at_its_own_size_and_seldom_at_the_file_s() -> None:
    asked = {SEEN: 0, SIZE: 0}

    class Counting(SegmentationModel):
        def forward(self, images: Tensor) -> Tensor:
            asked[images.shape[-1]] += 1
            return super().forward(images)

    model = large()
    model.__class__ = Counting
    (result,) = MINIMAL(model, files(1), config())
    assert asked[SEEN] == result.steps + 1
    assert 2 <= asked[SIZE] < result.steps / 2


def test_in_a_batch_each_goes_on_with_its_own_when_one_is_done() -> None:
    model, inputs = large(), files(3)
    with torch.no_grad():
        own = predicted(model(as_saved(inputs.images[:1])))
    target = torch.cat([own, inputs.target[1:]])
    done, *others = MINIMAL(model, AttackInputs(inputs.images, target), config())
    assert done.ending == "already there"
    for result, image, mask in zip(others, inputs.images[1:], target[1:], strict=True):
        assert result.success
        assert iou_of(model, result.adversarial, mask) == pytest.approx(result.best.score, abs=1e-9)
        assert float((result.adversarial - image).norm()) == pytest.approx(result.best.l2, rel=1e-4)


def test_who_looks_on_sees_files() -> None:
    inputs, seen = files(1), []

    def look(report: StepReport) -> None:
        pictures = report.pictures()
        seen.append((pictures.images.shape, pictures.predictions.shape))

    MINIMAL(large(), inputs, config(steps=3), on_step=look)
    assert set(seen) == {((1, 3, SIZE, SIZE), (1, SIZE, SIZE))}


def test_a_target_without_structure_is_the_structure_removed() -> None:
    inputs = files(1)
    empty = AttackInputs(inputs.images, torch.zeros_like(inputs.target))
    (result,) = MINIMAL(large(), empty, config())
    assert result.success
    assert result.best.kind == "structure removed"


def test_an_original_at_the_target_needs_no_step() -> None:
    inputs = files(1)
    with torch.no_grad():
        own = predicted(large()(as_saved(inputs.images)))
    (result,) = MINIMAL(large(), AttackInputs(inputs.images, own), config())
    assert result.ending == "already there"
    assert torch.equal(result.adversarial, as_saved(inputs.images)[0])


def test_without_a_success_the_nearest_file_is_kept() -> None:
    inputs = AttackInputs(some_images(1, size=SIZE), disc(1, SIZE))
    (result,) = MINIMAL(large(), inputs, MinimalConfig(steps=6, target_iou=1.0))
    assert not result.success
    again = iou_of(large(), result.adversarial, inputs.target[0])
    assert again == pytest.approx(result.best.score, abs=1e-9)
    assert again > result.trajectory[0].score


def moves_the_file(inputs: AttackInputs, model: nn.Module) -> bool:
    """Tell whether the network is asked at the file's own size at every step."""
    asked: list[int] = []
    handle = model.register_forward_pre_hook(lambda _, given: asked.append(given[0].shape[-1]))
    MINIMAL(model, inputs, config(steps=3))
    handle.remove()
    return set(asked) == {inputs.images.shape[-1]}


def test_where_it_can_t_be_reduced_the_file_is_moved() -> None:
    inputs = files(1)
    region = torch.ones(1, SIZE, SIZE, dtype=torch.bool)
    region[:, :4] = False
    assert not moves_the_file(inputs, large())
    assert moves_the_file(AttackInputs(inputs.images, inputs.target, region=region), large())
    tiny = inputs.target.clamp_max(0)
    tiny[0, 40, 40] = 1
    assert moves_the_file(AttackInputs(inputs.images, tiny), large())
    assert moves_the_file(inputs, small_network())
    assert not is_worth_it((32, 17), (16, 16))


@pytest.mark.parametrize("label", [-1, 2])
def test_a_class_that_there_is_not_is_refused(label: int) -> None:
    inputs = files(1)
    wrong = torch.where(inputs.target == 1, label, 0)
    with pytest.raises(InputError, match=f"class {label}"):
        MINIMAL(large(), AttackInputs(inputs.images, wrong), config())


def test_void_pixels_do_not_count() -> None:
    network = Linear((0.6, -0.3, 0.2), bias=-0.35)
    image = torch.full((1, 3, SIZE, SIZE), 128 / 255)
    target = torch.zeros(1, SIZE, SIZE, dtype=torch.int64)
    target[:, 20:60, 20:60] = 1
    valid = torch.ones_like(target, dtype=torch.bool)
    valid[:, :, 40:] = False
    results: list[AttackResult] = []
    for counted in (None, valid):
        results += MINIMAL(large(network), AttackInputs(image, target, counted), config())
    everywhere, half = results
    assert half.success
    assert half.best.l2 < 0.85 * everywhere.best.l2
    changed = (half.adversarial - image[0]).abs()
    assert float(changed[:, :, 60:].max()) == 0.0
