"""Monte-Carlo dropout: what is dropped, of whom, and that the network is left as it was."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import asma_core
from asma_core.cli.main import main
from asma_core.defences.contract import Defence
from asma_core.defences.dropout import DropoutSettings, dropout_layers, dropping
from asma_core.errors import ModelError
from asma_core.models.sources.cards import find_card, network_hash
from asma_core.models.wrapper.contract import SegmentationModel
from asma_core.models.wrapper.defended import JUDGED_DRAWS, DefendedModel
from asma_core.models.wrapper.specs import InputSpec
from tests import tiny

MC = Defence("mc-dropout")
DROPPING = "tiny-dropout"


class Dropped(nn.Module):
    """Passes the image through one layer of dropout, to two classes."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, images: Tensor) -> Tensor:
        passed = self.layer(images)[:, :1]
        return torch.cat([-passed, passed], 1)


def model(layer: nn.Module, batch: int = 0) -> SegmentationModel:
    spec = InputSpec(3, 0, 1, (0.0,) * 3, (1.0,) * 3, batch=batch)
    return SegmentationModel(Dropped(layer), spec, ("background", "bright")).eval()


def some_images(count: int = 3) -> Tensor:
    return 0.2 + torch.rand(count, 3, 16, 12, generator=torch.Generator().manual_seed(1))


def test_each_value_is_dropped_or_enlarged_and_on_average_as_it_is() -> None:
    network, images = Dropped(nn.Dropout(0.25)).eval(), some_images(1)
    draws = []
    for _ in range(400):
        with dropping(network, DropoutSettings()):
            draws.append(network(images)[:, 1])
    every, image = torch.stack(draws), images[:, 0]
    kept = every > 0
    assert torch.allclose(every[kept], (image / 0.75).expand_as(every)[kept])
    assert float(kept.float().mean()) == pytest.approx(0.75, abs=0.01)
    assert (every.mean(0) / image - 1).abs().max() < 0.15


@pytest.mark.parametrize("layer", [nn.Dropout2d(0.5), nn.Dropout3d(0.5)])
def test_layers_of_channels_drop_whole_ones(layer: nn.Module) -> None:
    network, images = nn.Sequential(layer).eval(), torch.ones(2, 64, 5, 4)
    with dropping(network, DropoutSettings()):
        passed = network(images)
    assert ((passed == passed[..., :1, :1]).all()) and set(passed.unique().tolist()) == {0.0, 2.0}
    assert torch.equal(passed[0], passed[1])


def test_the_network_is_left_as_it_was() -> None:
    network, images = Dropped(nn.Dropout(0.5)).eval(), some_images()
    plain = network(images)
    with pytest.raises(RuntimeError, match="stop"), dropping(network, DropoutSettings()):
        assert not torch.equal(network(images), plain)
        raise RuntimeError("stop")
    assert torch.equal(network(images), plain)
    assert not any(one._forward_hooks or one._forward_pre_hooks for one in network.modules())
    assert not any(one.training for one in network.modules())


def test_who_asks_beside_it_is_told_what_the_network_says() -> None:
    network, images = Dropped(nn.Dropout(0.5)).eval(), some_images()
    plain, beside = network(images), []
    with dropping(network, DropoutSettings()):
        thread = threading.Thread(target=lambda: beside.append(network(images)))
        thread.start()
        thread.join()
    assert torch.equal(beside[0], plain)


@pytest.mark.parametrize("batch", [0, 1])
def test_a_batch_is_answered_as_its_images(batch: int) -> None:
    images, defended = some_images(), DefendedModel(model(nn.Dropout(0.5), batch), [MC])
    singles = torch.cat([defended(one[None]) for one in images])
    assert torch.allclose(defended(images), singles, atol=1e-6)
    torch.manual_seed(4)
    first = defended.search(images)
    torch.manual_seed(4)
    alone = torch.cat([defended.search(images[:1])])
    assert torch.allclose(first[:1], alone, atol=1e-6)
    assert not torch.equal(defended.search(images), first)


def test_it_is_judged_by_the_same_draws_which_differ() -> None:
    images, defended = some_images(1), DefendedModel(model(nn.Dropout(0.5)), [MC])
    assert defended.random and torch.equal(defended(images), defended(images))
    draws = list(defended.each_draw(images))
    assert len(draws) == JUDGED_DRAWS and not torch.equal(draws[0], draws[1])


def test_twice_is_as_once_and_other_defences_stand_beside_it() -> None:
    images, base = some_images(), model(nn.Dropout(0.5))
    images = images.clamp(0, 1)
    defended = DefendedModel(base, [Defence("bit-depth", {"bits": 1}), MC])
    values = defended.search(images)[:, 1] - defended.search(images)[:, 0]
    assert torch.isfinite(values).all()
    once, twice = DefendedModel(base, [MC]), DefendedModel(base, [MC, MC])
    share = [float((one._once(images)[:, 1] == 0).float().mean()) for one in (once, twice)]
    assert share == pytest.approx([0.5, 0.5], abs=0.1)


@pytest.mark.parametrize("layer", [nn.Identity(), nn.Dropout(0.0), nn.AlphaDropout(0.5)])
def test_a_network_that_drops_nothing_is_refused(layer: nn.Module) -> None:
    assert dropout_layers(Dropped(layer)) == []
    with pytest.raises(ModelError, match="no dropout layers"):
        DefendedModel(model(layer), [MC])


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tiny networks, and one of them with dropout."""
    monkeypatch.setenv("ASMA_HOME", str(tmp_path))
    models = tiny.furnish(tmp_path) / "models"
    card = (models / f"{tiny.MODEL}.toml").read_text().replace(tiny.MODEL, DROPPING)
    card = card.replace("num_res_units = 0", "num_res_units = 0, dropout = 0.1")
    (models / f"{DROPPING}.toml").write_text(card)
    weights = (models / f"{tiny.MODEL}.safetensors").read_bytes()
    (models / f"{DROPPING}.safetensors").write_bytes(weights)
    return tmp_path


def test_a_network_is_kept_behind_it_and_attacked(home: Path) -> None:
    assert main(["defend", "--model", DROPPING, "--defence", "mc-dropout"]) == 0
    kept = find_card(f"{DROPPING}-mc-dropout")
    assert network_hash(kept) != network_hash(find_card(DROPPING))
    image, target = tiny.image_pixels(0), tiny.mask_labels(2)
    given = {"attack": "pgd", "steps": 15, "device": "cpu", "seed": 3}
    first = asma_core.attack(kept.name, image, target, **given)
    again = asma_core.attack(kept.name, image, target, **given)
    assert np.array_equal(first.adversarial, again.adversarial)
    assert first.iou > 0.5


def test_without_dropout_it_is_refused_when_it_is_defended(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted((home / "models").iterdir())
    assert main(["defend", "--model", tiny.MODEL, "--defence", "mc-dropout"]) == 2
    error = capsys.readouterr().err
    assert "no dropout layers" in error and error.count("\n") == 1
    assert sorted((home / "models").iterdir()) == before
