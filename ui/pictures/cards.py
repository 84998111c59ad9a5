"""A calm grid of pictures, each of which leads somewhere.

A card is a real link over its whole face, so that it also opens in a new tab.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

import streamlit as st

from ui.address.links import link
from ui.address.view import View
from ui.common.errors import escape_markdown

NO_PICTURE: Final = "the files can't be read; see the data folder"
SKELETON_HEIGHT: Final = 160
# Streamlit names the class of a container after its key; the grid fills whatever width there is.
_STYLE: Final = """<style>
[class*="st-key-cards-"] {
  display: grid; gap: 1.75rem 1rem; align-items: start;
  grid-template-columns: repeat(auto-fill, minmax(max(9.5rem, 12.5%), 1fr));
}
[class*="st-key-card-"] { position: relative; gap: 0.15rem; min-width: 0; }
[class*="st-key-card-"] img, .asma-no-picture {
  width: 100%; aspect-ratio: 1; object-fit: contain; border-radius: 6px;
  background: rgba(128, 140, 148, 0.12);
}
.asma-no-picture {
  display: flex; align-items: center; padding: 0.75rem; overflow: auto; box-sizing: border-box;
  font-size: 0.78rem; line-height: 1.35; overflow-wrap: anywhere;
}
/* So that the link's face is laid over the whole card. */
[class*="st-key-card-"] [data-testid="stElementContainer"] { position: static; }
[class*="st-key-card-"] [data-testid="stElementToolbar"] { display: none; }
[class*="st-key-card-"] [data-testid="stPageLink-NavLink"] { padding: 0; background: none; }
[class*="st-key-card-"] [data-testid="stPageLink-NavLink"]::after {
  content: ""; position: absolute; inset: 0; border-radius: 6px;
}
[class*="st-key-card-"]:hover img { outline: 2px solid currentColor; outline-offset: 2px; }
[class*="st-key-card-"] [data-testid="stPageLink-NavLink"]:focus-visible::after {
  outline: 2px solid currentColor; outline-offset: 2px;
}
[class*="st-key-card-"] [data-testid="stCaptionContainer"] { opacity: 1; }
[class*="st-key-card-"] [data-testid="stCaptionContainer"] p {
  margin: -0.15rem 0 0; line-height: 1.4; font-variant-numeric: tabular-nums;
}
</style>"""


@dataclass(frozen=True)
class Card:
    """One picture that leads somewhere.

    Attributes:
        title: Shown below the picture, as it is.
        view: What it leads to.
        picture: An encoded picture, or None where there is none.
        caption: Lines below the title, Markdown; text of the user's own must be escaped.
        message: Shown in place of the picture, as it is.
    """

    title: str
    view: View
    picture: bytes | None
    caption: tuple[str, ...] = ()
    message: str = ""


def card_grid(cards: Sequence[Card], key: str) -> None:
    """Show cards in as many columns as fit.

    Args:
        cards: In reading order.
        key: Names the grid; unique on the page.
    """
    st.html(_STYLE)
    with st.container(key=f"cards-{key}"):
        for place, card in enumerate(cards):
            with st.container(key=f"card-{key}-{place}"):
                _show(card)


def card_skeletons(count: int, key: str) -> None:
    """Show where cards will be.

    Args:
        count: Of the places.
        key: Names the grid; unique on the page.
    """
    st.html(_STYLE)
    with st.container(key=f"cards-{key}"):
        for _ in range(count):
            st.skeleton(height=SKELETON_HEIGHT)


def _show(card: Card) -> None:
    if card.picture is None:
        message = escape(card.message or NO_PICTURE)
        st.html(f'<div class="asma-no-picture">{message}</div>')
    else:
        st.image(card.picture, width="stretch", alt=card.title)
    # An empty icon keeps the page's own off the card.
    link(card.view, escape_markdown(card.title), icon="")
    message = escape_markdown(card.message) if card.picture is not None else ""
    lines = [line for line in (*card.caption, message) if line]
    if lines:
        st.caption("  \n".join(lines))
