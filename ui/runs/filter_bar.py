"""The widgets that say which runs are shown; what they say is in the address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from asma_core.accounts.current import account
from asma_core.attacks.registry import ATTACKS
from ui.address import browser as address
from ui.address.views import RunsView
from ui.common.rerun import whole
from ui.common.sign_in import people_sign_in
from ui.runs.filter import SORTS

KEY: Final = "runs-filter"
LABELS: Final = {
    "outcome": ("Outcome", "Any outcome"),
    "attack": ("Attack", "Any attack"),
    "model": ("Network", "Any network"),
    "dataset": ("Data set", "Any data set"),
    "verdict": ("Verdict", "Any verdict"),
    # Where people sign in.
    "author": ("Whose", "Anybody's"),
}
VIEWS: Final = {
    "table": ":material/table_rows: Table",
    "cards": ":material/grid_view: Cards",
}
NAMES: Final = RunsView.names()
DEFAULTS: Final = {"text": "", "sort": "newest", "view": "table", "page": "1"}


def search_and_order(place: DeltaGenerator) -> None:
    """Show the search and the order.

    Args:
        place: Where to.
    """
    place.text_input(
        "Search",
        key=f"{KEY}-text",
        placeholder="Search names, notes, tags",
        icon=":material/search:",
        type="search",
        label_visibility="collapsed",
        width=250,
        on_change=whole(first_page),
    )
    place.selectbox(
        "Order",
        list(SORTS),
        format_func=SORTS.__getitem__,
        key=f"{KEY}-sort",
        label_visibility="collapsed",
        width=190,
        on_change=whole(first_page),
    )


def view_switch(place: DeltaGenerator) -> None:
    """Show the choice between rows and cards.

    Args:
        place: Where to.
    """
    place.segmented_control(
        "View",
        list(VIEWS),
        format_func=VIEWS.__getitem__,
        required=True,
        key=f"{KEY}-view",
        label_visibility="collapsed",
        on_change=whole(first_page),
    )


def choices_row(known: Mapping[str, Sequence[str]]) -> None:
    """Show what the runs can be narrowed to.

    Args:
        known: What there is to choose from, by the name of the choice.
    """
    row = st.container(horizontal=True, gap="small", key=f"{KEY}-bar")
    for name, (label, anything) in LABELS.items():
        if name != "author" or people_sign_in() or value(name):
            _choice(row, name, label, anything, known[name])
    row.button(
        "Clear",
        key=f"{KEY}-clear",
        type="tertiary",
        disabled=not wanted().narrows,
        on_click=whole(clear),
    )


def wanted() -> RunsView:
    """Return what is asked for."""
    return RunsView.from_query({name: value(name) for name in NAMES})


def _choice(
    row: DeltaGenerator, name: str, label: str, anything: str, known: Sequence[str]
) -> None:
    chosen = value(name)
    # What a link asks for stays to be seen, and to be taken away, when no run has it any more.
    options = known if not chosen or chosen in known else [*known, chosen]
    row.selectbox(
        label,
        options,
        index=None,
        format_func=_TITLES.get(name, str),
        key=f"{KEY}-{name}",
        placeholder=anything,
        label_visibility="collapsed",
        # Six of them and the button beside stand in one row of 1280.
        width=160 if people_sign_in() else 184,
        on_change=whole(first_page),
    )


def _attack_title(name: str) -> str:
    return ATTACKS[name].title if name in ATTACKS else name


def _person(name: str) -> str:
    return f"{name} (you)" if name == account().name else name


_TITLES: Final = {"attack": _attack_title, "author": _person}


def read_address() -> None:
    """Take over what a link asks for; call this before the widgets are made."""
    asked = address.current(RunsView).query()
    news = bool(asked) and asked != st.session_state.get(f"{KEY}-address")
    for name in NAMES:
        kept = st.session_state.get(f"{KEY}-kept", {}).get(name)
        if news:
            st.session_state[f"{KEY}-{name}"] = _checked(name, asked.get(name))
        elif f"{KEY}-{name}" not in st.session_state:
            st.session_state[f"{KEY}-{name}"] = _checked(name, kept)


def _checked(name: str, asked: str | None) -> str | None:
    known = {"sort": SORTS, "view": VIEWS}.get(name)
    if not asked or (known is not None and asked not in known):
        return DEFAULTS.get(name)
    return asked


def write_address() -> None:
    """Put what is shown into the address, and keep it for when the person comes back."""
    kept = {name: value(name) for name in NAMES}
    view = wanted()
    address.change(RunsView, **vars(view))
    st.session_state[f"{KEY}-address"] = view.query()
    st.session_state[f"{KEY}-kept"] = kept


def value(name: str) -> str:
    """Return what a widget says, or "" for nothing."""
    return str(st.session_state.get(f"{KEY}-{name}") or "")


def first_page() -> None:
    """Go back to the first page: another filter makes another list."""
    set_page(1)


def set_page(number: int) -> None:
    """Turn to a page, from 1."""
    st.session_state[f"{KEY}-page"] = str(number)


def page_number(pages: int) -> int:
    """Return the page to show, from 1, within those there are."""
    text = value("page")
    number = int(text) if text.isdecimal() and len(text) < 7 else 1
    return min(max(number, 1), max(pages, 1))


def clear() -> None:
    """Take every filter away."""
    for name in ("text", *LABELS):
        st.session_state[f"{KEY}-{name}"] = DEFAULTS.get(name)
    first_page()
