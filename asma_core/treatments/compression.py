"""JPEG: the file is stored or mailed as one.

Source: ITU-T T.81, as libjpeg writes it (Pillow), colours at half their size; see
`asma_core.defences.jpeg`, which has the form for the gradient too (BPDA, arXiv:1802.00420).
"""

from __future__ import annotations

from typing import Final

from asma_core.data.formats.images import FloatImage
from asma_core.defences import jpeg
from asma_core.defences.contract import Network
from asma_core.lazy import Tensor, torch
from asma_core.treatments.contract import Treatment

QUALITIES: Final = (95, 85, 70)
# What an attack that shall survive draws from: a little worse than the worst of these.
LOWEST, HIGHEST = 55, 90


def _treatment(quality: int) -> Treatment:
    def treat(image: FloatImage) -> FloatImage:
        found: FloatImage = jpeg.compressed(torch.from_numpy(image.copy())[None], quality)[
            0
        ].numpy()
        return found

    return Treatment(
        f"jpeg-{quality}",
        f"JPEG {quality}",
        f"Stored as a JPEG of quality {quality} and opened again.",
        "ITU-T T.81 (libjpeg through Pillow, 4:2:0)",
        treat,
    )


ALL: Final = tuple(_treatment(quality) for quality in QUALITIES)


def drawn(network: Network, images: Tensor) -> Tensor:
    """Ask a network about images that were stored as JPEG, of a quality that is drawn."""
    quality = int(torch.randint(LOWEST, HIGHEST + 1, ()))
    return network(jpeg.seen(images, quality))
