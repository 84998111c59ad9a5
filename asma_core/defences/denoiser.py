"""Denoising autoencoder: a small network, trained on the user's images, cleans the image first.

Source: Vincent et al., "Extracting and composing robust features with denoising autoencoders", ICML
2008; as a defence Gu and Rigazio, arXiv:1412.5068, and Meng and Chen, arXiv:1705.09064. Deviations:
what it learns is the noise, which is taken away from the image (Zhang et al., DnCNN,
arXiv:1608.03981), and it sees four pixels as one place (Zhang et al., FFDNet, arXiv:1710.04026), so
that it costs little beside the network behind it. Its weights are a file of the data folder, which
is written once and never changed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from asma_core import paths
from asma_core.defences.contract import INPUT, DefenceEntry, Learning, cleaned
from asma_core.errors import ModelError
from asma_core.fields import Settings, setting
from asma_core.files import as_store_error, write_bytes
from asma_core.lazy import Tensor, torch

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CHANNELS: Final = 3
WIDTH: Final = 16
# What it learns from: squares of this side, so many at once.
CROP: Final = 32
BATCH: Final = 16
LEARNING_RATE: Final = 3e-3
# Side of the square whose mean is taken away, in pixels.
AROUND: Final = 5
# It halves the image twice.
MULTIPLE: Final = 4


@dataclass(frozen=True)
class DenoiserSettings(Settings):
    """Settings of the defence."""

    sigma: float = setting(
        0.1,
        "Noise",
        "Standard deviation of the strongest noise that it learns to remove.",
        minimum=0.0,
        maximum=1.0,
        open_minimum=True,
        step=0.01,
    )
    steps: int = setting(
        1000, "Steps", "Of its training.", minimum=1, maximum=100_000, step=100, advanced=True
    )
    learnt: str = setting("", "Learnt", "Where its weights are kept.", asked=False)


def denoised(images: Tensor, settings: DenoiserSettings) -> Tensor:
    """Return images without what the denoiser takes for noise, float32 (B, C, H, W), C 1 or 3.

    Raises:
        ModelError: It has learnt nothing, or its weights are gone.
    """
    network = _kept(str(_file(settings.learnt)), str(images.device))
    grey = images.shape[1] == 1
    colours = images.expand(-1, CHANNELS, -1, -1) if grey else images
    noise = noise_in(colours, network, settings.sigma)
    return images - (noise.mean(1, keepdim=True) if grey else noise)


def make_network() -> torch.nn.ModuleDict:
    """Return the autoencoder's layers with fresh weights; `noise_in` runs them."""
    nn, places = torch.nn, 4 * CHANNELS

    def layer(inputs: int, outputs: int, stride: int = 1) -> torch.nn.Module:
        return nn.Conv2d(inputs, outputs, 3, stride, padding=1)

    down = nn.Sequential(layer(WIDTH, 2 * WIDTH, 2), nn.ReLU(), layer(2 * WIDTH, 2 * WIDTH))
    up = nn.Sequential(nn.ReLU(), layer(2 * WIDTH, 4 * WIDTH), nn.PixelShuffle(2))
    return nn.ModuleDict(
        {
            "first": nn.Sequential(nn.PixelUnshuffle(2), layer(places, WIDTH), nn.ReLU()),
            "coarse": nn.Sequential(down, up, nn.ReLU()),
            "last": nn.Sequential(layer(2 * WIDTH, places), nn.PixelShuffle(2)),
        }
    )


