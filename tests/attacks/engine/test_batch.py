"""The pieces that attacks share."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from asma_core.attacks.engine.batch import as_saved, norms
from asma_core.data.formats.images import from_bytes, to_bytes


def test_rounding_gives_the_very_bits_that_a_file_gives(device: str) -> None:
    values = torch.cat((torch.rand(50_000), torch.arange(511) / 510.0)).view(1, 1, -1)
    expected = from_bytes(to_bytes(values.numpy()))
    rounded = as_saved(values.to(device)).cpu().numpy()
    assert np.array_equal(rounded, expected)


def test_norms_are_those_of_numpy_and_do_not_underflow() -> None:
    values = torch.randn(3, 2, 5, 5)
    expected = [np.linalg.norm(value.numpy().astype(np.float64)) for value in values]
    assert norms(values).tolist() == pytest.approx(expected)
    assert float(norms(torch.full((1, 1, 2, 2), 1e-25))) == pytest.approx(2e-25)
