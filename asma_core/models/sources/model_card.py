"""What the workbench knows of a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from asma_core.defences.contract import Defence
from asma_core.models.wrapper.specs import InputSpec, OutputSpec

MOST_CLASSES: Final = 256
EXPORT: Final = "export"
TORCHSCRIPT: Final = "torchscript"
FACTORY: Final = "factory"
ONNX: Final = "onnx"
PROGRAMS: Final = (EXPORT, TORCHSCRIPT, FACTORY, ONNX)
MONAI: Final = "monai"
NNUNET: Final = "nnunet"
TRANSFORMERS: Final = "transformers"
LIBRARIES: Final = (MONAI, NNUNET, TRANSFORMERS)


@dataclass(frozen=True)
class ModelCard:
    """A network of the workbench.

    Attributes:
        name: Unique.
        title: For people.
        description: What it was trained on and what it is good for.
        weights: The safetensors file, the program's file, or the factory's module; of an ensemble
            its card.
        architecture: Name of a class of the library; "" for a program and for an ensemble.
        arguments: What the class or the factory is called with.
        input: What it takes.
        classes: Names of the classes, background first.
        dataset: The data set that it was trained on.
        source: The command that made it.
        figures: What was measured on the test split.
        output: How its answer is read.
        program: "" for an architecture of MONAI, else one of `PROGRAMS`.
        factory: `package.module:function` that makes the network, beside the card.
        library: Which has the architecture, one of `LIBRARIES`.
        synthetic: Whether it was trained on generated pictures only.
        defences: What stands before it, the first of which meets the image first.
        base: Behind defences, the name of the network without them.
        members: Of an ensemble, the names of the networks whose mean it answers.
        trusted: Whether it was put here by the owner of the server; an upload was not.
    """

    name: str
    title: str
    description: str
    weights: Path
    architecture: str
    arguments: Mapping[str, Any]
    input: InputSpec
    classes: tuple[str, ...]
    dataset: str = ""
    source: str = ""
    figures: Mapping[str, Any] = field(default_factory=dict)
    output: OutputSpec = field(default_factory=OutputSpec)
    program: str = ""
    factory: str = ""
    trusted: bool = True
    synthetic: bool = False
    library: str = MONAI
    defences: tuple[Defence, ...] = ()
    base: str = ""
    members: tuple[str, ...] = ()

    @property
    def runs_code(self) -> bool:
        """Whether it is a program that can do what the server itself can.

        An ONNX file can't: it is a graph of onnxruntime's operators, in a process of its own.
        """
        return self.program not in ("", ONNX)

    @property
    def takes_gradients(self) -> bool:
        """Whether gradients flow through it; of an ONNX file only the outputs are there."""
        return self.program != ONNX
