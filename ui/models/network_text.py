"""What a network is, in words."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from asma_core import paths
from asma_core.models.sources.cards import ModelCard
from asma_core.models.sources.model_card import (
    EXPORT,
    FACTORY,
    NNUNET,
    ONNX,
    TORCHSCRIPT,
    TRANSFORMERS,
)
from asma_core.models.wrapper.specs import CENTRE, LOGITS, PER_CHANNEL, PER_IMAGE, PER_RANGE
from ui.pictures.legend import class_swatch

PROGRAM_TITLES = {
    EXPORT: "torch.export program",
    TORCHSCRIPT: "TorchScript",
    FACTORY: "Python factory",
    ONNX: "ONNX, run by onnxruntime",
}
# Of MONAI's the class alone is told.
LIBRARY_TITLES = {NNUNET: "nnU-Net", TRANSFORMERS: "transformers:"}


def origin(card: ModelCard) -> tuple[str, str]:
    """Return where a network comes from, and Streamlit's colour for it."""
    if card.weights.parent == paths.SHIPPED_MODELS:
        return "demo", "blue"
    if not card.trusted:
        return "uploaded", "violet"
    if card.defences or card.members or card.output.counts_as:
        return "made here", "green"
    return ("trained here", "green") if "test_iou" in card.figures else ("server's own", "gray")


def architecture(card: ModelCard) -> str:
    """Return what kind of network it is."""
    if card.members:
        return f"ensemble of {len(card.members)} networks"
    if not (card.program or card.architecture):
        return "guessed from its weights"
    library = LIBRARY_TITLES.get(card.library, "")
    return PROGRAM_TITLES.get(card.program, f"{library} {card.architecture}".strip())


def takes(card: ModelCard) -> str:
    """Return what images it takes."""
    spec = card.input
    kind = "grey" if spec.channels == 1 else "colour" if spec.order == "rgb" else "colour (BGR)"
    if spec.exact:
        size = f"resized to {spec.exact[1]} x {spec.exact[0]}"
    elif spec.size:
        size = f"resized to an area of {spec.size} x {spec.size}"
    else:
        size = "at their own size"
    if spec.pad:
        size += f", padded ({spec.pad})"
    return f"{kind} images, {size}" + (
        f", sides a multiple of {spec.multiple}" if spec.multiple > 1 else ""
    )


def spacing(card: ModelCard) -> str:
    """Return how images are brought to the pixel spacing that a network wants; "" if it has none.

    Images of the workbench carry no spacing, so it is that of the card for all of them.
    """
    wanted, given = card.arguments.get("spacing"), card.arguments.get("image_spacing")
    if card.library != NNUNET or not wanted:
        return ""
    if card.arguments.get("transposed"):
        wanted = wanted[::-1]
    if given and list(given) != list(wanted):
        return (
            f"pixels of images are taken as {_sides(given)} and resampled to {_sides(wanted)}, as "
            "nnU-Net does"
        )
    return f"pixels of images are taken as {_sides(wanted)}, those of its plans; none is resampled"


def _sides(sides: Sequence[float]) -> str:
    return " x ".join(f"{side:g}" for side in sides)


def normalises(card: ModelCard) -> str:
    """Return how images are normalised."""
    if card.library == NNUNET:
        channels = card.arguments.get("normalisation", [])
        schemes = dict.fromkeys(str(one.get("scheme")) for one in channels)
        return f"as nnU-Net does: {', '.join(schemes)}"
    spec = card.input
    if spec.normalisation == PER_IMAGE:
        return "each image by its own mean and standard deviation"
    if spec.normalisation == PER_CHANNEL:
        return "each channel of each image by its own mean and standard deviation"
    mean = ", ".join(f"{value:g}" for value in spec.mean)
    std = ", ".join(f"{value:g}" for value in spec.std)
    first = "each image stretched to 0..1, " if spec.normalisation == PER_RANGE else ""
    return f"{first}mean {mean}; standard deviation {std}"


def outputs(card: ModelCard) -> str:
    """Return how its outputs are read."""
    output = card.output
    parts = ["logits" if output.reading == LOGITS else output.reading.replace("-", " ")]
    if output.element:
        parts.append(f"element {'.'.join(map(str, output.element))}")
    if output.channels:
        parts.append(f"channels {list(output.channels)}")
    if output.fit == CENTRE:
        parts.append("of the image's centre")
    if output.counts_as:
        parts.append(f"{len(output.counts_as)} classes of its own, counted as these")
    return ", ".join(parts)


def class_legend(card: ModelCard) -> str:
    """Return the classes with their line styles as HTML; the background has none."""
    parts = []
    for label, name in enumerate(card.classes):
        mark = class_swatch(label) if label else ""
        words = escape(name) if label else f'<span style="opacity:.75">{escape(name)}</span>'
        parts.append(f'<span style="margin-right:1.4em;white-space:nowrap">{mark}{words}</span>')
    return f'<div style="font-size:.9rem">{"".join(parts)}</div>'
