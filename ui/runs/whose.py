"""Whose a run is, who has judged it, and who sees it; where nobody signs in, nothing of it."""

from __future__ import annotations

import streamlit as st

from asma_core.accounts.account import OWNER
from asma_core.accounts.current import account
from asma_core.accounts.rights import may_change
from asma_core.jobs.retention import DAY
from asma_core.runs.run import Run
from asma_core.runs.search import NOBODY
from asma_core.server_config import settings
from ui.common import services
from ui.common.errors import escape_markdown, show_errors
from ui.common.format import moment
from ui.common.rerun import whole
from ui.common.sign_in import people_sign_in


def whose_line(run: Run, key: str) -> None:
    """Say whose a run is; offer its author to share it and to keep it.

    Args:
        run: The run.
        key: Begins the keys of the buttons.
    """
    days = settings().keep_runs_days
    if not people_sign_in() and not days:
        return
    row = st.container(horizontal=True, vertical_alignment="center")
    row.caption(_words(run, days), width="content")
    if not may_change(run.author):
        return
    if run.private:
        row.button(
            "Share with the team",
            key=f"{key}-share-{run.id}",
            icon=":material/group:",
            on_click=whole(_share),
            args=(run.id,),
        )
    if days:
        row.button(
            "Don't keep it" if run.pinned else "Keep it",
            key=f"{key}-pin-{run.id}",
            icon=":material/keep_off:" if run.pinned else ":material/keep:",
            help=f"Runs are deleted {days} days after they ended, but for those that are kept.",
            on_click=whole(_pin),
            args=(run.id, not run.pinned),
        )


def whose_words(run: Run) -> str:
    """Return whose a run is, such as "ann" or "ann, not shared"; "" where nobody signs in."""
    if not people_sign_in():
        return ""
    return (run.author or NOBODY) + (", not shared" if run.private else "")


def _words(run: Run, days: int) -> str:
    parts = []
    if people_sign_in():
        parts.append(f"by {escape_markdown(run.author or NOBODY)}")
        parts.append(moment(run.created))
        for field, (author, at) in services.store().judgements.of(run.id).items():
            parts.append(f"{field} by {escape_markdown(author)}, {moment(at)}")
        if run.private:
            mine = run.author == account().name
            owner = account().role == OWNER
            parts.append(
                "only you see it" if mine else "not shared" if owner else "only its author sees it"
            )
    if days:
        parts.append("kept" if run.pinned else _deleted(run, days))
    return "; ".join(parts)


def _deleted(run: Run, days: int) -> str:
    """Say when a run is deleted: the day, once it has ended."""
    if run.finished is None:
        return f"deleted {days} days after it ends"
    return f"deleted on {moment(run.finished + days * DAY)[:10]}"


def _share(run_id: str) -> None:
    with show_errors():
        services.store().share(run_id)


def _pin(run_id: str, pinned: bool) -> None:
    with show_errors():
        services.store().pin(run_id, pinned)
