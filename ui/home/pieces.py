"""The pieces of the first page: the demo attack, the machine, the newest runs."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from dataclasses import dataclass
from typing import Final

import numpy as np
import streamlit as st

from asma_core import paths
from asma_core.data.formats.images import from_bytes
from asma_core.data.masks.label_maps import Mask
from asma_core.data.masks.palette import ADVERSARIAL, TARGET
from asma_core.data.synthetic.demo import set_pair
from asma_core.models.sources.cards import model_cards
from asma_core.runs.run import QUEUED, RUNNING, Run
from asma_core.runs.sources import SourceImage
from asma_core.runs.target_source import SAMPLE, TargetSource
from ui.address.links import open_page
from ui.address.views import AttackView
from ui.common import services
from ui.common.errors import escape_markdown, show_errors
from ui.common.format import (
    attack_title,
    moment,
    number,
    outcome_colour,
    score_label,
    standing_outcome,
)
from ui.common.presses import pressed
from ui.common.refusals import making_refused
from ui.common.rerun import rerun_page
from ui.common.unchanged import as_of_now
from ui.judging.verdict import verdict_badge
from ui.pictures.cards import Card, card_grid
from ui.pictures.legend import legend
from ui.runs.link import run_view
from ui.runs.pictures import run_pictures

WHAT: Final = (
    "Could somebody make a segmentation network draw an outline of their own choosing, with a "
    "change to the image that nobody notices? Choose an image, draw that outline, run the "
    "attack, and look at both images side by side."
)
EMPTY: Final = (
    "No runs yet. **Run a demo attack** shows one at once; or choose an image on the Datasets "
    "page and draw a target of your own."
)
DEMO_SET: Final = "demo-lesion"
DEMO_MODEL: Final = "demo-lesion-unet"
DEMO_ATTACK: Final = "asma"
# The test quarter of the set's 64 images.
DEMO_TEST: Final = range(48, 64)
NEWEST: Final = 14
PICTURE_SIDE: Final = 320
# The target's, in pixels of the picture; the prediction's line lies on it and is thinner.
LINE_WIDTH: Final = 9.0
LOOK_AGAIN: Final = 2.0
# Bytes of free disk space below which it is said.
LITTLE: Final = 1_000_000_000
# Seconds for pictures that nobody has seen yet, as after a start of the server.
PICTURES_WAIT: Final = 5.0
GPU_WAIT: Final = 3.0


@dataclass(frozen=True)
class Machine:
    """What the workbench runs on.

    Attributes:
        device: Such as "CPU, 2 cores".
        running: Attacks that run.
        queued: Attacks that wait.
        free: Bytes free on the disk of the data folder.
    """

    device: str
    running: int
    queued: int
    free: int


def submit_demo() -> Run:
    """Queue ASMA on a demo image towards another one's mask; a new pair each time.

    The two images are drawn here, as the set's own are, so that the first click need not wait
    for all 64.

    Raises:
        AsmaError: The run can't be queued.
    """
    image_name, target_name = _new_pair(services.store().newest(200))
    image, truth = set_pair(DEMO_SET, int(image_name))
    _, target = set_pair(DEMO_SET, int(target_name))
    everywhere = np.ones(target.shape, dtype=np.bool_)
    source = SourceImage(
        from_bytes(image),
        truth.astype(np.int64),
        everywhere,
        f"{DEMO_SET} / {image_name}",
        DEMO_SET,
        image_name,
    )
    request = source.request(DEMO_MODEL, DEMO_ATTACK, {}, TargetSource(SAMPLE, target_name))
    inputs = source.with_target(Mask(target.astype(np.int64), everywhere))
    return services.queue().submit(request, inputs)


def _new_pair(runs: list[Run]) -> tuple[str, str]:
    used = {(run.spec.sample, run.spec.target.name) for run in runs}
    names = [f"{index:04d}" for index in DEMO_TEST]
    pairs = [(one, other) for one in names for other in names if one != other]
    return random.choice([pair for pair in pairs if pair not in used] or pairs)


def demo_button() -> None:
    """Offer the demo attack; it leads to the page where the run is watched."""
    missing = "" if DEMO_MODEL in model_cards() else f"The network {DEMO_MODEL} is not installed."
    why_not = escape_markdown(making_refused()) or missing
    clicked = pressed(
        st,
        "Run a demo attack",
        type="primary",
        icon=":material/play_arrow:",
        key="home-demo",
        disabled=bool(why_not),
        help=why_not or None,
    )
    if clicked:
        run = submit_demo()
        open_page(AttackView(run.id))


def machine() -> Machine:
    """Return the state of the machine."""
    store = services.store()
    return Machine(
        device=device_text(),
        running=store.count(RUNNING),
        queued=store.count(QUEUED),
        free=shutil.disk_usage(paths.home()).free,
    )


def device_text() -> str:
    """Return what attacks run on, without importing torch here: "CPU, 2 cores", or the GPUs."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    tool = shutil.which("nvidia-smi")
    gpus = _gpus(tool) if tool else ""
    return gpus or f"CPU, {cores} core{'' if cores == 1 else 's'}"


