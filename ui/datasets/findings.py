"""What should be known before a data set is kept: a sentence each, a picture, a choice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from asma_core.data.finding import CHOICES, Finding
from asma_core.data.preview import Preview, first_look
from asma_core.errors import NoSuchItemError
from asma_core.limited.reading import read
from ui.common.errors import escape_markdown
from ui.common.values import initial
from ui.pictures.thumbnails import sample_thumbnail

PICTURES: Final = 2


def with_choices(found: Preview, key: str) -> tuple[Preview, list[Finding]]:
    """Return a preview as its findings' choices have it, and what is still to be known of it.

    Args:
        found: As it is understood.
        key: Of the choices in the session.
    """
    first = {one.kind: one for one in _first_look(found)}
    for kind in CHOICES:
        chosen = st.session_state.get(_key(key, kind))
        if kind in first and chosen is not None:
            found = found.chosen(kind, chosen)
    # What a choice has put right is still shown, so that it can be taken back.
    now = {one.kind: one for one in _first_look(found)}
    kept = {kind: one for kind, one in first.items() if one.choices}
    return found, [*(kept | now).values()]


def key_of_meaning(found: Preview, key: str) -> str:
    """Return a key for the widgets of the masks' meaning: a new one whenever a choice changes it.

    Never one of before: Streamlit shows nothing in a text field that is back after a while.
    """
    count, before = st.session_state.get(f"{key}-meaning", (0, None))
    now = (found.card.by_colour, found.card.encoding)
    if now != before:
        count += 1
        st.session_state[f"{key}-meaning"] = (count, now)
    return f"{key}-{count}"


@st.cache_data(max_entries=32, show_spinner=False, ttl=600)
def _looked(_found: Preview, card: str, root: str) -> list[Finding]:
    return read(_found.root.name, first_look, _found).findings


def _first_look(found: Preview) -> list[Finding]:
    with st.spinner("Looking at some images", show_time=True):
        return _looked(found, repr(found.card), str(found.root))


def show_findings(found: Preview, findings: Sequence[Finding], key: str) -> None:
    """Show findings, each with the first images that it speaks of."""
    for finding in findings:
        st.warning(escape_markdown(finding.message), icon=":material/visibility:")
        if finding.choices:
            words = dict(finding.choices)
            st.radio(
                "How they are read",
                [one for one in CHOICES[finding.kind] if one in words],
                format_func=words.__getitem__,
                key=initial(_key(key, finding.kind), finding.choices[0][0]),
                label_visibility="collapsed",
            )
        _pictures(found, finding)


def _pictures(found: Preview, finding: Finding) -> None:
    columns = st.columns(2 * PICTURES)
    for column, name in zip(columns, finding.samples[:PICTURES], strict=False):
        try:
            sample = found.dataset.find(name)
        except NoSuchItemError:
            continue
        picture = sample_thumbnail(found.dataset, sample)
        if picture.picture is not None:
            column.image(picture.picture, width="stretch", alt=sample.name)
        column.caption(escape_markdown(sample.name))


def _key(key: str, kind: str) -> str:
    return f"{key}-choice-{kind}"
