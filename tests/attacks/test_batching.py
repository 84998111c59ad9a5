"""A batch that does not fit into memory is halved, said, and gives what single images give."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from asma_core.attacks.asma.attack import ASMA
from asma_core.attacks.asma.settings import DynamicConfig
from asma_core.attacks.batching import attack_in_batches
from asma_core.attacks.contract import AttackInputs
from asma_core.errors import DeviceError, InputError
from tests.attacks.networks import disc, small_network, some_images

CONFIG = DynamicConfig(steps=5, stop_at_target=False)


class Cramped(nn.Module):
    """A network whose memory holds a few images."""

    def __init__(self, most: int, error: Exception) -> None:
        super().__init__()
        self.network = small_network()
        self.most = most
        self.error = error
        self.seen: list[int] = []

    def forward(self, images: Tensor) -> Tensor:
        self.seen.append(len(images))
        if len(images) > self.most:
            raise self.error
        answer: Tensor = self.network(images)
        return answer


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory"), MemoryError()])
def test_the_batch_is_halved_until_it_fits_and_results_equal_singles(error: Exception) -> None:
    images, target = some_images(7), disc(7)
    valid = torch.ones_like(target, dtype=torch.bool)
    valid[:, :4] = False
    region = torch.ones_like(valid)
    region[:, :, :5] = False
    network = Cramped(2, error)
    said: list[str] = []
    results = attack_in_batches(
        ASMA,
        network,
        AttackInputs(images, target, valid=valid, region=region),
        CONFIG,
        batch_size=7,
        on_notice=said.append,
    )
    assert said == [
        "cpu ran out of memory with 7 images at once; going on with 3.",
        "cpu ran out of memory with 3 images at once; going on with 1.",
    ]
    assert [result.best.index for result in results] == list(range(7))
    for place, result in enumerate(results):
        rows = slice(place, place + 1)
        (single,) = ASMA(
            network,
            AttackInputs(images[rows], target[rows], valid=valid[rows], region=region[rows]),
            CONFIG,
        )
        assert torch.equal(result.adversarial, single.adversarial)
        assert result.best == replace(single.best, index=place)
        assert result.trajectory == tuple(replace(now, index=place) for now in single.trajectory)


def test_a_batch_that_fits_is_attacked_as_it_is() -> None:
    network, said = Cramped(8, RuntimeError("unused")), []
    results = attack_in_batches(
        ASMA,
        network,
        AttackInputs(some_images(6), disc(6)),
        CONFIG,
        batch_size=4,
        on_notice=said.append,
    )
    assert len(results) == 6 and said == [] and set(network.seen) == {4, 2}


def test_one_image_that_does_not_fit_is_said_with_its_size() -> None:
    network = Cramped(0, torch.OutOfMemoryError("CUDA out of memory"))
    with pytest.raises(DeviceError, match="one image of 32 x 32; make the images smaller"):
        attack_in_batches(
            ASMA, network, AttackInputs(some_images(2), disc(2)), CONFIG, batch_size=2
        )


def test_another_error_goes_on_and_a_batch_of_none_is_refused() -> None:
    network = Cramped(0, RuntimeError("a bug"))
    with pytest.raises(RuntimeError, match="a bug"):
        attack_in_batches(
            ASMA, network, AttackInputs(some_images(1), disc(1)), CONFIG, batch_size=1
        )
    with pytest.raises(InputError, match="batch_size is 0"):
        attack_in_batches(
            ASMA, network, AttackInputs(some_images(1), disc(1)), CONFIG, batch_size=0
        )
