"""Asking onnxruntime in a process of its own: started when it is needed, ended with its network."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

from asma_core import paths
from asma_core.errors import ModelError
from asma_core.limited.process import end_process
from asma_core.models.sources.onnx.faults import answer_fault, loading_fault
from asma_core.models.sources.onnx.frames import Arrays, receive, send
from asma_core.models.sources.optional import optional
from asma_core.server_config import settings

PACKAGE: Final = "onnxruntime"
# Only a graph that never ends takes so long, in seconds.
PATIENCE: Final = 300.0
# What a process may take to end by itself, in seconds.
LEAVE: Final = 1.0


class OnnxProcess:
    """A process that has loaded an ONNX file; one question at a time, from any thread.

    Attributes:
        inputs: `name`, `type` and `shape` of each; a side of any length is None.
        outputs: The same of what it answers.
    """

    def __init__(self, path: Path, threads: int) -> None:
        """Start a process and let it load the file.

        Args:
            path: Of the file.
            threads: That one answer may use.

        Raises:
            ModelError: onnxruntime is not installed, or can't load the file.
        """
        if find_spec(PACKAGE) is None:
            optional(PACKAGE, PACKAGE)
        self._path, self._threads = path, threads
        self._lock = threading.Lock()
        self._child: _Child | None = None
        with self._lock:
            told = self._started().told
        self.inputs: list[dict[str, Any]] = told["inputs"]
        self.outputs: list[dict[str, Any]] = told["outputs"]

    def ask(self, images: NDArray[np.float32]) -> Arrays:
        """Return the outputs for images, float32, in the file's own layout.

        Raises:
            ModelError: It fails on them, takes too long, or more memory than it may.
        """
        with self._lock:
            child = self._started()
            try:
                head, arrays = child.ask(images)
            except (OSError, EOFError, ValueError) as error:
                self._child = None
                raise ModelError(answer_fault(self._path.name, child.end())) from error
            except BaseException:
                # Somebody pressed Ctrl+C: what it still says is no answer to the next question.
                self._child = None
                child.end()
                raise
            if head.get("ended"):
                self._child = None
                child.end()
        if "error" in head:
            raise ModelError(answer_fault(self._path.name, str(head["error"])))
        return arrays

    def _started(self) -> _Child:
        """Return the child, a new one where it has ended."""
        if self._child is None:
            self._child = _Child(self._path, self._threads)
        return self._child


class _Child:
    """The process itself, which ends when nobody holds this object any more."""

    def __init__(self, path: Path, threads: int) -> None:
        limit = settings().max_onnx_mb
        arguments = [str(path), str(limit), str(threads)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "asma_core.models.sources.onnx.child", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(_import_path())},
        )
        self._most = limit * 1_000_000
        self._late = False
        weakref.finalize(self, end_process, self._process)
        try:
            with self._patience():
                self.told, _ = receive(self._answers, self._most)
        except (OSError, EOFError, ValueError) as error:
            raise ModelError(loading_fault(path.name, self.end())) from error
        if "error" in self.told:
            self.end()
            raise ModelError(loading_fault(path.name, str(self.told["error"])))

    def ask(self, images: NDArray[np.float32]) -> tuple[dict[str, Any], Arrays]:
        """Put a question and wait for its answer; a pipe that ends is an EOFError or OSError."""
        assert self._process.stdin is not None
        with self._patience():
            send(self._process.stdin, {}, [images])
            return receive(self._answers, self._most)

    @property
    def _answers(self) -> IO[bytes]:
        assert self._process.stdout is not None
        return self._process.stdout

    @contextmanager
    def _patience(self) -> Iterator[None]:
        """End the process when what is done meanwhile takes too long, so that its pipes end."""
        timer = threading.Timer(PATIENCE, self._too_late)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            # Its thread holds this object.
            timer.join()

    def _too_late(self) -> None:
        self._late = True
        self._process.kill()

    def end(self) -> str:
        """End the process; return why it had to."""
        with suppress(subprocess.TimeoutExpired):
            # One that fails is let fail, so that its own end is told.
            self._process.wait(LEAVE)
        end_process(self._process)
        if self._late:
            return f"it takes longer than {PATIENCE:.0f} s"
        return f"its process ended ({self._process.returncode})"


def _import_path() -> list[str]:
    """Return where a new process finds what this one finds."""
    return list(dict.fromkeys([str(paths.PROJECT), *(one for one in sys.path if one)]))
