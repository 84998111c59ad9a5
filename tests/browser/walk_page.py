"""What a page of the app shows, held against its address and against what a person has done."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from playwright.sync_api import Page

from asma_core.runs.store import RunStore
from ui.address.views import (
    SORTS,
    VIEWS,
    AttackView,
    CompareView,
    DatasetsView,
    ExperimentsView,
    ModelsView,
    RunsView,
)
from ui.common.shell import PRODUCT
from ui.runs.filter import SORTS as RUN_SORTS

OF_PAGE = {Path(view.PAGE).stem: view for view in VIEWS}
# Of a scenario for a mask that it means nothing for, as the empty one of a file not yet chosen.
REFUSALS = ("error The mask shows no structure", "error The mask has none of these classes")
# In one go, so that all of it is of the same moment.
READ = """() => {
  const shadows = [...document.querySelectorAll("*")].map((e) => e.shadowRoot).filter(Boolean);
  const roots = [document, ...shadows];
  const all = (selector) => roots.flatMap((root) => [...root.querySelectorAll(selector)]);
  const words = (selector) => all(selector).map((e) => e.innerText.trim().replace(/\\s+/g, " "));
  const data = (selector) => all(selector)[0] ? { ...all(selector)[0].dataset } : null;
  const choices = all("[data-testid=stSelectbox]").map((e) => [
    e.querySelector("input")?.getAttribute("aria-label") ?? "",
    e.querySelector("input")?.value ?? "",
  ]);
  const strip = all(".strip")[0];
  let focus = document.activeElement;
  while (focus?.shadowRoot?.activeElement) focus = focus.shadowRoot.activeElement;
  const app = document.querySelector("[data-testid=stApp]");
  const waiting = "[data-testid=stSkeleton], [data-testid=stSpinner], [data-stale=true]";
  const wrong = "[data-testid=stException], [data-testid=stAlertContentError]";
  return {
    url: location.href,
    title: document.title,
    busy: app?.getAttribute("data-test-script-state") !== "notRunning"
      || all(waiting).length > 0
      || ![...document.images].every((image) => image.complete),
    exceptions: words(`${wrong}, .fault:not([hidden])`),
    headings: words("h1, h2, h3"),
    choices: Object.fromEntries(choices),
    picture: all(".zoomed img")[0]?.alt ?? null,
    search: document.querySelector(".st-key-runs-filter-text input")?.value ?? null,
    prediction: document.querySelector(".st-key-datasets-prediction input")?.checked ?? null,
    editor: data(".editor"),
    viewer: data(".viewer"),
    strip: strip ? {
      ...strip.dataset,
      going: strip.getAttribute("aria-busy"),
      note: strip.querySelector(".note").value,
      verdict: strip.querySelector("[data-verdict][aria-pressed=true]")?.dataset.verdict ?? "",
    } : null,
    typing: Boolean(focus?.matches("textarea, input:not([type=range], [type=checkbox])")),
    entry: navigation.currentEntry.index,
    step: navigation.currentEntry.key,
    entries: navigation.entries().map((entry) => entry.url),
  };
}"""


@dataclass
class Done:
    """What a person has drawn, typed and judged so far.

    Attributes:
        shapes: How many, by image.
        corners: Of a polygon that is not closed, by image.
        notes: By run.
        verdicts: By run.
    """

    shapes: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    corners: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    notes: dict[str, str] = field(default_factory=lambda: defaultdict(str))
    verdicts: dict[str, str] = field(default_factory=lambda: defaultdict(str))


def page_of(url: str) -> str:
    return urlsplit(url).path.strip("/")


def view_of(url: str) -> Any:
    """Return the view that an address names; None for Home."""
    kind = OF_PAGE.get(page_of(url))
    return kind.from_query(dict(parse_qsl(urlsplit(url).query))) if kind else None


def object_of(url: str) -> dict[str, Any]:
    """Return the page and what is open on it, with None for what the page fills in itself."""
    kind, query = OF_PAGE.get(page_of(url)), dict(parse_qsl(urlsplit(url).query))
    names = kind.objects() if kind else {}
    return {"page": page_of(url)} | {
        name: query.get(name, None if filled else "") for name, filled in names.items()
    }


def same_object(one: str, other: str) -> bool:
    """Whether two addresses open the same; what one of them leaves to the page may be anything."""
    first, second = object_of(one), object_of(other)
    return first.keys() == second.keys() and all(
        value == second[name] or None in (value, second[name]) for name, value in first.items()
    )


def read(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(READ)
    return found


def faults(seen: dict[str, Any], done: Done, store: RunStore) -> list[str]:
    """Return what is not as it should be."""
    found = ["it is busy"] if seen["busy"] else []
    errors = [text for text in seen["exceptions"] if not text.startswith(REFUSALS)]
    found += strangers(seen["entries"])
    found += [f"an error is shown: {text}" for text in errors]
    wanted, is_so = _wanted(seen, done, store.home)
    found += [
        f"{name}: {is_so.get(name)!r}, not {value!r}"
        for name, value in wanted.items()
        if is_so.get(name) != value
    ]
    for run in store.newest():
        for name, kept in (("note", done.notes), ("verdict", done.verdicts)):
            if getattr(run, name) != kept[run.id]:
                found.append(f"{name} of {run.id}: {getattr(run, name)!r}, not {kept[run.id]!r}")
    return found


def strangers(entries: list[str]) -> list[str]:
    """Return the addresses of the history that have another page's parameters."""
    found = []
    for url in entries:
        kind = OF_PAGE.get(page_of(url))
        if not {name for name, _ in parse_qsl(urlsplit(url).query)} <= {
            *(kind.names() if kind else ())
        }:
            found.append(f"{url} is in the history")
    return found


