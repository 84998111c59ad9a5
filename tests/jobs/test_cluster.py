"""Beyond one machine: a real scheduler, and workers that are processes of this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from asma_core.jobs.cluster import cluster_at
from asma_core.jobs.overdue import GRACE
from asma_core.jobs.own_runs import stop
from asma_core.jobs.predictions import usual_predictor
from asma_core.jobs.queue import JobQueue
from asma_core.models.sources.cards import find_card
from asma_core.runs.by_files import ATTEMPT
from asma_core.runs.live import live_state
from asma_core.runs.run import CANCELLED, DONE, INTERRUPTED, QUEUED, RUNNING
from asma_core.runs.store import RunStore
from tests import tiny
from tests.jobs import hanging
from tests.jobs.clusters import PROJECT, LocalCluster, cluster_of
from tests.jobs.test_overdue import LIMIT, Clock, look
from tests.waiting import until

pytest.importorskip("distributed", reason="distributed, which is optional, is not installed")


@pytest.fixture
def cluster(home: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[LocalCluster]:
    """A scheduler and workers with the resources that the test asks for."""
    tiny.furnish(home)
    folder = tmp_path / "cluster"
    folder.mkdir()
    with cluster_of(folder, request.param) as found:
        (home / "config.toml").write_text(f'executor = "{found.address}"\n')
        yield found


@pytest.fixture
def jobs(cluster: LocalCluster) -> Iterator[JobQueue]:
    queue = JobQueue(RunStore())
    queue.keep_going()
    yield queue
    queue.close()


def worker_of(jobs: JobQueue, run_id: str) -> int:
    """Return the process that has a run; 0 while nobody has."""
    file = jobs.store.work_folder(run_id) / ATTEMPT
    return int(file.read_text().split("-")[-2]) if file.exists() else 0


@pytest.mark.parametrize("cluster", [["RUN=1"] * 3], indirect=True)
def test_three_workers_share_the_runs_and_one_that_is_killed_loses_none(
    jobs: JobQueue, cluster: LocalCluster
) -> None:
    slow = [jobs.submit(tiny.request(tiny.SLOW), tiny.inputs(0, 2 + n)).id for n in range(3)]
    quick = [jobs.submit(tiny.request(), tiny.inputs(n, 3)).id for n in range(4)]
    until(lambda: all(live_state(jobs.store, run_id) for run_id in slow))
    # Each has one, and the database is the server's alone.
    pids = {worker.pid for worker in cluster.workers}
    assert {worker_of(jobs, run_id) for run_id in slow} == pids
    for pid in pids:
        assert not [file.path for file in psutil.Process(pid).open_files() if "sqlite" in file.path]
    assert [jobs.store.get(run_id).state for run_id in quick] == [QUEUED] * 4

    lost, killed = slow[0], worker_of(jobs, slow[0])
    (process,) = [worker for worker in cluster.workers if worker.pid == killed]
    process.kill()
    stop(jobs.store, slow[1])
    until(lambda: worker_of(jobs, lost) not in (0, killed))
    # The other takes it over, from the beginning, and shows it; it is stopped like any.
    until(lambda: live_state(jobs.store, lost))
    assert jobs.store.get(lost).state == RUNNING
    stop(jobs.store, lost)
    stop(jobs.store, slow[2])
    until(lambda: jobs.idle)
    assert [jobs.store.get(run_id).state for run_id in slow] == [CANCELLED] * 3
    assert all(jobs.store.get(run_id).results["steps"] > 0 for run_id in slow)
    assert [jobs.store.get(run_id).state for run_id in quick] == [DONE] * 4
    assert list((jobs.store.home / "work").iterdir()) == []


@pytest.mark.parametrize("cluster", [["RUN=1"]], indirect=True)
def test_a_lost_scheduler_puts_its_runs_back_and_a_new_one_goes_on(
    jobs: JobQueue, cluster: LocalCluster
) -> None:
    run = jobs.submit(tiny.request(tiny.SLOW), tiny.inputs())
    until(lambda: live_state(jobs.store, run.id))
    before = worker_of(jobs, run.id)
    cluster.kill_scheduler()
    until(lambda: jobs.store.get(run.id).state == QUEUED)
    cluster.start_scheduler()
    cluster.join()
    until(lambda: worker_of(jobs, run.id) not in (0, before))
    stop(jobs.store, run.id)
    until(lambda: jobs.store.get(run.id).ended)
    assert jobs.store.get(run.id).state == CANCELLED


@pytest.mark.parametrize("nanny", [True, False])
@pytest.mark.parametrize("cluster", [[]], indirect=True)
def test_a_worker_whose_step_hangs_is_replaced_and_what_it_had_shown_is_kept(
    jobs: JobQueue, cluster: LocalCluster, home: Path, nanny: bool
) -> None:
    (home / "config.toml").write_text(f'executor = "{cluster.address}"\nmax_run_minutes = 1\n')
    cluster.join(nanny=nanny)
    until(jobs.workers)
    client = cluster_at(cluster.address)._client
    assert client is not None
    client.run(hanging.install, str(home))
    hanging.wish(home, hanging.AFTER_A_STEP)
    overdue = jobs._hanging._overdue
    assert overdue is not None
    overdue._clock = clock = Clock()
    run = jobs.submit(tiny.request(tiny.SLOW), tiny.inputs())
    until(lambda: (home / hanging.HUNG).exists())
    cluster.join()
    until(lambda: jobs.workers() == 2)
    other = jobs.submit(tiny.request(tiny.SLOW), tiny.inputs(1))
    look(jobs)
    shows_more(jobs, other.id)
    clock.now += LIMIT + GRACE + 1
    before = worker_of(jobs, other.id)
    look(jobs)
    # The worker of the other was not touched; with a nanny there is one more again.
    shows_more(jobs, other.id)
    assert worker_of(jobs, other.id) == before
    until(lambda: jobs.workers() == 1 + nanny)
    stop(jobs.store, other.id)
    until(lambda: jobs.idle)
    ended = jobs.store.get(run.id)
    assert ended.state == CANCELLED and ended.results["steps"] > 0
    assert "made again" in ended.message
    assert jobs.store.get(other.id).state == CANCELLED


def shows_more(jobs: JobQueue, run_id: str) -> None:
    """Wait until a run has shown another step than now."""
    before = until(lambda: live_state(jobs.store, run_id)).step
    until(lambda: (now := live_state(jobs.store, run_id)) and now.step > before)


SERVER = """
import sys
from asma_core.jobs.queue import JobQueue
from asma_core.runs.store import RunStore
from asma_core.runs.live import live_state
from tests import tiny
from tests.waiting import until
jobs = JobQueue(RunStore())
jobs.keep_going()
run = jobs.submit(tiny.request(tiny.SLOW), tiny.inputs())
until(lambda: live_state(jobs.store, run.id))
print(run.id, flush=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize("cluster", [["RUN=1"]], indirect=True)
def test_a_killed_server_has_its_runs_settled_by_the_next_and_its_workers_freed(
    cluster: LocalCluster, home: Path
) -> None:
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER], cwd=PROJECT,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert server.stdout is not None
    left = server.stdout.readline().strip()
    server.kill()
    server.communicate()
    jobs = JobQueue(RunStore())
    jobs.keep_going()
    assert jobs.store.get(left).state == INTERRUPTED
    # The one worker is free again, or this would wait for ever.
    after = jobs.submit(tiny.request(), tiny.inputs())
    until(lambda: jobs.store.get(after.id).ended)
    assert jobs.store.get(after.id).state == DONE
    assert not jobs.store.folder(left).exists()
    jobs.close()


@pytest.mark.parametrize("cluster", [["ASK=1"]], indirect=True)
def test_predictions_go_to_workers_that_are_for_them(cluster: LocalCluster, home: Path) -> None:
    far = usual_predictor(home)
    assert far._elsewhere is not None
    until(far._elsewhere.most)
    image = tiny.inputs().image
    labels = far.predict(find_card(tiny.MODEL), image)
    assert labels.shape == image.shape[1:]
    assert far._worker.executor is None, "nothing was asked here"
    far.close()


@pytest.mark.parametrize("cluster", [[]], indirect=True)
def test_where_no_worker_is_for_predictions_they_are_made_here(
    cluster: LocalCluster, home: Path
) -> None:
    near = usual_predictor(home)
    assert near._elsewhere is not None and near._elsewhere.most() == 0
    near.predict(find_card(tiny.MODEL), tiny.inputs().image)
    assert near._worker.executor is not None
    near.close()
