"""Reading a pickled checkpoint by allow-list: tensors and plain values, and nothing is run.

Checkpoints hold more than tensors: figures as numpy's scalars, the options of the command line.
For these few names stand-ins of our own are put in, so that not even numpy's code meets them.
"""

from __future__ import annotations

import pickle
import threading
from pathlib import Path
from typing import Any, Final

import torch

from asma_core.errors import ModelError
from asma_core.models.wrapper.devices import is_out_of_memory

HOW_TO_CONVERT: Final = (
    "where it was trained, save the weights alone: safetensors.torch.save_file(model.state_dict(), "
    "'weights.safetensors')"
)
# The list of allowed names is torch's own, and of the whole process.
_LOCK: Final = threading.Lock()


class Ignored:
    """What stands for an object whose content is of no use here; it takes anything."""

    def __init__(self, *_arguments: Any, **_named: Any) -> None:
        """Take anything and keep nothing."""

    def __setstate__(self, _state: Any) -> None:
        """Take anything and keep nothing."""


class IgnoredDict(dict[Any, Any]):
    """What stands for a dict of another kind; what it holds is kept."""

    def __setstate__(self, _state: Any) -> None:
        """Take anything and keep nothing."""


def _no_figure(*_arguments: Any) -> None:
    """Stand for a figure; none is needed to build a network."""


_NUMPY: Final = ("numpy.core.multiarray", "numpy._core.multiarray")
ALLOWED: Final[tuple[tuple[Any, str], ...]] = (
    *((_no_figure, f"{module}.scalar") for module in _NUMPY),
    *((type("Array", (Ignored,), {}), f"{module}._reconstruct") for module in _NUMPY),
    (Ignored, "numpy.dtype"),
    (Ignored, "numpy.ndarray"),
    (Ignored, "argparse.Namespace"),
    (Ignored, "pathlib.Path"),
    (Ignored, "pathlib.PosixPath"),
    (Ignored, "pathlib.WindowsPath"),
    (Ignored, "pathlib._local.PosixPath"),
    (Ignored, "pathlib._local.WindowsPath"),
    (IgnoredDict, "lightning.fabric.utilities.data.AttributeDict"),
    (IgnoredDict, "lightning_fabric.utilities.data.AttributeDict"),
    (IgnoredDict, "pytorch_lightning.utilities.parsing.AttributeDict"),
)


def read_checkpoint(path: Path, how_to_convert: str = HOW_TO_CONVERT) -> Any:
    """Return what a `.pt`, `.pth`, `.ckpt` or `.bin` holds, without running anything.

    Args:
        path: The file.
        how_to_convert: What the error tells to do, in a clause.

    Raises:
        ModelError: Damaged, or with more than tensors, plain values and what is allowed.
    """
    try:
        with _LOCK, torch.serialization.safe_globals(list(ALLOWED)):
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"{path.name} is a pickle that holds more than weights, and such a file is a program, "
            f"which is not run here; {how_to_convert}"
        ) from error
    except Exception as error:
        if is_out_of_memory(error):
            raise ModelError(
                f"{path.name} takes more memory than a network may; bring a smaller one, or let "
                "the owner of this server raise max_network_mb"
            ) from error
        # A damaged pickle raises anything; a TorchScript archive a RuntimeError.
        raise ModelError(
            f"{path.name} can't be read as weights ({type(error).__name__}); {how_to_convert}"
        ) from error
