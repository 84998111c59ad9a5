"""What the Datasets page shows is in its address, so that a link shows the same.

The address is the one truth: widgets are set from it before they are drawn, and write to it when
they are changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

import streamlit as st

SORTS: Final = {
    "name": "Name",
    "largest": "Area, largest first",
    "smallest": "Area, smallest first",
    "worst": "Network's IoU, worst first",
}
_REMEMBERED: Final = "datasets-view"
_TRUE: Final = "1"


@dataclass(frozen=True)
class View:
    """What is looked at.

    Attributes:
        dataset: Name of the data set.
        sample: The image that is open; "" shows the grid.
        split: Only images of this split; "" for all.
        classes: Only images whose masks have all of these, as class numbers.
        low: Least area of the structure, per cent of the image.
        high: Greatest area.
        with_runs: Only images that have been attacked.
        sort: One of `SORTS`.
        prediction: Whether the grid outlines the network's prediction.
        model: The network; "" for the one that fits best.
        page: Of the grid, from 1.
    """

    dataset: str = ""
    sample: str = ""
    split: str = ""
    classes: tuple[int, ...] = ()
    low: int = 0
    high: int = 100
    with_runs: bool = False
    sort: str = "name"
    prediction: bool = False
    model: str = ""
    page: int = 1

    @property
    def filters(self) -> bool:
        """Whether anything narrows what is shown."""
        return bool(self.split or self.classes or self.with_runs or self.by_area)

    @property
    def by_area(self) -> bool:
        """Whether the area of the structure narrows what is shown."""
        return (self.low, self.high) != (0, 100)

    def query(self, **changes: Any) -> dict[str, str]:
        """Return the address's parameters, without what is as by default."""
        changed = replace(self, **changes)
        defaults = View()
        return {
            field.name: _text(getattr(changed, field.name))
            for field in fields(View)
            if getattr(changed, field.name) != getattr(defaults, field.name)
        }

    def of_dataset(self, name: str) -> View:
        """Return the same for another data set; what hangs on the old one goes."""
        return View(dataset=name, sort=self.sort, prediction=self.prediction)


def from_query(query: Mapping[str, str]) -> View:
    """Read an address; what makes no sense in it is passed over."""
    low, high = _number(query, "low", 0), _number(query, "high", 100)
    return View(
        dataset=query.get("dataset", ""),
        sample=query.get("sample", ""),
        split=query.get("split", ""),
        classes=_numbers(query.get("classes", "")),
        low=min(max(low, 0), 100),
        high=min(max(high, low, 0), 100),
        with_runs=query.get("with_runs") == _TRUE,
        sort=query.get("sort", "") if query.get("sort") in SORTS else "name",
        prediction=query.get("prediction") == _TRUE,
        model=query.get("model", ""),
        page=max(_number(query, "page", 1), 1),
    )


def current_view(datasets: Sequence[str]) -> View:
    """Return what to show; an address without a data set shows the grid that was seen last."""
    view = from_query(st.query_params.to_dict())
    if not view.dataset:
        remembered = st.session_state.get(_REMEMBERED, View(dataset=datasets[0]))
        view = replace(remembered, sample="")
    go_to(view)
    return view


def go_to(view: View) -> None:
    """Put a view into the address."""
    st.session_state[_REMEMBERED] = view
    if st.query_params.to_dict() != view.query():
        st.query_params.from_dict(view.query())


def change(**changes: Any) -> None:
    """Change the view from a widget's callback; a changed filter begins at the first page."""
    view = from_query(st.query_params.to_dict())
    go_to(replace(view, **({"page": 1} | changes)))


def prime(key: str, value: Any) -> str:
    """Set a widget to what the address says, before it is drawn; return its key."""
    if key not in st.session_state or st.session_state[key] != value:
        st.session_state[key] = value
    return key


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return "-".join(str(item) for item in value)
    return str(int(value)) if isinstance(value, bool) else str(value)


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, "")
    # Of an absurd length it is no number anybody meant.
    return int(text) if text.isdecimal() and len(text) < 10 else default


def _numbers(text: str) -> tuple[int, ...]:
    parts = [part for part in text.split("-") if part.isdecimal() and len(part) < 4]
    return tuple(sorted({int(part) for part in parts}))
