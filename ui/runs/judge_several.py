"""One verdict for several runs: what it overwrites is said before, and can be brought back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from asma_core.runs.run import Run
from asma_core.runs.store import RunStore
from ui.common.errors import escape_markdown
from ui.common.rerun import whole
from ui.judging.verdict import VERDICTS, joined_tags, tag_list
from ui.runs.each import counted, do_each

UNDO: Final = "runs-undo"
MOST_NAMED: Final = 6


def judge_several(store: RunStore, runs: Sequence[Run], known_tags: Sequence[str]) -> None:
    """Offer one verdict, and tags to add.

    Args:
        store: Where the runs are.
        runs: All that it is for.
        known_tags: Offered to add.
    """
    st.markdown(f"**One verdict for {counted(len(runs))}**")
    judged = [run for run in runs if run.verdict]
    if judged:
        st.caption(f"Overwrites {_verdicts(judged)}")
    row = st.container(horizontal=True)
    for verdict, shortcut in VERDICTS.items():
        row.button(
            verdict.capitalize(),
            key=f"runs-verdict-all-{verdict}",
            shortcut=shortcut,
            on_click=whole(_judge),
            args=(store, runs, verdict),
        )
    st.multiselect(
        "Add tags to all of them",
        known_tags,
        key="runs-tags-all",
        accept_new_options=True,
        placeholder="Add a tag",
        on_change=whole(_tag),
        args=(store, runs),
    )


def undo_line(store: RunStore) -> None:
    """Say what the last verdict for several runs overwrote, and offer to take it back.

    Args:
        store: Where the runs are.
    """
    verdict, before = st.session_state.get(UNDO, ("", {}))
    if not before:
        return
    row = st.container(horizontal=True, vertical_alignment="center", key="runs-undo-line")
    row.caption(f"{counted(len(before))} judged {verdict}.", width="content")
    row.button(
        "Undo",
        key="runs-undo-verdict",
        icon=":material/undo:",
        type="tertiary",
        on_click=whole(_undo),
        args=(store,),
    )


def _verdicts(runs: Sequence[Run]) -> str:
    named = [f"{run.id} {escape_markdown(run.verdict)}" for run in runs[:MOST_NAMED]]
    more = len(runs) - MOST_NAMED
    listed = ", ".join([*named, *([f"and {more} more"] if more > 0 else [])])
    return f"{counted(len(runs), 'verdict')}: {listed}"


def _judge(store: RunStore, runs: Sequence[Run], verdict: str) -> None:
    def judge(run: Run) -> tuple[str, str]:
        # What the list has shown: who judged meanwhile is not overwritten unseen.
        seen = _last_given(store, run) or run.verdict
        store.judgements.annotate(run.id, verdict=verdict, was={"verdict": seen})
        return run.id, seen

    st.session_state[UNDO] = (verdict, dict(do_each(runs, judge, "judged")))


def _last_given(store: RunStore, run: Run) -> str:
    """Return the verdict that was given here last, if the run has it still; "" otherwise.

    A second press may come before the list has shown what the first one did.
    """
    verdict, before = st.session_state.get(UNDO, ("", {}))
    return verdict if run.id in before and store.get(run.id).verdict == verdict else ""


def _undo(store: RunStore) -> None:
    verdict, before = st.session_state.pop(UNDO)

    def bring_back(run: Run) -> None:
        store.judgements.annotate(run.id, verdict=before[run.id], was={"verdict": verdict})

    # What was said since then stays, and so does a run that has gone.
    there = [run for run in store.search.among(tuple(before)) if run.verdict == verdict]
    do_each(there, bring_back, "as before")


def _tag(store: RunStore, runs: Sequence[Run]) -> None:
    added = st.session_state["runs-tags-all"]

    def tag(run: Run) -> None:
        now = store.get(run.id).tags
        tags = joined_tags([*tag_list(now), *added])
        store.judgements.annotate(run.id, tags=tags, was={"tags": now})

    if added:
        do_each(runs, tag, "tagged")
