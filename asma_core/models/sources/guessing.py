"""Guessing a MONAI architecture and its arguments from the names and shapes of its weights."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import torch

from asma_core.errors import ModelError
from asma_core.models.sources.architectures import complete
from asma_core.models.sources.fitting import fit_weights
from asma_core.models.sources.looks import no_architecture
from asma_core.models.sources.model_card import ModelCard
from asma_core.models.sources.state_dicts import State, inner_states, is_of_training
from asma_core.models.sources.weights import ONNX_FILE, find_weights
from asma_core.models.wrapper.specs import ONE_LOGIT, OutputSpec, usual_input


def look_at(path: Path) -> dict[str, Any]:
    """Return what a file of weights is likely to be.

    Returns:
        `tensors` and `weights` (counts), `place` (where in its checkpoint the state dict was),
        `left_out` (names of what is no part of the network), and where a guess fits every tensor
        `architecture`, `arguments`, `channels` and `classes`; where none does, `seems_channels`
        and `seems_classes` as far as the first and the last layer tell. Of an ONNX file, which
        is the whole network, what `onnx.network.look_at_onnx` returns.

    Raises:
        ModelError: The file can't be read as weights.
    """
    if path.suffix.lower() == ONNX_FILE:
        from asma_core.models.sources.onnx.network import look_at_onnx

        return look_at_onnx(path)
    found = find_weights(path)
    looked: dict[str, Any] = {
        "tensors": len(found.state),
        "weights": sum(tensor.numel() for tensor in found.state.values()),
        "place": found.place,
    }
    guessed = guess(found.state) or _seems(found.state)
    left_out = [*found.left_out, *guessed.pop("left_out", ())]
    return looked | guessed | {"left_out": left_out}


def completed(card: ModelCard) -> ModelCard:
    """Return a card that says what its weights belong to; guessed where it does not.

    Raises:
        ModelError: It does not, and no architecture fits.
    """
    if card.program or card.architecture:
        return card
    looked = look_at(card.weights)
    if "architecture" not in looked:
        raise ModelError(no_architecture(card.weights.name))
    channels = int(looked["channels"])
    arguments = complete(channels, int(looked["classes"]), looked["arguments"])
    spec, output = card.input, card.output
    if spec == usual_input(3):
        spec = usual_input(channels)
    if looked["classes"] == 1 and output == OutputSpec():
        output = OutputSpec(reading=ONE_LOGIT)
    return replace(
        card, architecture=looked["architecture"], arguments=arguments, input=spec, output=output
    )


def guess(state: State) -> dict[str, Any] | None:
    """Return the architecture that the tensors of a state dict fit, None without one.

    What trainers put before all names, and losses and metrics beside the network, do not matter.
    """
    for part in inner_states(state):
        for architecture, read in _READERS.items():
            for arguments in read(part):
                if _left_out(architecture, arguments, part) is None:
                    continue
                return {
                    "architecture": architecture,
                    "arguments": {k: v for k, v in arguments.items() if k not in _COMMON},
                    "channels": arguments["in_channels"],
                    "classes": arguments["out_channels"],
                    "left_out": _left_out(architecture, arguments, state) or (),
                }
    return None


# A last layer with more channels than that is seldom the one of the classes.
MOST_SEEMING: Final = 32


def _seems(state: State) -> dict[str, Any]:
    """Return what the first and the last layer say of channels in and out."""
    layers = [shape for key, shape in _convolutions(state) if not is_of_training(key)]
    if not layers:
        return {}
    channels, classes = layers[0][1], layers[-1][0]
    seems = {"seems_channels": channels} if channels in (1, 3) else {}
    return seems | ({"seems_classes": classes} if classes <= MOST_SEEMING else {})


_COMMON: Final = ("spatial_dims", "in_channels", "out_channels")


def _left_out(architecture: str, arguments: dict[str, Any], state: State) -> tuple[str, ...] | None:
    """Return the names of what is beside a network in a state dict; None where it does not fit."""
    from asma_core.models.sources.building import build_network

    try:
        with torch.device("meta"):
            network = build_network(architecture, arguments)
        return fit_weights(state, network, "").left_out
    except ModelError:
        return None


def _base(inside: int, outside: int, **more: Any) -> dict[str, Any]:
    return {"spatial_dims": 2, "in_channels": inside, "out_channels": outside, **more}


def _convolutions(state: State) -> list[tuple[str, tuple[int, ...]]]:
    return [(key, tuple(value.shape)) for key, value in state.items() if value.ndim == 4]


# The first convolution of each level, with residual units and without.
_DOWN: Final = re.compile(
    r"model(\.1\.submodule)*(\.0|\.1\.submodule)\.(conv\.unit0\.)?conv\.weight"
)


def _unet(state: State) -> Sequence[dict[str, Any]]:
    """MONAI's UNet: `model.0`, `model.1.submodule.0`, ..., the strides are 2 where they must be."""
    downs: dict[int, tuple[int, ...]] = {}
    units = 0
    for key, shape in _convolutions(state):
        units = max([units, *(int(number) + 1 for number in re.findall(r"unit(\d+)", key))])
        if _DOWN.fullmatch(key):
            downs.setdefault(key.count("submodule"), shape)
    if len(downs) < 2 or sorted(downs) != list(range(len(downs))):
        return []
    channels = [downs[depth][0] for depth in range(len(downs))]
    last = [shape for key, shape in _convolutions(state) if key.startswith("model.2.")]
    if not last:
        return []
    # The last layer is a transposed convolution, (in, out, ...), or a residual unit after it.
    classes = last[-1][0] if units else last[-1][1]
    affine = any("adn.N.weight" in key for key in state)
    running = any("running_mean" in key for key in state)
    norms = [["batch", {}]] if running else [["instance", {"affine": True}], ["instance", {}]]
    norms = norms if running or affine else [["instance", {}]]
    bias = any(key.endswith("conv.bias") for key in state)
    return [
        _base(
            downs[0][1],
            classes,
            channels=channels,
            strides=[2] * (len(channels) - 1),
            num_res_units=units,
            norm=norm,
            **({} if bias else {"bias": False}),
        )
        for norm in norms
    ]


