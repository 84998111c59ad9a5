"""Networks that are programs: `torch.export` archives, TorchScript, a Python function, ONNX.

All but ONNX run as the server itself. Only a card of the server's owner may name one of them.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from asma_core.errors import ModelError
from asma_core.models.sources.cards import EXPORT, FACTORY, ONNX, TORCHSCRIPT, ModelCard
from asma_core.models.sources.fitting import fit_weights, load_into
from asma_core.models.sources.weights import PICKLED, SAFETENSORS, read_weights


class Program(nn.Module):
    """A network that has no training mode to leave."""

    def __init__(self, program: Callable[..., Any]) -> None:
        """Wrap a program, so that it behaves as a module."""
        super().__init__()
        self.program = program

    def forward(self, images: Tensor) -> Any:
        """Return what the program answers."""
        return self.program(images)

    def train(self, mode: bool = True) -> Program:
        """Do as other modules do, but leave the program as it is."""
        self.training = mode
        return self


def load_program(card: ModelCard, device: torch.device) -> nn.Module:
    """Load the network of a card that names a program.

    Raises:
        ModelError: The card is an upload, or its program can't be loaded.
    """
    if card.runs_code and not card.trusted:
        raise ModelError(f"{card.name} is an upload and names a program, which is never run")
    load = {EXPORT: _export, TORCHSCRIPT: _torchscript, FACTORY: _factory, ONNX: _onnx}[
        card.program
    ]
    try:
        with warnings.catch_warnings():
            # Of formats that torch will give up: they are the owner's choice.
            warnings.simplefilter("ignore")
            return load(card, device)
    except ModelError:
        raise
    except Exception as error:
        # Whatever a program raises while it is loaded is its owner's to mend.
        lines = str(error).strip().splitlines() or [""]
        raise ModelError(
            f"{card.weights.name} of {card.name} can't be loaded ({type(error).__name__}: "
            f"{lines[0][:200]}); mend the file or its card"
        ) from error


def _export(card: ModelCard, device: torch.device) -> nn.Module:
    from torch.export import load
    from torch.export.passes import move_to_device_pass

    program = load(card.weights)
    if device.type != "cpu":
        program = move_to_device_pass(program, device)
    return Program(program.module())


def _torchscript(card: ModelCard, device: torch.device) -> nn.Module:
    script = torch.jit.load(str(card.weights), map_location=device)  # type: ignore[no-untyped-call]
    script.eval()
    return Program(script)


def _onnx(card: ModelCard, device: torch.device) -> nn.Module:
    from asma_core.models.sources.onnx.network import OnnxNetwork

    return OnnxNetwork(card.weights)


def _factory(card: ModelCard, device: torch.device) -> nn.Module:
    module, _, function = card.factory.partition(":")
    with _importable(_folder(card)):
        make = getattr(importlib.import_module(module), function, None)
    if not callable(make):
        raise ModelError(f"{module} of {card.name} has no function {function}; correct the card")
    network = make(**dict(card.arguments))
    if not isinstance(network, nn.Module):
        raise ModelError(
            f"{card.factory} of {card.name} gave a {type(network).__name__}; let it return a "
            "torch.nn.Module"
        )
    if card.weights.suffix.lower() in (SAFETENSORS, *PICKLED):
        state = read_weights(card.weights)
        load_into(network, fit_weights(state, network, card.weights.name))
    return network


def _folder(card: ModelCard) -> Path:
    """Return the card's folder; a factory's module may lie in packages below it."""
    if card.weights.suffix != ".py":
        return card.weights.parent
    depth = card.factory.partition(":")[0].count(".")
    return card.weights.parents[depth]


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    path = str(folder)
    sys.path.insert(0, path)
    try:
        importlib.invalidate_caches()
        yield
    finally:
        sys.path.remove(path)