@st.cache_data(show_spinner=False, ttl=30)
def _gpus(tool: str) -> str:
    """Return names and free memory; "" where the tool finds none."""
    query = [tool, "--query-gpu=name,memory.free", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=GPU_WAIT, check=True)
    except (OSError, subprocess.SubprocessError):
        # A driver that doesn't answer leaves the CPU to work with.
        return ""
    rows = [line.rsplit(",", 1) for line in answer.stdout.splitlines() if "," in line]
    return "; ".join(f"{name.strip()}, {_gib(free)} GiB free" for name, free in rows)


def _gib(mebibytes: str) -> str:
    value = mebibytes.strip()
    return f"{int(value) / 1024:.0f}" if value.isdecimal() else "?"


def activity() -> None:
    """Show the machine and the newest runs; they follow what happens while attacks run."""
    state = machine()
    busy = state.running + state.queued > 0
    st.fragment(_activity, run_every=LOOK_AGAIN if busy else None)(busy)


def _activity(was_busy: bool) -> None:
    with show_errors():
        state = machine()
        if was_busy and state.running + state.queued == 0:
            rerun_page()
        _show_machine(state)
        _show_newest()


def _show_machine(state: Machine) -> None:
    waiting = f"{state.running} running, {state.queued} waiting"
    figures = (
        ("Device", state.device),
        ("Queue", waiting if state.running + state.queued else "idle"),
        ("Free disk space", _free(state.free)),
    )
    with st.container(horizontal=True, gap="large", key="home-machine"):
        for label, value in figures:
            st.markdown(f":small[:gray[{label}]]  \n{escape_markdown(value)}", width="content")
    if state.free < LITTLE:
        st.warning(
            "The disk is nearly full: what is run now may not be kept. Free some space.",
            icon=":material/hard_drive:",
        )


def _free(size: int) -> str:
    if size < 1e9:
        return f"{size / 1e6:.0f} MB"
    return f"{size / 1e9:.{0 if size >= 1e10 else 1}f} GB"


def _show_newest() -> None:
    st.subheader("Newest runs", anchor=False)
    store = services.store()
    runs = as_of_now(store, "home-newest", lambda: store.newest(NEWEST))
    if not runs:
        st.info(EMPTY, icon=":material/info:")
        return
    legend(((TARGET, "target"), (ADVERSARIAL, "prediction on the adversarial image")))
    pictures = run_pictures(store, runs, PICTURE_SIDE, LINE_WIDTH, PICTURES_WAIT)
    card_grid([_card(run, pictures.get(run.id)) for run in runs], "newest")


def _card(run: Run, picture: bytes | None) -> Card:
    return Card(
        title=run.spec.image_name,
        view=run_view(run),
        picture=picture,
        caption=(
            f"**{escape_markdown(attack_title(run))}** {escape_markdown(run.goal)}",
            f":{outcome_colour(run)}[{standing_outcome(run)}]",
            _figures(run),
            verdict_badge(run).strip(),
        ),
    )


def _figures(run: Run) -> str:
    if not run.results:
        return moment(run.created)
    label = score_label(run)
    score, l2 = run.results.get("score_8bit"), run.results.get("l2_8bit")
    return f"{label} {number(score)} &nbsp; L2 {number(l2, 2)}"
