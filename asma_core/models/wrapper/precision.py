"""Names of the precisions; apart from the backend, so that a page need not import torch."""

from __future__ import annotations

from typing import Final, Literal, get_args

AUTO: Final = "auto"
FLOAT32: Final = "float32"
TF32: Final = "tf32"
BFLOAT16: Final = "bfloat16"
Precision = Literal["auto", "float32", "tf32", "bfloat16"]
PRECISIONS: Final[tuple[str, ...]] = get_args(Precision)
