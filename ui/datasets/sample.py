"""One image of a data set, large, with its mask, its prediction, its figures and its runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from html import escape
from typing import Any, Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from asma_core import paths
from asma_core.data.datasets import Dataset, Sample
from asma_core.data.formats.images import to_rgb
from asma_core.data.masks.palette import PREDICTION, TRUTH
from asma_core.errors import AsmaError
from asma_core.jobs.predictions import prediction_file
from asma_core.metrics.overlap import confusion_matrix, foreground_iou, iou_per_class
from asma_core.models.sources.cards import ModelCard, find_card
from asma_core.runs.run import Run
from asma_core.runs.sources import SourceImage, seen_sample
from ui.address.browser import current, prime
from ui.address.links import link, open_page
from ui.address.views import OF_AN_IMAGE, AttackView, CompareView, DatasetsView
from ui.common import services
from ui.common.errors import escape_markdown, show_error
from ui.common.format import (
    attack_title,
    moment,
    number,
    outcome_colour,
    score_label,
    standing_outcome,
)
from ui.common.presses import pressed
from ui.common.rerun import patiently, whole
from ui.common.shell import name_tab
from ui.datasets.grid import PER_PAGE, listed
from ui.datasets.view import go_to
from ui.pictures.encoding import jpeg
from ui.pictures.legend import class_swatch, swatch
from ui.pictures.outlines import Layer, fit_size, outline, resize
from ui.pictures.zoomed import Focus, zoomed_picture

WIDTH: Final = 1100
HEIGHT: Final = 840
MOST_FINER: Final = 3.0
LINE_WIDTH: Final = 2.0
QUALITY: Final = 95
MOST_RUNS: Final = 8
Labels = NDArray[np.int64]
_HEADS: Final = (
    f"{swatch(TRUTH.colour)}mask",
    f"{swatch(PREDICTION.colour)}prediction",
    "IoU",
)


def sample_view(dataset: Dataset, view: DatasetsView, bar: Any) -> None:
    """Show the open image.

    Args:
        dataset: The data set.
        view: From the address; it names a sample.
        bar: The row at the top of the page, to go on with.

    Raises:
        AsmaError: There is no such sample, or its files can't be used.
    """
    sample = dataset.find(view.sample)
    name_tab(sample.name, dataset.name)
    allowed, samples, _, _ = listed(dataset, view)
    _moves(bar, dataset, sample, samples)
    left, right = st.columns([3, 2], gap="large")
    source = seen_sample(dataset, sample)
    with right:
        _overlay_controls(dataset, allowed)
    with left:
        st.html(_PICTURE_STYLE)
        place = st.container(key="sample-picture")
        card = find_card(allowed.model) if allowed.model else None
        if card and not _is_predicted(card, source):
            # The network's process may need seconds to start; the image is there meanwhile.
            place = place.empty()
            place.image(_picture(source, None, allowed), alt=sample.name)
        prediction = _prediction(card, source)
        with place:
            picture = _picture(source, prediction, allowed)
            focus = Focus(view.zoom, view.x, view.y)
            zoomed_picture(picture, _size(source), sample.name, focus, "sample-zoom", _moved)
    with right:
        _figures(dataset, sample, source, prediction, card)
        _runs(services.store().search.of_sample(dataset.name, sample.name, MOST_RUNS + 1))


def _moves(bar: Any, dataset: Dataset, sample: Sample, samples: Sequence[Sample]) -> None:
    """Continue the top row: where this is in the list, its neighbours, and on to the attack."""
    order = list(samples) if sample in samples else list(dataset.samples)
    place = order.index(sample)
    title = bar.container(key="small-title-sample", width="content")
    title.markdown(f"# {escape_markdown(sample.name)}", width="content")
    bar.caption(f"{place + 1:,} of {len(order):,}", width="content")
    bar.space("stretch")
    for name, icon, shortcut, to in (
        ("Previous", ":material/chevron_left:", "Left", place - 1),
        ("Next", ":material/chevron_right:", "Right", place + 1),
    ):
        inside = 0 <= to < len(order)
        bar.button(
            name,
            icon=icon,
            key=f"datasets-{name.lower()}",
            shortcut=shortcut,
            disabled=not inside,
            on_click=whole(_open),
            args=(order[to].name if inside else "", to // PER_PAGE + 1),
        )
    if pressed(
        bar, "Attack this image", type="primary", icon=":material/draw:", key="datasets-attack"
    ):
        open_page(AttackView(dataset=dataset.name, sample=sample.name))


def _open(sample: str, page: int) -> None:
    view = current(DatasetsView).of_sample(sample)
    go_to(replace(view, page=page))


def _overlay_controls(dataset: Dataset, view: DatasetsView) -> None:
    shown = _laid_over(view)
    row = st.container(horizontal=True, gap="small")
    row.toggle(
        "Mask",
        key=prime("sample-truth", "truth" in shown),
        on_change=whole(_overlay_chosen),
        args=("truth",),
        disabled=not dataset.masked,
        help=None if dataset.masked else "This data set has no masks.",
    )
    row.toggle(
        "Prediction",
        key=prime("sample-before", "before" in shown),
        on_change=whole(_overlay_chosen),
        args=("before",),
        disabled=not view.model,
        help=None if view.model else f"No network has these {len(dataset.classes)} classes.",
    )
    row.toggle(
        "Fill", key=prime("sample-fill", view.fill), on_change=whole(_changed), args=("fill",)
    )
    st.slider(
        "Opacity",
        10,
        100,
        step=10,
        format="%d %%",
        key=prime("sample-opacity", view.opacity),
        on_change=whole(_changed),
        args=("opacity",),
        width=300,
    )


def _laid_over(view: DatasetsView) -> tuple[str, ...]:
    return OF_AN_IMAGE if view.overlays is None else view.overlays


def _overlay_chosen(name: str) -> None:
    view = current(DatasetsView)
    on = {**dict.fromkeys(_laid_over(view), True), name: st.session_state[f"sample-{name}"]}
    chosen = tuple(role for role in OF_AN_IMAGE if on.get(role))
    _change(view.sample, overlays=None if chosen == OF_AN_IMAGE else chosen)


def _changed(name: str) -> None:
    _change(current(DatasetsView).sample, **{name: st.session_state[f"sample-{name}"]})


def _moved(sample: str, focus: Focus) -> None:
    _change(sample, **vars(focus))


def _change(sample: str, **changes: Any) -> None:
    """Change how the open image is shown; what comes late, when another is open, says nothing."""
    view = current(DatasetsView)
    if sample and sample == view.sample:
        go_to(replace(view, **changes))


def _is_predicted(card: ModelCard, source: SourceImage) -> bool:
    return prediction_file(paths.home(), card, source.image).exists()


def _prediction(card: ModelCard | None, source: SourceImage) -> Labels | None:
    if card is None:
        return None
    with st.spinner(f"Asking {escape_markdown(card.name)} for its prediction", show_time=True):
        try:
            return patiently(services.predictor().predict, card, source.image)
        except AsmaError as error:
            show_error(error)
            return None


def _size(source: SourceImage) -> tuple[int, int]:
    """Return (width, height) of the picture: a large image's own pixels are there to zoom in to."""
    return fit_size(source.shape, *(round(side * _finer(source)) for side in (WIDTH, HEIGHT)))


