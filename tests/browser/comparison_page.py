"""A page with the comparison viewer and two runs whose every pixel is known."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from ui.address import browser as address
from ui.address.views import CompareView
from ui.comparison import Beside, Comparison, Curves, Frame, SuspicionMaps, comparison_viewer

FRAMES = 5
# What a link to the page that is open may say.
ELSEWHERE = CompareView("square", mode="slider", frame=1, zoom=2.0, x=0.5, y=0.4, divider=0.25)


def png(values: NDArray[np.uint8]) -> bytes:
    """Return an array as PNG."""
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "PNG")
    return buffer.getvalue()


def indexed(labels: NDArray[np.uint8]) -> bytes:
    """Return labels as an indexed PNG with a palette of loud colours."""
    image = Image.fromarray(labels, "L").convert("P")
    image.putdata(labels.ravel().tolist())
    image.putpalette([0, 0, 0, 250, 10, 20, 30, 40, 250] + [0] * 759)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def box(shape: tuple[int, int], top: int, left: int, bottom: int, right: int) -> NDArray[np.uint8]:
    """Return labels that are 1 in a box."""
    labels = np.zeros(shape, np.uint8)
    labels[top:bottom, left:right] = 1
    return labels


def square_run() -> Comparison:
    """64 x 64: red is twice x and green twice y, so that a colour tells its place.

    The left half changes by (3, 0, -3) per step, its top left 16 x 16 by 10 in every channel.
    """
    original = np.full((64, 64, 3), 100, np.uint8)
    original[..., 0], original[..., 1] = np.meshgrid(*[2 * np.arange(64, dtype=np.uint8)] * 2)
    frames = []
    for step in range(FRAMES):
        changed = original.copy()
        changed[:, :32, 0] += 3 * step
        changed[:, :32, 2] -= 3 * step
        changed[:16, :16] = original[:16, :16] + 10 * step
        after = indexed(box((64, 64), 8, 8 + step, 24, 24 + step))
        figures = (("IoU", f"0.{step}00"), ("L2", f"{step}.00"))
        frames.append(Frame(f"step {step}", step, png(changed), after, figures))
    before = box((64, 64), 16, 16, 48, 48)
    before[24:40, 24:40] = 2
    return Comparison(
        key="square",
        original_png=png(original),
        frames=tuple(frames),
        prediction_png=indexed(before),
        target_png=png(box((64, 64), 40, 40, 60, 60)),
        class_names=("background", "<b>rim</b>", "cup"),
        curves=Curves("IoU", 0.9, (0, 1, 2, 3, 4), (0.0, 0.1, None, 0.3, 0.4), (0, 1, 2, 3, 4)),
        visible=(("CIEDE2000, mean", "1.23"),),
    )


def square_beside_run() -> Comparison:
    """The square run with two others beside it, all of one grey each: 40 and 200."""
    others = tuple(
        Beside(
            f"other{grey}",
            f"other {grey}",
            png(np.full((64, 64, 3), grey, np.uint8)),
            indexed(box((64, 64), 4, 4, 60, 60)),
            figures=(("IoU", "0.950"), ("L2", f"{grey}.00")),
            visible=(("CIEDE2000, mean", "4.56"),),
        )
        for grey in (40, 200)
    )
    return replace(square_run(), beside=others)


def wide_run() -> Comparison:
    """200 x 100 grey, brighter by 1 everywhere in its only frame."""
    original = np.tile(np.arange(200, dtype=np.uint8), (100, 1))
    return Comparison("wide", png(original), (Frame("result", 7, png(original + 1)),))


def huge_run() -> Comparison:
    """4096 x 4096 with a mask."""
    original = np.full((4096, 4096), 90, np.uint8)
    truth = box((4096, 4096), 1024, 1024, 3072, 3072)
    return Comparison("huge", png(original), (Frame("result", 1, png(original + 5)),), png(truth))


def suspected_run() -> Comparison:
    """The square run with the maps of a detector: all on the right, half of it below."""
    original, adversarial = np.zeros((2, 64, 64), np.uint8)
    original[32:] = 102
    adversarial[:, 32:] = 255
    maps = SuspicionMaps("entropy", "Entropy", "a unit", "0.8", png(original), png(adversarial))
    return replace(square_run(), key="suspected", suspicions=(maps,))


RUNS = {
    "suspected": suspected_run,
    "square": square_run,
    "beside": square_beside_run,
    "wide": wide_run,
    "huge": huge_run,
}


def main() -> None:
    """Show the run that was chosen, and what the viewer says."""
    st.set_page_config(layout="wide")
    row = st.container(horizontal=True)
    for name in RUNS:
        if row.button(name, key=f"show-{name}"):
            st.session_state["run"] = name
    st.session_state["reruns"] = st.session_state.get("reruns", 0) + 1
    run = RUNS[st.session_state.get("run", "square")]()
    asked = address.current(CompareView)
    asked = asked.of_run(run.key) if asked.run not in ("", run.key) else asked
    view = comparison_viewer(run, key="viewer", view=replace(asked, run=run.key))
    address.change(CompareView, **vars(view))
    st.text_input("note", key="note")
    st.button("again", key="again")
    if st.button("elsewhere", key="elsewhere"):
        address.go_to(ELSEWHERE)
        st.rerun()
    st.text(f"reruns {st.session_state['reruns']}")


if __name__ == "__main__":
    main()
