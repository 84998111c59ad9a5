"""Would a machine notice: noise twins, sightings on a tiny network, rows and the command."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asma_core.cli.main import main
from asma_core.data.datasets import open_dataset
from asma_core.data.formats.images import from_bytes, read_image, to_bytes
from asma_core.defences.detectors.contract import check_judges
from asma_core.defences.detectors.registry import find_detector
from asma_core.errors import AsmaError
from asma_core.experiments.clean_suspicions import known_clean
from asma_core.experiments.detection import Look, Sighting, carry_out, looked_at
from asma_core.experiments.detection_plan import (
    DetectionPlan,
    DetectionPlans,
    detection_plan_from_dict,
    evading,
)
from asma_core.experiments.detection_table import FEW, rows, sentences
from asma_core.experiments.noise_twin import noise_twin
from asma_core.experiments.plan import pairs_of, variant
from asma_core.experiments.store import ExperimentStore
from asma_core.models.sources.cards import find_card, network_hash
from asma_core.runs.artefacts import ADVERSARIAL
from asma_core.runs.store import RunStore
from tests import tiny

DETECTORS = ("margin", "residual")
GOAL = {"target_iou": "0.9"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ASMA_HOME", str(tmp_path))
    return tiny.furnish(tmp_path)


def plan(samples: int = 2, adaptive: bool = True) -> DetectionPlan:
    pairs = pairs_of(open_dataset(tiny.DATASET), samples)
    known = tuple(evading(text, GOAL, 20, "6") for text in DETECTORS) if adaptive else ()
    attack = variant("minimal", GOAL | {"steps": "20"})
    return DetectionPlan(tiny.MODEL, tiny.DATASET, pairs, attack, DETECTORS, known)


@pytest.mark.parametrize("length", [0.05, 0.7, 3.0])
def test_a_twin_is_a_file_of_noise_as_long_as_the_attack(length: float) -> None:
    original = tiny.inputs(1).original
    twin = noise_twin(original, length)
    assert np.array_equal(from_bytes(to_bytes(twin)), twin)
    assert np.linalg.norm(twin - original) == pytest.approx(length, rel=0.02)
    assert np.linalg.norm(twin - original) <= length
    assert np.array_equal(twin, noise_twin(original, length))


def off(look: Look, one: Sighting) -> float:
    return abs(look.suspicion - one.clean.suspicion)


def test_each_detector_looks_at_every_file_and_nothing_is_made_twice(home: Path) -> None:
    store, passed = ExperimentStore(RunStore()), []
    found, cells = carry_out(store, plan(), passed.append)
    assert [one.detector for one in found] == ["margin"] * 2 + ["residual"] * 2
    assert [cell.attack for cell in cells] == ["minimal", "evade", "evade"] * 2
    assert passed[-1] == 6 and all(cell.success for cell in cells)
    for place, one in enumerate(found):
        plain, knowing = cells[3 * (place % 2)], cells[3 * (place % 2) + 1 + place // 2]
        assert one.attacked is not None and one.noise is not None and one.adaptive is not None
        assert (one.sample, one.target) == (plain.sample, plain.target)
        assert one.attacked.l2 == pytest.approx(plain.results["l2_8bit"], rel=1e-6)
        assert one.noise.l2 == pytest.approx(one.attacked.l2, rel=0.05)
        assert one.evaded and one.clean.l2 == 0.0
        # The attack that knows is nearer to the original's score than the one that does not.
        assert off(one.adaptive, one) <= off(one.attacked, one)
        assert one.adaptive.l2 in (
            one.attacked.l2, pytest.approx(knowing.results["l2_8bit"], rel=1e-6)
        )  # fmt: skip
    # The noise of the file is worked out once more here, without a network.
    saved = read_image(store.runs.folder(cells[0].run_id) / ADVERSARIAL).astype(np.float64)
    padded = np.pad(saved, ((0, 0), (1, 1), (1, 1)), mode="edge")
    kernel = np.outer([1, -2, 1], [1, -2, 1])
    rest = sum(
        kernel[i, j] * padded[:, i : i + tiny.SIZE, j : j + tiny.SIZE]
        for i in range(3)
        for j in range(3)
    )
    assert found[2].attacked is not None
    assert found[2].attacked.suspicion == pytest.approx(
        np.sqrt(np.pi / 2) / 6 * np.abs(rest).mean(), rel=1e-5
    )
    runs = len(store.runs.newest())
    again, _ = carry_out(store, plan())
    assert again == found and len(store.runs.newest()) == runs


def test_what_is_said_of_originals_is_kept_by_image(home: Path) -> None:
    store, asked = ExperimentStore(RunStore()), plan(adaptive=False)
    with pytest.raises(AsmaError, match="not all attacks"):
        looked_at(store, asked)
    found, cells = carry_out(store, asked)
    kept = known_clean(home, network_hash(find_card(tiny.MODEL)), tiny.DATASET)
    images = {cell.sample: store.runs.get(cell.run_id).spec.image_hash for cell in cells}
    assert {text: dict(scores) for text, scores in kept.items()} == {
        text: {images[one.sample]: one.clean.suspicion for one in found if one.detector == text}
        for text in DETECTORS
    }
    assert known_clean(home, "another", tiny.DATASET) == {}


def test_a_plan_is_kept_and_read_again(home: Path) -> None:
    plans, asked = DetectionPlans(home), plan()
    assert plans.keep(asked) == asked.id and plans.get(asked.id) == asked
    assert detection_plan_from_dict(json.loads(json.dumps(asked.as_dict()))) == asked
    assert asked.id != plan(adaptive=False).id and (asked.total, plan(1, False).total) == (6, 1)


def test_what_another_process_carries_out_is_a_sentence(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ExperimentStore(RunStore())
    monkeypatch.setattr(store, "claim", lambda _: False)
    with pytest.raises(AsmaError, match="another process"):
        carry_out(store, plan())


def test_a_network_that_answers_for_the_centre_is_refused_where_images_move(home: Path) -> None:
    card = find_card(tiny.MODEL)
    centred = replace(card, output=replace(card.output, fit="centre"))
    for text in ("crops", "augmentation"):
        with pytest.raises(AsmaError, match="centre"):
            check_judges(find_detector(text), "it", centred.output.fit)
        check_judges(find_detector(text), "it", card.output.fit)
    check_judges(find_detector("entropy"), "it", centred.output.fit)


def seen(sample: int, clean: float, attacked: float | None, **more: Any) -> Sighting:
    looks = {"noise": clean, "adaptive": None} | more
    found = {
        kind: None if value is None else Look(value, 1.0 + sample)
        for kind, value in (looks | {"clean": clean, "attacked": attacked}).items()
    }
    return Sighting("entropy", str(sample), "other", evaded=None, **found)


def test_rows_are_over_the_files_that_reach_the_goal() -> None:
    own = [seen(0, 0.1, 0.3), seen(1, 0.2, 0.15), seen(2, 0.25, None)]
    noise, attacked = rows(own)
    assert (noise["files"], attacked["files"]) == ("noise", "attacked")
    assert (attacked["clean_images"], attacked["n"], attacked["evaded"]) == (3, 2, None)
    # 0.3 is above all three, 0.15 above one.
    assert attacked["auroc"]["value"] == pytest.approx(4 / 6)
    assert attacked["tpr"]["value"] == 0.5 and attacked["l2"] == 1.5
    assert attacked["auroc"]["low"] <= 4 / 6 <= attacked["auroc"]["high"]
    (told,) = sentences([noise, attacked])
    assert "AUROC of 0.67" in told and "was not tried" in told
    own = [replace(one, adaptive=Look(0.0, 1.0), evaded=True) for one in own]
    table = rows(own)
    assert table[2]["files"] == "adaptive" and table[2]["evaded"] == 3
    assert "0.00 is left when the attack knows it" in sentences(table)[0]


@pytest.mark.parametrize(
    ("count", "step", "left"),
    [(3, 1.0, "may be chance"), (6, 1.0, "still helps"), (6, -1.0, "too calm")],
)
def test_few_images_that_are_told_may_be_chance(count: int, step: float, left: str) -> None:
    own = [
        replace(seen(at, 0.1 * at, 2.0), adaptive=Look(0.1 * at + step, 1.0), evaded=True)
        for at in range(count)
    ]
    (told,) = sentences(rows(own))
    assert left in told and told.startswith("Entropy ")
    assert ("not surely" in told) == (count == 3)
    assert ("take more pairs" in told) == (count == 3)


def test_an_image_with_two_targets_is_one_clean_image() -> None:
    own = [seen(0, 0.1, 0.3), replace(seen(0, 0.1, 0.4), target="else"), seen(1, 0.35, None)]
    (_, attacked) = rows(own)
    assert (attacked["clean_images"], attacked["n"]) == (2, 2)
    assert attacked["auroc"]["value"] == pytest.approx(3 / 4)


def test_what_is_undefined_is_told() -> None:
    (alone,) = sentences(rows([seen(0, 0.1, 0.3)]))
    assert alone == f"Entropy: {FEW}."
    (nobody,) = sentences(rows([seen(0, 0.1, None), seen(1, 0.1, None)]))
    assert "no image" in nobody


GIVEN = ["--model", tiny.MODEL, "--dataset", tiny.DATASET, "--set", "target_iou=0.9"]


def test_the_command_line_writes_tables(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "tables"
    more = ["--samples", "2", "--detectors", "entropy,crops:pairs=2", "--steps", "20"]
    more += ["--adaptive-steps", "20", "--budget", "6", "--out", str(out), "--json"]
    assert main(["detect", *GIVEN, *more]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [(row["detector"], row["files"]) for row in answer["rows"]] == [
        (text, kind)
        for text in ("entropy", "crops:pairs=2")
        for kind in ("noise", "attacked", "adaptive")
    ]
    assert len(answer["sentences"]) == 2 and answer["problems"] == []
    assert "Spatial consistency (pairs 2, share 0.75)" in (out / "detection.csv").read_text()
    assert (out / "detection.md").read_text().count("\n") == 8
    assert (out / "detection.tex").read_text().count(r"\\") == 7


def test_one_image_is_told_and_not_refused(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    more = ["--samples", "1", "--detectors", "entropy", "--steps", "20", "--no-adaptive", "--json"]
    assert main(["detect", *GIVEN, *more]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["sentences"] == [f"Entropy: {FEW}."]
    assert answer["rows"][1]["auroc"]["value"] is None


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--detectors", "garlic"], "detector"),
        (["--detectors", ","], "at least one detector"),
        (["--detectors", "squeezing:bits=9"], "bits"),
        (["--attack", "garlic"], "attack"),
        (["--samples", "3"], "pairs"),
        (["--budget", "-1"], "budget"),
    ],
)
def test_what_can_t_be_asked_is_a_sentence(
    home: Path, capsys: pytest.CaptureFixture[str], more: list[str], says: str
) -> None:
    assert main(["detect", *GIVEN, "--samples", "2", *more]) == 2
    assert says in capsys.readouterr().err


def test_an_image_that_could_not_be_attacked_is_left_out(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = plan(adaptive=False)
    store = ExperimentStore(RunStore())
    _, cells = carry_out(store, given)
    lost = [replace(cells[0], results={}, run_id="", message="no memory"), cells[1]]
    monkeypatch.setattr(store, "cells", lambda _: lost)
    found, _ = looked_at(store, given)
    assert [one.sample for one in found] == [cells[1].sample] * 2
    assert all(one.adaptive is one.evaded is None for one in found)
