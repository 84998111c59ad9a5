"""The link that reviewers are sent."""

from __future__ import annotations

import streamlit as st

from asma_core.reviews.review import Review
from ui.address.links import address_of, inner_link
from ui.address.views import ReviewView


def sent_link(review: Review) -> None:
    """Show the link, to copy it and to follow it."""
    view = ReviewView(review.id, take=True)
    st.markdown("**Send this link to the reviewers**; this page's own shows the result.")
    row = st.container(horizontal=True, vertical_alignment="center")
    row.code(address_of(st.context.url or "", view), language=None, width="stretch")
    with row:
        inner_link(view, "Review here", "review-take", ":material/visibility:")
