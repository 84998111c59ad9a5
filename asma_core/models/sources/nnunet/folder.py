"""nnU-Net v2's folder of a trained model: plans.json, dataset.json, a folder for each fold."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from torch import Tensor

from asma_core.errors import InputError, ModelError
from asma_core.models.sources.checkpoints import read_checkpoint
from asma_core.models.sources.nnunet.plans import Plan, read_plan
from asma_core.models.sources.plain_json import read_fields
from asma_core.models.sources.weights import check_honest, checked_size

PLANS: Final = "plans.json"
DATASET: Final = "dataset.json"
CHECKPOINTS: Final = ("checkpoint_final.pth", "checkpoint_best.pth")
WEIGHTS: Final = "network_weights"
ALL_FOLDS: Final = "mean"
_FOLD: Final = re.compile(r"fold_(\d{1,3}|all)")
# One that torch's reader for weights takes, of one that it does not.
HOW_TO_CONVERT: Final = (
    'where it was trained, keep what is needed of it: python -c "import torch; '
    "c = torch.load('{name}', weights_only=False); torch.save({{k: c[k] for k in "
    "('network_weights', 'trainer_name', 'inference_allowed_mirroring_axes')}}, '{name}')\""
)


@dataclass(frozen=True)
class Trained:
    """What lies in the folder of a trained model.

    Attributes:
        plan: Of its configuration.
        folds: Which are there; "" is one that lies beside the plans.
        chosen: Of which the weights are.
        states: The weights of each chosen fold.
        axes: Along which it may mirror; () for none.
        title: For people.
    """

    plan: Plan
    folds: tuple[str, ...]
    chosen: tuple[str, ...]
    states: tuple[Mapping[str, Tensor], ...]
    axes: tuple[int, ...]
    title: str


def is_nnunet(folder: Path) -> bool:
    """Tell whether a folder is one of a trained model of nnU-Net v2."""
    return (folder / PLANS).is_file() and (folder / DATASET).is_file()


def checkpoints(folder: Path) -> dict[str, Path]:
    """Return the checkpoint of each fold; the final one, or the best where there is none."""
    places = {
        match[1]: one
        for one in sorted(folder.iterdir())
        if one.is_dir() and (match := _FOLD.fullmatch(one.name))
    }
    found = {fold: path for fold, place in places.items() if (path := _checkpoint(place))}
    beside = _checkpoint(folder)
    return found or ({"": beside} if beside else {})


def _checkpoint(folder: Path) -> Path | None:
    return next((folder / name for name in CHECKPOINTS if (folder / name).is_file()), None)


def read_trained(folder: Path, fold: str = "") -> Trained:
    """Read the folder of a trained model.

    Args:
        folder: With plans.json and dataset.json.
        fold: One of its folds, `ALL_FOLDS` for their mean, "" for what nnU-Net does: the mean
            of all but the one that was trained on everything.

    Raises:
        ModelError: A file is absent, damaged or not of 2D; the checkpoints are of several kinds.
        InputError: There is no such fold.
    """
    files = checkpoints(folder)
    if not files:
        raise ModelError(
            f"{folder.name} has no fold with {' or '.join(CHECKPOINTS)}; give the folder as "
            "nnU-Net wrote it (fold_0/checkpoint_final.pth)"
        )
    chosen = _chosen(tuple(files), fold)
    contents = [_read(files[one]) for one in chosen]
    plans, dataset = read_fields(folder / PLANS), read_fields(folder / DATASET)
    plan = read_plan(plans, dataset, _configuration(contents))
    return Trained(
        plan,
        tuple(files),
        chosen,
        tuple(_weights(content, files[one]) for content, one in zip(contents, chosen, strict=True)),
        _axes(contents[0]),
        f"nnU-Net: {plans.text('dataset_name', folder.name)[:80]}",
    )


def _chosen(folds: Sequence[str], fold: str) -> tuple[str, ...]:
    if fold in ("", ALL_FOLDS):
        apart = tuple(one for one in folds if one != "all")
        return apart or tuple(folds)
    if fold not in folds:
        raise InputError(
            f"there is no fold {fold!r}; there is {', '.join(folds) or 'one only'}, or "
            f"{ALL_FOLDS!r} of all"
        )
    return (fold,)


def _read(path: Path) -> Mapping[str, Any]:
    checked_size(path)
    content = read_checkpoint(path, HOW_TO_CONVERT.format(name=path.name))
    if not isinstance(content, Mapping) or not isinstance(content.get(WEIGHTS), Mapping):
        raise ModelError(f"{path.name} is no checkpoint of nnU-Net v2: it lacks {WEIGHTS}")
    return content


def _weights(content: Mapping[str, Any], path: Path) -> dict[str, Tensor]:
    state = content[WEIGHTS]
    if not state or not all(isinstance(value, Tensor) for value in state.values()):
        raise ModelError(f"{path.name} has something else than tensors in {WEIGHTS}")
    check_honest(state, checked_size(path), path.name)
    return {str(key): value for key, value in state.items()}


def _configuration(contents: Sequence[Mapping[str, Any]]) -> str:
    """Return the configuration's name that the checkpoints agree on; "" where none says it."""
    said = set()
    for content in contents:
        started = content.get("init_args")
        name = started.get("configuration") if isinstance(started, Mapping) else None
        said.add(name if isinstance(name, str) else "")
    if len(said) > 1:
        raise ModelError(
            f"the folds are of several configurations ({', '.join(sorted(said))[:200]}); choose "
            "one fold"
        )
    return said.pop()


def _axes(content: Mapping[str, Any]) -> tuple[int, ...]:
    axes = content.get("inference_allowed_mirroring_axes")
    if not isinstance(axes, list | tuple):
        return ()
    return tuple(axis for axis in axes if type(axis) is int and axis in (0, 1))
