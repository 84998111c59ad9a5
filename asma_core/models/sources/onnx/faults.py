"""What onnxruntime says when it fails, as a sentence that says what to do."""

from __future__ import annotations

import re
from typing import Final

_AGAIN: Final = "export the network again and check it where it was trained"
_MEMORY: Final = (
    r"bad_alloc|bad_array_new_length|MemoryError|[Ff]ailed to allocate|"
    r"Cannot allocate|[Rr]esource exhausted"
)
# The first that is found in what the library says; {said} is what it says, {found} what matched.
_LOADING: Final[tuple[tuple[str, str], ...]] = (
    (_MEMORY, "asks for more memory than a network may have (max_onnx_mb); take a smaller one"),
    (
        r"xternal data|xternal initializer|external_data|data_location",
        "keeps its weights in another file, which is not read; export it as one file "
        "(torch.onnx.export(..., external_data=False))",
    ),
    (
        r"Opset \d+ is|IR version: \d+",
        "is of a version that is too new here ({found}); export it with a lower opset_version, or "
        "let the owner of the server install a newer onnxruntime",
    ),
    (
        r"is not a registered function/op|No Op registered for \S+|No opset import for domain \S+",
        "has operators that onnxruntime does not have by itself, and libraries of others are not "
        "loaded ({said}); export it with ONNX's own operators",
    ),
    (
        r"INVALID_PROTOBUF|No graph was found|UnicodeDecodeError",
        f"is no ONNX file or is damaged; {_AGAIN}",
    ),
)


def loading_fault(name: str, said: str) -> str:
    """Return why a file can't be loaded, in a sentence.

    Args:
        name: Of the file.
        said: By the library, or why its process ended.
    """
    for pattern, sentence in _LOADING:
        match = re.search(pattern, said)
        if match:
            return f"{name} {sentence.format(said=shortened(said), found=match[0])}"
    return f"{name} can't be loaded by onnxruntime ({shortened(said)}); {_AGAIN}"


def answer_fault(name: str, said: str) -> str:
    """Return why a network gave no answer, in a sentence."""
    if re.search(_MEMORY, said):
        return (
            f"{name} asks for more memory than a network may have (max_onnx_mb); give it a smaller "
            "image"
        )
    return (
        f"{name} fails in onnxruntime ({shortened(said)}); give it images of the size that it was "
        "exported for (input.size of its card)"
    )


def shortened(said: str) -> str:
    """Return the part of a message of the library that is for people."""
    text = re.sub(r"\s+", " ", said)
    text = re.sub(r"^\w+: ", "", text)
    text = re.sub(r"\[ONNXRuntimeError\] : \d+ : \w+ : ", "", text)
    # Places in its source, with the signatures of functions.
    text = re.sub(r"^(Load model .* failed:)?\s*/onnxruntime_src/\S+ .*?\) (?=[A-Z])", "", text)
    return text.strip()[:200].rstrip(":. ")
