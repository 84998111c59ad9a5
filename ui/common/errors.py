"""What users can mend is shown as a sentence; a bug as a number under which the log has it."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import streamlit as st

from asma_core.errors import AsmaError
from ui.common.format import capitalised

# What means something in Markdown, in HTML or in Streamlit's own directives.
MARKS: Final = "\\`*_{}[]()#+-=.!|~$<>:&"
# Where the browser finds an address by itself, escaped or not, unless it stands apart.
_LINKING: Final = re.compile(r"(@|:(?=//)|(?<=www)\.)", re.IGNORECASE)

_LOG: Final = logging.getLogger(__name__)


@contextmanager
def show_errors() -> Iterator[None]:
    """Show an `AsmaError` of the block on the page."""
    try:
        yield
    except AsmaError as error:
        show_error(error)


def show_error(error: AsmaError) -> None:
    """Show what went wrong as plain text, whatever names it holds."""
    text = str(error)
    # A sentence may begin with the name of a file or of a setting, which stays as it is.
    if text.partition(" ")[0].isalpha():
        text = capitalised(text)
    st.error(escape_markdown(text), icon=":material/error:")


def show_uncaught(error: Exception) -> bool:
    """Show what nobody caught, in a page, a callback or a fragment, without any of its insides.

    Returns:
        That it is shown, as `st.App` wants to know.
    """
    if isinstance(error, AsmaError):
        show_error(error)
        return True
    incident = secrets.token_hex(4)
    _LOG.error("incident %s", incident, exc_info=error)
    st.error(
        f"Something broke that is not your fault; whoever runs this server finds it in the log as "
        f"incident {incident}. Reload the page to go on.",
        icon=":material/error:",
    )
    return True


def escape_markdown(text: str) -> str:
    """Escape a text for Markdown, so that names of the user's own are shown as they are.

    Nobody's name becomes a link: not an account's e-mail address, not a file that somebody called
    like a page elsewhere.
    """
    parts = _LINKING.split(text)
    return "".join(
        f":color[{_escaped(part)}]" if place % 2 else _escaped(part)
        for place, part in enumerate(parts)
    )


def _escaped(text: str) -> str:
    return "".join(f"\\{mark}" if mark in MARKS else mark for mark in text)
