"""What is waiting goes on while the server runs, whether or not somebody looks at a page."""

from __future__ import annotations

import gc
import logging
import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, Final

from streamlit.runtime import get_instance

from asma_core.accounts.account import SERVER
from asma_core.accounts.current import acting_as
from asma_core.errors import AsmaError
from asma_core.files import keep_to_ourselves
from asma_core.models.wrapper.memory import give_back_memory
from asma_core.server_config import PROXY
from ui.common import services
from ui.common.sign_in import settings_say
from ui.server.apart import set_apart
from ui.server.late_pictures import keep_for_late_browsers
from ui.server.log_file import log_to_file

# Seconds between two looks.
LOOK_EVERY: Final = 5.0

_FORWARDED: Final = "FORWARDED_ALLOW_IPS"

_LOG: Final = logging.getLogger(__name__)


@asynccontextmanager
async def kept_going(_app: Any) -> AsyncIterator[None]:
    """Start the queue with the server, and look after it until the server ends."""
    keep_to_ourselves()
    log_to_file()
    warn_of_forwarded()
    keep_for_late_browsers(get_instance().media_file_mgr)
    ended = threading.Event()
    threading.Thread(target=keep_going, args=(ended,), name="keeper", daemon=True).start()
    try:
        yield
    finally:
        ended.set()


def warn_of_forwarded() -> None:
    """Say in the log when the proxy that signs people in would not be known as one.

    Without the variable, uvicorn takes what a proxy on this machine forwards for who connects.
    """
    if settings_say(PROXY) and _FORWARDED not in os.environ:
        _LOG.warning(
            "people sign in with a proxy, and %s is not set; set it, empty, or the proxy may not "
            "be recognised (docs/server.md)",
            _FORWARDED,
        )


def keep_going(ended: threading.Event) -> None:
    """Start what waits, and take over what dead processes leave behind, every few seconds."""
    said = ""
    with acting_as(SERVER):
        for look in count():
            # Not at once: whoever opens the first page shares the processor with it.
            if look == 1:
                set_apart()
            said = _said(said)
            get_instance().media_file_mgr.remove_orphaned_files()
            gc.collect()
            give_back_memory()
            if ended.wait(LOOK_EVERY):
                return


def _said(before: str) -> str:
    """See to it that work goes on; return what went wrong, which is logged once."""
    try:
        services.warm()
        services.go_on()
    except AsmaError as error:
        if str(error) != before:
            _LOG.error("what waits does not go on: %s", error)
        return str(error)
    except Exception:  # noqa: BLE001 - it is logged
        # A fault of one look must not end all looks.
        _LOG.exception("looking after the queue broke")
    return ""
