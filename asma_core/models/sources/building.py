"""Building the network of a card, with random weights."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import torch
from torch import nn
from torch.nn.modules.module import register_module_module_registration_hook

from asma_core.errors import ModelError
from asma_core.models.sources.architectures import ARCHITECTURES
from asma_core.models.sources.model_card import MONAI, NNUNET, TRANSFORMERS, ModelCard
from asma_core.models.sources.optional import first_line
from asma_core.models.wrapper.contract import NETWORK_FAULTS

MOST_WEIGHTS: Final = 500_000_000
# The deepest that are known have some thousands.
MOST_LAYERS: Final = 20_000


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
    except (*NETWORK_FAULTS, ImportError) as error:
        raise ModelError(
            f"{architecture} can't be built with the card's arguments: {first_line(error)}"
        ) from error
    return network


def build_card(card: ModelCard) -> nn.Module:
    """Build the network of a card that names an architecture, with random weights.

    Raises:
        ModelError: Its library has no such network, or not with these arguments, or is absent.
    """
    if card.library == NNUNET:
        from asma_core.models.sources.nnunet.network import build_nnunet

        return build_nnunet(card.architecture, card.arguments)
    if card.library == TRANSFORMERS:
        from asma_core.models.sources.huggingface.network import build_transformer

        return build_transformer(card.architecture, card.arguments)
    return build_network(card.architecture, dict(card.arguments))


def check_card(card: ModelCard) -> None:
    """Check what an upload asks to be built.

    Raises:
        ModelError: Of MONAI's not one of `ARCHITECTURES`; larger than a server should build, or
            with weights that would be downloaded.
    """
    if card.library == MONAI:
        _check_name(card.architecture, card.arguments)
    # On this device nothing is allocated, however large the numbers are.
    with at_most(MOST_LAYERS), torch.device("meta"):
        network = build_card(card)
    count = sum(weight.numel() for weight in network.parameters())
    if count > MOST_WEIGHTS:
        raise ModelError(
            f"the network would have {count / 1e6:,.0f} million weights; the limit is "
            f"{MOST_WEIGHTS // 1_000_000} million, choose "
            f"{'one fold' if card.library == NNUNET else 'fewer channels'}"
        )


@contextmanager
def at_most(layers: int) -> Iterator[None]:
    """Refuse in this thread to build a network of more layers, before they are all there.

    Raises:
        ModelError: It would have more.
    """
    mine, count = threading.get_ident(), itertools.count(1)

    def counted(_module: nn.Module, _name: str, _part: nn.Module | None) -> None:
        if threading.get_ident() == mine and next(count) > layers:
            raise ModelError(
                f"the network would have more than {layers:,} layers, the limit; choose fewer"
            )

    hook = register_module_module_registration_hook(counted)
    try:
        yield
    finally:
        hook.remove()


def _check_name(architecture: str, arguments: Mapping[str, Any]) -> None:
    if architecture not in ARCHITECTURES:
        raise ModelError(
            f"{architecture!r} is not an architecture for uploads; there is: "
            f"{', '.join(ARCHITECTURES)}"
        )
    if any("pretrained" in name and value for name, value in arguments.items()):
        raise ModelError(
            "pretrained weights are not fetched; leave pretrained out of the arguments"
        )
