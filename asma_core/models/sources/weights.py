"""Reading weights without running what is in their file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from asma_core.errors import ModelError
from asma_core.models.sources.checkpoints import HOW_TO_CONVERT, read_checkpoint
from asma_core.models.sources.looks import no_weights
from asma_core.models.sources.state_dicts import is_smoothed, state_dicts
from asma_core.server_config import settings

SAFETENSORS: Final = ".safetensors"
ONNX_FILE: Final = ".onnx"
# The deepest networks that are known have some thousands.
MOST_TENSORS: Final = 20_000
PICKLED: Final = (".pt", ".pth", ".ckpt", ".bin")


@dataclass(frozen=True)
class FoundWeights:
    """A state dict, and where in its file it was.

    Attributes:
        state: Tensors by name.
        place: Names of the entries that lead to it, with dots; "" for the top.
        left_out: Names of what lay beside its tensors: other state dicts, plain values.
    """

    state: dict[str, Tensor]
    place: str = ""
    left_out: tuple[str, ...] = ()


def read_weights(path: Path) -> dict[str, Tensor]:
    """Return the state dict of a file; see `find_weights`.

    Raises:
        ModelError: Neither kind of file, damaged, too large, or with more than weights in it.
    """
    return find_weights(path).state


def find_weights(path: Path) -> FoundWeights:
    """Return the state dict of a file, however deep in its checkpoint.

    Where the smoothed weights of a training (EMA) lie beside the others they are taken, as trainers
    judge a network by them.

    A `.pt`, `.pth`, `.ckpt` or `.bin` is read by torch's reader for weights alone, which makes
    tensors and plain values and runs nothing.

    Raises:
        ModelError: Neither kind of file, damaged, too large, or with more than weights in it.
    """
    size = checked_size(path)
    if path.suffix.lower() == SAFETENSORS:
        return FoundWeights(_safetensors(path))
    if path.suffix.lower() in PICKLED:
        return _plain(path, size)
    raise ModelError(no_weights(path.name))


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


def _check_count(tensors: int, name: str) -> None:
    if tensors > MOST_TENSORS:
        raise ModelError(
            f"{name} holds {tensors:,} tensors; the limit is {MOST_TENSORS:,}, save the weights of "
            "one network alone"
        )


def _safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError, safe_open
    from safetensors.torch import load_file

    try:
        with safe_open(path, "pt") as file:
            _check_count(len(file.keys()), path.name)
        return load_file(path)
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise ModelError(
            f"{path.name} is not a safetensors file or is damaged; save the weights again"
        ) from error


def _plain(path: Path, size: int) -> FoundWeights:
    places = list(state_dicts(read_checkpoint(path)))
    if not places:
        raise ModelError(f"{path.name} holds no state dict; {HOW_TO_CONVERT}")
    most = max(len(state) for _, state in places)
    large = [(place, state) for place, state in places if 2 * len(state) > most]
    place, state = next((one for one in large if is_smoothed(one[0])), large[0])
    _check_count(len(state), path.name)
    check_honest(state, size, path.name)
    others = tuple(other for other, _ in places if other != place)
    return FoundWeights(state, place, others)
