"""The tables of an experiment: the attacks, and the study of the distance term."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from asma_core.experiments.cells import Cell
from asma_core.experiments.export import COLUMNS, figure_text
from asma_core.experiments.store import Experiment
from asma_core.experiments.table import summary
from ui.experiment_words import row_titles


def experiment_tables(experiment: Experiment, cells: Sequence[Cell]) -> None:
    """Show a table of each kind of rows that there are."""
    for study, words in ((False, ""), (True, "The distance term")):
        titles = row_titles(experiment, study)
        own = [cell for cell in cells if cell.label in titles]
        if own:
            if words:
                st.subheader(words, anchor=False)
            _table(summary(own), titles, key=f"experiment-table-{study}")


def _table(rows: Sequence[dict[str, Any]], titles: dict[str, str], key: str) -> None:
    shown = [
        {
            "attack": titles[row["label"]],
            "n": row["n"],
            "success": f"{100 * row['success_rate']:.0f} %",
            **{name: figure_text(row, name) for name in COLUMNS},
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
            "success": text("Success", alignment="right", help="Share whose file meets the target"),
            **{
                name: text(head, alignment="right", help="Mean ± standard deviation, 8-bit file")
                for name, (head, _) in COLUMNS.items()
            },
        },
        alt="Attacks compared",
    )
