"""What the values of a data set's masks mean, shown with their counts and corrected by hand."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from typing import Final

import streamlit as st

from asma_core.data.masks.encodings import SHARE, VALUES, Encoding
from asma_core.data.masks.label_maps import VOID
from asma_core.data.preview import Preview
from ui.common.errors import escape_markdown
from ui.common.format import number
from ui.common.values import SESSION, initial

MOST_ROWS: Final = 24
VOID_WORDS: Final = "void, does not count"
KINDS: Final = {
    VALUES: "Each value means a class",
    SHARE: "A soft map or votes, with a threshold",
}


def mask_meaning(found: Preview, key: str) -> Preview:
    """Show the classes and what stands for each; return the preview as it is corrected.

    Raises:
        InputError: Names of classes that can't be.
    """
    st.markdown("**Classes and what stands for them**")
    masks = found.survey.masks
    st.caption(f"Values as they were found in {masks} mask{'' if masks == 1 else 's'}")
    names = _names(found, key)
    encoding = found.card.encoding or Encoding()
    per_class = bool(found.dataset.samples[0].layers[0][0])
    if per_class and found.card.layers:
        layers = _layers(found, names, key)
        encoding = _threshold(encoding, key)
        return found.corrected(names, encoding, layers=layers)
    if per_class:
        return found.corrected(names, _threshold(encoding, key))
    kind = st.radio(
        "Masks",
        list(KINDS),
        format_func=KINDS.__getitem__,
        key=initial(f"{key}-kind", encoding.kind),
        label_visibility="collapsed",
    )
    if kind == SHARE:
        return found.corrected(names, _threshold(_as_share(encoding, found), key))
    return found.corrected(names, _values(_as_values(encoding, found), found, names, key))


def _names(found: Preview, key: str) -> list[str]:
    text = st.text_input(
        "Names, background first",
        key=initial(f"{key}-classes", ", ".join(found.card.classes)),
        help="Separated by commas. A name more makes a class more.",
        persist_state=SESSION,
    )
    return [name.strip() for name in text.split(",")]


def _as_share(encoding: Encoding, found: Preview) -> Encoding:
    if encoding.kind == SHARE:
        return encoding
    highest = max(found.survey.counts, default=255)
    return Encoding(kind=SHARE, values=(), full=float(max(highest, 1)))


def _as_values(encoding: Encoding, found: Preview) -> Encoding:
    if encoding.kind == VALUES:
        return encoding
    common = sorted(found.survey.counts, key=lambda value: -found.survey.counts[value])[:8]
    pairs = tuple((value, min(place, 1)) for place, value in enumerate(sorted(common)))
    return Encoding(values=pairs, colours=found.survey.colours)


def _threshold(encoding: Encoding, key: str) -> Encoding:
    full = encoding.full
    share = st.slider(
        f"Structure is what lies above this share of {full:g}",
        0.0,
        0.99,
        step=0.01,
        key=initial(f"{key}-threshold", encoding.threshold),
        help="Several files of one class, such as annotators' votes, are averaged first.",
    )
    st.caption(f"Above {share * full:.3g} of {full:g}")
    return replace(encoding, kind=SHARE, threshold=share)


def _values(encoding: Encoding, found: Preview, names: list[str], key: str) -> Encoding:
    counts = found.survey.counts
    total = max(sum(counts.values()), 1)
    meant = dict(encoding.values)
    rows = _listed(encoding, found)
    pairs = []
    for value in rows:
        what, choice = st.columns([2, 3], vertical_alignment="center")
        share = 100.0 * counts.get(value, 0) / total
        what.html(_value(value, encoding.colours, counts.get(value, 0), share))
        options = [*range(len(names)), VOID]
        first = meant.get(value, 0)
        label = choice.selectbox(
            f"Class of {value}",
            options,
            format_func=lambda one: VOID_WORDS if one == VOID else escape_markdown(names[one]),
            key=initial(f"{key}-value-{value}", first if first in options else 0, options),
            label_visibility="collapsed",
        )
        pairs.append((value, label))
    others = len(counts) - len([value for value in rows if value in counts])
    if others > 0 and encoding.nearest:
        st.caption(f"{others} other values, from JPEG or smoothing, count as the nearest of these.")
    elif others > 0:
        st.caption(f"{others} rarer values are not listed; an image that holds one is refused.")
    return replace(encoding, values=tuple(pairs))


def _listed(encoding: Encoding, found: Preview) -> list[int]:
    """Return the values to show: those that mean something, and common others."""
    known = [value for value, _ in encoding.values]
    if encoding.nearest:
        return known[:MOST_ROWS]
    more = sorted(found.survey.counts, key=lambda value: -found.survey.counts[value])
    return list(dict.fromkeys([*known, *more]))[:MOST_ROWS]


def _value(value: int, colours: bool, count: int, share: float) -> str:
    name = f"#{value:06X}" if colours else str(value)
    grey = min(value, 255)
    paint = f"#{value:06X}" if colours else f"rgb({grey},{grey},{grey})"
    patch = (
        f'<span style="display:inline-block;width:1.1em;height:1.1em;vertical-align:middle;'
        f"margin-right:.6em;border:1px solid rgba(128,140,148,.6);border-radius:3px;"
        f'background:{paint}"></span>'
    )
    words = f"{number(share, 1)} %, {count:,} px"
    figure = f'<span style="opacity:.75;margin-left:.8em;font-size:.85rem">{words}</span>'
    return f'<span style="font-variant-numeric:tabular-nums">{patch}{escape(name)}{figure}</span>'


def _layers(found: Preview, names: list[str], key: str) -> dict[str, int]:
    """Let files that show one class each be given another class, or be left out."""
    labels = {}
    for name, label in found.card.layers.items():
        what, choice = st.columns([2, 3], vertical_alignment="center")
        what.markdown(f"files “{escape_markdown(name)}”")
        options = list(range(len(names)))
        labels[name] = choice.selectbox(
            f"Class of {name}",
            options,
            format_func=lambda one: escape_markdown(names[one]) if one else "left out",
            key=initial(f"{key}-layer-{name}", label if label in options else 0, options),
            label_visibility="collapsed",
        )
    return labels
