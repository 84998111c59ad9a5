"""What attacks on other networks are worth: the heat map and the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

import pandas as pd
import streamlit as st

from asma_core.experiments.transfer_plan import TransferPlan, attack_title
from ui.address.links import link
from ui.address.views import CompareView
from ui.common.errors import escape_markdown
from ui.common.format import number
from ui.common.rerun import whole
from ui.defences.transfer_figures import heat_map
from ui.pictures.curves import NO_TOOLBAR

FILES: Final = {
    "transfer.csv": ("Table as CSV", "text/csv"),
    "transfer.md": ("Tables for Markdown", "text/markdown"),
    "transfer.tex": ("Tables for LaTeX", "text/x-tex"),
}
_CHOSEN: Final = "transfer-chosen"


def transfer_result(
    _: TransferPlan, answer: Mapping[str, Any], _files: Mapping[str, bytes]
) -> None:
    """Show what a complete plan comes to, but its sentences and files."""
    labels = list(dict.fromkeys(row["attack"] for row in answer["rows"]))
    for label, tab in zip(labels, st.tabs([attack_title(label) for label in labels]), strict=True):
        with tab:
            _matrix(label, answer)
    st.caption(
        "How many of how many images a file fools, those left out on which the network was at the "
        "goal before. The diagonal is the white box. Click a cell to see its runs."
    )
    _runs(answer["rows"])
    with st.expander("As a table", icon=":material/table_rows:"):
        _table(answer["rows"])


def _matrix(label: str, answer: Mapping[str, Any]) -> None:
    key = f"transfer-map-{label}"
    st.plotly_chart(
        heat_map(answer["rows"], answer["clean_iou"], label),
        key=key,
        on_select=whole(partial(_choose, key, label)),
        selection_mode="points",
        config=NO_TOOLBAR,
    )


def _choose(key: str, label: str) -> None:
    points = st.session_state[key].selection.points
    if points:
        attacker, victim = points[0]["customdata"][:2]
        st.session_state[_CHOSEN] = (label, attacker, victim)


def _runs(rows: Sequence[Mapping[str, Any]]) -> None:
    """Show the way to the runs of the cell that was clicked last."""
    chosen = st.session_state.get(_CHOSEN)
    row = next((r for r in rows if (r["attack"], r["attacker"], r["victim"]) == chosen), None)
    if row is None:
        return
    with st.container(border=True, key="transfer-runs"):
        st.markdown(
            f"**{attack_title(row['attack'])}**, made on {escape_markdown(row['attacker'])}, shown "
            f"to {escape_markdown(row['victim'])}: "
            f"{row['successes']} of {row['n']}, mean score {number(row['mean_score'])}"
        )
        line = st.container(horizontal=True)
        for place, run_id in enumerate(row["runs"]):
            with line.container(width="content"):
                link(CompareView(run_id), f"Run {place + 1}")


def _table(rows: Sequence[Mapping[str, Any]]) -> None:
    shown = [
        {
            "Attack": attack_title(row["attack"]),
            "Made on": row["attacker"],
            "Shown to": row["victim"],
            "Images": row["n"],
            "Fooled": row["successes"],
            "95 %": "n/a" if row["low"] is None else f"{row['low']:.2f} to {row['high']:.2f}",
            "Score": number(row["mean_score"]),
            "Clean IoU": number(row["clean_iou"]),
            "IoU left": number(row["iou"]),
        }
        for row in rows
    ]
    st.dataframe(
        pd.DataFrame(shown), hide_index=True, key="transfer-table", height="content",
        alt="Attacks on each network, shown to each",
    )  # fmt: skip
