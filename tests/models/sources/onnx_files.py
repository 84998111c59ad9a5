"""Small networks as ONNX files; needs onnx and onnxruntime, and says so where they are not."""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tests.models import bare

PACKAGES = ("onnx", "onnxruntime")
ABSENT = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
needs_onnx = pytest.mark.skipif(bool(ABSENT), reason=f"not installed: {', '.join(ABSENT)}")


def exported(
    file: Path,
    net: nn.Module | None = None,
    size: tuple[int, int] = (32, 40),
    channels: int = 3,
    free: str = "nhw",
    batch: int = 1,
    last: bool = False,
) -> Path:
    """Write a network as an ONNX file; the sides in `free` may have any length.

    Where `last`, the network takes its channels last.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    net = (net or bare.Plain()).eval()
    example = torch.rand(batch, channels, *size).to(next(net.parameters()).dtype)
    example = example.permute(0, 2, 3, 1) if last else example
    sides = {place: letter for place, letter in ((0, "n"), (2, "h"), (3, "w")) if letter in free}
    with warnings.catch_warnings():
        # The exporter without further packages is called legacy by now.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net,
            (example,),
            str(file),
            dynamo=False,
            input_names=["images"],
            dynamic_axes={"images": sides} if sides else None,
        )
    return file


def changed(file: Path, change: Any) -> Path:
    """Let a function change what is in an ONNX file."""
    import onnx

    model = onnx.load(str(file))
    change(model)
    file.write_bytes(model.SerializeToString())
    return file
