"""Bringing weights under the names that a network wants."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from asma_core.errors import ModelError
from asma_core.models.sources.state_dicts import State, is_of_training, prefixes

# What a checkpoint of an older torch lacks is only a counter.
_COUNTER: Final = "num_batches_tracked"


@dataclass(frozen=True)
class Fit:
    """Weights that fit a network.

    Attributes:
        tensors: Under the network's own names; a tensor that it has under several, once.
        kept: As they are to be kept: the same, or the names of a file where the network's library
            has names of its own for them, which change from version to version.
        left_out: Names of what the network does not have: losses, metrics, other networks.
    """

    tensors: Mapping[str, Tensor]
    kept: Mapping[str, Tensor]
    left_out: tuple[str, ...] = ()


def own_names(network: nn.Module) -> dict[str, str]:
    """Return the first name of each tensor of a network's state by all its names.

    Parts that are registered twice, as nnU-Net's encoder is, have one tensor and many names.
    """
    first: dict[int, str] = {}
    state = network.state_dict(keep_vars=True)
    return {name: first.setdefault(id(tensor), name) for name, tensor in state.items()}


def load_into(network: nn.Module, fit: Fit) -> nn.Module:
    """Put weights that fit into a network and return it."""
    network.load_state_dict(fit.tensors, strict=False)
    return network


def fit_weights(state: Mapping[str, Tensor], network: nn.Module, name: str) -> Fit:
    """Bring a state dict under the names that a network wants.

    Args:
        state: As it was read.
        network: It may be on the device `meta`. If it has a method `renamed`, that one brings
            names of files to its own.
        name: What to call the file in errors.

    Raises:
        ModelError: A tensor is missing, too much, or of another shape.
    """
    first = own_names(network)
    wanted = network.state_dict()
    rename: Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]] | None
    rename = getattr(network, "renamed", None)
    named, left_out = (rename(state), ()) if rename else _within(state, first)
    given = {first.get(key, key): value for key, value in named.items()}
    missing = [key for key in first.values() if key not in given and not key.endswith(_COUNTER)]
    extra = [key for key in given if key not in wanted]
    if missing or extra:
        raise _unfit(name, len(set(first.values())), sorted(set(missing)), extra)
    for key, tensor in given.items():
        if tensor.shape != wanted[key].shape:
            raise ModelError(
                f"the weights {name} do not fit the architecture: {key} is "
                f"{tuple(tensor.shape)} and should be {tuple(wanted[key].shape)}; correct its "
                "arguments"
            )
    names = dict.fromkeys(first.values())
    tensors = {key: _held(given.get(key), wanted[key]) for key in names}
    return Fit(tensors, state if rename else tensors, left_out)


def _held(given: Tensor | None, wanted: Tensor) -> Tensor:
    """Return a tensor as it is kept; a counter that is absent has counted nothing."""
    if given is None:
        return torch.zeros(wanted.shape, dtype=wanted.dtype)
    return given.contiguous()


def _unfit(name: str, count: int, missing: list[str], extra: list[str]) -> ModelError:
    parts = [f"{len(missing)} are missing, such as {missing[0]}"] if missing else []
    parts += [f"{len(extra)} are not the network's, such as {extra[0]}"] if extra else []
    return ModelError(
        f"the weights {name} do not fit the architecture: of its {count} tensors "
        f"{' and '.join(parts)}; correct the architecture's name and arguments"
    )


_PREFIXES: Final = ("module.", "_orig_mod.", "model.", "net.", "network.")


def _within(state: State, first: Mapping[str, str]) -> tuple[State, tuple[str, ...]]:
    """Return the part of a state dict that is the network, and the names of the rest."""
    wanted = [name for name in first if not name.endswith(_COUNTER)]
    own = [name for name in dict.fromkeys(first.values()) if not name.endswith(_COUNTER)]
    found = prefixes(state, wanted) or prefixes(state, own)
    if not found:
        # It will not fit; what is told of it should be of names as near as can be.
        return _shortened(state, first), ()
    inside = {key[len(found[0]) :]: one for key, one in state.items() if key.startswith(found[0])}
    beside = [key for key in inside if key not in first and is_of_training(key)]
    left_out = [key for key in state if not key.startswith(found[0])]
    left_out += [found[0] + key for key in beside]
    return {key: one for key, one in inside.items() if key not in beside}, tuple(left_out)


def _shortened(state: State, first: Mapping[str, str]) -> State:
    """Return a state dict without what trainers put before all names."""
    for _ in range(3):
        prefix = next((one for one in _PREFIXES if all(key.startswith(one) for key in state)), "")
        # MONAI's own names begin with "model." too.
        if not prefix or set(state) & set(first):
            return state
        state = {key[len(prefix) :]: value for key, value in state.items()}
    return state
