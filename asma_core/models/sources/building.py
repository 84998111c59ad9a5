"""Building a network of MONAI by its name, with random weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import torch
from torch import nn

from asma_core.errors import ModelError
from asma_core.models.sources.architectures import ARCHITECTURES
from asma_core.models.wrapper.contract import NETWORK_FAULTS

MOST_WEIGHTS: Final = 500_000_000


def build_network(architecture: str, arguments: dict[str, Any]) -> nn.Module:
    """Build a MONAI network by its name and arguments, with random weights.

    Raises:
        ModelError: MONAI has no such network, or not with these arguments.
    """
    from monai.networks import nets

    kind = getattr(nets, architecture, None)
    if not (isinstance(kind, type) and issubclass(kind, nn.Module)):
        raise ModelError(f"monai.networks.nets has no network called {architecture!r}")
    try:
        network: nn.Module = kind(**arguments)
    except NETWORK_FAULTS as error:
        raise ModelError(
            f"{architecture} can't be built with the card's arguments: {_first_line(error)}"
        ) from error
    return network


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(":. ") if str(error) else type(error).__name__


def check_architecture(architecture: str, arguments: Mapping[str, Any]) -> None:
    """Check what an upload asks to be built.

    Raises:
        ModelError: Not one of `ARCHITECTURES`, larger than a server should build, or with weights
            that would be downloaded.
    """
    if architecture not in ARCHITECTURES:
        raise ModelError(
            f"{architecture!r} is not an architecture for uploads; there is: "
            f"{', '.join(ARCHITECTURES)}"
        )
    if any("pretrained" in name and value for name, value in arguments.items()):
        raise ModelError(
            "pretrained weights are not fetched; leave pretrained out of the arguments"
        )
    # On this device nothing is allocated, however large the numbers are.
    with torch.device("meta"):
        network = build_network(architecture, dict(arguments))
    count = sum(weight.numel() for weight in network.parameters())
    if count > MOST_WEIGHTS:
        raise ModelError(
            f"the network would have {count / 1e6:,.0f} million weights; the limit is "
            f"{MOST_WEIGHTS // 1_000_000} million, choose fewer channels"
        )
