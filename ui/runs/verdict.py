"""What a person says of a run: verdict, note and tags, saved at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

import streamlit as st

from asma_core.errors import AsmaError
from asma_core.runs.run import Run
from asma_core.runs.store import RunStore
from ui.common.errors import escape_markdown

# Each with the key that gives it.
VERDICTS: Final = {"convincing": "1", "visible": "2", "failed": "3"}
LONGEST_VERDICT: Final = 40
LONGEST_NOTE: Final = 4000
LONGEST_TAG: Final = 40


def verdict_editor(store: RunStore, run: Run, key: str, known_tags: Iterable[str] = ()) -> None:
    """Let a person judge a run; every change is saved at once.

    Args:
        store: Where the run is.
        run: As it stands now.
        key: Unique on the page; the keys 1, 2 and 3 press the three usual verdicts.
        known_tags: Offered beside the run's own.
    """
    key = f"{key}-{run.id}"
    _take_in(run, key)
    _verdict(store, run, key)
    st.text_area(
        "Note",
        key=f"{key}-note",
        height=110,
        max_chars=LONGEST_NOTE,
        placeholder="What do you see?",
        on_change=_save_note,
        args=(store, run.id, key),
    )
    own = tag_list(run.tags)
    st.multiselect(
        "Tags",
        sorted({*own, *known_tags}),
        key=f"{key}-tags",
        accept_new_options=True,
        placeholder="Add a tag",
        on_change=_save_tags,
        args=(store, run.id, key),
    )
    _state(key)


def tag_list(tags: str) -> list[str]:
    """Split a run's tags.

    Args:
        tags: Words, separated by commas.

    Returns:
        The words, each once, in their order.
    """
    words = (" ".join(word.split())[:LONGEST_TAG] for word in tags.split(","))
    return list(dict.fromkeys(word for word in words if word))


def joined_tags(tags: Sequence[str]) -> str:
    """Return tags as the store keeps them; a tag with a comma becomes two."""
    return ", ".join(tag_list(",".join(tags)))


def cleaned_verdict(text: str) -> str:
    """Return a verdict of a person's own as one short line."""
    return " ".join(text.split())[:LONGEST_VERDICT]


def _take_in(run: Run, key: str) -> None:
    """Give the widgets what the store has, when that is news: somebody else may have changed it."""
    stored = (run.verdict, run.note, run.tags)
    if st.session_state.get(f"{key}-stored") == stored and f"{key}-note" in st.session_state:
        return
    st.session_state[f"{key}-stored"] = stored
    st.session_state[f"{key}-own"] = "" if run.verdict in VERDICTS else run.verdict
    st.session_state[f"{key}-note"] = run.note
    st.session_state[f"{key}-tags"] = tag_list(run.tags)


def _verdict(store: RunStore, run: Run, key: str) -> None:
    row = st.container(horizontal=True, vertical_alignment="bottom", key=f"{key}-verdicts")
    for verdict, shortcut in VERDICTS.items():
        given = run.verdict == verdict
        row.button(
            verdict.capitalize(),
            key=f"{key}-{verdict}",
            type="primary" if given else "secondary",
            shortcut=shortcut,
            help="Take this verdict back" if given else None,
            on_click=_save,
            args=(store, run.id, key),
            kwargs={"verdict": "" if given else verdict},
        )
    row.text_input(
        "Verdict in a word of your own",
        key=f"{key}-own",
        max_chars=LONGEST_VERDICT,
        placeholder="Or a word of your own",
        label_visibility="collapsed",
        width=190,
        on_change=_save_own,
        args=(store, run.id, key),
    )


def _save_own(store: RunStore, run_id: str, key: str) -> None:
    _save(store, run_id, key, verdict=cleaned_verdict(st.session_state[f"{key}-own"] or ""))


def _save_note(store: RunStore, run_id: str, key: str) -> None:
    _save(store, run_id, key, note=st.session_state[f"{key}-note"] or "")


def _save_tags(store: RunStore, run_id: str, key: str) -> None:
    _save(store, run_id, key, tags=joined_tags(st.session_state[f"{key}-tags"]))


def _save(store: RunStore, run_id: str, key: str, **said: str) -> None:
    """Write to the store; a callback has no place on the page, so its fault waits for `_state`."""
    what = next(iter(said))
    try:
        store.annotate(run_id, **said)
    except AsmaError as error:
        st.session_state[f"{key}-state"] = (False, str(error))
    else:
        done = "taken back" if said[what] == "" else "saved"
        st.session_state[f"{key}-state"] = (True, f"{what.capitalize()} {done}.")


def _state(key: str) -> None:
    """One line that is always there, so that nothing moves when it changes."""
    good, text = st.session_state.get(f"{key}-state", (True, "Every change is saved at once."))
    if good:
        st.caption(f":material/check: {escape_markdown(text)}")
    else:
        text = re.sub(r"\s+", " ", text)
        st.caption(f":red[:material/error: Not saved: {escape_markdown(text)}]")
