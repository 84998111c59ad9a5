"""What README and docs name exists, and each command that they show is one that runs."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from asma_core.cli.main import main, parser_of
from asma_core.data.masks.label_maps import encode_mask
from asma_core.defences.contract import Defence
from asma_core.models.sources.cards import find_card
from asma_core.models.sources.defending import keep_defended
from asma_core.reviews.store import ReviewStore
from asma_core.runs.execute import execute
from asma_core.runs.store import RunStore
from tests import tiny
from tests.pages import made_runs

PROJECT = Path(__file__).resolve().parents[2]
PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))]
ROOMS = ("", "asma_core", "ui")
CODE = re.compile(r"```\n(.*?)```", re.S)
QUOTED = re.compile(r"`([^`\n]+)`")


def quoted() -> Iterator[tuple[str, str]]:
    """Yield page and text of all that stands between backticks, blocks left out."""
    for page in PAGES:
        for text in QUOTED.findall(re.sub(r"```.*?```", "", page.read_text(), flags=re.S)):
            yield page.name, text


def commands() -> list[str]:
    """Return the commands of the blocks and of the sentences, each once."""
    found = []
    for page in PAGES:
        text = page.read_text()
        lines = "\n".join(CODE.findall(text)).replace("\\\n", " ").splitlines()
        found += [line.strip() for line in [*lines, *QUOTED.findall(text)]]
    return list(dict.fromkeys(line for line in found if line.startswith("python -m ")))


def test_files_that_are_named_exist() -> None:
    names = {
        (page, text)
        for page, text in quoted()
        if re.fullmatch(r"[\w./-]+\.(py|js|css)|(asma_core|attacks|ui|tests)/[\w/]*", text)
    }
    lost = {
        (page, text)
        for page, text in names
        if not any((PROJECT / room / text).exists() for room in ROOMS)
    }
    assert len(names) > 15 and not lost


def test_names_of_the_code_are_in_the_code() -> None:
    done = subprocess.run(
        ["git", "ls-files", "*.py", "*.js", "*.toml", "scripts/*"],
        cwd=PROJECT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    files = [PROJECT / name for name in done.stdout.split()]
    texts = (file.read_text(errors="ignore") for file in files if file.name != Path(__file__).name)
    words = set(re.findall(r"\w+", " ".join(texts)))
    like_code = re.compile(r"([A-Za-z]\w*\.)*_?([A-Z][a-z]+[A-Z]\w*|[a-z]+_\w+|[A-Z]+_[A-Z_]+)")
    names = {
        (page, text) for page, text in quoted() if like_code.fullmatch(text.removesuffix("()"))
    }
    foreign = {"LazyLoader", "mask_CLASS"}
    lost = {
        (page, text) for page, text in names if not set(re.findall(r"\w+", text)) <= words | foreign
    }
    assert len(names) > 15 and not lost


def test_every_module_that_is_called_exists() -> None:
    called = {shlex.split(line)[2] for line in commands()}
    assert {"asma_core", "benchmarks.speed"} <= called
    assert [name for name in called if find_spec(name) is None] == []


SHOWN = [line for line in commands() if line.startswith("python -m asma_core ")]


@pytest.mark.parametrize("line", SHOWN)
def test_a_command_that_is_shown_runs(line: str, home: Path, tmp_path: Path) -> None:
    tiny.furnish(home)
    image, mask = tmp_path / "image.png", tmp_path / "mask.png"
    folder = home / "datasets" / tiny.DATASET
    image.write_bytes((folder / "images" / "00.png").read_bytes())
    mask.write_bytes(encode_mask(tiny.inputs().target))
    words = shlex.split(re.sub(r"[][]", " ", line).replace("FILE --mask", "FILE --mask "))[3:]
    given = {
        "--model": tiny.MODEL, "--dataset": tiny.DATASET, "--image": str(image),
        "--mask": str(mask), "--target-mask": str(mask), "--out": str(tmp_path / "out"),
        "--sample": "3", "--samples": "2", "--name": "shown", "--layout": "folders",
        "--classes": "background,spot", "--models": f"{tiny.MODEL},{tiny.NAN}",
        "--images": "2",
    }  # fmt: skip
    if words[0] == "certify":
        smooth = Defence("smoothing", {"sigma": 0.1})
        given["--model"] = keep_defended(find_card(tiny.MODEL), smooth, "smooth").name
    if words[0] == "store":
        RunStore()
    if words[0] == "review":
        reviews = ReviewStore(RunStore().home)
        known = reviews.create([made_runs.finished(RunStore())], "choice")
        reviews.answer(known, "Ann", 0, "1", 1.0)
        given |= dict.fromkeys(("show", "csv"), known.id)
    if "--run" in words:
        runs = RunStore()
        given["--run"] = execute(runs, runs.create(tiny.request({"steps": 2}), tiny.inputs()).id).id
    words = [given.get(before, word) for before, word in zip(["", *words], words, strict=False)]
    of_place = {
        "NAME": tiny.MODEL,
        "FOLDER": str(tmp_path / "kept"),
        "FOLDER_OR_ZIP": str(folder),
        "CARD_OR_FILE_OR_FOLDER": str(home / "models" / f"{tiny.MODEL}.toml"),
    }
    words = [of_place.get(word, word) for word in words]
    short = {
        "attack": ["--steps", "2"], "ablation": ["--steps", "2"], "train": ["--steps", "2"],
        "transfer": ["--steps", "2"], "universal": ["--steps", "2"],
        "detect": ["--steps", "2", "--adaptive-steps", "2"],
    }  # fmt: skip
    words += short.get(words[0], [])
    assert parser_of(words).parse_args(words).command == words[0]
    assert main(words) == 0