def _wanted(seen: dict[str, Any], done: Done, home: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what the address asks for, and what is on screen."""
    view = view_of(seen["url"])
    title, headings = seen["title"], seen["headings"]
    shown = {"title": title, "heading": headings[0] if headings else ""}
    if view is None:
        return {"title": PRODUCT, "heading": PRODUCT}, shown
    wants = {
        DatasetsView: _datasets,
        ModelsView: _models,
        AttackView: _attack,
        CompareView: _compare,
        RunsView: _runs,
        ExperimentsView: _experiments,
    }[type(view)]
    wanted, more = wants(view, seen, done, home)
    return wanted, shown | more


def _datasets(view: DatasetsView, seen: dict[str, Any], *_: Any) -> Any:
    if view.add:
        return {"heading": "Add a data set"}, {}
    if view.sample:
        title = f"{view.sample}, {view.dataset}, {PRODUCT}"
        return {"title": title, "picture": view.sample}, {"picture": seen["picture"]}
    choices = seen["choices"]
    wanted = {"heading": "Datasets", "title": PRODUCT, "data set": view.dataset}
    wanted |= {"sort": SORTS[view.sort], "prediction": view.prediction}
    shown = {"data set": choices.get("Data set"), "sort": choices.get("Sort by")}
    return wanted, shown | {"prediction": seen["prediction"]}


def _models(view: ModelsView, *_: Any) -> Any:
    if view.model:
        return {"title": f"{view.model}, {PRODUCT}", "heading": view.model}, {}
    form = "Add a network" if view.add else "Train a network" if view.train else "Models"
    return {"title": PRODUCT, "heading": form}, {}


def _attack(view: AttackView, seen: dict[str, Any], done: Done, home: Path) -> Any:
    if view.run:
        wanted, shown = _judged(view.run, seen, done)
        return (wanted, shown) if seen["strip"] else ({"run": view.run}, shown)
    identity = f"{view.dataset} / {view.sample}"
    editor, choices = seen["editor"] or {}, seen["choices"]
    wanted = {
        "title": f"Attack, {identity}, {PRODUCT}",
        "image": view.sample,
        "data set": view.dataset,
        "network": view.network,
        "editor": identity,
        "shapes": done.shapes[identity],
        "corners": done.corners[identity],
        "shapes kept": done.shapes[identity],
    }
    return wanted, {
        "image": choices.get("Image"),
        "data set": choices.get("Data set"),
        "network": choices.get("Network"),
        "editor": editor.get("ready"),
        "shapes": int(editor.get("shapes", -1)),
        "corners": int(editor.get("corners", -1)),
        "shapes kept": _shapes_kept(home, view.draft, identity),
    }


def _shapes_kept(home: Path, draft: str, identity: str) -> int:
    """Return how many shapes the draft that the address names has of an image."""
    name = hashlib.sha256(identity.encode()).hexdigest()[:32]
    file = home / "drafts" / draft / f"{name}.json"
    if not draft or not file.exists():
        return 0
    return len(json.loads(file.read_text())["drawing"]["shapes"])


def _judged(run: str, seen: dict[str, Any], done: Done) -> Any:
    strip = seen["strip"] or {}
    wanted = {
        "run": run,
        "judged run": run,
        "going": "false",
        "tab": f"Run {run}",
        "note": done.notes[run],
        "verdict": done.verdicts[run],
    }
    headings = [text.split()[1] for text in seen["headings"] if text.startswith("Run ")]
    return wanted, {
        "run": headings[0] if headings else "",
        "judged run": strip.get("run"),
        "going": strip.get("going"),
        "tab": seen["title"].split(",")[0],
        "note": strip.get("note"),
        "verdict": strip.get("verdict"),
    }


def _compare(view: CompareView, seen: dict[str, Any], done: Done, _: Path) -> Any:
    wanted, shown = _judged(view.run, seen, done)
    viewer = seen["viewer"] or {}
    return wanted | {"viewer": view.run}, shown | {"viewer": viewer.get("run")}


def _runs(view: RunsView, seen: dict[str, Any], *_: Any) -> Any:
    wanted = {"heading": "Runs", "title": PRODUCT, "search": view.text}
    wanted |= {"order": RUN_SORTS[view.sort][0]}
    return wanted, {"search": seen["search"], "order": seen["choices"].get("Order")}


def _experiments(view: ExperimentsView, *_: Any) -> Any:
    return ({} if view.experiment else {"heading": "Experiments", "title": PRODUCT}), {}
