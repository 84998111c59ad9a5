"""The process in which onnxruntime runs: it may neither open files nor take more memory than said.

It is started as a module with a file, megabytes and a number of threads, and asked through its
standard input and output. What an ONNX file holds is a graph of onnxruntime's own operators; that
of a stranger can still ask for endless memory or time, or meet a fault of the library, and then
only this process ends.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from asma_core.models.sources.onnx.frames import receive, send

FLOATS: Final = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
}
LARGEST_QUESTION: Final = 1 << 34


def main(path: str, megabytes: int, threads: int) -> None:
    """Load the file, say what it takes, and then answer until nobody asks any more."""
    questions = sys.stdin.buffer
    # The library prints to where the answers go.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _limit_memory(megabytes)
    try:
        session = _session(path, threads)
        send(answers, _described(session))
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is told
        send(answers, {"error": _text(error)})
        return
    while True:
        try:
            _, (images,) = receive(questions, LARGEST_QUESTION)
        except EOFError:
            return
        except BaseException as error:  # noqa: BLE001 - the question is half read, so this is the end
            send(answers, {"error": _text(error), "ended": True})
            return
        try:
            send(answers, {}, _run(session, images))
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is told
            send(answers, {"error": _text(error)})


def _session(path: str, threads: int) -> Any:
    data = Path(path).read_bytes()
    import onnxruntime

    onnxruntime.set_default_logger_severity(4)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Waiting threads sleep: others use the cores too.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    _shut_out_files()
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def _limit_memory(megabytes: int) -> None:
    most = megabytes * 1_000_000
    # macOS has the name and not the limit.
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _shut_out_files() -> None:
    """Let no file be opened from now on: a graph may name others for its weights."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as empty:
        os.chdir(empty)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))


def _described(session: Any) -> dict[str, Any]:
    def told(value: Any) -> dict[str, Any]:
        sides = [side if isinstance(side, int) else None for side in value.shape]
        return {"name": str(value.name), "type": str(value.type), "shape": sides}

    return {
        "inputs": [told(one) for one in session.get_inputs()],
        "outputs": [told(one) for one in session.get_outputs()],
    }


def _run(session: Any, images: NDArray[np.float32]) -> list[NDArray[Any]]:
    (wanted,) = session.get_inputs()
    outputs = session.run(None, {wanted.name: images.astype(FLOATS[wanted.type], copy=False)})
    return [_plain(one) for one in outputs]


def _plain(output: Any) -> NDArray[Any]:
    found = np.asarray(output)
    if found.dtype.kind not in "fiub":
        raise TypeError(f"an output is of {found.dtype}")
    return found.astype(np.float32 if found.dtype.kind == "f" else np.int64, copy=False)


def _text(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:2000]


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
