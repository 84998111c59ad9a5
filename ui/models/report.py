"""What a check of a network found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import streamlit as st

from ui.common.errors import escape_markdown
from ui.common.format import number

MARKS: Final = {
    "good": (":material/check_circle:", "green"),
    "warning": (":material/warning:", "orange"),
    "bad": (":material/error:", "red"),
}
TITLES: Final = {
    "answer": "Answers",
    "range": "Range",
    "determinism": "Repeats itself",
    "batch": "Batches",
    "size": "Sizes",
    "gradient": "Gradient",
    "classes": "Classes",
    "overlap": "Right",
}


def model_report(report: Mapping[str, Any], dataset: str) -> None:
    """Show each check with its mark, and what is likely to be wrong."""
    iou = report.get("iou")
    if iou is not None:
        st.markdown(
            f"**Clean IoU {number(iou)}** on {len(report['ious'])} images of "
            f"{escape_markdown(dataset)}"
        )
    for check in report["checks"]:
        mark, colour = MARKS[check["state"]]
        title = TITLES.get(check["name"], check["name"])
        st.markdown(f":{colour}[{mark}]&ensp;**{title}**&ensp;{escape_markdown(check['text'])}")
    if len(report["guesses"]) > 1:
        others = "; ".join(escape_markdown(guess) for guess in report["guesses"][1:4])
        st.caption(f"Or {others}")
