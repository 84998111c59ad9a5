"""JPEG: the image is compressed and decompressed before the network sees it.

Source: Dziugaite, Ghahramani and Roy, "A study of the effect of JPG compression on adversarial
images", arXiv:1608.00853. What the network sees is libjpeg's own answer (Pillow); the gradient goes
through the same steps with the rounding left out (Shin and Song, "JPEG-resistant adversarial
images", NIPS 2017 workshop; BPDA, arXiv:1802.00420): each coefficient that is rounded to 0 for the
image lets a fifth through, so that the attack spends little where JPEG would take it away.
Tables and colours: ITU-T T.81, annex K, and JFIF 1.02.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from PIL import Image

from asma_core.defences.contract import INPUT, DefenceEntry, cleaned, straight_through
from asma_core.fields import Settings, setting
from asma_core.lazy import Tensor, torch

BLOCK: Final = 8
# Slope where nothing is left of a coefficient: at 0 the attack sees no way to bring it back, and
# needs several times the change where a structure is thin (docs/performance.md).
FLATTEST: Final = 0.2
_LUMA: Final = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55,
    14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip
_CHROMA: Final = (
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99,
    24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,
    *(99,) * 32,
)  # fmt: skip
_TO_YCC: Final = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
_TO_RGB: Final = ((1.0, 0.0, 1.402), (1.0, -0.344136, -0.714136), (1.0, 1.772, 0.0))


@dataclass(frozen=True)
class JpegSettings(Settings):
    """Settings of the defence."""

    quality: int = setting(
        75, "Quality", "Of the compression, as libjpeg counts it.", minimum=1, maximum=100
    )


def compressed(images: Tensor, quality: int) -> Tensor:
    """Return images as libjpeg gives them back, float32 (B, C, H, W) in [0, 1], C 1 or 3.

    Colours are stored at half their size (4:2:0).
    """
    found = [_as_file(one, quality) for one in images.detach()]
    return torch.stack(found).to(images)


def _as_file(image: Tensor, quality: int) -> Tensor:
    values = (image * 255).round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    grey = values.shape[2] == 1
    file = io.BytesIO()
    Image.fromarray(values[..., 0] if grey else values).save(
        file, "JPEG", quality=quality, subsampling=0 if grey else 2
    )
    read = np.asarray(Image.open(file), dtype=np.float32) / 255
    planes = torch.from_numpy(np.ascontiguousarray(read))
    return planes[None] if grey else planes.permute(2, 0, 1)


def approximate(images: Tensor, quality: int) -> Tensor:
    """Return nearly the same, differentiable; see the module. Float32 (B, C, H, W)."""
    height, width = images.shape[-2:]
    step = BLOCK if images.shape[1] == 1 else 2 * BLOCK
    below, beside = -height % step, -width % step
    padded = torch.nn.functional.pad(images, (0, beside, 0, below), mode="replicate")
    if images.shape[1] == 1:
        return (_coded(padded * 255 - 128, _LUMA, quality) + 128)[..., :height, :width] / 255
    to_ycc = images.new_tensor(_TO_YCC)
    planes = torch.einsum("ij,bjhw->bihw", to_ycc, padded * 255)
    luma = _coded(planes[:, :1] - 128, _LUMA, quality) + 128
    small = torch.nn.functional.avg_pool2d(planes[:, 1:], 2)
    chroma = torch.nn.functional.interpolate(
        _coded(small, _CHROMA, quality), scale_factor=2, mode="bilinear"
    )
    to_rgb = images.new_tensor(_TO_RGB)
    colours = torch.einsum("ij,bjhw->bihw", to_rgb, torch.cat([luma, chroma], 1))
    return colours[..., :height, :width] / 255


def _coded(planes: Tensor, table: tuple[int, ...], quality: int) -> Tensor:
    """Return planes, (B, C, H, W) around 0, through the coefficients of their blocks."""
    shape = planes.shape
    waves = _waves().to(planes)
    steps = planes.new_tensor(quantisation(table, quality)).view(1, BLOCK**2, 1, 1)
    each = planes.reshape(-1, 1, *shape[-2:])
    found = torch.nn.functional.conv2d(each, waves, stride=BLOCK) / steps
    rounded = straight_through(found.round(), _softly_rounded(found)) * steps
    back: Tensor = torch.nn.functional.conv_transpose2d(rounded, waves, stride=BLOCK)
    return back.reshape(shape)


def _softly_rounded(values: Tensor) -> Tensor:
    """Round with a slope: `FLATTEST` in the middle of a step and more towards its ends."""
    whole = values.detach().round()
    rest = values - whole
    return whole + FLATTEST * rest + (1 - FLATTEST) * rest**3


@lru_cache(maxsize=1)
def _waves() -> Tensor:
    """Return the orthonormal waves of the DCT-II of 8 x 8 values, (64, 1, 8, 8), row by row."""
    places = torch.arange(BLOCK, dtype=torch.float64)
    cosines = torch.cos(math.pi / BLOCK * (places + 0.5) * places[:, None]) / 2
    cosines[0] /= math.sqrt(2)
    waves = torch.einsum("ui,vj->uvij", cosines, cosines)
    return waves.reshape(BLOCK**2, 1, BLOCK, BLOCK).float()


def quantisation(table: tuple[int, ...], quality: int) -> list[int]:
    """Return by what the 64 coefficients are divided, as libjpeg scales a table by a quality."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return [min(max((entry * scale + 50) // 100, 1), 255) for entry in table]


def seen(images: Tensor, quality: int) -> Tensor:
    """Return what libjpeg gives back, float32 (B, C, H, W), with the gradient of `approximate`."""
    found = compressed(images, quality)
    if not images.requires_grad:
        return found
    return straight_through(found, approximate(images, quality))


ENTRY: Final[DefenceEntry[Any]] = DefenceEntry(
    "jpeg",
    "JPEG",
    INPUT,
    "The image is compressed and decompressed before the network sees it.",
    "The gradient goes through JPEG's own steps, with a slope in place of its rounding (BPDA).",
    "arXiv:1608.00853",
    JpegSettings,
    cleaned(lambda images, settings: seen(images, settings.quality)),
)