def _finer(source: SourceImage) -> float:
    height, width = source.shape
    return min(max(width / WIDTH, height / HEIGHT, 1.0), MOST_FINER)


def _picture(source: SourceImage, prediction: Labels | None, view: DatasetsView) -> bytes:
    pixels = to_rgb(source.image)
    base = resize(pixels, _size(source))
    layers = []
    shown = _laid_over(view)
    if "truth" in shown and source.truth is not None:
        layers.append(Layer(source.truth, TRUTH, view.fill))
    if "before" in shown and prediction is not None:
        layers.append(Layer(prediction, PREDICTION, view.fill))
    drawn = outline(base, layers, LINE_WIDTH * _finer(source)) if layers else base
    if view.opacity < 100:
        # Line and fill fade together.
        mixed = base + view.opacity / 100 * (drawn.astype(np.float32) - base)
        drawn = np.rint(mixed).astype(np.uint8)
    return jpeg(drawn, QUALITY)


def _figures(
    dataset: Dataset,
    sample: Sample,
    source: SourceImage,
    prediction: Labels | None,
    card: ModelCard | None,
) -> None:
    height, width = source.shape
    kind = "grey" if source.image.shape[0] == 1 else "colour"
    split = f", {escape_markdown(sample.split)} split" if sample.split else ""
    by = (
        ""
        if prediction is None or card is None
        else f"; prediction by {escape_markdown(card.name)}"
    )
    window = f"; seen through the window {source.window.text()}" if source.window else ""
    st.caption(f"{width} x {height} pixels, {kind}{split}{by}{window}")
    truth = source.truth
    if truth is None:
        _predicted_alone(source, prediction, card)
        return
    classes = len(dataset.classes)
    rows = [_share(truth, source, classes)]
    overall = None
    if prediction is not None and card is not None:
        counted = source.valid & services.predictor().covered(card, source.shape)
        counts = confusion_matrix(prediction, truth, classes, counted)
        rows += [_share(prediction, source, classes), iou_per_class(counts).tolist()]
        overall = foreground_iou(counts)
    st.html(_table(dataset.classes, rows, overall))


