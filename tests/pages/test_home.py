"""The first page: the demo attack, the state of the machine, the newest runs."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from asma_core import paths
from asma_core.data.datasets import open_dataset
from asma_core.data.formats.images import to_rgb
from asma_core.data.synthetic import demo
from asma_core.errors import StoreError
from asma_core.jobs.queue import JobQueue
from asma_core.runs.store import RunStore
from tests.pages import made_runs
from tests.waiting import PATIENCE
from ui.common import services, shell
from ui.home import pieces as home_pieces

PROJECT = Path(__file__).resolve().parents[2]


class IdleExecutor(Executor):
    """Takes work and never does it."""

    def submit(self, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return Future()


@pytest.fixture(autouse=True)
def queue(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JobQueue]:
    """A queue that no process works at."""
    jobs = JobQueue(RunStore(home), lambda folder: IdleExecutor())
    monkeypatch.setattr(services, "queue", lambda: jobs)
    monkeypatch.setattr(services, "warm", lambda: None)
    # Every run of AppTest is that of a new server, whose first click would go to a page's start.
    monkeypatch.setattr(shell, "through_app", lambda: None)
    yield jobs


def visit() -> AppTest:
    return AppTest.from_file(str(PROJECT / "app.py"), default_timeout=PATIENCE).run()


def links(app: AppTest) -> list[tuple[str, str]]:
    """Return page and query of the links."""
    return [(link.proto.page, link.proto.query_string) for link in app.get("page_link")]


def text_of(app: AppTest) -> str:
    return " ".join(element.value for element in (*app.markdown, *app.caption, *app.info))


def test_without_runs_it_says_what_to_do() -> None:
    app = visit()
    assert not app.exception
    assert "No runs yet" in app.info[0].value
    assert not app.button(key="home-demo").disabled


def test_the_state_of_the_machine(queue: JobQueue) -> None:
    assert "idle" in text_of(visit())
    made_runs.queued(queue.store)
    assert "0 running, 1 waiting" in text_of(visit())


def test_the_button_queues_a_demo_attack_and_leads_to_it(
    queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    went: list[tuple[str, dict[str, str]]] = []
    app = visit()
    monkeypatch.setattr(
        "streamlit.switch_page", lambda page, query_params: went.append((page, query_params))
    )
    app.button(key="home-demo").click().run()
    (run,) = queue.store.newest()
    assert went == [("pages/attack.py", {"run": run.id})]
    assert (run.spec.model, run.spec.attack, run.state) == ("demo-lesion-unet", "asma", "queued")


def test_every_demo_attack_has_a_pair_of_its_own(queue: JobQueue) -> None:
    runs = [home_pieces.submit_demo() for _ in range(4)]
    pairs = {(run.spec.sample, run.spec.target_name) for run in runs}
    assert len(pairs) == 4
    assert all(sample not in target for sample, target in pairs)


def test_the_demo_pair_is_of_the_test_split_and_the_files_own_pixels(
    queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = demo.set_pair
    small = lambda name, index, size=32: drawn(name, index, 32)  # noqa: E731
    monkeypatch.setattr(demo, "set_pair", small)
    monkeypatch.setattr(home_pieces, "set_pair", small)
    run = home_pieces.submit_demo()
    lesions = open_dataset(home_pieces.DEMO_SET)
    test = [sample.name for sample in lesions.split("test")]
    assert test == [f"{index:04d}" for index in home_pieces.DEMO_TEST]
    sample = lesions.find(run.spec.sample)
    inputs = queue.store.inputs(run)
    assert np.array_equal(to_rgb(inputs.image), to_rgb(lesions.image(sample)))
    assert inputs.truth is not None
    assert np.array_equal(inputs.truth, lesions.mask(sample).labels)


def test_without_the_demo_network_the_button_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "SHIPPED_MODELS", Path("none"))
    button = visit().button(key="home-demo")
    assert button.disabled
    assert "not installed" in button.help


def test_a_full_disk_is_a_sentence(queue: JobQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise StoreError("the disk that holds /data is full; free some space and repeat")

    app = visit()
    monkeypatch.setattr(queue, "submit", full)
    app.button(key="home-demo").click().run()
    assert not app.exception
    assert "disk that holds /data is full" in app.error[0].value


def test_newest_runs_are_pictures_that_lead_on(queue: JobQueue) -> None:
    waiting = made_runs.queued(queue.store)
    done = made_runs.finished(queue.store)
    app = visit()
    assert not app.exception
    assert links(app) == [("compare", f"run={done.id}"), ("attack", f"run={waiting.id}")]
    assert len(app.get("image")) == 2
    assert "IoU 0.981" in text_of(app)
    assert "L2 2.41" in text_of(app)


def test_a_run_whose_files_are_gone_leaves_the_others(queue: JobQueue) -> None:
    broken = made_runs.finished(queue.store)
    made_runs.finished(queue.store)
    (queue.store.folder(broken.id) / "target.png").write_bytes(b"")
    app = visit()
    assert not app.exception
    assert len(links(app)) == 2
    assert len(app.get("image")) == 1


def test_names_are_shown_as_they_are(queue: JobQueue) -> None:
    made_runs.finished(queue.store, made_runs.Made(image_name="<script>*x*.png"))
    (link,) = visit().get("page_link")
    assert link.proto.label == r"\<script\>\*x\*\.png"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("NVIDIA H100 80GB HBM3, 79850\n", "NVIDIA H100 80GB HBM3, 78 GiB free"),
        ("A, 1024\nB, [N/A]\n", "A, 1 GiB free; B, ? GiB free"),
    ],
)
def test_the_gpus_are_named_where_there_are_any(
    monkeypatch: pytest.MonkeyPatch, answer: str, expected: str
) -> None:
    home_pieces._gpus.clear()
    monkeypatch.setattr("shutil.which", lambda name: "/usr/bin/nvidia-smi")
    answered = subprocess.CompletedProcess([], 0, stdout=answer, stderr="")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: answered)
    assert home_pieces.device_text() == expected


def test_a_driver_that_does_not_answer_leaves_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    def hangs(*_: Any, **__: Any) -> None:
        raise subprocess.TimeoutExpired("nvidia-smi", 3)

    home_pieces._gpus.clear()
    monkeypatch.setattr("shutil.which", lambda name: "/usr/bin/nvidia-smi")
    monkeypatch.setattr(subprocess, "run", hangs)
    assert home_pieces.device_text().startswith("CPU, ")


@pytest.mark.parametrize(
    ("free", "words"), [(68e9, "68 GB"), (2.34e9, "2.3 GB"), (12.3e6, "12 MB"), (0.0, "0 MB")]
)
def test_a_disk_that_is_nearly_full_is_said_before_something_is_lost(
    monkeypatch: pytest.MonkeyPatch, free: float, words: str
) -> None:
    state = home_pieces.Machine("CPU, 2 cores", 0, 0, int(free))
    monkeypatch.setattr(home_pieces, "machine", lambda: state)
    app = visit()
    assert words in text_of(app).replace("\\", "")
    assert ("nearly full" in " ".join(one.value for one in app.warning)) is (free < 1e9)
