"""The link that reviewers are sent."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit, urlunsplit

import streamlit as st

from asma_core.reviews.review import Review
from ui.address.links import inner_link
from ui.address.views import ReviewView


def sent_link(review: Review) -> None:
    """Show the link, to copy it and to follow it."""
    view = ReviewView(review.id, take=True)
    st.markdown("**Send this link to the reviewers**; this page's own shows the result.")
    row = st.container(horizontal=True, vertical_alignment="center")
    row.code(address_of(st.context.url or "", view), language=None, width="stretch")
    with row:
        inner_link(view, "Review here", "review-take", ":material/visibility:")


def address_of(here: str, view: ReviewView) -> str:
    """Return the whole address of a view of the page that is open.

    Args:
        here: Address of the page that is open.
        view: What to show on it.
    """
    parts = urlsplit(here)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, urlencode(view.query()), ""))
