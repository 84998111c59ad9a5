"""Views survive their address, and an address may hold anything."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asma_core.data.masks.palette import ROLES
from asma_core.defences.detectors.registry import DETECTORS
from asma_core.runs.difference import ABSOLUTE, CHANNELS, KINDS
from ui.address.view import View
from ui.address.views import (
    MODES,
    OF_AN_IMAGE,
    SORTS,
    USUAL_OVERLAYS,
    AttackView,
    CompareView,
    DatasetsView,
    ExperimentsView,
    ModelsView,
    ReviewView,
    RunsView,
)

VIEWS = (
    *(DatasetsView, ModelsView, AttackView, CompareView, RunsView, ExperimentsView, ReviewView),
)
ZOOMS = st.integers(10_000, 10**7).map(lambda n: n / 10_000)


def some_of(names: tuple[str, ...]) -> st.SearchStrategy[tuple[str, ...]]:
    """Return a strategy for parts of a list, in its order."""
    return st.sets(st.sampled_from(names)).map(lambda s: tuple(n for n in names if n in s))


CHOICES = {
    (DatasetsView, "sort"): st.sampled_from(list(SORTS)),
    (CompareView, "difference"): st.sampled_from(KINDS),
    (CompareView, "suspicion"): st.sampled_from(["", *DETECTORS]),
    (CompareView, "channel"): st.sampled_from(CHANNELS),
    (CompareView, "mode"): st.sampled_from(MODES),
    (CompareView, "times"): st.integers(0, 100),
    (CompareView, "zoom"): ZOOMS,
    (DatasetsView, "zoom"): ZOOMS,
    (DatasetsView, "opacity"): st.integers(10, 100),
    (DatasetsView, "overlays"): st.none() | some_of(OF_AN_IMAGE),
    (CompareView, "left"): st.text(min_size=1),
    (CompareView, "right"): st.text(min_size=1),
    (CompareView, "overlays"): st.none() | some_of(tuple(ROLES)),
    (ExperimentsView, "rows"): st.sampled_from(["", "distance"]),
    # A parameter without a value is none, so what is there by default can't be empty.
    (RunsView, "sort"): st.text(min_size=1),
    (RunsView, "view"): st.text(min_size=1),
    (DatasetsView, "low"): st.integers(0, 50),
    (DatasetsView, "high"): st.integers(50, 100),
    (DatasetsView, "page"): st.integers(1, 999),
    (RunsView, "page"): st.integers(1, 999),
}
ids = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=8).filter("none".__ne__)
KINDS = {
    str: st.text(),
    bool: st.booleans(),
    float: st.integers(1_000, 10_000).map(lambda n: n / 10_000),
    str | None: st.none() | st.text(),
    int | None: st.none() | st.integers(0, 999),
    tuple[int, ...]: st.sets(st.integers(0, 255)).map(lambda s: tuple(sorted(s))),
    tuple[str, ...]: st.lists(ids, max_size=3).map(tuple),
}


def views(kind: type[View]) -> st.SearchStrategy[View]:
    hints = get_type_hints(kind)
    values = {
        item.name: CHOICES[kind, item.name]
        if (kind, item.name) in CHOICES
        else KINDS[hints[item.name]]
        for item in fields(kind)
    }
    return st.builds(kind, **values)


@pytest.mark.parametrize("kind", VIEWS)
@given(data=st.data())
def test_a_view_survives_its_address(kind: type[View], data: Any) -> None:
    view = data.draw(views(kind))
    assert kind.from_query(view.query()) == view


@pytest.mark.parametrize("kind", VIEWS)
@given(texts=st.lists(st.text(), min_size=20, max_size=20))
def test_any_address_gives_a_view_that_has_an_address(kind: type[View], texts: list[str]) -> None:
    query = dict(zip((*kind.names(), "more"), texts, strict=False))
    view = kind.from_query(query)
    assert kind.from_query(view.query()) == view


@pytest.mark.parametrize("kind", VIEWS)
def test_what_is_as_by_default_is_not_in_the_address(kind: type[View]) -> None:
    assert kind().query() == {}


@pytest.mark.parametrize(
    ("view", "query"),
    [
        (AttackView("1f2e"), {"run": "1f2e"}),
        (AttackView(dataset="d", sample="s", from_run="1f2e"),
         {"dataset": "d", "sample": "s", "from": "1f2e"}),
        (AttackView(own="k", draft="e"), {"own": "k", "draft": "e"}),
        (AttackView(network="n"), {"network": "n"}),
        (CompareView("a", ("b", "c")), {"run": "a", "with": "b,c"}),
        (CompareView("a", frame=0, times=50, difference=ABSOLUTE, overlays=()),
         {"run": "a", "frame": "0", "times": "50", "difference": "absolute", "overlays": "none"}),
        (CompareView(overlays=("truth", "after")), {"overlays": "truth,after"}),
        (DatasetsView("d", classes=(1, 3), with_runs=True, low=5),
         {"dataset": "d", "classes": "1-3", "with_runs": "1", "low": "5"}),
        (DatasetsView(add=True), {"add": "1"}),
        (ModelsView("m", check=True), {"model": "m", "check": "1"}),
        (ModelsView(train=True, dataset="d"), {"train": "1", "dataset": "d"}),
        (RunsView(attack="asma", view="cards", page=2),
         {"attack": "asma", "view": "cards", "page": "2"}),
        (ExperimentsView("e", rows="distance", figure="iou"),
         {"experiment": "e", "rows": "distance", "figure": "iou"}),
    ],
)  # fmt: skip
def test_addresses_of_before_still_lead_where_they_did(view: View, query: dict[str, str]) -> None:
    assert view.query() == query
    assert type(view).from_query(query) == view


@pytest.mark.parametrize(
    ("query", "view"),
    [
        ({"low": "70", "high": "20"}, DatasetsView(low=70, high=70)),
        ({"low": "-3", "high": "1000"}, DatasetsView()),
        ({"page": "0", "sort": "colour", "with_runs": "yes"}, DatasetsView()),
        ({"classes": "3-1-1-x-99999"}, DatasetsView(classes=(1, 3))),
        ({"page": "9" * 30}, DatasetsView()),
        ({"overlays": "x,target"}, CompareView(overlays=("target",))),
        ({"overlays": "<script>"}, CompareView(overlays=())),
        ({"frame": "-1", "times": "1e3", "difference": "both"}, CompareView()),
        ({"rows": "all"}, ExperimentsView()),
        ({"dataset": "", "run": ""}, AttackView(run="")),
    ],
)
def test_what_makes_no_sense_is_passed_over(query: dict[str, str], view: View) -> None:
    assert type(view).from_query(query) == view


def test_the_viewer_s_usual_state_stays_out_of_the_address() -> None:
    shown = CompareView().viewer()
    assert shown["overlays"] == list(USUAL_OVERLAYS)
    told = CompareView("a", mode="blink").showing(shown)
    assert told == CompareView("a")
    told = CompareView("a").showing(shown | {"difference": ABSOLUTE, "overlays": [], "zoom": 2.5})
    assert told.query() == {
        "run": "a", "difference": "absolute", "overlays": "none", "zoom": "2.5",
    }  # fmt: skip


def test_another_run_takes_the_view_along_but_nothing_of_the_old_run() -> None:
    view = CompareView("a", ("b",), "blink", 3, zoom=2.0, left="b", right="original", still="b")
    assert view.of_run("c") == CompareView("c", mode="blink", zoom=2.0)


@pytest.mark.parametrize(
    ("text", "value"),
    [("2.50001", 2.5), ("7", 7.0), ("1e3", 1.0), ("nan", 1.0), ("-2", 1.0), ("0.3", 1.0),
     ("1.2.3", 1.0), (".", 1.0), ("99999999", 10_000.0), ("2" * 40, 1.0)],
)  # fmt: skip
def test_a_number_with_a_point_is_read_to_four_places(text: str, value: float) -> None:
    assert CompareView.from_query({"zoom": text}).zoom == value
