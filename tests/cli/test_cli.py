"""The command line: one JSON document, or one line that says what was wrong."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from asma_core.attacks.checks import ONE_COLOUR
from asma_core.attacks.registry import ATTACKS
from asma_core.cli import main as cli
from asma_core.runs import artefacts, execute
from asma_core.runs.reasons import TOO_FEW
from asma_core.runs.run import FAILED, INTERRUPTED
from asma_core.runs.store import RunStore
from tests import tiny
from tests.waiting import PATIENCE, until

PROJECT = Path(__file__).resolve().parents[2]
ASKED = {
    "run_id", "attack", "model", "status", "success", "steps", "gradient_evaluations", "seconds",
    "iou", "pixel_accuracy", "l2", "linf", "iou_8bit", "pixel_accuracy_8bit", "l2_8bit",
    "linf_8bit", "files",
}  # fmt: skip
FILES = {
    "original.png", "adversarial.png", "difference.png", "target.png", "prediction_clean.png",
    "prediction_adversarial.png", "perturbation.npz", "trajectory.json",
}  # fmt: skip
SAMPLE = ["--dataset", tiny.DATASET, "--sample", "0"]
TARGET = ["--target-sample", "2"]
TRAIN = ["train", "--dataset", tiny.DATASET, "--out", "x"]
ATTACK = ["attack", "--model", tiny.MODEL, "--set", "target_iou=0.85", "--steps", "100"]

Ask = Callable[..., Any]
Refused = Callable[..., str]


@pytest.fixture(autouse=True)
def _furnished(home: Path) -> None:
    tiny.furnish(home)


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Ask:
    """Run a command with --json in this process; return its answer."""

    def run(*arguments: str) -> Any:
        assert cli.main([*arguments, "--json"]) == 0
        said = capsys.readouterr()
        assert only_progress(said.err)
        return json.loads(said.out, parse_constant=pytest.fail)

    return run


def only_progress(text: str) -> bool:
    """Whether there are only lines such as `asma: 15 of 100 iou 0.858`; a slow run has some."""
    return all(re.match(r"[a-z-]+: \d+ of \d+ ", line) for line in text.splitlines())


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Refused:
    """Run a command that must end with 2 and one line; return the line."""

    def run(*arguments: str) -> str:
        try:
            status = cli.main([*arguments, "--json"])
        except SystemExit as ending:
            status = int(str(ending.code))
        said = capsys.readouterr()
        assert (status, said.out) == (2, "")
        assert said.err.endswith("\n") and said.err.count("\n") == 1
        return said.err

    return run


@pytest.fixture
def picture(home: Path) -> Path:
    return home / "datasets" / tiny.DATASET / "images" / "01.png"


@pytest.fixture
def mask(home: Path) -> Path:
    return home / "datasets" / tiny.DATASET / "masks" / "03.png"


def python_m(*arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "asma_core", *arguments]
    return subprocess.run(
        command, cwd=PROJECT, capture_output=True, text=True, timeout=PATIENCE, **more
    )


# In processes of their own --------------------------------------------------------------------


def test_an_attack_from_the_shell_prints_one_document_and_appears_in_the_store(
    home: Path, tmp_path: Path
) -> None:
    out = tmp_path / "it's out"
    done = python_m(*ATTACK, *SAMPLE, *TARGET, "--out", str(out), "--json")
    assert done.returncode == 0 and only_progress(done.stderr)
    answer = json.loads(done.stdout)
    assert set(answer) >= ASKED and set(answer["files"]) == FILES
    assert answer["files"] == {name: str(out / name) for name in FILES}
    run = RunStore().get(answer["run_id"])
    assert (run.state, run.results["iou_8bit"]) == (answer["status"], answer["iou_8bit"])
    assert run.spec.image_name == f"{tiny.DATASET} / 00"
    for name in FILES:
        copy, kept = out / name, RunStore().folder(run.id) / name
        assert copy.read_bytes() == kept.read_bytes()


def test_bad_input_from_the_shell_ends_with_2_and_one_line() -> None:
    for arguments in (
        ["attack", "--model", "no-such", *SAMPLE, *TARGET, "--json"],
        ["attack", "--json"],
    ):
        done = python_m(*arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.count("\n") == 1


def test_ctrl_c_leaves_an_interrupted_run(home: Path) -> None:
    slow = [f"--set={name}={value}" for name, value in tiny.SLOW.items()]
    process = subprocess.Popen(
        [sys.executable, "-m", "asma_core", *ATTACK[:3], *SAMPLE, *TARGET, *slow],
        cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        # A shell starts what it puts into the background deaf to SIGINT, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    runs = RunStore()
    until(lambda: process.poll() is not None or list((home / "work").glob("*/live.json")))
    process.send_signal(signal.SIGINT)
    out, complaint = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (130, "")
    assert complaint.splitlines()[-1] == "asma_core: stopped from the keyboard"
    assert "Traceback" not in complaint
    (run,) = runs.newest()
    assert run.state == INTERRUPTED and not runs.folder(run.id).exists()


# In this process ------------------------------------------------------------------------------


def test_datasets_are_listed_and_a_broken_one_hides_none(home: Path, ask: Ask) -> None:
    for name in ("demo-fundus", "demo-lesion"):
        shutil.copytree(home / "datasets" / tiny.DATASET, home / "datasets" / name)
    (home / "datasets" / "no masks" / "images").mkdir(parents=True)
    (home / "datasets" / "no masks" / "images" / "a.png").write_bytes(
        tiny.png(tiny.image_pixels(0))
    )
    listed = {entry["name"]: entry for entry in ask("datasets")}
    assert set(listed) == {"demo-fundus", "demo-lesion", tiny.DATASET, "no masks"}
    assert (listed[tiny.DATASET]["images"], listed[tiny.DATASET]["test"]) == (8, 2)
    assert listed[tiny.DATASET]["classes"] == ["background", "disc"]
    assert "add its mask" in listed["no masks"]["problem"]


def test_models_are_listed_though_a_figure_is_undefined(home: Path, ask: Ask) -> None:
    card = home / "models" / f"{tiny.MODEL}.toml"
    card.write_text(card.read_text().replace("test_iou = 0.9", "test_iou = nan"))
    listed = {entry["name"]: entry for entry in ask("models")}
    assert listed[tiny.MODEL]["figures"] == {"test_iou": None}
    assert Path(listed[tiny.THREE]["weights"]).is_file()
    assert len(listed[tiny.THREE]["classes"]) == 3


def test_attacks_are_listed_with_their_settings(ask: Ask) -> None:
    listed = {entry["name"]: entry for entry in ask("attacks")}
    assert set(listed) == set(ATTACKS)
    assert listed["minimal"]["settings"]["norm"]["type"] == '"l2" or "linf" or "ciede2000"'
    assert listed["asma"]["settings"]["target_iou"]["default"] == 0.97
    assert listed["asma"]["presets"]["paper"]["tau"] == 1e-7


def test_a_prediction_is_that_of_the_bare_network(
    home: Path, picture: Path, tmp_path: Path, ask: Ask
) -> None:
    mask = home / "datasets" / tiny.DATASET / "masks" / "01.png"
    answer = ask(
        "predict", "--model", tiny.MODEL, "--image", str(picture), "--mask", str(mask),
        "--out", str(tmp_path / "out"),
    )  # fmt: skip
    seen = np.asarray(Image.open(answer["files"]["prediction.png"])).astype(int)
    assert np.array_equal(seen, tiny.bare_prediction(tiny.MODEL, home, picture))
    truth = tiny.mask_labels(1)
    assert answer["iou"] == pytest.approx(
        ((seen == 1) & (truth == 1)).sum() / ((seen == 1) | (truth == 1)).sum(), abs=1e-9
    )
    assert answer["share_per_class"]["class 1"] == pytest.approx(seen.mean(), abs=1e-9)
    overlay = np.asarray(Image.open(answer["files"]["overlay.png"]))
    assert np.array_equal((overlay == tiny.image_pixels(1)).all(axis=-1), seen == 0)


def test_a_file_is_attacked_towards_a_mask_file(
    home: Path, picture: Path, mask: Path, tmp_path: Path, ask: Ask
) -> None:
    target = ["--target-mask", str(mask), "--out", str(tmp_path / "out"), "--seed", "5"]
    answer = ask(*ATTACK, "--image", str(picture), *target)
    assert set(answer) >= ASKED and answer["seed"] == 5
    written = np.asarray(Image.open(answer["files"]["target.png"]))
    assert np.array_equal(written, tiny.mask_labels(3))
    seen = tiny.bare_prediction(tiny.MODEL, home, tmp_path / "out" / "adversarial.png")
    written = np.asarray(Image.open(answer["files"]["prediction_adversarial.png"]))
    assert np.array_equal(written, seen)
    assert [entry["run_id"] for entry in ask("runs")] == [answer["run_id"]]


def test_an_attack_that_does_not_succeed_has_done_what_was_asked(ask: Ask) -> None:
    answer = ask(*ATTACK, *SAMPLE, *TARGET, "--steps", "1")
    assert (answer["status"], answer["success"], answer["steps"]) == ("done", False, 1)
    assert all(Path(path).is_file() for path in answer["files"].values())


def test_a_scenario_starts_from_the_prediction(home: Path, picture: Path, ask: Ask) -> None:
    answer = ask(*ATTACK, "--image", str(picture), "--scenario", "hide")
    assert not np.asarray(Image.open(answer["files"]["target.png"])).any()
    assert answer["score_name"] == "structure removed" and answer["iou"] is None


@pytest.mark.parametrize("region", ["near", "file"])
def test_changes_stay_within_the_region(picture: Path, mask: Path, ask: Ask, region: str) -> None:
    given = str(mask) if region == "file" else region
    answer = ask(*ATTACK, *SAMPLE, *TARGET, "--region", given, "--region-margin", "3")
    inside = np.asarray(Image.open(Path(answer["files"]["target.png"]).with_name("region.png"))) > 0
    original, adversarial = (
        np.asarray(Image.open(answer["files"][name]))
        for name in ("original.png", "adversarial.png")
    )
    assert 0 < answer["region_share"] < 1
    assert answer["region_share"] == pytest.approx(inside.mean())
    assert not (original != adversarial).any(axis=-1)[~inside].any()
    if region == "file":
        assert np.array_equal(inside, tiny.mask_labels(3) > 0)


def test_presets_and_settings_reach_the_record(ask: Ask) -> None:
    answer = ask(
        "attack", "--model", tiny.MODEL, *SAMPLE, "--target-sample", "02", "--attack", "ssm-dpm",
        "--preset", "paper", "--steps", "2", "--set", "tau=auto", "--set", "beta = 1e-3",
    )  # fmt: skip
    config = answer["config"]
    assert (config["steps"], config["tau"], config["beta"]) == (2, None, 1e-3)
    assert (config["rounding"], config["stop_at_target"]) == (False, False)
    assert answer["attack"] == "ssm-dpm"


def test_runs_of_the_app_and_of_the_shell_are_listed_newest_first(ask: Ask) -> None:
    runs = RunStore()
    ids = [runs.create(tiny.request(), tiny.inputs(number)).id for number in range(3)]
    execute.execute(runs, ids[0])
    assert [entry["run_id"] for entry in ask("runs")] == ids[::-1]
    assert [entry["status"] for entry in ask("runs", "--limit", "2")] == ["queued", "queued"]


def test_without_json_the_answer_is_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["runs"]) == 0
    assert capsys.readouterr().out == "none\n"
    assert cli.main(["attacks"]) == 0
    assert "arXiv:1907.13124" in capsys.readouterr().out


def test_a_trained_network_can_be_used_at_once(
    home: Path, picture: Path, tmp_path: Path, ask: Ask
) -> None:
    folder = home / "datasets" / tiny.DATASET
    out = str(home / "models")
    small = ["--width", "tiny", "--image-size", "32", "--steps", "2", "--seed", "3"]
    answer = ask("train", "--dataset", str(folder), *small, "--out", out)
    assert (answer["steps"], answer["test_images"]) == (2, 2)
    assert all(Path(path).is_file() for path in answer["files"].values())
    assert answer["name"] in {entry["name"] for entry in ask("models")}
    ask("predict", "--model", answer["name"], "--image", str(picture), "--out", str(tmp_path / "p"))


def test_a_network_is_trained_on_against_attacks(home: Path, ask: Ask) -> None:
    small = ["--image-size", "32", "--steps", "2", "--batch-size", "2", "--learning-rate", "1e-3"]
    how = ["--start-from", tiny.MODEL, "--adversarial", "segpgd", "--attacked", "0.5"]
    answer = ask("train", "--dataset", tiny.DATASET, *small, *how, "--out", str(home / "models"))
    assert (answer["name"], answer["within"]) == (f"{tiny.MODEL}-robust", "Linf 4/255")
    assert 0 <= answer["test_robust_iou"] <= answer["test_iou"] <= 1
    card = {entry["name"]: entry for entry in ask("models")}[answer["name"]]
    assert "trained adversarially" in card["description"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fly"], "invalid choice"),
        (["attack", *SAMPLE, *TARGET], "--model"),
        ([*ATTACK, "--dataset", "no-such", "--sample", "0", *TARGET], "no-such"),
        ([*ATTACK, "--dataset", tiny.DATASET, "--sample", "99", *TARGET], "0 to 7"),
        ([*ATTACK, "--dataset", tiny.DATASET, "--sample", "0", "--target-sample", "-1"], "'-1'"),
        ([*ATTACK, "--dataset", tiny.DATASET, *TARGET], "say which image"),
        ([*ATTACK, *TARGET], "say which image"),
        ([*ATTACK, *SAMPLE], "say one target"),
        ([*ATTACK, *SAMPLE, *TARGET, "--scenario", "hide"], "say one target"),
        ([*ATTACK, *SAMPLE, "--scenario", "fly"], "mirror"),
        ([*ATTACK, *SAMPLE, *TARGET, "--attack", "fgsm"], "asma"),
        ([*ATTACK, *SAMPLE, *TARGET, "--region", "no/such.png"], "check the path"),
        ([*ATTACK, *SAMPLE, *TARGET, "--region", "away", "--region-margin", "99"], "is empty"),
        ([*ATTACK, *SAMPLE, *TARGET, "--region", "near", "--region-margin", "x"], "from 0 on"),
        ([*ATTACK, *SAMPLE, *TARGET, "--precision", "float8"], "float32"),
        ([*ATTACK, *SAMPLE, *TARGET, "--precision", "tf32", "--device", "cpu"], "no TF32"),
        ([*ATTACK, *SAMPLE, *TARGET, "--preset", "best"], "quick, strong, paper"),
        ([*ATTACK, *SAMPLE, *TARGET, "--set", "stepz=3"], "target_iou"),
        ([*ATTACK, *SAMPLE, *TARGET, "--set", "steps"], "NAME=VALUE"),
        ([*ATTACK, *SAMPLE, *TARGET, "--set", "steps=many"], "whole number"),
        ([*ATTACK, *SAMPLE, *TARGET, "--set", "target_iou=1.5"], "at most 1"),
        ([*ATTACK, *SAMPLE, *TARGET, "--set", "tau=nan"], "tau"),
        ([*ATTACK, *SAMPLE, *TARGET, "--set", "rounding=maybe"], "true or false"),
        ([*ATTACK, *SAMPLE, *TARGET, "--steps", "0"], "at least 1"),
        ([*ATTACK, *SAMPLE, *TARGET, "--seed", "-1"], "at least 0"),
        ([*ATTACK, *SAMPLE, *TARGET, "--seed", "1" * 30], "at most 9"),
        ([*ATTACK, *SAMPLE, *TARGET, "--device", "gpu"], "auto, cpu, cuda"),
        ([*ATTACK, "--image", "no/such.png", "--scenario", "hide"], "check the path"),
        ([*ATTACK, "--image", "pyproject.toml", "--scenario", "hide"], "PNG, JPEG"),
        ([*ATTACK, "--image", "a.png", *SAMPLE, *TARGET], "not both"),
        ([*ATTACK, *SAMPLE, "--target-mask", "no/such.png"], "check the path"),
        (["attack", "--model", tiny.THREE, *SAMPLE, *TARGET], "3 classes"),
        (["attack", "--model", "no\nsuch", *SAMPLE, *TARGET], "tiny-unet"),
        (["attack", "--model", tiny.NAN, *SAMPLE, *TARGET], "NaN"),
        (["fly\naway"], "invalid choice"),
        (["runs", "--limit", "0"], "whole number from 1 on"),
        (["train", "--dataset", "no-such", "--out", "x"], "no-such"),
        (["train", "--dataset", tiny.DATASET, "--out", "x", "--steps", "0"], "at least 1"),
        ([*TRAIN, "--budget", "0.1"], "belong to an adversarial training"),
        ([*TRAIN, "--adversarial", "pgd", "--budget", "0.001"], "at least 1/255"),
        ([*TRAIN, "--start-from", "no-such"], "no-such"),
        ([*TRAIN, "--start-from", tiny.THREE], "has 3 classes and tiny-set has 2"),
        ([*TRAIN, "--start-from", tiny.MODEL, "--width", "tiny"], "leave out width"),
        (["predict", "--model", tiny.MODEL, "--image", "no/such", "--out", "x"], "the path"),
    ],
)  # fmt: skip
def test_bad_input_is_said_in_one_line(refused: Refused, arguments: list[str], words: str) -> None:
    assert words in refused(*arguments)
    assert all(run.state == FAILED for run in RunStore().newest())


def test_cuda_is_refused_where_there_is_none(
    refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    said = refused(*ATTACK, *SAMPLE, *TARGET, "--device", "cuda")
    assert "torch sees no CUDA device; choose cpu or auto" in said
    assert RunStore().newest() == []


def test_a_mask_of_another_size_or_with_other_classes_is_refused(
    home: Path, picture: Path, refused: Refused
) -> None:
    (home / "wide.png").write_bytes(tiny.png(np.zeros((32, 40), np.uint8)))
    (home / "many.png").write_bytes(tiny.png(np.full((32, 32), 9, np.uint8)))
    for name, words in (("wide.png", "resize the mask"), ("many.png", "0 to 1")):
        mask = str(home / name)
        assert words in refused(*ATTACK, "--image", str(picture), "--target-mask", mask)
        assert words in refused(
            "predict", "--model", tiny.MODEL, "--image", str(picture), "--mask", mask,
            "--out", str(home / "out"),
        )  # fmt: skip
    assert RunStore().newest() == []


def test_a_file_in_the_place_of_the_output_folder_is_said_before_the_attack(
    home: Path, refused: Refused
) -> None:
    (home / "taken").write_text("")
    assert "taken" in refused(*ATTACK, *SAMPLE, *TARGET, "--out", str(home / "taken"))
    assert RunStore().newest() == []


def test_a_data_folder_that_cannot_be_made_is_said(
    tmp_path: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ASMA_HOME", str(tmp_path / "file"))
    assert "check the folder" in refused("runs")


def test_the_files_that_the_issue_names_are_those_of_a_run() -> None:
    assert set(artefacts.FILES) == FILES and os.sep not in "".join(FILES)


def test_what_went_against_an_attack_is_told_a_sentence_a_line(
    ask: Ask, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    one = ["attack", "--model", tiny.MODEL, *SAMPLE, *TARGET, "--attack", "minimal", "--steps", "1"]
    answer = ask(*one)
    assert answer["warnings"] == [TOO_FEW.format(steps="1 step")]
    assert [mark["l2"] for mark in answer["frontier"]] == [None] * len(answer["frontier"])
    plain, mask = tmp_path / "grey.png", tmp_path / "mask.png"
    Image.fromarray(np.full((32, 32, 3), 128, np.uint8)).save(plain)
    Image.fromarray(tiny.mask_labels(2).astype(np.uint8)).save(mask)
    assert cli.main([*one[:3], "--image", str(plain), "--target-mask", str(mask), *one[-4:]]) == 0
    said = capsys.readouterr().out.splitlines()
    start = said.index("warnings:")
    lines = [f"  {sentence}" for sentence in (ONE_COLOUR, TOO_FEW.format(steps="1 step"))]
    assert said[start + 1 : start + 3] == lines


def test_an_image_smaller_than_any_network_takes_is_one_line(
    refused: Refused, tmp_path: Path
) -> None:
    dot = tmp_path / "dot.png"
    Image.fromarray(np.zeros((1, 1, 3), np.uint8)).save(dot)
    said = refused("attack", "--model", tiny.MODEL, "--image", str(dot), "--target-mask", str(dot))
    assert "1 x 1 pixels; each side needs at least 16" in said
