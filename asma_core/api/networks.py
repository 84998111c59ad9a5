"""The network that a person means: by name, by card, or as a module of their own."""

from __future__ import annotations

from typing import Final

import torch
from torch import nn

from asma_core.data.formats.images import FloatImage
from asma_core.errors import DeviceError, InputError, ModelError
from asma_core.models.sources.cards import ModelCard, find_card
from asma_core.models.sources.loading import load_card
from asma_core.models.sources.loading import load_model as load_kept
from asma_core.models.wrapper.calls import borrowed, checked_logits
from asma_core.models.wrapper.contract import NETWORK_FAULTS, SegmentationModel, first_line
from asma_core.models.wrapper.devices import choose_device, is_out_of_memory
from asma_core.models.wrapper.specs import InputSpec

AUTO: Final = "auto"


def load_model(name_or_card: str | ModelCard, device: str = AUTO) -> SegmentationModel:
    """Load a network of the workbench, afresh: what is done to it changes no other.

    Args:
        name_or_card: A name among `models()`, or a card.
        device: "auto" (the GPU with the most free memory, else the CPU), "cpu", "cuda" or "cuda:N".

    Returns:
        A `torch.nn.Module` in evaluation mode without gradients to its weights. It takes float32
        (B, 1 or 3, H, W) in [0, 1] of any size and returns logits, float32 (B, K, H, W); resizing
        and normalising are inside it and differentiable. `classes` has its K names.
        `takes_gradients` is false for an ONNX file, of which only the outputs are there.

    Raises:
        UnknownNameError: No network has that name.
        ModelError: It can't be built or loaded, or its weights do not fit.
        DeviceError: No such device on this machine.
    """
    return load_card(_card(name_or_card), choose_device(device))


def _card(name_or_card: str | ModelCard) -> ModelCard:
    if isinstance(name_or_card, ModelCard):
        return name_or_card
    if isinstance(name_or_card, str):
        return find_card(name_or_card)
    raise InputError(
        f"expected a network's name, its card or a torch module, got a "
        f"{type(name_or_card).__name__}; models() lists the names"
    )


def called(given: str | ModelCard | nn.Module) -> str:
    """Return what to call the network that is meant."""
    if isinstance(given, nn.Module):
        return "the network"
    return given if isinstance(given, str) else given.name


def network_of(
    given: str | ModelCard | nn.Module, device: str, example: FloatImage
) -> tuple[SegmentationModel, torch.device]:
    """Return the network that is meant, and its device.

    Args:
        given: A name, a card, or a module that returns logits of the image's size.
        device: As `load_model` has it; a module stays where it is.
        example: float32 (C, H, W) in [0, 1]; a module is asked once how many classes it has.

    Raises:
        InputError: It is no network.
        ModelError: It can't be loaded, or does not return logits (B, K, H, W).
        DeviceError: No such device, or a module is on another.
    """
    if not isinstance(given, nn.Module):
        where = choose_device(device)
        return load_kept(_card(given), where), where
    where = _device_of(given, device)
    return (
        given if isinstance(given, SegmentationModel) else _wrapped(given, where, example)
    ), where


def _device_of(network: nn.Module, device: str) -> torch.device:
    tensors = [*network.parameters(), *network.buffers()]
    if not tensors:
        return choose_device(device)
    where = tensors[0].device
    if device == AUTO or where == choose_device(device) or device == where.type:
        return where
    raise DeviceError(f"the network is on {where}; move it: network.to({device!r})")


def _wrapped(network: nn.Module, device: torch.device, example: FloatImage) -> SegmentationModel:
    channels = len(example)
    spec = InputSpec(channels, 0, 1, (0.0,) * channels, (1.0,) * channels)
    names = tuple(map(str, range(_class_count(network, device, example))))
    with device:
        model = SegmentationModel(network, spec, ("background", *names[1:]))
    # Not `train`, which would change the network's own mode.
    model.training = network.training
    return model


def _class_count(network: nn.Module, device: torch.device, example: FloatImage) -> int:
    images = torch.from_numpy(example.copy())[None].to(device)
    try:
        with borrowed(network), torch.no_grad():
            logits = checked_logits(network(images))
    except NETWORK_FAULTS as error:
        if is_out_of_memory(error):
            raise
        raise ModelError(
            f"the network fails on {tuple(images.shape)} ({type(error).__name__}: "
            f"{first_line(error)}); give it an image of the size and the channels that it takes"
        ) from error
    if logits.shape[2:] != images.shape[2:]:
        raise ModelError(
            f"expected logits of the image's size {tuple(images.shape[2:])}, got "
            f"{tuple(logits.shape[2:])}; let the network resize them, or give it a model card"
        )
    return logits.shape[1]
