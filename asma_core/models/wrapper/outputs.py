"""Reading what networks answer: tuples and dicts, one logit, probabilities, smaller maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional

from asma_core.errors import ModelError
from asma_core.models.wrapper.specs import ONE_LOGIT, ONE_PROBABILITY, PROBABILITIES, OutputSpec

Size = tuple[int, int] | torch.Size


def picked(answer: object, output: OutputSpec) -> Tensor:
    """Return the map in a network's answer.

    Raises:
        ModelError: There is none where the card says.
    """
    found: Any = answer
    for part in output.element:
        try:
            # Deep supervision in one tensor: (B, S, K, H, W).
            found = found.select(1, int(part)) if isinstance(found, Tensor) else found[part]
        except (LookupError, TypeError, ValueError) as error:
            raise ModelError(
                f"the network's answer ({_kind(found)}) has no element {part!r}; correct "
                "output.element of its card"
            ) from error
    if not isinstance(found, Tensor):
        raise ModelError(
            f"the network answers with {_kind(found)}; say in output.element of its card which "
            "part is the map"
        )
    return found[:, None] if found.ndim == 3 else found


def _kind(answer: Any) -> str:
    if isinstance(answer, dict):
        return f"a dict of {', '.join(map(str, list(answer)[:6]))}"
    if isinstance(answer, tuple | list):
        return f"a {type(answer).__name__} of {len(answer)}"
    return f"a {type(answer).__name__}"


def as_logits(found: Tensor, output: OutputSpec) -> Tensor:
    """Turn a map of scores into logits of all classes.

    One logit z of the structure becomes (-z/2, z/2), of which softmax is sigmoid, and in which
    either class can be raised, as ASMA does (with (0, z) nothing would raise the background).
    Probabilities become their logarithms, one probability p becomes (log(1 - p), log p).

    Raises:
        ModelError: Another number of channels than the card's reading has.
    """
    if not found.is_floating_point():
        return found
    if output.reading in (ONE_LOGIT, ONE_PROBABILITY):
        if found.ndim != 4 or found.shape[1] != 1:
            raise ModelError(
                f"expected one channel for {output.reading}, got {tuple(found.shape)}; correct "
                "output.reading of the card"
            )
        if output.reading == ONE_LOGIT:
            return torch.cat([-found / 2, found / 2], dim=1)
        found = torch.cat([1 - found, found], dim=1)
    if output.channels and found.ndim == 4:
        if max(output.channels) >= found.shape[1]:
            raise ModelError(
                f"the network answers with {found.shape[1]} channels, there is no "
                f"{max(output.channels)}; correct output.channels of its card"
            )
        found = found[:, list(output.channels)]
    if output.reading in (PROBABILITIES, ONE_PROBABILITY):
        return found.clamp_min(torch.finfo(found.dtype).tiny).log()
    return found


# So far below all others a class lies that none of the network's counts as.
_NEVER: Final = 100.0


def merged(logits: Tensor, counts_as: Sequence[int], classes: int) -> Tensor:
    """Return logits of other classes, (B, K, H, W), each the largest of those that count as it.

    So the prediction is the network's own, class by class. A class that none counts as is never
    predicted.

    Args:
        logits: Of the network's own classes, (B, N, H, W).
        counts_as: For each of them, a class below K.
        classes: K.
    """
    if not counts_as:
        return logits
    least = logits.detach().amin(dim=1) - _NEVER
    members = [[n for n, own in enumerate(counts_as) if own == k] for k in range(classes)]
    found = [logits[:, own].amax(dim=1) if own else least for own in members]
    return torch.stack(found, dim=1)


def padded(images: Tensor, by: tuple[int, int], how: str) -> Tensor:
    """Pad images below and to the right by rows and columns."""
    below, beside = by
    if not (below or beside):
        return images
    mode = {"zeros": "constant", "edge": "replicate", "reflect": "reflect"}[how]
    too_small = below >= images.shape[-2] or beside >= images.shape[-1]
    # What is smaller than its padding can't be mirrored.
    mode = "replicate" if mode == "reflect" and too_small else mode
    return functional.pad(images, (0, beside, 0, below), mode=mode)


def margins(inside: Size, outside: Size) -> list[int]:
    """Return the margins (left, right, top, bottom) of a centred map.

    Raises:
        ModelError: The map is larger than what it is to be centred in.
    """
    rest = [outside[0] - inside[0], outside[1] - inside[1]]
    if min(rest) < 0:
        raise ModelError(
            f"the network answers with {inside[0]} x {inside[1]} to {outside[0]} x {outside[1]}, "
            "which can't be its centre; set output.fit of its card to resize"
        )
    top, left = rest[0] // 2, rest[1] // 2
    return [left, rest[1] - left, top, rest[0] - top]


def centred(logits: Tensor, size: Size) -> Tensor:
    """Put logits (B, K, h, w) into the centre of (B, K, H, W); around it is background."""
    if tuple(logits.shape[-2:]) == tuple(size):
        return logits
    around = margins(logits.shape[-2:], size)
    background = functional.pad(logits[:, :1], around, value=1.0)
    others = functional.pad(logits[:, 1:], around)
    return torch.cat([background, others], dim=1)
