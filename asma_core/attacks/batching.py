"""Attacking many images in batches that the memory holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor, nn

from asma_core.attacks.contract import Attack, AttackInputs, AttackResult
from asma_core.attacks.engine.batch import check_batch
from asma_core.errors import DeviceError, InputError
from asma_core.fields import AttackConfig
from asma_core.models.wrapper.devices import is_out_of_memory


def attack_in_batches(
    attack: Attack,
    model: nn.Module,
    inputs: AttackInputs,
    config: AttackConfig,
    *,
    batch_size: int,
    on_notice: Callable[[str], None] | None = None,
) -> list[AttackResult]:
    """Attack images batch by batch; when memory runs out, halve the batch, say so, and go on.

    Args:
        attack: The attack; the other arguments are as `contract.Attack` has them.
        model: The network.
        inputs: The images and their masks, N of each.
        config: Of the attack's own class.
        batch_size: Most images at once, at least 1.
        on_notice: Gets one sentence each time the batch is halved.

    Returns:
        One result per image, in order; indices are places among all images.

    Raises:
        InputError: A batch of less than one image, or what the attack can't use.
        DeviceError: One image alone does not fit into memory.
    """
    if batch_size < 1:
        raise InputError(f"batch_size is {batch_size}; it must be at least 1")
    images = inputs.images
    check_batch(images)
    results: list[AttackResult] = []
    while len(results) < len(images):
        start, count = len(results), min(batch_size, len(images) - len(results))
        rows = slice(start, start + count)
        some = _unless_out_of_memory(partial(attack, model, inputs.select(rows), config))
        if some is None:
            batch_size = _halved(count, images, on_notice)
        else:
            results += [_placed(result, start) for result in some]
    return results


def _unless_out_of_memory(call: Callable[[], list[AttackResult]]) -> list[AttackResult] | None:
    """Return what a call returns, None when memory runs out.

    The error ends with this function, as its traceback holds on to the tensors of the attempt.
    """
    try:
        return call()
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        return None


def _halved(count: int, images: Tensor, on_notice: Callable[[str], None] | None) -> int:
    if count == 1:
        height, width = images.shape[-2:]
        raise DeviceError(
            f"{images.device} ran out of memory on one image of {width} x {height}; "
            "make the images smaller or choose another device"
        )
    if images.is_cuda:
        torch.cuda.empty_cache()
    if on_notice is not None:
        on_notice(
            f"{images.device} ran out of memory with {count} images at once; "
            f"going on with {count // 2}."
        )
    return count // 2


def _placed(result: AttackResult, start: int) -> AttackResult:
    """Count the image from the first of all."""
    return replace(
        result,
        best=replace(result.best, index=result.best.index + start),
        trajectory=tuple(replace(now, index=now.index + start) for now in result.trajectory),
    )
