"""What is asked of an attack, for each image: its arrays, and what the result is held against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from asma_core.api.arrays import area_of, mask_of, source_of
from asma_core.api.batches import for_each, several
from asma_core.attacks.settings import CommonConfig
from asma_core.data.items import Item
from asma_core.data.masks.label_maps import Mask
from asma_core.data.targets.regions import REGIONS, make_region
from asma_core.errors import InputError
from asma_core.models.sources.loading import predict
from asma_core.models.wrapper.contract import SegmentationModel
from asma_core.models.wrapper.specs import CENTRE
from asma_core.runs.figures import Judge, make_judge
from asma_core.runs.measuring import only_covered
from asma_core.runs.sources import SourceImage
from asma_core.runs.spec import RunInputs, check_inputs, check_size


@dataclass(frozen=True)
class Problem:
    """One image under attack.

    Attributes:
        name: What a person calls it.
        inputs: The arrays; the image as the 8-bit file that it would be saved as.
        judge: What the result is held against.
        warnings: Sentences.
    """

    name: str
    inputs: RunInputs
    judge: Judge
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Given:
    """What a person gave for one image; see `asma_core.api.attacking.attack`."""

    image: Any
    source: SourceImage
    target: Any
    valid: Any
    region: Any


def given_for(image: object, target: object, valid: object, region: object) -> list[Given]:
    """Sort what was given by its images.

    Raises:
        InputError: An image that is none, or not one mask for each image.
    """
    several_images = several(image, 4)
    images = [image] if several_images is None else several_images
    if not len(images):
        raise InputError("there is no image; give at least one")
    names = ["the image"] if several_images is None else [f"image {n}" for n in range(len(images))]
    sources = [source_of(one, name) for one, name in zip(images, names, strict=True)]
    count = len(images)
    others = [
        for_each(target, count, "target masks"),
        for_each(valid, count, "masks of valid pixels"),
        for_each(region, count, "regions"),
    ]
    return [Given(*parts) for parts in zip(images, sources, *others, strict=True)]


def make_problem(
    given: Given, model: SegmentationModel, device: torch.device, config: CommonConfig
) -> Problem:
    """Check what was given for an image, and ask the network about the original.

    Raises:
        InputError: Masks or areas that do not fit, a target too many or none.
        ModelError: Logits that are not finite.
    """
    source, aim = given.source, config.goal().aim
    target = _target(given, model, config)
    inputs = source.without_target() if target is None else source.with_target(target)
    if given.valid is not None:
        inputs = replace(inputs, valid=inputs.valid & _area(given.valid, source, "valid"))
    inputs = replace(inputs, image=inputs.original)
    if model.output.fit == CENTRE:
        inputs = only_covered(model, inputs)
    clean = predict(model, inputs.image, device)
    inputs = replace(inputs, region=_region(given, inputs, clean))
    check_inputs(inputs, len(model.classes))
    return Problem(source.name, inputs, make_judge(inputs, clean, len(model.classes), aim))


def _target(given: Given, model: SegmentationModel, config: CommonConfig) -> Mask | None:
    goal = config.goal()
    if goal.away and given.target is not None:
        raise InputError(
            f"this attack leads {goal.aim} and uses no target; leave it out, or set "
            'goal_is="towards the mask"'
        )
    if given.target is None:
        if goal.away:
            return None
        way = ', or set goal_is="away from the prediction"' if hasattr(config, "goal_is") else ""
        raise InputError(f"this attack needs a target mask; give one{way}")
    encoding = given.image.dataset.encoding if isinstance(given.image, Item) else None
    shape, classes = given.source.shape, len(model.classes)
    return mask_of(given.target, shape, classes, "the target mask", encoding)


def _area(given: object, source: SourceImage, name: str) -> NDArray[np.bool_]:
    area = area_of(given, name)
    check_size(area, source.shape, f"{name} pixels")
    return area


def _region(given: Given, inputs: RunInputs, clean: NDArray[np.int64]) -> NDArray[np.bool_] | None:
    if given.region is None:
        return None
    if isinstance(given.region, str) and given.region in REGIONS:
        return make_region(given.region, clean, inputs.target)
    return _area(given.region, given.source, "region")


def by_size(problems: Sequence[Problem]) -> list[list[int]]:
    """Return the places of problems whose images have one size, in order."""
    places: dict[tuple[int, ...], list[int]] = {}
    for place, problem in enumerate(problems):
        places.setdefault(problem.inputs.image.shape, []).append(place)
    return [*places.values()]
