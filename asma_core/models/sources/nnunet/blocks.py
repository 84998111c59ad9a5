"""The bare networks of nnU-Net v2, built of named parts and bounded numbers only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from torch import nn

from asma_core.errors import ModelError
from asma_core.models.sources.optional import first_line, optional
from asma_core.models.sources.plain_json import Fields
from asma_core.models.wrapper.contract import NETWORK_FAULTS

# timm, which the package names too, is of other networks of it and would drag torchvision in.
PACKAGE: Final = "dynamic-network-architectures"
ARCHITECTURES: Final = {
    "PlainConvUNet": "n_conv_per_stage",
    "ResidualEncoderUNet": "n_blocks_per_stage",
}
# What a plan may name, by the last part of its path.
_CONVOLUTIONS: Final[Mapping[str, type[nn.Module]]] = {"Conv2d": nn.Conv2d}
_NORMS: Final[Mapping[str, type[nn.Module]]] = {
    "InstanceNorm2d": nn.InstanceNorm2d,
    "BatchNorm2d": nn.BatchNorm2d,
}
_DROPOUTS: Final[Mapping[str, type[nn.Module]]] = {
    "Dropout": nn.Dropout,
    "Dropout2d": nn.Dropout2d,
}
_ACTIVATIONS: Final[Mapping[str, type[nn.Module]]] = {
    "LeakyReLU": nn.LeakyReLU,
    "ReLU": nn.ReLU,
    "GELU": nn.GELU,
    "SiLU": nn.SiLU,
    "Mish": nn.Mish,
}
_PARTS: Final = {
    "norm_op": _NORMS,
    "dropout_op": _DROPOUTS,
    "nonlin": _ACTIVATIONS,
}
_SETTINGS: Final = ("eps", "affine", "momentum", "track_running_stats", "p", "negative_slope")
MOST_STAGES: Final = 12
MOST_FEATURES: Final = 4096
MOST_BLOCKS: Final = 32


def built(name: str, plan: Fields, channels: int, classes: int) -> nn.Module:
    """Build the network that a plan describes, without deep supervision.

    Args:
        name: One of `ARCHITECTURES`.
        plan: `arch_kwargs` of the plans.
        channels: In.
        classes: Out.

    Raises:
        ModelError: The plan names other parts or absurd numbers, or the package is absent.
    """
    if name not in ARCHITECTURES:
        raise ModelError(
            f"{name!r} is no network of nnU-Net's that is known here; there is "
            f"{' and '.join(ARCHITECTURES)}"
        )
    kinds = optional("dynamic_network_architectures.architectures.unet", PACKAGE, "--no-deps ")
    arguments = _arguments(name, plan)
    try:
        network: nn.Module = getattr(kinds, name)(
            input_channels=channels, num_classes=classes, deep_supervision=False, **arguments
        )
    except NETWORK_FAULTS as error:
        raise ModelError(
            f"{name} can't be built as {plan.label} says ({first_line(error)}); give the plans of "
            "just this training"
        ) from error
    return network


def _arguments(name: str, plan: Fields) -> dict[str, Any]:
    stages = plan.whole("n_stages", 2, MOST_STAGES)
    blocks = ARCHITECTURES[name]
    arguments: dict[str, Any] = {
        "n_stages": stages,
        "features_per_stage": _each(plan, "features_per_stage", stages, MOST_FEATURES),
        "kernel_sizes": _pairs(plan, "kernel_sizes", stages, 31),
        "strides": _pairs(plan, "strides", stages, 8),
        blocks: _each(plan, blocks, stages, MOST_BLOCKS),
        "n_conv_per_stage_decoder": _each(
            plan, "n_conv_per_stage_decoder", stages - 1, MOST_BLOCKS
        ),
        "conv_op": _CONVOLUTIONS["Conv2d"],
        "conv_bias": plan.flag("conv_bias", False),
    }
    if _last(plan.text("conv_op", "Conv2d")) not in _CONVOLUTIONS:
        raise ModelError(
            f"{plan.label} names {plan.text('conv_op')}; only 2D networks of nnU-Net can be taken "
            "in, choose the 2d configuration"
        )
    for part, known in _PARTS.items():
        arguments |= _part(plan, part, known)
    if plan.has("nonlin_first") and name == "PlainConvUNet":
        arguments["nonlin_first"] = plan.flag("nonlin_first", False)
    return arguments


def _each(plan: Fields, name: str, count: int, most: int) -> list[int]:
    """Return a number for each stage, of a list or of one for all."""
    if type(plan.get(name)) is int:
        return [plan.whole(name, 1, most)] * count
    values = plan.wholes(name, 1, most)
    if len(values) != count:
        raise ModelError(f"{plan.label} has {len(values)} numbers in {name}, not {count}")
    return values


def _pairs(plan: Fields, name: str, count: int, most: int) -> list[list[int]]:
    """Return two numbers for each stage."""
    values = plan.list(name)
    if len(values) != count:
        raise ModelError(f"{plan.label} has {len(values)} entries in {name}, not {count}")
    pairs = []
    for value in values:
        pair = value if isinstance(value, list | tuple) else [value, value]
        checked = Fields({name: pair}, plan.label).wholes(name, 1, most, 3)
        if len(checked) != 2:
            raise ModelError(
                f"{plan.label} has {name} of {len(checked)} dimensions; only 2D networks of "
                "nnU-Net can be taken in, choose the 2d configuration"
            )
        pairs.append(checked)
    return pairs


def _part(plan: Fields, name: str, known: Mapping[str, type[nn.Module]]) -> dict[str, Any]:
    """Return a part by its name, and what it is called with."""
    if not plan.has(name):
        return {}
    kind = known.get(_last(plan.text(name)))
    if kind is None:
        raise ModelError(
            f"{plan.label} names {plan.text(name)[:80]} as {name}; known are {', '.join(known)}"
        )
    settings = plan.table(f"{name}_kwargs", {})
    values: dict[str, Any] = {}
    for key in settings.content:
        if key == "inplace":
            # What a network does in place would only save memory.
            continue
        if key not in _SETTINGS:
            raise ModelError(f"{settings.label} has {key!r}; known are {', '.join(_SETTINGS)}")
        value = settings.content[key]
        values[key] = value if isinstance(value, bool) else settings.number(key)
    return {name: kind, f"{name}_kwargs": values}


def _last(path: str) -> str:
    return path.rpartition(".")[2]
