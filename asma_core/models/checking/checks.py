"""Looking at a network before it is trusted: does it answer, can it be attacked, is it right?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from asma_core.errors import AsmaError
from asma_core.models.checking.diagnosis import (
    DOUBTFUL,
    LabelledImage,
    case_iou,
    guesses_for,
    labels_of,
    mean_iou,
)
from asma_core.models.wrapper.calls import borrowed
from asma_core.models.wrapper.contract import SegmentationModel
from asma_core.models.wrapper.specs import LOGITS, NO_GRADIENTS, PROBABILITIES

GOOD: Final = "good"
WARNING: Final = "warning"
BAD: Final = "bad"

SAME: Final = 1e-4
UNEXPLAINED: Final = (
    "no other way to give it the images or to order its classes fits clearly better; it may have "
    "been trained too little, or for other images or other classes"
)


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: What.
        state: "good", "warning" or "bad".
        text: What was found, and what to do where it is not good.
    """

    name: str
    state: str
    text: str


@dataclass(frozen=True)
class Report:
    """What a check found.

    Attributes:
        checks: In the order in which they were made.
        iou: Mean over the cases with a mask; NaN without one.
        ious: By the case's name.
        guesses: What would be better, likeliest first.
    """

    checks: tuple[Check, ...]
    iou: float = float("nan")
    ious: dict[str, float] = field(default_factory=dict)
    guesses: tuple[str, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether nothing stands in the way of an attack."""
        return all(check.state != BAD for check in self.checks)


def check_model(model: SegmentationModel, cases: Sequence[LabelledImage]) -> Report:
    """Check a network on a few images.

    Args:
        model: The network, on any device.
        cases: At least one image; with masks, they are compared and causes looked for.
    """
    device = model.mean.device
    images = [torch.from_numpy(case.image)[None].to(device) for case in cases]
    checks: list[Check] = []
    with borrowed(model):
        try:
            answered = _answers(model, images[0])
        except (AsmaError, RuntimeError) as error:
            return Report((Check("answer", BAD, _fault(error)),))
        checks += [answered, _range(model, images), _same_twice(model, images[0])]
        checks += [
            _batch(model, images[0]),
            _other_size(model, images[0]),
            _gradient(model, images[0]),
        ]
        labels = [labels_of(model, image) for image in images]
        checks.append(_classes(model, labels))
        known = [place for place, case in enumerate(cases) if case.labels is not None]
        ious = {cases[p].name: case_iou(model, cases[p], labels[p]) for p in known}
        iou = mean_iou(list(ious.values()))
        guesses: tuple[str, ...] = ()
        if ious:
            guesses = guesses_for(model, [cases[p] for p in known], [labels[p] for p in known], iou)
            checks.append(_overlap(iou, len(ious), guesses))
    return Report(tuple(checks), iou, ious, guesses)


def _fault(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:300]


def _answers(model: SegmentationModel, image: Tensor) -> Check:
    with torch.no_grad():
        inner = model.prepared(image)
        answer = model.ask(inner)
        logits = model(image)
    if not bool(torch.isfinite(logits).all()):
        return Check("answer", BAD, "the logits are NaN or infinite; check the weights")
    shapes = f"{_shape(inner)} in, {_shape(answer)} out, shown at {_shape(logits)}"
    return Check("answer", GOOD, shapes)


def _shape(tensor: Tensor) -> str:
    return " x ".join(str(side) for side in tensor.shape)


def _range(model: SegmentationModel, images: Sequence[Tensor]) -> Check:
    with torch.no_grad():
        answers = [model.ask(model.prepared(image)) for image in images]
    low = min(float(answer.min()) for answer in answers)
    high = max(float(answer.max()) for answer in answers)
    text = f"values from {low:.3g} to {high:.3g}"
    inside = low >= -1e-6 and high <= 1 + 1e-6
    reading = model.output.reading
    if "probabilit" in reading and not inside:
        return Check(
            "range", BAD, f"{text}, which are no probabilities; set output.reading to logits"
        )
    if "logit" in reading and inside:
        sums = [answer.sum(dim=1) for answer in answers if answer.ndim == 4]
        one = reading == LOGITS and all(bool(((s - 1).abs() < 1e-3).all()) for s in sums)
        if one or reading != LOGITS:
            right = PROBABILITIES if reading == LOGITS else "one-probability"
            return Check("range", WARNING, f"{text}: these look like probabilities; set "
                         f"output.reading to {right}")  # fmt: skip
    return Check("range", GOOD, text)


def _same_twice(model: SegmentationModel, image: Tensor) -> Check:
    with torch.no_grad():
        apart = float((model(image) - model(image)).abs().max())
    if apart > SAME:
        return Check("determinism", WARNING, f"two answers to an image differ by {apart:.2g}; "
                     "a layer is random, so figures can't be repeated exactly")  # fmt: skip
    return Check("determinism", GOOD, "two answers to one image are the same")


def _batch(model: SegmentationModel, image: Tensor) -> Check:
    other = image.flip(-1)
    try:
        with torch.no_grad():
            both = model(torch.cat([image, other]))
            apart = float((both[:1] - model(image)).abs().max())
    except (AsmaError, RuntimeError):
        return Check("batch", WARNING, "it takes one image at a time; set input.batch = 1")
    scale = max(float(both.abs().max()), 1.0)
    if apart > SAME * scale:
        return Check("batch", WARNING, f"an image's answer changes by {apart:.2g} with others in "
                     "its batch; set input.batch = 1")  # fmt: skip
    return Check("batch", GOOD, "the images of a batch do not disturb each other")


def _other_size(model: SegmentationModel, image: Tensor) -> Check:
    height, width = image.shape[-2:]
    odd = image[..., : height - 3 if height > 19 else height, : width - 5 if width > 21 else width]
    try:
        with torch.no_grad():
            model(odd)
    except (AsmaError, RuntimeError) as error:
        text = f"it fails on {odd.shape[-1]} x {odd.shape[-2]} pixels ({_fault(error)})"
        return Check(
            "size", WARNING, f"{text}; set input.multiple, or input.size = [height, width]"
        )
    return Check("size", GOOD, "images of any size can be asked")


def _gradient(model: SegmentationModel, image: Tensor) -> Check:
    if not model.takes_gradients:
        return Check("gradient", WARNING, f"it {NO_GRADIENTS}")
    try:
        with torch.enable_grad():
            asked = image.clone().requires_grad_()
            logits = model(asked)
            if not logits.requires_grad:
                return _no_gradient("the network cuts it off")
            (gradient,) = torch.autograd.grad((logits[:, 1:] - logits[:, :1]).sum(), asked)
    except (AsmaError, RuntimeError) as error:
        return _no_gradient(str(error).splitlines()[0][:200])
    if not bool(torch.isfinite(gradient).all()):
        return _no_gradient("it is NaN or infinite")
    reached = float((gradient.abs().amax(dim=1) > 0).float().mean())
    if reached == 0:
        return _no_gradient("it is 0 everywhere")
    text = f"it reaches {100 * reached:.0f} % of the pixels"
    if reached < 0.05:
        return Check("gradient", WARNING, f"{text}: the network saturates; attacks may stand still")
    return Check("gradient", GOOD, text)


def _no_gradient(why: str) -> Check:
    return Check(
        "gradient", BAD, f"no gradient reaches the input: {why}; only `square` can attack it"
    )


def _classes(model: SegmentationModel, labels: Sequence[NDArray[np.int64]]) -> Check:
    seen = sorted({int(label) for one in labels for label in np.unique(one)})
    names = ", ".join(model.classes[label] for label in seen)
    if len(seen) == 1:
        return Check("classes", WARNING, f"it sees only {names} in these images")
    return Check("classes", GOOD, f"{len(model.classes)} classes; in these images {names}")


def _overlap(iou: float, count: int, guesses: Sequence[str]) -> Check:
    text = f"IoU {iou:.3f} with the masks of {count} images"
    if np.isnan(iou):
        return Check("overlap", WARNING, "neither masks nor predictions hold any structure")
    if iou >= DOUBTFUL:
        return Check("overlap", GOOD, text)
    why = guesses[0] if guesses else UNEXPLAINED
    return Check("overlap", WARNING, f"{text}: {why}")
