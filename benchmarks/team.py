"""A team's year of runs: `python -m benchmarks.team --json`.

A store of 100,000 runs (`benchmarks.many_runs`) behind a server of its own, and people who look at
it over websockets, as browsers do, without a browser's own time on the same cores: every page, a
search, filters, orders and page numbers, by one person and by six at once, with other places each
time. Then a real Chromium; the server's memory; and what three open tabs take of a core while an
attack runs. A place counts as shown when all of it has come; pictures of runs that nobody has seen
yet follow by themselves.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import psutil
from playwright.sync_api import Page

from asma_core.cli.progress import Progress
from asma_core.experiments.store import ExperimentStore
from asma_core.files import to_json
from asma_core.runs.search import RunFilter
from asma_core.runs.store import RunStore
from benchmarks.browser import chromium, served, settled
from benchmarks.machine import machine
from benchmarks.many_runs import DATASETS, make_store
from benchmarks.pages import RERUN
from benchmarks.websocket import Visitor, visiting
from ui.address.view import View
from ui.address.views import CompareView, DatasetsView, ExperimentsView, RunsView
from ui.runs.list import PAGE_SIZES

RUNS: Final = 100_000
TURNS: Final = 7
PEOPLE: Final = 6
IDLE_SECONDS: Final = 30.0
# What is opened: by name, where, and after what in the address.
Places = dict[str, tuple[str, dict[str, str]]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="the answer always is JSON")
    parser.add_argument("--runs", type=int, default=RUNS, help=f"in the store ({RUNS})")
    parser.add_argument("--home", type=Path, help="where the store is, or is made and kept")
    parser.add_argument("--turns", type=int, default=TURNS, help=f"of each person ({TURNS})")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = (options.home or Path(folder)).resolve()
        home.mkdir(parents=True, exist_ok=True)
        os.environ["ASMA_HOME"] = str(home)
        began = time.perf_counter()
        store = RunStore(home)
        if not store.search.count():
            store = make_store(home, options.runs)
        made = time.perf_counter() - began
        figures = measure(store, options.turns)
    print(to_json({"machine": machine(), "store_made_in_seconds": round(made, 1), **figures}))


def measure(store: RunStore, turns: int) -> dict[str, Any]:
    """Return seconds, megabytes and shares of a core.

    Args:
        store: To look at.
        turns: How often each place is opened, by each person.
    """
    draw = random.Random(4)
    with served(store.home) as url:
        server = _server()
        with visiting(url) as person:
            # The first page of a started server imports what pages need.
            for page, query in places(store, draw).values():
                person.visit(page, query)
            before = _spent(server)
            one = _turns("one person", [person], store, draw, turns)
            one |= {"seconds_of_the_servers_own_a_page": _share(server, before, one["visits"])}
        with ExitStack() as stack:
            people = [stack.enter_context(visiting(url)) for _ in range(PEOPLE)]
            six = _turns("six people", people, store, draw, turns)
        memory = _memory(server)
        with chromium() as browser:
            tab = browser.new_page(viewport={"width": 1280, "height": 900})
            in_browser = _in_browser(tab, url)
            tab.close()
            tabs = [browser.new_page() for _ in range(3)]
            share = _idle_share(tabs, url, server, store.home)
    return {
        "runs": store.search.count(),
        "database_megabytes": round((store.home / "runs.sqlite").stat().st_size / 1e6),
        "seconds_one_person": one,
        "seconds_six_people": six,
        "seconds_in_chromium": in_browser,
        "server_megabytes": memory,
        "share_of_a_core_of_three_tabs_while_an_attack_runs": share,
    }


def places(store: RunStore, draw: random.Random) -> Places:
    """Return every page, each at some place of it that is drawn."""
    pages = max(store.search.count() // PAGE_SIZES["table"], 1)
    ids = store.search.ids(RunFilter(outcome="success"), most=1000, first=draw.randrange(pages))
    sample = f"{draw.randrange(64):04d}"
    experiment = draw.choice([one.id for one in ExperimentStore(store).newest()] or [""])
    number = draw.randrange(pages) + 1
    views: dict[str, View] = {
        "runs": RunsView(),
        "runs, a page": RunsView(page=number),
        "runs, cards": RunsView(view="cards", page=number),
        "runs, by L2": RunsView(sort="l2", page=number),
        "runs, by IoU": RunsView(sort="iou-lowest", page=number),
        "runs, a filter": RunsView(attack="pgd", dataset=draw.choice(DATASETS)),
        "runs, a rare filter by L2": RunsView(outcome="failed", verdict="visible", sort="l2"),
        "runs, a common word": RunsView(text="lesion"),
        "runs, words": RunsView(text=f"vessel {sample}", sort="l2-largest"),
        "runs, two letters": RunsView(text=f"{draw.randrange(10)}{draw.choice('abcdef')}"),
        "runs, nothing found": RunsView(text="no such word"),
        "compare": CompareView(draw.choice(ids)),
        "datasets": DatasetsView(dataset=draw.choice(DATASETS)),
        "an image": DatasetsView(dataset=draw.choice(DATASETS), sample=sample),
        "experiments": ExperimentsView(),
        "an experiment": ExperimentsView(experiment),
    }
    found: Places = {name: (_page(view), dict(view.query())) for name, view in views.items()}
    simple = {"home": "", "models": "models", "attack": "attack", "defences": "defences"}
    return found | {name: (page, {}) for name, page in simple.items()}


def _page(view: View) -> str:
    return view.PAGE.removeprefix("pages/").removesuffix(".py")


def _turns(
    label: str, people: Sequence[Visitor], store: RunStore, draw: random.Random, turns: int
) -> dict[str, Any]:
    """Have people look at every place, at once and in orders of their own."""
    found: dict[str, list[float]] = {}
    errors: list[BaseException] = []
    progress = Progress(label, turns)
    for turn in range(turns):
        threads = []
        for person in people:
            ways = list(places(store, draw).items())
            draw.shuffle(ways)
            threads.append(threading.Thread(target=_walk, args=(person, ways, found, errors)))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]
        progress.update(turn + 1)
    progress.close()
    summed = _summed(found)
    print(f"{label}: {to_json(summed)}", file=sys.stderr, flush=True)
    return summed


def _walk(
    person: Visitor,
    ways: Sequence[tuple[str, tuple[str, dict[str, str]]]],
    found: dict[str, list[float]],
    errors: list[BaseException],
) -> None:
    try:
        for name, (page, query) in ways:
            found.setdefault(name, []).append(person.visit(page, query))
    except Exception as error:  # noqa: BLE001 - raised by who started the thread
        errors.append(error)


def _summed(found: dict[str, list[float]]) -> dict[str, Any]:
    every = [seconds for some in found.values() for seconds in some]
    return {
        "visits": len(every),
        "median": round(statistics.median(every), 3),
        "worst": round(max(every), 3),
        "pages": {
            name: {"median": round(statistics.median(some), 3), "worst": round(max(some), 3)}
            for name, some in sorted(found.items())
        },
    }


def _server() -> psutil.Process:
    (server,) = [
        one for one in psutil.Process().children(recursive=True) if "streamlit" in one.cmdline()
    ]
    return server


def _memory(server: psutil.Process) -> dict[str, int]:
    """Return what the server takes, and its worker processes beside it."""
    workers = sum(one.memory_info().rss for one in server.children(recursive=True))
    return {
        "server": round(server.memory_info().rss / 1e6),
        "worker_processes": round(workers / 1e6),
    }


def _in_browser(page: Page, url: str) -> dict[str, float]:
    """Return the medians of what one person waits for, drawing included."""
    figures = {}
    for name in ("Home", "Runs", "Compare", "Datasets", "Experiments"):
        page.goto(f"{url}/{name.lower() if name != 'Home' else ''}")
        settled(page)
        page.evaluate(RERUN, name)
        figures[name.lower()] = [float(page.evaluate(RERUN, name)) / 1000 for _ in range(TURNS)]
    page.goto(f"{url}/runs")
    settled(page)
    box = page.locator(".st-key-runs-filter-text input")
    figures["runs, a search"] = [_typed(page, box, f"vessel {n:04d}") for n in range(TURNS)]
    page.goto(f"{url}/runs")
    settled(page)
    figures["runs, next page"] = [_pressed(page) for _ in range(TURNS)]
    return {name: round(statistics.median(some), 3) for name, some in figures.items()}


def _typed(page: Page, box: Any, text: str) -> float:
    box.fill(text)
    began = time.perf_counter()
    box.press("Enter")
    page.wait_for_url(lambda address: text.split()[-1] in address)
    settled(page)
    return time.perf_counter() - began


def _pressed(page: Page) -> float:
    before = page.url
    began = time.perf_counter()
    page.get_by_role("button", name="Next page").click()
    page.wait_for_url(lambda address: address != before)
    settled(page)
    return time.perf_counter() - began


def _idle_share(tabs: Sequence[Page], url: str, server: psutil.Process, home: Path) -> float:
    """Return the server's share of a core while tabs show Runs and an attack goes on elsewhere."""
    command = [sys.executable, "-m", "asma_core", "attack", "--model", "demo-lesion-unet"]
    command += ["--dataset", "demo-lesion", "--sample", "0048", "--target-sample", "0049"]
    command += ["--attack", "pgd", "--set", "steps=100000", "--set", "stop_at_target=no"]
    with (home / "attack.log").open("wb") as log:
        attack = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            store = RunStore(home)
            while not store.count("running"):
                if attack.poll() is not None:
                    raise RuntimeError(f"the attack ended; see {log.name}")
                time.sleep(0.5)
            for tab in tabs:
                tab.goto(f"{url}/runs")
                settled(tab)
            time.sleep(5.0)
            before = _spent(server)
            time.sleep(IDLE_SECONDS)
            return _share(server, before, IDLE_SECONDS)
        finally:
            attack.terminate()
            attack.wait()


def _spent(server: psutil.Process) -> float:
    times = server.cpu_times()
    return float(times.user + times.system)


def _share(server: psutil.Process, before: float, among: float) -> float:
    """Return the seconds of a processor that the server has used since, shared out."""
    return round((_spent(server) - before) / among, 3)


if __name__ == "__main__":
    main()
