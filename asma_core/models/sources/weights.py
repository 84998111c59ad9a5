"""Reading weights without running what is in their file."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from asma_core.errors import ModelError
from asma_core.server_config import settings

SAFETENSORS: Final = ".safetensors"
PICKLED: Final = (".pt", ".pth", ".ckpt", ".bin")
# Where trainers put the state dict among the rest of a checkpoint, and what they put before names.
_PLACES: Final = (
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "net",
    "network",
    "weights",
)
_PREFIXES: Final = ("module.", "_orig_mod.", "model.", "net.", "network.")
_COUNTER: Final = "num_batches_tracked"
HOW_TO_CONVERT: Final = (
    "where it was trained, save the weights alone: safetensors.torch.save_file(model.state_dict(), "
    "'weights.safetensors')"
)


def read_weights(path: Path) -> dict[str, Tensor]:
    """Return the state dict of a file.

    A `.pt`, `.pth`, `.ckpt` or `.bin` is read by torch's reader for weights alone, which makes
    tensors and plain values and runs nothing.

    Raises:
        ModelError: Neither kind of file, damaged, too large, or with more than weights in it.
    """
    limit = settings().max_weights_mb
    try:
        size = path.stat().st_size
    except OSError as error:
        raise ModelError(f"{path} can't be read ({error.strerror}); restore the weights") from error
    if size > limit * 1_000_000:
        raise ModelError(
            f"{path.name} is {size // 1_000_000} MB; the limit is {limit} MB (max_weights_mb)"
        )
    if path.suffix.lower() == SAFETENSORS:
        return _safetensors(path)
    if path.suffix.lower() in PICKLED:
        return _plain(path, size)
    raise ModelError(
        f"{path.name} is no file of weights; give a .safetensors file, or a .pt, .pth or .ckpt "
        "with a plain state dict"
    )


def _safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise ModelError(
            f"{path.name} is not a safetensors file or is damaged; save the weights again"
        ) from error


def _plain(path: Path, size: int) -> dict[str, Tensor]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"{path.name} is a pickle that holds more than weights, and such a file is a program, "
            f"which is not run here; {HOW_TO_CONVERT}"
        ) from error
    except Exception as error:
        # A damaged pickle raises anything; a TorchScript archive a RuntimeError.
        raise ModelError(
            f"{path.name} can't be read as weights ({type(error).__name__}); {HOW_TO_CONVERT}"
        ) from error
    state = _found(content)
    if not state:
        raise ModelError(f"{path.name} holds no state dict; {HOW_TO_CONVERT}")
    # A tensor may claim to be larger than what the file holds, by repeating it.
    if sum(tensor.numel() * tensor.element_size() for tensor in state.values()) > 4 * size:
        raise ModelError(f"{path.name} holds tensors larger than itself; {HOW_TO_CONVERT}")
    return state


def _found(content: Any) -> dict[str, Tensor]:
    """Return the state dict in a checkpoint, at its top or where trainers put it."""
    places = [content]
    if isinstance(content, Mapping):
        places += [content[name] for name in _PLACES if isinstance(content.get(name), Mapping)]
    for place in places:
        if isinstance(place, Mapping):
            tensors = {str(k): v for k, v in place.items() if isinstance(v, Tensor)}
            if tensors and len(tensors) == len(place):
                return tensors
    return {}


def fitted(
    state: Mapping[str, Tensor], wanted: Mapping[str, Tensor], name: str
) -> dict[str, Tensor]:
    """Return a state dict under the names that a network wants.

    Args:
        state: As it was read.
        wanted: The network's own.
        name: What to call the file in errors.

    Raises:
        ModelError: A tensor is missing, too much, or of another shape.
    """
    state = _without_prefix(dict(state), wanted)
    missing = [
        key for key in wanted if key not in state and not key.endswith("num_batches_tracked")
    ]
    extra = [key for key in state if key not in wanted]
    if missing or extra:
        parts = [f"{len(missing)} are missing, such as {missing[0]}"] if missing else []
        parts += [f"{len(extra)} are not the network's, such as {extra[0]}"] if extra else []
        raise ModelError(
            f"the weights {name} do not fit the architecture: of its {len(wanted)} tensors "
            f"{' and '.join(parts)}; correct the architecture's name and arguments"
        )
    for key, tensor in state.items():
        if tensor.shape != wanted[key].shape:
            raise ModelError(
                f"the weights {name} do not fit the architecture: {key} is "
                f"{tuple(tensor.shape)} and should be {tuple(wanted[key].shape)}; correct its "
                "arguments"
            )
    # What a checkpoint of an older torch lacks is only a counter.
    return {key: state.get(key, value).contiguous() for key, value in wanted.items()}


def _without_prefix(state: dict[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    for _ in range(3):
        if set(state) <= set(wanted):
            return state
        for prefix in _PREFIXES:
            if all(key.startswith(prefix) for key in state):
                shorter = {key[len(prefix) :]: value for key, value in state.items()}
                # MONAI's own names begin with "model." too.
                if not set(state) & set(wanted):
                    state = shorter
                    break
        else:
            return state
    return state
