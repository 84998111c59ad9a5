"""The images of a data set as a grid, with what narrows and orders it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import streamlit as st

from asma_core.data.datasets import Dataset, Sample
from asma_core.data.masks.palette import PREDICTION, TRUTH
from asma_core.errors import AsmaError
from asma_core.models.sources.cards import ModelCard
from ui.address.browser import current, prime
from ui.address.views import SORTS, DatasetsView
from ui.common import services
from ui.common.errors import escape_markdown, show_error
from ui.common.format import described, duration, number
from ui.common.rerun import patiently, whole
from ui.datasets.index import chosen_samples, fitting_models, run_counts
from ui.datasets.view import change, current_view, go_to
from ui.pictures.cards import Card, card_grid
from ui.pictures.legend import legend
from ui.pictures.thumbnails import Thumbnail, sample_thumbnail

PER_PAGE: Final = 28
PAGES_WIDTH: Final = 420
# Seconds of work that need no words.
SILENT: Final = 0.5
Runs = Mapping[str, int]
CleanIous = Mapping[str, float | None]


def dataset_choice(view: DatasetsView, names: Sequence[str]) -> None:
    """Let a data set be chosen; one that only the address names is listed too."""
    st.selectbox(
        "Data set",
        list(dict.fromkeys((*names, view.dataset))),
        key=prime("datasets-dataset", view.dataset),
        on_change=whole(_dataset_chosen),
        width=260,
    )


def back_to_grid() -> None:
    """Offer the way from an open image back to the grid, where it stands."""
    st.button(
        "All images",
        icon=":material/arrow_back:",
        key="datasets-back",
        type="tertiary",
        shortcut="Esc",
        on_click=whole(_close),
    )


def _close() -> None:
    view = current_view([""])
    go_to(view.of_sample(""))


def _is_shown() -> bool:
    """Whether the grid is what is looked at.

    A widget of the grid that was on its way when an image was opened reports late, and its report
    would lead back from the image.
    """
    return not current(DatasetsView).sample


def _dataset_chosen() -> None:
    if not _is_shown():
        return
    name = st.session_state["datasets-dataset"]
    go_to(current_view([name]).of_dataset(name))


def settled(view: DatasetsView, dataset: Dataset, models: Sequence[ModelCard]) -> DatasetsView:
    """Drop from a view what its data set does not have."""
    names = [card.name for card in models]
    return replace(
        view,
        split=view.split if view.split in _splits(dataset) else "",
        classes=tuple(label for label in view.classes if 0 < label < len(dataset.classes)),
        model=view.model if view.model in names else next(iter(names), ""),
        sort=view.sort if view.sort in _sorts(dataset, names) else "name",
        low=view.low if dataset.masked else 0,
        high=view.high if dataset.masked else 100,
        prediction=view.prediction and bool(names),
    )


def _sorts(dataset: Dataset, models: Sequence[object]) -> list[str]:
    """Return the orders that there are: by area and by IoU only where there are masks."""
    if not dataset.masked:
        return ["name"]
    return [name for name in SORTS if models or name != "worst"]


def _splits(dataset: Dataset) -> list[str]:
    return list(dict.fromkeys(sample.split for sample in dataset.samples if sample.split))


def chosen_network(view: DatasetsView, models: Sequence[ModelCard]) -> ModelCard | None:
    """Return the network that a view names; None where none fits."""
    return next((card for card in models if card.name == view.model), None)


def listed(
    dataset: Dataset, view: DatasetsView
) -> tuple[DatasetsView, list[Sample], Runs, CleanIous]:
    """Return the view as this data set allows it, its samples in order, runs and IoUs.

    Raises:
        AsmaError: The models or the store can't be read.
    """
    models = fitting_models(dataset)
    view = settled(view, dataset, models)
    runs = run_counts(dataset.name)
    card = chosen_network(view, models)
    ious: CleanIous = _clean_ious(dataset, card) if card and view.sort == "worst" else {}
    return view, chosen_samples(dataset, view, runs, ious), runs, ious


def _clean_ious(dataset: Dataset, card: ModelCard) -> CleanIous:
    count = len(dataset.samples)
    words = (
        f"Measuring the clean IoU of {escape_markdown(card.name)} on {count} images, once; "
        "about a second per ten"
    )
    with st.spinner(words, show_time=True):
        try:
            return patiently(services.predictor().clean_ious, card, dataset.name)
        except AsmaError as error:
            show_error(error)
            return {}


def dataset_grid(dataset: Dataset, view: DatasetsView, bar: Any) -> None:
    """Show the images that a view asks for.

    Args:
        dataset: The data set.
        view: From the address.
        bar: The row of the page's controls, to go on with.

    Raises:
        AsmaError: The models or the store can't be read.
    """
    models = fitting_models(dataset)
    allowed = settled(view, dataset, models)
    _order(bar, dataset, allowed, models)
    _filters(dataset, allowed)
    _about(dataset)
    allowed, samples, runs, ious = listed(dataset, view)
    _count(dataset, samples, allowed)
    if not samples:
        st.info("No image fits these filters.", icon=":material/filter_alt_off:")
        st.button("Show all images", key="datasets-all", on_click=whole(_show_all))
        return
    pages = -(-len(samples) // PER_PAGE)
    page = min(allowed.page, pages)
    shown = samples[(page - 1) * PER_PAGE : page * PER_PAGE]
    card = chosen_network(allowed, models) if allowed.prediction else None
    pictures = _thumbnails(dataset, shown, card)
    cards = [
        _card(view, sample, picture, runs.get(sample.name, 0), ious.get(sample.name))
        for sample, picture in zip(shown, pictures, strict=True)
    ]
    card_grid(cards, "images")
    if pages > 1:
        _pages(page, pages)


def _show_all() -> None:
    change(split="", classes=(), low=0, high=100, with_runs=False)


def _order(bar: Any, dataset: Dataset, view: DatasetsView, models: Sequence[ModelCard]) -> None:
    bar.selectbox(
        "Sort by",
        _sorts(dataset, models),
        format_func=SORTS.__getitem__,
        key=prime("datasets-sort", view.sort),
        on_change=whole(_changed),
        args=("sort",),
        width=230,
    )
    bar.selectbox(
        "Network",
        [card.name for card in models],
        key=prime("datasets-model", view.model or None),
        on_change=whole(_changed),
        args=("model",),
        placeholder="none has these classes",
        disabled=not models,
        width=260,
    )


def _filters(dataset: Dataset, view: DatasetsView) -> None:
    row = st.container(horizontal=True, gap="large")
    splits = _splits(dataset)
    if splits:
        row.segmented_control(
            "Split",
            ["", *splits],
            format_func=lambda name: name or "all",
            required=True,
            key=prime("datasets-split", view.split),
            on_change=whole(_changed),
            args=("split",),
        )
    if len(dataset.classes) > 2:
        row.pills(
            "Has class",
            list(range(1, len(dataset.classes))),
            selection_mode="multi",
            format_func=lambda label: escape_markdown(dataset.classes[label]),
            key=prime("datasets-classes", list(view.classes)),
            on_change=whole(_changed),
            args=("classes",),
        )
    if dataset.masked:
        row.slider(
            "Area of the structure",
            0,
            100,
            format="%d %%",
            key=prime("datasets-area", (view.low, view.high)),
            on_change=whole(_area_changed),
            width=230,
        )
    row.pills(
        "Runs",
        [True],
        format_func=lambda _: "attacked",
        key=prime("datasets-with_runs", True if view.with_runs else None),
        on_change=whole(_changed),
        args=("with_runs",),
    )


def _changed(name: str) -> None:
    if not _is_shown():
        return
    value = st.session_state[f"datasets-{name}"]
    if isinstance(value, list):
        value = tuple(sorted(value))
    # A pill that is off is None.
    change(**{name: getattr(DatasetsView(), name) if value is None else value})


def _area_changed() -> None:
    if not _is_shown():
        return
    low, high = st.session_state["datasets-area"]
    change(low=low, high=high)


def _about(dataset: Dataset) -> None:
    badge = ":blue-badge[synthetic]&ensp;" if dataset.synthetic else ""
    words = escape_markdown(described(dataset.name, dataset.title, dataset.description))
    st.markdown(f"{badge}:small[:gray[{words}]]")


def _count(dataset: Dataset, samples: Sequence[Sample], view: DatasetsView) -> None:
    total = len(dataset.samples)
    row = st.container(horizontal=True, vertical_alignment="center", gap="large")
    words = f"{len(samples):,} of {total:,} images" if view.filters else f"{total:,} images"
    row.markdown(f"**{words}**", width="content")
    row.space("stretch")
    entries = [(TRUTH, "mask")] if dataset.masked else []
    if view.prediction:
        entries.append((PREDICTION, "the network's prediction"))
    with row:
        legend(entries)
    row.toggle(
        "Show the prediction",
        key=prime("datasets-prediction", view.prediction),
        on_change=whole(_changed),
        args=("prediction",),
        disabled=not view.model,
        help=None if view.model else "No network has these classes.",
    )


def _thumbnails(
    dataset: Dataset, samples: Sequence[Sample], card: ModelCard | None
) -> list[Thumbnail]:
    try:
        return _drawn(dataset, samples, card)
    except AsmaError as error:
        # Without the network the images are still worth seeing.
        show_error(error)
        return _drawn(dataset, samples, None)


def _drawn(dataset: Dataset, samples: Sequence[Sample], card: ModelCard | None) -> list[Thumbnail]:
    """Make the pictures of a page; after a moment say how far it is."""
    place = st.empty()
    started = time.monotonic()
    pictures: list[Thumbnail] = []
    for done, sample in enumerate(samples):
        elapsed = time.monotonic() - started
        if elapsed > SILENT:
            words = "Drawing the images"
            if card:
                words = f"Asking {escape_markdown(card.name)} for its predictions"
            left = duration(elapsed / max(done, 1) * (len(samples) - done))
            text = f"{words}: {done} of {len(samples)}, {left} left"
            place.progress(done / len(samples), text=text)
        pictures.append(sample_thumbnail(dataset, sample, card))
    place.empty()
    return pictures


def _card(
    view: DatasetsView, sample: Sample, picture: Thumbnail, n_runs: int, iou: float | None
) -> Card:
    iou = picture.iou if iou is None else iou
    figures = [
        f"{number(picture.area, 1)} %" if picture.area is not None else "",
        f"Clean IoU {number(iou)}" if iou is not None else "",
        f"{n_runs} run{'' if n_runs == 1 else 's'}" if n_runs else "",
    ]
    return Card(
        title=sample.name,
        view=view.of_sample(sample.name),
        picture=picture.picture,
        caption=("&ensp;".join(figure for figure in figures if figure),),
        message=picture.message,
    )


def _pages(page: int, pages: int) -> None:
    # Another number of pages makes another widget, so that it can begin where the address says.
    key = f"datasets-page-{pages}"
    if key in st.session_state:
        prime(key, page)
    st.space("small")
    with st.container(horizontal=True, horizontal_alignment="center"):
        st.pagination(
            pages,
            default=page,
            key=key,
            on_change=whole(_page_chosen),
            args=(key,),
            width=PAGES_WIDTH,
        )


def _page_chosen(key: str) -> None:
    change(page=st.session_state[key])
