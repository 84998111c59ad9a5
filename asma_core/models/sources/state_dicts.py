"""State dicts in what trainers keep, and networks in state dicts."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, Final

from torch import Tensor

State = Mapping[str, Tensor]
# Entries of a checkpoint that hold tensors, but none of a network.
_NO_NETWORK: Final = re.compile(
    r".*(optim|sched|scaler|rng|callback|loop|hyper|history|grad_|config|args).*", re.IGNORECASE
)
_SMOOTHED: Final = re.compile(r"(.*[._])?(ema|swa|averaged?)([._].*)?")
# Names in a state dict that are of its training alone.
_OF_TRAINING: Final = re.compile(
    r"(.*\.)?(\w*loss\w*|criterion\w*|\w*metrics?\w*|\w*_(dice|iou|accuracy|f1|auroc)|n_averaged|"
    r"pos_weight|class_weights?)(\..*)?",
    re.IGNORECASE,
)
_DEEPEST: Final = 6
_DEEPEST_PREFIX: Final = 3
_MOST_PLACES: Final = 2000


def is_smoothed(place: str) -> bool:
    """Tell whether a name says that weights are a moving average (EMA, SWA)."""
    return bool(_SMOOTHED.fullmatch(place.lower()))


def is_of_training(name: str) -> bool:
    """Tell whether a tensor's name says that it is a loss's or a metric's."""
    return bool(_OF_TRAINING.fullmatch(name))


def state_dicts(content: Any) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """Yield each place in a checkpoint that holds tensors of a network, the outermost first.

    Optimisers and random states are passed over, plain values beside tensors left out.
    """
    waiting: deque[tuple[str, Any, int]] = deque([("", content, 0)])
    for _ in range(_MOST_PLACES):
        if not waiting:
            return
        place, one, level = waiting.popleft()
        entries = _entries(one)
        tensors = {name: value for name, value in entries.items() if isinstance(value, Tensor)}
        if any(tensor.ndim for tensor in tensors.values()) and isinstance(one, Mapping):
            yield place, tensors
        if level < _DEEPEST:
            inner = [(name, value) for name, value in entries.items() if not _passed(name, value)]
            waiting += [(f"{place}.{n}".lstrip("."), v, level + 1) for n, v in inner]


def _entries(one: Any) -> dict[str, Any]:
    if isinstance(one, Mapping):
        return {str(name): value for name, value in one.items()}
    if isinstance(one, list | tuple):
        return {str(index): value for index, value in enumerate(one)}
    return {}


def _passed(name: str, value: Any) -> bool:
    return isinstance(value, Tensor) or bool(_NO_NETWORK.fullmatch(name))


def prefixes(state: State, wanted: list[str]) -> list[str]:
    """Return what stands before all wanted names in a state dict; smoothed weights first.

    Args:
        state: Tensors by name.
        wanted: Names of a network, none of them counters.

    Returns:
        Each prefix under which the whole network is there, with its dot; "" where it is there
        without.
    """
    if not wanted:
        return []
    probe = max(wanted, key=len)
    ends = [key[: -len(probe)] for key in state if key.endswith(probe)]
    whole = [
        one
        for one in ends
        if (not one or one.endswith(".")) and all(one + name in state for name in wanted)
    ]
    return sorted(whole, key=lambda one: (not is_smoothed(one.rstrip(".")), len(one)))


def inner_states(state: State) -> Iterator[dict[str, Tensor]]:
    """Yield a state dict, and those below a common first part of its names, the larger first."""
    waiting: deque[tuple[dict[str, Tensor], int]] = deque([(dict(state), 0)])
    while waiting:
        one, level = waiting.popleft()
        yield one
        groups: dict[str, dict[str, Tensor]] = {}
        for key, tensor in one.items():
            part, _, rest = key.partition(".")
            if rest:
                groups.setdefault(part, {})[rest] = tensor
        large = sorted((one for one in groups.values() if len(one) > 1), key=len, reverse=True)
        waiting += [(one, level + 1) for one in large if level < _DEEPEST_PREFIX]
