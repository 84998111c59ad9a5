"""Plans of transfer: what they are called, and what they come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

import pandas as pd
import streamlit as st

from asma_core.attacks.registry import ATTACKS
from asma_core.experiments.transfer_plan import TransferPlan
from ui.address.links import link
from ui.address.views import CompareView, TransferView
from ui.common import services
from ui.common.format import number
from ui.common.rerun import whole
from ui.pictures.curves import NO_TOOLBAR
from ui.plans.page import PlanPage, downloads
from ui.transfer.figures import heat_map

TITLES: Final = {
    "transfer.csv": "Table as CSV",
    "transfer.md": "Tables for Markdown",
    "transfer.tex": "Tables for LaTeX",
}
_CHOSEN: Final = "transfer-chosen"


def _named(plan: TransferPlan) -> str:
    names = ", ".join(plan.models[:3]) + (" and others" if len(plan.models) > 3 else "")
    return f"{names} on {plan.dataset}"


def _about(plan: TransferPlan) -> str:
    count = len(plan.pairs)
    pairs = f"{count} {'pair' if count == 1 else 'pairs'}"
    return f"{', '.join(map(_title, [row.label for row in plan.attacks]))}; {pairs}"


def _title(label: str) -> str:
    """Return the title of an attack for a label such as "pgd, away"."""
    name, _, rest = label.partition(",")
    title = ATTACKS[name].title if name in ATTACKS else name
    return f"{title},{rest}" if rest else title


def _show(plan: TransferPlan, answer: dict[str, Any], files: dict[str, bytes]) -> None:
    labels = list(dict.fromkeys(row["attack"] for row in answer["rows"]))
    for label, tab in zip(labels, st.tabs([_title(label) for label in labels]), strict=True):
        with tab:
            _matrix(label, answer)
    st.caption(
        "How many of how many images a file fools, those left out on which the network was at the "
        "goal before. The diagonal is the white box. Click a cell to see its runs."
    )
    _runs(answer["rows"])
    with st.expander("As a table", icon=":material/table_rows:"):
        _table(answer["rows"])
    downloads("transfer", "transfer", files, TITLES)


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
            f"**{_title(row['attack'])}**, made on {row['attacker']}, shown to {row['victim']}: "
            f"{row['successes']} of {row['n']}, mean score {number(row['mean_score'])}"
        )
        line = st.container(horizontal=True)
        for place, run_id in enumerate(row["runs"]):
            with line.container(width="content"):
                link(CompareView(run_id), f"Run {place + 1}")


def _table(rows: Sequence[Mapping[str, Any]]) -> None:
    shown = [
        {
            "Attack": _title(row["attack"]),
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


PAGE: Final = PlanPage(
    "Transfer",
    lambda: services.transfer(),
    TransferView,
    _named,
    _about,
    "Showing the files to the networks",
    _show,
)