def noise_in(images: Tensor, network: torch.nn.ModuleDict, sigma: float) -> Tensor:
    """Return what a denoiser takes for noise, float32 (B, 3, H, W) like the images.

    It is given what is left of the image without its local mean, in units of `sigma`, so that it
    learns as fast for weak noise as for strong.
    """
    height, width = images.shape[-2:]
    margins = (0, -width % MULTIPLE, 0, -height % MULTIPLE)
    padded = torch.nn.functional.pad(images, margins, mode="replicate")
    around = torch.nn.functional.pad(padded, (AROUND // 2,) * 4, mode="replicate")
    mean = torch.nn.functional.avg_pool2d(around, AROUND, stride=1)
    fine = network["first"]((padded - mean) / sigma)
    found: Tensor = network["last"](torch.cat([fine, network["coarse"](fine)], 1))
    return sigma * found[..., :height, :width]


def learn(
    images: Sequence[NDArray[np.float32]],
    settings: DenoiserSettings,
    on_step: Callable[[int], Any] = lambda _: None,
) -> None:
    """Train the denoiser that the settings name, and keep it; the random numbers are left alone.

    Args:
        images: float32 (C, H, W) in [0, 1], C 1 or 3, of any sizes; at least one.
        settings: With the name to keep it under.
        on_step: Gets the steps done.

    Raises:
        StoreError: The data folder can't be written.
    """
    from safetensors.torch import save

    with torch.random.fork_rng(devices=[]), torch.enable_grad(), torch.inference_mode(False):
        torch.manual_seed(0)
        network = make_network()
        optimiser = torch.optim.Adam(network.parameters(), LEARNING_RATE)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, settings.steps)
        planes = [_large_enough(torch.from_numpy(image.copy())) for image in images]
        for step in range(settings.steps):
            clean = torch.stack([_crop(planes) for _ in range(BATCH)])
            strength = settings.sigma * torch.rand(BATCH, 1, 1, 1)
            noise = strength * torch.randn_like(clean)
            loss = (noise_in(clean + noise, network, settings.sigma) - noise).square().mean()
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
            schedule.step()
            on_step(step + 1)
    write_bytes(_file(settings.learnt), save(network.state_dict()))


def _large_enough(image: Tensor) -> Tensor:
    """Return an image of three channels of which a square can be cut."""
    height, width = image.shape[-2:]
    below, beside = max(0, CROP - height), max(0, CROP - width)
    padded = torch.nn.functional.pad(image[None], (0, beside, 0, below), mode="replicate")[0]
    return padded.expand(CHANNELS, -1, -1)


def _crop(planes: Sequence[Tensor]) -> Tensor:
    """Return a square of one of the images at random, mirrored at random."""
    plane = planes[int(torch.randint(len(planes), ()))]
    height, width = plane.shape[-2:]
    above, left = (int(torch.randint(side - CROP + 1, ())) for side in (height, width))
    square = plane[:, above : above + CROP, left : left + CROP]
    return square.flip(2) if torch.rand(()) < 0.5 else square


def is_kept(settings: DenoiserSettings) -> bool:
    """Tell whether the denoiser that the settings name has been trained."""
    return bool(settings.learnt) and _file(settings.learnt).exists()


def _file(learnt: str) -> Path:
    if not learnt:
        raise ModelError(
            "this denoiser has learnt nothing yet; stand it before the network together with a "
            "data set to learn from"
        )
    if Path(learnt).name != learnt:
        raise ModelError(f"{learnt[:40]!r} is no name of a denoiser; stand the defence there anew")
    return paths.home() / "denoisers" / f"{learnt}.safetensors"


@lru_cache(maxsize=8)
def _kept(file: str, device: str) -> torch.nn.ModuleDict:
    """Return a denoiser from its file, without gradients to its weights."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    path = Path(file)
    if not path.exists():
        raise ModelError(
            f"the denoiser {path.stem} is not in this data folder any more; stand the defence "
            "before the network again"
        )
    # A network that was made while another was only asked takes no gradients, ever.
    with torch.inference_mode(False), as_store_error(path):
        network = make_network()
        try:
            network.load_state_dict(load(path.read_bytes()))
        except (SafetensorError, RuntimeError) as error:
            raise ModelError(
                f"{path} holds no denoiser, or is damaged; delete it, and stand the defence before "
                "the network again"
            ) from error
        return network.to(device).eval().requires_grad_(False)


ENTRY: Final[DefenceEntry[Any]] = DefenceEntry(
    "denoiser",
    "Denoising autoencoder",
    INPUT,
    "A small network, trained on your images, removes what it takes for noise.",
    "The gradient goes through the autoencoder.",
    "arXiv:1412.5068",
    DenoiserSettings,
    cleaned(denoised),
    learning=Learning(learn, is_kept),
)
