"""What commands ask of a network. torch takes seconds, so it is imported when it is needed."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from asma_core.attacks.registry import check_suits, find_attack
from asma_core.data.formats.images import FloatImage
from asma_core.models.sources.cards import ModelCard
from asma_core.runs.execution import Execution


def device_name(device: str) -> str:
    """Return the device that a name stands for, checked.

    Raises:
        DeviceError: There is no such device.
    """
    from asma_core.models.wrapper.devices import choose_device

    return str(choose_device(device))


def prediction(card: ModelCard, device: str, image: FloatImage) -> NDArray[np.int64]:
    """Return what a network says of an image, int64 (H, W).

    Raises:
        ModelError: It can't be loaded, or its logits are not finite.
    """
    from asma_core.models.sources.loading import load_model, predict
    from asma_core.models.wrapper.devices import choose_device

    chosen = choose_device(device)
    return predict(load_model(card, chosen), image, chosen)


def covered(card: ModelCard, device: str, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return for which pixels of an image a network answers, bool (H, W)."""
    from asma_core.models.sources.loading import load_model
    from asma_core.models.wrapper.devices import choose_device

    model = load_model(card, choose_device(device))
    pixels: NDArray[np.bool_] = model.covered(*shape).cpu().numpy()
    return pixels


def check_all_suit(card: ModelCard, attacks: Iterable[str]) -> None:
    """Check that each of some attacks can attack a network.

    Raises:
        UnknownNameError: One is none.
        InputError: One needs gradients, and the network takes none.
    """
    for name in attacks:
        check_suits(find_attack(name), card.name, card.takes_gradients)


def check_execution(execution: Execution) -> None:
    """Check that this machine can carry out what is asked for.

    Raises:
        DeviceError: There is no such device, or it has not that precision.
    """
    from asma_core.models.wrapper.backend import check_precision
    from asma_core.models.wrapper.devices import choose_device

    check_precision(execution.precision, choose_device(execution.device))
