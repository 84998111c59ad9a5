"""What users can mend is shown as a sentence; anything else is a bug and shows as one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import streamlit as st

from asma_core.errors import AsmaError

# What means something in Markdown, in HTML or in Streamlit's own directives.
MARKS: Final = "\\`*_{}[]()#+-=.!|~$<>:&"


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
        text = text[:1].upper() + text[1:]
    st.error(escape_markdown(text), icon=":material/error:")


def escape_markdown(text: str) -> str:
    """Escape a text for Markdown, so that names of the user's own are shown as they are."""
    return "".join(f"\\{mark}" if mark in MARKS else mark for mark in text)
