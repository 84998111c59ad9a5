"""What all pages look like: text that can be read, things that a finger can hit."""

from __future__ import annotations

from typing import Final

import streamlit as st

# What is written on the theme's primary colour; Streamlit's own white is too faint in the dark.
_ON_PRIMARY: Final = "light-dark(#FFFFFF, #0C1215)"
_STYLE: Final = f"""<style>
[data-testid="stCaptionContainer"] {{ opacity: 0.75; }}
button kbd {{ color: inherit !important; opacity: 1 !important; }}
[data-testid^="stBaseButton-primary"]:not(:disabled),
[data-testid="stMultiSelect"] :has(> button[aria-label^="Remove "]),
[data-testid="stMultiSelect"] span[title] {{ color: {_ON_PRIMARY} !important; }}

[data-testid="stTopNavLink"], [data-testid="stPageLink-NavLink"],
[data-testid="stCheckbox"] label, [data-testid="stTextInputRootElement"],
[data-variant="segmented_control"], [data-variant="pills"] {{ min-height: 36px; }}
[data-testid="stCheckbox"] label {{ align-items: center; }}
[data-testid^="stPagination"]:is(button), [data-testid="stElementToolbar"] button {{
  min-width: 36px; min-height: 36px; }}
/* They look small and can be hit around. */
[data-testid="stSlider"] div:has(> div > input[type="range"])::after {{
  content: ""; position: absolute; inset: -13px; }}
button[aria-label^="Help for "] {{ position: relative; }}
[role="dialog"] button[aria-label="Close"]::after {{ content: ""; position: absolute;
  inset: -11px; }}
button[aria-label^="Help for "]::after {{ content: ""; position: absolute; inset: -11px; }}

[class*="st-key-small-title"] h1 {{ font-size: 1.05rem; padding: 0; }}
[class*="st-key-small-title"] [data-testid="stMarkdownContainer"] {{ margin-bottom: 0; }}
.st-key-unseen-title {{ position: absolute; width: 1px; height: 1px; overflow: hidden;
  clip-path: inset(50%); }}
</style>"""


def dress() -> None:
    """Style the page; call it at every run."""
    st.html(_STYLE)


def unseen_title(words: str) -> None:
    """Give a page that has no room for a title one that is only read aloud."""
    with st.container(key="unseen-title"):
        st.title(words, anchor=False)
