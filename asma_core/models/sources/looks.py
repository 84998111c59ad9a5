"""What was seen in a file of weights, in words; and what to do where no architecture fits."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from asma_core.models.wrapper.specs import NO_GRADIENTS

_NAMED: Final = 4
_OTHER_FORMATS: Final = {
    ".h5": "a file of Keras",
    ".keras": "a file of Keras",
    ".pb": "a file of TensorFlow",
    ".tflite": "a file of TensorFlow Lite",
    ".mlmodel": "a file of Core ML",
    ".engine": "a file of TensorRT",
}
_PROGRAMS: Final = (".pt2", ".ts", ".py", ".pkl")
# What is taken for an upload, so that it ends in a sentence.
FOREIGN: Final = (*_OTHER_FORMATS, *_PROGRAMS)


def notes_on(looked: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what a person should know of where weights were found, in sentences.

    Args:
        looked: What `guessing.look_at` returns.
    """
    notes = []
    if "program" in looked:
        reading = str(looked["reading"]).replace("-", " ")
        notes.append(
            f"An ONNX file, of which only the outputs are there ({reading}, by the looks of them); "
            f"it {NO_GRADIENTS}."
        )
    if looked.get("place"):
        notes.append(f"The weights are those of {looked['place']} in the file.")
    left_out = list(looked.get("left_out", ()))
    if left_out:
        named = ", ".join(one or "the top of the file" for one in left_out[:_NAMED])
        more = f" and {len(left_out) - _NAMED} more" if len(left_out) > _NAMED else ""
        notes.append(f"Left out, as no part of the network: {named}{more}.")
    return tuple(notes)


def no_architecture(name: str) -> str:
    """Return what to do with weights that no known architecture fits, in a sentence.

    Args:
        name: Of the file.
    """
    return (
        f"{name} fits no architecture that is known here; say which one of MONAI it is with its "
        "arguments, or let the owner of the server add the network as a program: exported by "
        "torch.export (.pt2), as TorchScript, or made by a Python function (factory)"
    )


def no_weights(name: str) -> str:
    """Return why a file that is no file of weights can't be taken in, and what to do instead.

    Args:
        name: Of the file.
    """
    ending = Path(name).suffix.lower()
    if ending in _OTHER_FORMATS:
        return (
            f"{name} is {_OTHER_FORMATS[ending]}, through which no gradient can be followed here; "
            "export the network with torch.export (.pt2) where it was trained, or give its state "
            "dict"
        )
    if ending in _PROGRAMS:
        return (
            f"{name} is a program, which runs as the server itself; only its owner may add one, by "
            "a card (.toml) beside it"
        )
    return (
        f"{name} is no file of weights; give a .safetensors file, or a .pt, .pth or .ckpt with a "
        "state dict"
    )


def export_recipe(name: str, looked: Mapping[str, Any]) -> str:
    """Return the lines of Python that make a `.pt2` of a network, filled in with what is known.

    Args:
        name: Of the file of weights.
        looked: What `guessing.look_at` returns.
    """
    channels, classes = looked.get("seems_channels"), looked.get("seems_classes")
    takes = f"its first layer takes {channels} channels" if channels else "batch, channels, h, w"
    gives = f"  # answers with {classes} channels, it seems" if classes else ""
    return "\n".join(
        [
            "import torch",
            *_reading(name, str(looked.get("place", ""))),
            "from your_code import YourNetwork  # the class that was trained",
            "",
            f"network = YourNetwork(){gives}",
            "network.load_state_dict(state)",
            "network.eval()",
            f"example = torch.rand(2, {channels or 3}, 256, 256)  # {takes}",
            "free = torch.export.Dim.AUTO",
            "sizes = ({0: free, 2: free, 3: free},)",
            "program = torch.export.export(network, (example,), dynamic_shapes=sizes)",
            f'torch.export.save(program, "{Path(name).stem}.pt2")',
            "",
        ]
    )


def _reading(name: str, place: str) -> list[str]:
    if name.lower().endswith(".safetensors"):
        return ["from safetensors.torch import load_file", f'state = load_file("{name}")']
    steps = "".join(f"[{part!r}]" for part in place.split(".") if part)
    return [f'state = torch.load("{name}", map_location="cpu", weights_only=True){steps}']


def export_card(name: str, looked: Mapping[str, Any]) -> str:
    """Return the card that goes beside the `.pt2` of `export_recipe`.

    Args:
        name: Of the file of weights.
        looked: What `guessing.look_at` returns.
    """
    stem, outputs = Path(name).stem, int(looked.get("seems_classes", 2))
    lines = [f'name = "{stem}"', f'weights = "{stem}.pt2"', ""]
    if looked.get("seems_channels") == 1:
        lines += ["[input]", "channels = 1", ""]
    if outputs == 1:
        lines += ["[output]", 'reading = "one-logit"', ""]
    for number in range(max(2, min(outputs, 256))):
        title = f"class {number}" if number else "background"
        lines += ["[[classes]]", f'name = "{title}"', ""]
    return "\n".join(lines)
