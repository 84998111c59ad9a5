"""The server's log: on standard error as ever, and in a file that only its account may read."""

from __future__ import annotations

import logging
import os
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final

from asma_core import paths

LOG_FILE: Final = Path("logs") / "server.log"
_FORM: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_BYTES: Final = 5_000_000
_KEPT: Final = 5


class _PrivateFile(RotatingFileHandler):
    """Files 0600: a traceback may say where whose data lies."""

    def _open(self) -> TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return os.fdopen(descriptor, "a", encoding="utf-8")


def log_to_file() -> None:
    """Write what is logged into a file of the data folder too, where that can be written."""
    logger = logging.getLogger()
    form = logging.Formatter(_FORM)
    for handler in (logging.StreamHandler(), _file_handler(paths.home() / LOG_FILE)):
        if handler is not None:
            handler.setFormatter(form)
            handler.setLevel(logging.WARNING)
            logger.addHandler(handler)


def _file_handler(file: Path) -> logging.Handler | None:
    try:
        for folder in (file.parent.parent, file.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return _PrivateFile(file, maxBytes=_BYTES, backupCount=_KEPT)
    except OSError as error:
        # An archive that is only looked at has no place for a log.
        logging.getLogger(__name__).warning("%s can't be written: %s", file, error)
        return None
