"""Networks that people bring are looked at, tried and taken in apart, within the owner's limits."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from monai.networks import nets

from asma_core.data.datasets import open_folder
from asma_core.errors import ModelError
from asma_core.jobs.brought_networks import look_at_weights
from asma_core.jobs.predictions import Predictor
from asma_core.models.sources.cards import find_card, model_cards
from tests.data.publish import binary, picture
from tests.models import bare

ARGUMENTS = {"spatial_dims": 2, "in_channels": 3, "out_channels": 2, "channels": [4, 8]}
MADE = (
    'weights = "w.pt"\n\n[architecture]\nname = "UNet"\narguments = {spatial_dims = 2, '
    "in_channels = 3, out_channels = 2, channels = [4, 8], strides = [2]}\n"
)


def staged(folder: Path) -> Path:
    torch.manual_seed(1)
    folder.mkdir(parents=True)
    torch.save(nets.UNet(**ARGUMENTS, strides=[2]).state_dict(), folder / "w.pt")
    return bare.put(folder, "mine", bare.card_text("mine", MADE))


def data_set(folder: Path) -> str:
    for part, make in (("images", picture), ("masks", binary)):
        (folder / part).mkdir(parents=True)
        for number in range(3):
            (folder / part / f"{number}.png").write_bytes(make(number))
    return open_folder(folder, str(folder)).name


def test_a_network_is_looked_at_tried_and_taken_in(home: Path, tmp_path: Path) -> None:
    card, predictor = staged(tmp_path / "up"), Predictor(home)
    looked = predictor.look_at_weights(card.with_name("w.pt"))
    assert (looked["architecture"], looked["channels"], looked["classes"]) == ("UNet", 3, 2)
    report = predictor.check_staged(card, data_set(tmp_path / "data"))
    assert report["usable"]
    assert [one["state"] for one in report["checks"] if one["name"] == "answer"] == ["good"]
    assert predictor.import_model(card) == "mine"
    assert not find_card("mine").trusted
    # None of it has started the process that all predictions wait for.
    assert predictor._worker.executor is None


@pytest.mark.parametrize("line", ["[[[[", ".".join("a" * 25_000) + " = 1"])
def test_what_is_wrong_with_a_card_is_told_as_it_is(home: Path, tmp_path: Path, line: str) -> None:
    card = staged(tmp_path / "up")
    card.write_text(f"{line}\n{card.read_text()}")
    with pytest.raises(ModelError, match="can't be read as a model card"):
        Predictor(home).import_model(card)


def test_a_network_that_takes_too_much_is_told_and_hinders_nothing(
    home: Path, tmp_path: Path
) -> None:
    home.mkdir(parents=True)
    (home / "config.toml").write_text("max_network_mb = 300\nmax_weights_mb = 5000\n")
    torch.save({"a.weight": torch.zeros(200_000_000)}, tmp_path / "a.pt")
    with pytest.raises(ModelError, match=r"a\.pt takes more memory .*max_network_mb"):
        look_at_weights(tmp_path / "a.pt")
    with pytest.raises(ModelError, match="holds no state dict"):
        torch.save([1], tmp_path / "b.pt")
        look_at_weights(tmp_path / "b.pt")
    assert "demo-fundus-unet" in model_cards()
