"""What can be done with the ticked runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from asma_core.accounts.current import account, acting_as
from asma_core.jobs.queue import stop
from asma_core.reviews.making import can_be_shown
from asma_core.runs.export import run_zip, runs_csv, runs_csv_zip, runs_zip
from asma_core.runs.run import Run
from asma_core.runs.search import RunFilter
from asma_core.runs.store import RunStore
from ui.address.links import open_page
from ui.address.views import AttackView, CompareView, ReviewView
from ui.common import services
from ui.common.errors import escape_markdown
from ui.common.presses import pressed
from ui.common.rerun import rerun_page, whole
from ui.comparison.payload import MOST_BESIDE
from ui.judging.strip import PANEL, judging_strip
from ui.judging.verdict import tag_list
from ui.runs.delete import ask_to_delete
from ui.runs.each import do_each
from ui.runs.judge_several import judge_several
from ui.runs.moves import move_buttons
from ui.runs.selection import select

# Ten megabytes; more would be held in the server's memory.
MOST_IN_A_CSV = 10_000
# Combinations of tags that are in use.
MOST_TAGS = 1000
HINT = "Tick runs to compare, judge, repeat, export or delete them."


@dataclass(frozen=True)
class Listed:
    """The runs that the filter leaves, on this page and on the others.

    Attributes:
        asked: Which they are.
        order: In which order.
        count: How many.
    """

    asked: RunFilter
    order: str
    count: int


def run_actions(store: RunStore, ticked: Sequence[Run], shown: Listed) -> None:
    """Show the row of actions.

    Args:
        store: Where the runs are.
        ticked: The runs that the actions are for; none that the filter hides.
        shown: The runs that the filter leaves.
    """
    row = st.container(horizontal=True, gap="small", vertical_alignment="center", key="runs-do")
    with row:
        _open(ticked)
        _judge(store, ticked)
        _review(ticked)
        _repeat(ticked)
        _stop(store, ticked)
    move_buttons(row, store, ticked)
    with row:
        _export(store, ticked, shown)
        st.button(
            ":red[:material/delete: Delete]" if ticked else ":material/delete: Delete",
            key="runs-delete",
            disabled=not ticked,
            on_click=whole(ask_to_delete),
            args=([run.id for run in ticked],),
        )


def _open(ticked: Sequence[Run]) -> None:
    watch = len(ticked) == 1 and not ticked[0].results
    side_by_side = _fits(ticked)
    several = (
        f"Compare puts up to {MOST_BESIDE + 1} runs of one image beside each other; these are of "
        "several images, too many, or without a result"
    )
    if pressed(
        st,
        "Open" if watch else "Compare",
        key="runs-compare",
        type="primary",
        icon=":material/visibility:" if watch else ":material/compare:",
        disabled=not (watch or side_by_side),
        # One width for both words, so that the row stays where it is.
        width=120,
        help=several if ticked and not (watch or side_by_side) else None,
    ):
        first, *others = ticked
        beside = tuple(run.id for run in others)
        open_page(AttackView(first.id) if watch else CompareView(first.id, beside))


def _fits(runs: Sequence[Run]) -> bool:
    """Whether the runs can stand beside each other."""
    one_image = len({run.spec.image_hash for run in runs}) == 1
    return one_image and len(runs) <= MOST_BESIDE + 1 and all(run.results for run in runs)


def _judge(store: RunStore, ticked: Sequence[Run]) -> None:
    with st.popover(
        "Verdict", icon=":material/rate_review:", disabled=not ticked, key="runs-judge"
    ):
        if len(ticked) == 1:
            st.markdown(f"**{_name(ticked[0])}**")
            judging_strip(ticked[0], "runs-judging", place=PANEL)
        elif ticked:
            judge_several(store, ticked, _known_tags(store))


def _known_tags(store: RunStore) -> list[str]:
    kept = store.search.tags(MOST_TAGS)
    return sorted({tag for tags in kept for tag in tag_list(tags)})


def _name(run: Run) -> str:
    return f"Run {run.id}, {escape_markdown(run.spec.image_name)}"


def _review(ticked: Sequence[Run]) -> None:
    usable = any(map(can_be_shown, ticked))
    if pressed(
        st,
        "Review",
        key="runs-review",
        icon=":material/groups:",
        disabled=not usable,
        help="Make a review of these: people look at them blind and say what they notice",
    ):
        open_page(ReviewView(runs=tuple(run.id for run in ticked)))


def _repeat(ticked: Sequence[Run]) -> None:
    if not pressed(st, "Repeat", key="runs-repeat", icon=":material/replay:", disabled=not ticked):
        return
    new = do_each(ticked, lambda run: services.queue().repeat(run.id), "queued again")
    if len(ticked) == 1 and new:
        open_page(AttackView(new[0].id))
    if new:
        select(run.id for run in new)
        rerun_page()


def _stop(store: RunStore, ticked: Sequence[Run]) -> None:
    active = [run for run in ticked if not run.ended and not run.cancel]
    st.button(
        "Stop",
        key="runs-stop",
        icon=":material/stop_circle:",
        disabled=not active,
        help="What a running attack has found so far is kept" if active else None,
        on_click=whole(_stop_all),
        args=(store, active),
    )


def _stop_all(store: RunStore, runs: Sequence[Run]) -> None:
    do_each(runs, lambda run: stop(store, run.id), "asked to stop")


def _export(store: RunStore, ticked: Sequence[Run], shown: Listed) -> None:
    """Offer the downloads; a file is made when its button is pressed, not before."""
    with st.popover(
        "Export", icon=":material/download:", disabled=not shown.count, key="runs-export"
    ):
        one = len(ticked) == 1
        st.download_button(
            "Files of the ticked run (zip)" if one else f"Files of {len(ticked)} ticked runs (zip)",
            data=lambda: run_zip(store, ticked[0]) if one else runs_zip(store, ticked),
            file_name=f"asma-run-{ticked[0].id}.zip" if one else "asma-runs.zip",
            mime="application/zip",
            key="runs-zip",
            icon=":material/folder_zip:",
            disabled=not ticked,
            on_click="ignore",
            width="stretch",
        )
        _export_figures(store, shown)


def _export_figures(store: RunStore, shown: Listed) -> None:
    many, who = shown.count > MOST_IN_A_CSV, account()

    def table() -> bytes:
        # A button's file is made where no session says who asks.
        with acting_as(who):
            runs = store.search.each(shown.asked, shown.order)
            # The mark at the start tells spreadsheets that the file is UTF-8.
            return runs_csv_zip(runs) if many else runs_csv(runs).encode("utf-8-sig")

    st.download_button(
        f"Figures of the {shown.count:,} shown ({'CSV in a zip' if many else 'CSV'})",
        data=table,
        file_name="asma-runs.zip" if many else "asma-runs.csv",
        mime="application/zip" if many else "text/csv",
        key="runs-csv",
        icon=":material/table:",
        on_click="ignore",
        width="stretch",
    )
