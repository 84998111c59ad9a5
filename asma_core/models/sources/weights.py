"""Reading weights without running what is in their file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from asma_core.errors import ModelError
from asma_core.models.sources.checkpoints import HOW_TO_CONVERT, read_checkpoint
from asma_core.server_config import settings

SAFETENSORS: Final = ".safetensors"
PICKLED: Final = (".pt", ".pth", ".ckpt", ".bin")
# Where trainers put the state dict among the rest of a checkpoint.
_PLACES: Final = (
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "net",
    "network",
    "weights",
)


def read_weights(path: Path) -> dict[str, Tensor]:
    """Return the state dict of a file.

    A `.pt`, `.pth`, `.ckpt` or `.bin` is read by torch's reader for weights alone, which makes
    tensors and plain values and runs nothing.

    Raises:
        ModelError: Neither kind of file, damaged, too large, or with more than weights in it.
    """
    size = checked_size(path)
    if path.suffix.lower() == SAFETENSORS:
        return _safetensors(path)
    if path.suffix.lower() in PICKLED:
        return _plain(path, size)
    raise ModelError(
        f"{path.name} is no file of weights; give a .safetensors file, or a .pt, .pth or .ckpt "
        "with a plain state dict"
    )


def checked_size(path: Path) -> int:
    """Return the bytes of a file of weights.

    Raises:
        ModelError: It can't be read, or is larger than the owner of the server lets it be.
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
    return size


def check_honest(state: Mapping[str, Tensor], size: int, name: str) -> None:
    """Check that tensors are no larger than the file that they came from.

    One may claim to be, by repeating what the file holds.

    Raises:
        ModelError: They are, or one is sparse.
    """
    # One that has several names counts once.
    parts: dict[tuple[int, int, torch.Size], int] = {}
    for key, tensor in state.items():
        if tensor.layout != torch.strided:
            raise ModelError(f"{name} holds a sparse tensor, {key}; {HOW_TO_CONVERT}")
        place = tensor.untyped_storage().data_ptr(), int(tensor.storage_offset()), tensor.shape
        parts[place] = tensor.numel() * tensor.element_size()
    if sum(parts.values()) > 4 * size:
        raise ModelError(f"{name} holds tensors larger than itself; {HOW_TO_CONVERT}")


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
    content = read_checkpoint(path)
    state = _found(content)
    if not state:
        raise ModelError(f"{path.name} holds no state dict; {HOW_TO_CONVERT}")
    check_honest(state, size, path.name)
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