def _attention_unet(state: State) -> Sequence[dict[str, Any]]:
    heads = [
        (key.count("submodule"), shape)
        for key, shape in _convolutions(state)
        if re.search(r"\.conv\.0\.conv\.weight$", key) and "attention" not in key
    ]
    first: dict[int, tuple[int, ...]] = {}
    for depth, shape in heads:
        first.setdefault(depth, shape)
    widths = sorted({shape[0] for _, shape in heads})
    last = [shape for key, shape in _convolutions(state)]
    if len(widths) < 2 or not any("attention" in key for key in state):
        return []
    return [_base(heads[0][1][1], last[-1][0], channels=widths, strides=[2] * (len(widths) - 1))]


def _basic_unet(state: State) -> Sequence[dict[str, Any]]:
    names = ["conv_0", *(f"down_{level}.convs" for level in range(1, 5)), "upcat_1.convs"]
    widths = [state.get(f"{name}.conv_0.conv.weight") for name in names]
    last, first = state.get("final_conv.weight"), widths[0]
    if last is None or first is None or any(width is None for width in widths):
        return []
    features = [int(width.shape[0]) for width in widths if width is not None]
    return [_base(int(first.shape[1]), int(last.shape[0]), features=features)]


def _seg_res_net(state: State) -> Sequence[dict[str, Any]]:
    first, last = state.get("convInit.conv.weight"), state.get("conv_final.2.conv.weight")
    if first is None or last is None:
        return []
    down = _counted(state, r"down_layers\.(\d+)\.(\d+)\.conv1")
    up = _counted(state, r"up_layers\.(\d+)\.(\d+)\.conv1")
    return [
        _base(
            int(first.shape[1]),
            int(last.shape[0]),
            init_filters=int(first.shape[0]),
            blocks_down=down,
            blocks_up=up,
        )
    ]


def _counted(state: State, pattern: str) -> list[int]:
    """Return how many blocks each level has."""
    levels: dict[int, set[int]] = {}
    for key in state:
        match = re.match(pattern, key)
        if match:
            levels.setdefault(int(match[1]), set()).add(int(match[2]))
    return [len(levels[level]) for level in sorted(levels)]


_READERS: Final[Mapping[str, Callable[[State], Sequence[dict[str, Any]]]]] = {
    "BasicUNet": _basic_unet,
    "SegResNet": _seg_res_net,
    "AttentionUnet": _attention_unet,
    "UNet": _unet,
}