def _predicted_alone(
    source: SourceImage, prediction: Labels | None, card: ModelCard | None
) -> None:
    """Show the figures of an image without a mask, whose classes are those of the network."""
    st.caption("This data set has no masks: IoU n/a.")
    if prediction is not None and card is not None:
        shares = _share(prediction, source, len(card.classes))
        heads = (f"{swatch(PREDICTION.colour)}prediction",)
        st.html(_table(card.classes, [shares], None, heads))


def _share(labels: Labels, source: SourceImage, classes: int) -> list[float]:
    counts = np.bincount(labels[source.valid], minlength=classes)
    shares: list[float] = (100.0 * counts / max(counts.sum(), 1)).tolist()
    return shares


def _table(
    names: tuple[str, ...],
    columns: Sequence[Sequence[float]],
    overall: float | None,
    heads: Sequence[str] = _HEADS,
) -> str:
    """Return the legend and the figures per class as one table."""
    digits, units = (1, 1, 3), (" %", " %", "")
    cells = ["".join(f"<th>{head}</th>" for head in ("class", *heads[: len(columns)]))]
    for label in range(1, len(names)):
        figures = "".join(
            f"<td>{escape(number(_defined(column[label]), digits[place]))}{units[place]}</td>"
            for place, column in enumerate(columns)
        )
        cells.append(f"<td>{class_swatch(label)}{escape(names[label])}</td>{figures}")
    if overall is not None and len(names) > 2:
        blank = "<td></td>" * 2
        cells.append(f"<td>mean</td>{blank}<td>{number(_defined(overall))}</td>")
    body = "".join(f"<tr>{row}</tr>" for row in cells)
    return f'{_TABLE_STYLE}<table class="asma-figures">{body}</table>'


# As large as the window shows without scrolling.
_PICTURE_STYLE: Final = """<style>
.st-key-sample-picture img { width: auto; max-height: max(20rem, calc(100vh - 11rem)); }
</style>"""
_TABLE_STYLE: Final = """<style>
.asma-figures { width: 100%; max-width: 36rem; border-collapse: collapse; font-size: 0.9rem;
  font-variant-numeric: tabular-nums; }
.asma-figures th { font-weight: 400; opacity: 0.8; }
.asma-figures th, .asma-figures td { text-align: right; padding: 0.35rem 0 0.35rem 0.75rem;
  border-bottom: 1px solid rgba(128, 140, 148, 0.25); white-space: nowrap; }
.asma-figures th:first-child, .asma-figures td:first-child { text-align: left; padding-left: 0;
  width: 45%; max-width: 0; overflow: hidden; text-overflow: ellipsis; }
</style>"""


def _defined(value: float) -> float | None:
    return None if np.isnan(value) else value


def _runs(runs: Sequence[Run]) -> None:
    st.markdown("**Runs of this image**")
    if not runs:
        st.caption("None yet. Attack this image to see how it fares.")
    for run in runs[:MOST_RUNS]:
        link(CompareView(run.id) if run.ended else AttackView(run.id), _run_label(run))
    if len(runs) > MOST_RUNS:
        st.caption("and older ones on the Runs page")


def _run_label(run: Run) -> str:
    parts = [
        f":{outcome_colour(run)}[{standing_outcome(run)}]",
        escape_markdown(attack_title(run)),
        escape_markdown(run.goal),
    ]
    if run.results:
        parts.append(f"{score_label(run)} {number(run.results.get('score_8bit'))}")
        parts.append(f"L2 {number(run.results.get('l2_8bit'), 2)}")
    parts.append(f":gray[{escape_markdown(moment(run.created))}]")
    return "&ensp;".join(parts)
