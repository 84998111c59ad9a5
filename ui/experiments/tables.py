"""The tables of an experiment: the attacks, and the study of the distance term."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pandas as pd
import streamlit as st

from asma_core.experiments.cells import Cell
from asma_core.experiments.export import COLUMNS, by_goal, columns_of, figure_text, rate_text
from asma_core.experiments.store import Experiment
from asma_core.experiments.table import summary
from ui.experiments.experiment_text import row_titles

SUCCESS_HELP: Final = "Share of the pairs not already at their goal whose file reaches it"
FIGURE_HELP: Final = "Mean ± standard deviation, 8-bit file"
SECONDS_HELP: Final = "Mean ± standard deviation; of pairs attacked at once, each one's share"


def experiment_tables(experiment: Experiment, cells: Sequence[Cell]) -> None:
    """Show a table of each kind of rows that there are."""
    for study, words in ((False, ""), (True, "The distance term")):
        titles = row_titles(experiment, study)
        own = [cell for cell in cells if cell.label in titles]
        if own:
            if words:
                st.subheader(words, anchor=False)
            tables = by_goal(summary(own))
            for goal, rows in tables.items():
                st.markdown(f"**{goal.capitalize()}**")
                place = list(tables).index(goal)
                _table(rows, titles, key=f"experiment-table-{study}-{place}")


def _help(name: str) -> str:
    return SECONDS_HELP if name == "seconds" else FIGURE_HELP


def _table(rows: Sequence[dict[str, Any]], titles: dict[str, str], key: str) -> None:
    names = columns_of(rows)
    shown = [
        {
            "attack": titles[row["label"]],
            "n": row["n"],
            "success": rate_text(row),
            "already": row["already"],
            **{name: figure_text(row, name) for name in names},
        }
        for row in rows
    ]
    text = st.column_config.TextColumn
    st.dataframe(
        pd.DataFrame(shown),
        hide_index=True,
        key=key,
        height="content",
        column_config={
            "attack": text("Attack"),
            "n": st.column_config.NumberColumn("Pairs", width=70),
            "success": text("Success", alignment="right", help=SUCCESS_HELP),
            "already": st.column_config.NumberColumn("Already there", width=100),
            **{name: text(COLUMNS[name][0], alignment="right", help=_help(name)) for name in names},
        },
        alt="Attacks compared",
    )
