"""Carrying out a run: its figures are those of the file, its files are exact, faults are clear."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from asma_core.attacks.contract import StepReport
from asma_core.attacks.registry import ATTACKS, find_attack
from asma_core.errors import InputError, UnknownRunError
from asma_core.metrics.visibility import mean_delta_e
from asma_core.runs import artefacts, attacking, execute, store
from asma_core.runs.live import live_state
from asma_core.runs.run import CANCELLED, DONE, FAILED, INTERRUPTED, Run
from asma_core.runs.spec import RunInputs, spec_from_dict
from asma_core.runs.store import RunStore
from tests import tiny

ASKED = (
    "success", "steps", "gradient_evaluations", "seconds", "iou", "pixel_accuracy", "l2", "linf",
    "iou_8bit", "pixel_accuracy_8bit", "l2_8bit", "linf_8bit",
)  # fmt: skip


@pytest.fixture
def runs(home: Path) -> RunStore:
    tiny.furnish(home)
    return RunStore()


def carried_out(runs: RunStore, inputs: RunInputs | None = None, **more: Any) -> Run:
    run = runs.create(tiny.request(**more), inputs or tiny.inputs())
    return execute.execute(runs, run.id)


def labels(file: Path) -> NDArray[np.int64]:
    return np.asarray(Image.open(file)).astype(np.int64)


def numbers(value: Any) -> list[Any]:
    """All that is in a nested value, flat."""
    if isinstance(value, dict):
        return [inner for item in value.values() for inner in numbers(item)]
    if isinstance(value, list):
        return [inner for item in value for inner in numbers(item)]
    return [value]


def overlap(prediction: NDArray[np.int64], target: NDArray[np.int64], classes: int) -> float:
    """Mean IoU of the foreground classes in either mask, written plainly."""
    scores = []
    for label in range(1, classes):
        one, other = prediction == label, target == label
        if (one | other).any():
            scores.append((one & other).sum() / (one | other).sum())
    return float(np.mean(scores))


@pytest.mark.parametrize("model", [tiny.MODEL, tiny.THREE])
def test_the_figures_are_those_of_the_file_as_the_bare_network_sees_it(
    runs: RunStore, model: str
) -> None:
    classes = tiny.CLASSES[model]
    given = tiny.inputs(0, 2, classes)
    run = carried_out(runs, given, model=model)
    folder, results = runs.folder(run.id), run.results
    seen = tiny.bare_prediction(model, runs.home, folder / artefacts.ADVERSARIAL)
    saved = np.asarray(Image.open(folder / artefacts.ADVERSARIAL)).transpose(2, 0, 1) / 255.0
    change = saved - given.image
    assert run.state == DONE
    assert np.array_equal(labels(folder / artefacts.PREDICTION_ADVERSARIAL), seen)
    assert results["iou_8bit"] == pytest.approx(overlap(seen, given.target, classes), abs=1e-9)
    assert results["pixel_accuracy_8bit"] == pytest.approx((seen == given.target).mean(), abs=1e-9)
    assert results["l2_8bit"] == pytest.approx(np.sqrt((change**2).sum()), abs=1e-5)
    assert results["linf_8bit"] == pytest.approx(np.abs(change).max(), abs=1e-6)
    assert results["success"] == (results["iou_8bit"] >= tiny.QUICK["target_iou"])
    clean = tiny.bare_prediction(model, runs.home, folder / artefacts.ORIGINAL)
    assert np.array_equal(labels(folder / artefacts.PREDICTION_CLEAN), clean)
    assert results["iou_before"] == pytest.approx(overlap(clean, given.target, classes), abs=1e-9)
    assert results["iou_8bit"] > results["iou_before"]


@pytest.mark.parametrize("norm", ["l2", "ciede2000"])
def test_how_the_colours_look_is_a_figure_of_the_file(runs: RunStore, norm: str) -> None:
    settings = {"target_iou": 0.9, "steps": 60, "norm": norm}
    run = carried_out(runs, attack="minimal", config=settings)
    files = (runs.folder(run.id) / name for name in (artefacts.ORIGINAL, artefacts.ADVERSARIAL))
    seen = mean_delta_e(*(np.asarray(Image.open(file)) for file in files))
    assert run.outcome == "success"
    assert run.results["ciede2000_8bit"] == pytest.approx(seen) and seen > 0
    last = run.results["frontier"][-1]
    # What was made small is part of what was reached at which change; else nobody measured it.
    assert last.get("ciede2000") == (pytest.approx(seen) if norm == "ciede2000" else None)
    assert ("CIEDE2000" in run.frontier) == (norm == "ciede2000")


def test_every_figure_is_there_and_finite_or_undefined(runs: RunStore) -> None:
    run = carried_out(runs)
    assert set(ASKED) <= set(run.results)
    values = numbers(dict(run.results))
    assert all(isinstance(value, str | bool | int | float | None) for value in values)
    assert np.isfinite([value for value in values if isinstance(value, float)]).all()
    assert run.results["success"] is True
    folder = runs.folder(run.id)
    assert {path.name for path in folder.iterdir()} == {
        *artefacts.FILES, artefacts.TRUTH, artefacts.SNAPSHOTS, store.RECORD,
    }  # fmt: skip
    record = json.loads((folder / store.RECORD).read_text())
    assert (record["id"], record["state"]) == (run.id, run.state)
    assert record["results"] == dict(run.results)
    assert record["spec"]["inputs_hash"] == run.spec.inputs_hash


def test_success_is_judged_by_the_file_and_not_by_the_float_image(
    runs: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rounded_away(source: Path, name: str | None = None) -> NDArray[np.float32]:
        return tiny.inputs().image

    monkeypatch.setattr(execute, "read_image", rounded_away)
    run = carried_out(runs)
    assert run.results["iou"] >= tiny.QUICK["target_iou"]
    assert run.results["success"] is False and run.results["l2_8bit"] == 0.0


def test_the_same_spec_gives_the_same_bytes(runs: RunStore) -> None:
    def digests(run: Run) -> dict[str, str]:
        folder = runs.folder(run.id)
        files = [path for path in folder.rglob("*") if path.is_file() and path.name != store.RECORD]
        return {
            str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in files
        }

    first, second = carried_out(runs), carried_out(runs)
    assert first.spec == second.spec and first.id != second.id
    assert digests(first) == digests(second)
    assert set(artefacts.FILES) <= set(digests(first))
    times = {"seconds": 0}
    assert dict(first.results) | times == dict(second.results) | times


def test_a_target_equal_to_the_prediction_is_done_in_no_step(runs: RunStore) -> None:
    (runs.home / "a.png").write_bytes(tiny.png(tiny.image_pixels(0)))
    prediction = tiny.bare_prediction(tiny.MODEL, runs.home, runs.home / "a.png")
    assert prediction.any()
    run = carried_out(runs, replace(tiny.inputs(), target=prediction))
    folder = runs.folder(run.id)
    assert (run.state, run.results["steps"], run.results["gradient_evaluations"]) == (
        DONE, 0, 0,
    )  # fmt: skip
    assert run.results["l2"] == run.results["l2_8bit"] == 0.0
    assert run.results["success"] is False, "a success is a change that reached the goal"
    assert run.outcome == run.results["outcome"] == run.ending == "already there"
    original, adversarial = (
        np.asarray(Image.open(folder / name))
        for name in (artefacts.ORIGINAL, artefacts.ADVERSARIAL)
    )
    assert np.array_equal(original, adversarial)
    assert np.array_equal(original, tiny.image_pixels(0))
    assert (np.asarray(Image.open(folder / artefacts.DIFFERENCE)) == 0xFF).all()


def test_hide_is_scored_by_the_structure_that_is_gone(runs: RunStore) -> None:
    nothing = np.zeros((tiny.SIZE, tiny.SIZE), dtype=np.int64)
    config = {"steps": 200, "target_iou": 0.9}
    run = carried_out(runs, replace(tiny.inputs(), target=nothing), config=config)
    folder, results = runs.folder(run.id), run.results
    clean = labels(folder / artefacts.PREDICTION_CLEAN) > 0
    left = labels(folder / artefacts.PREDICTION_ADVERSARIAL) > 0
    gone = 1 - (clean & left).sum() / clean.sum()
    assert results["score_name"] == "structure removed"
    assert results["score_8bit"] == pytest.approx(gone, abs=1e-9)
    assert results["score_before"] == 0.0 and results["iou"] is None
    assert results["score_8bit"] > 0.5
    assert results["success"] == (results["score_8bit"] >= config["target_iou"])


@pytest.mark.parametrize("attack", list(ATTACKS))
def test_every_attack_makes_a_run(runs: RunStore, attack: str) -> None:
    config = {"steps": 12, "target_iou": 0.8}
    run = carried_out(runs, attack=attack, config=config)
    assert run.state == DONE
    results = run.results
    assert results["success"] == (results["score_8bit"] >= 0.8)
    away = find_attack(attack).config(**config).goal().away
    assert results["score_name"] == ("iou lost" if away else "iou")
    assert results["iou_8bit"] == (None if away else results["score_8bit"])
    assert results["iou_lost_8bit"] == (results["score_8bit"] if away else None)
    assert results["structure_removed_8bit"] is None


# With `hide`, what was drawn is empty: a success without a change, if it led away from that.
@pytest.mark.parametrize("target", ["mask", "nothing"])
@pytest.mark.parametrize("aim", ["away from the prediction", "away from the truth"])
def test_an_untargeted_attack_leads_away_from_what_the_network_says_or_the_truth(
    runs: RunStore, aim: str, target: str
) -> None:
    config = {"steps": 60, "target_iou": 0.5, "goal_is": aim, "budget": 0.2}
    given = tiny.inputs()
    if target == "nothing":
        given = replace(given, target=np.zeros_like(given.target))
    run = carried_out(runs, given, attack="pgd", config=config)
    folder = runs.folder(run.id)
    left = labels(folder / artefacts.PREDICTION_CLEAN)
    if aim == "away from the truth":
        left = tiny.mask_labels(0)
    seen = labels(folder / artefacts.PREDICTION_ADVERSARIAL)
    lost = 1.0 - ((left > 0) & (seen > 0)).sum() / ((left > 0) | (seen > 0)).sum()
    assert run.results["score_8bit"] == pytest.approx(lost)
    assert run.results["iou_8bit"] is None
    assert run.success and lost >= 0.5 and run.results["l2_8bit"] > 0
    assert run.goal.startswith("away from") and run.results["goal"] == run.goal
    assert not (folder / artefacts.TARGET).exists(), "no target was asked for"


def test_leading_away_from_a_truth_that_nobody_knows_is_refused(runs: RunStore) -> None:
    given = replace(tiny.inputs(), truth=None)
    config = {"goal_is": "away from the truth"}
    with pytest.raises(InputError, match="no known mask"):
        runs.create(tiny.request(config, attack="pgd"), given)


def test_what_older_records_call_away_from_the_mask_is_away_from_the_prediction(
    runs: RunStore,
) -> None:
    run = runs.create(tiny.request({"goal_is": "away from the mask"}, attack="pgd"), tiny.inputs())
    assert run.aim == "away from the prediction"


def test_weights_that_are_nan_end_in_a_sentence_and_no_files(runs: RunStore) -> None:
    run = carried_out(runs, model=tiny.NAN)
    assert (run.state, dict(run.results)) == (FAILED, {})
    assert "NaN" in run.message and "\n" not in run.message
    assert not runs.folder(run.id).exists() and not runs.work_folder(run.id).exists()


@pytest.mark.parametrize("where", ["predict", "load_model"])
def test_out_of_memory_says_what_to_do(
    runs: RunStore, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def too_much(*_: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB")

    monkeypatch.setattr(attacking, where, too_much)
    run = carried_out(runs)
    assert run.state == FAILED
    assert run.message == (
        "cpu ran out of memory on an image of 32 x 32; "
        "make the image smaller or choose another device"
    )


def test_another_error_is_a_bug_and_is_raised(
    runs: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(attacking, "predict", broken)
    run = runs.create(tiny.request(), tiny.inputs())
    with pytest.raises(ZeroDivisionError):
        execute.execute(runs, run.id)
    assert runs.get(run.id).state == FAILED
    assert "ZeroDivisionError: oh" in runs.get(run.id).message


def test_weights_that_changed_since_the_run_was_queued_are_not_used(runs: RunStore) -> None:
    run = runs.create(tiny.request(), tiny.inputs())
    (runs.home / "models" / f"{tiny.MODEL}.safetensors").write_bytes(
        (runs.home / "models" / f"{tiny.NAN}.safetensors").read_bytes()
    )
    ended = execute.execute(runs, run.id)
    assert ended.state == FAILED and "changed after the run was queued" in ended.message


def test_a_watcher_can_cancel_and_the_best_so_far_is_kept(runs: RunStore) -> None:
    run = runs.create(tiny.request(tiny.QUICK | {"target_iou": 1.0}), tiny.inputs())
    ended = execute.execute(runs, run.id, lambda report: report.step == 7)
    trajectory = json.loads((runs.folder(run.id) / artefacts.TRAJECTORY).read_text())
    assert (ended.state, ended.results["steps"]) == (CANCELLED, 7)
    assert trajectory["step"] == list(range(8))
    assert ended.results["iou"] == pytest.approx(max(trajectory["iou"]), abs=1e-9)
    assert set(artefacts.FILES) <= {path.name for path in runs.folder(run.id).iterdir()}


def test_a_stop_asked_from_elsewhere_cancels(
    runs: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("asma_core.runs.live.FIGURES_EVERY", 0.0)
    run = runs.create(tiny.request(tiny.SLOW), tiny.inputs())

    def watch(report: StepReport) -> None:
        if report.step == 5:
            RunStore(runs.home).ask_to_stop(run.id)

    ended = execute.execute(runs, run.id, watch)
    assert (ended.state, ended.results["steps"]) == (CANCELLED, 6)


def test_what_it_is_at_shows_while_it_runs_and_not_after(runs: RunStore) -> None:
    run = runs.create(tiny.request(), tiny.inputs())
    seen = []
    assert live_state(runs, run.id) is None

    def watch(report: StepReport) -> None:
        state = live_state(runs, run.id)
        if state is not None and report.step == 0:
            picture = np.asarray(Image.open(state.adversarial))
            seen.append((state.step, state.steps, state.curves["step"], picture))
            assert labels(state.prediction).shape == picture.shape[:2]

    execute.execute(runs, run.id, watch)
    ((step, steps, curve, picture),) = seen
    assert (step, steps, curve) == (0, tiny.QUICK["steps"], [0])
    assert np.array_equal(picture, tiny.image_pixels(0))
    assert live_state(runs, run.id) is None
    assert list((runs.home / "work").iterdir()) == []


def test_masks_are_indexed_pictures_with_exact_values(runs: RunStore) -> None:
    given = tiny.inputs(0, 2, 3)
    run = carried_out(runs, given, model=tiny.THREE)
    folder = runs.folder(run.id)
    for name in (artefacts.TARGET, artefacts.TRUTH, artefacts.PREDICTION_CLEAN):
        picture = Image.open(folder / name)
        assert picture.mode == "P" and picture.format == "PNG"
        colours = np.asarray(picture.convert("RGB")).reshape(-1, 3)
        assert len(np.unique(colours, axis=0)) == len(np.unique(np.asarray(picture)))
    assert np.array_equal(labels(folder / artefacts.TARGET), given.target)
    assert np.array_equal(labels(folder / artefacts.TRUTH), given.truth)


def test_original_plus_perturbation_is_the_adversarial_image(runs: RunStore) -> None:
    given = tiny.inputs()
    run = carried_out(runs, given)
    folder = runs.folder(run.id)
    with np.load(folder / artefacts.PERTURBATION, allow_pickle=False) as arrays:
        perturbation = arrays["perturbation"]
    assert perturbation.dtype == np.float32 and perturbation.shape == given.image.shape
    assert np.linalg.norm(perturbation.ravel()) == pytest.approx(run.results["l2"], rel=1e-6)
    assert np.abs(perturbation).max() == pytest.approx(run.results["linf"], rel=1e-6)
    again = np.rint((given.image + perturbation) * 255).astype(np.uint8).transpose(1, 2, 0)
    assert np.array_equal(again, np.asarray(Image.open(folder / artefacts.ADVERSARIAL)))


@pytest.mark.parametrize("steps", [3, 100])
def test_snapshots_are_few_evenly_spaced_and_start_at_the_original(
    runs: RunStore, steps: int
) -> None:
    run = carried_out(runs, config=tiny.SLOW | {"steps": steps})
    folder = runs.folder(run.id) / artefacts.SNAPSHOTS
    taken = sorted(int(path.stem) for path in folder.glob("*[0-9].png"))
    assert taken[0] == 0 and len(taken) <= 32
    assert len(set(np.diff(taken))) == 1
    assert taken == list(range(4)) if steps == 3 else len(taken) > 16
    first = np.asarray(Image.open(folder / "000000.png"))
    assert np.array_equal(first, tiny.image_pixels(0))
    assert {path.name for path in folder.iterdir()} == {
        f"{step:06d}{end}.png" for step in taken for end in ("", "_prediction")
    }


def test_void_pixels_count_for_nothing(runs: RunStore) -> None:
    given = tiny.inputs()
    valid = given.valid.copy()
    valid[:, 16:] = False
    run = carried_out(runs, replace(given, valid=valid))
    folder = runs.folder(run.id)
    seen = labels(folder / artefacts.PREDICTION_ADVERSARIAL)[:, :16]
    assert run.results["pixel_accuracy_8bit"] == pytest.approx(
        (seen == given.target[:, :16]).mean(), abs=1e-9
    )


def test_grey_images_of_16_bits_are_measured_against_the_file_they_would_be(runs: RunStore) -> None:
    values = np.random.default_rng(2).integers(0, 65536, (1, 32, 32)).astype(np.float32)
    given = replace(tiny.inputs(), image=values / np.float32(65535))
    run = carried_out(runs, given, config={"steps": 2})
    saved = np.asarray(Image.open(runs.folder(run.id) / artefacts.ADVERSARIAL)) / 255.0
    assert saved.shape == (32, 32)
    original = np.asarray(Image.open(runs.folder(run.id) / artefacts.ORIGINAL)) / 255.0
    np.testing.assert_allclose(original, given.image[0], atol=0.5 / 255 + 1e-6)
    assert run.results["l2_8bit"] == pytest.approx(np.linalg.norm(saved - original), rel=1e-4)


def sixteen_bits() -> Any:
    values = np.random.default_rng(2).integers(0, 65536, (1, 32, 32)).astype(np.float32)
    return replace(tiny.inputs(), image=values / np.float32(65535))


@pytest.mark.parametrize("budget", [0.03, 0.8226])
def test_an_l2_budget_holds_in_the_file_whatever_the_bits_of_the_original(
    runs: RunStore, budget: float
) -> None:
    config = {"steps": 5, "norm": "l2", "budget": budget, "target_iou": 1.0}
    for given in (sixteen_bits(), tiny.inputs()):
        run = carried_out(runs, given, attack="pgd", config=config)
        assert run.results["l2_8bit"] <= budget * (1 + 1e-6)
        assert not any("saved file" in said for said in run.results["warnings"])


def test_the_rounding_of_an_original_is_no_part_of_an_attack(runs: RunStore) -> None:
    region = np.zeros((32, 32), dtype=np.bool_)
    region[4:12, 4:12] = True
    within = replace(sixteen_bits(), region=region)
    run = carried_out(runs, within, attack="pgd", config={"steps": 5, "budget": 0.1})
    pictures = [
        np.asarray(Image.open(runs.folder(run.id) / name)).astype(int)
        for name in (artefacts.ORIGINAL, artefacts.ADVERSARIAL)
    ]
    changed = pictures[0] != pictures[1]
    assert changed.any() and not changed[~region].any()
    assert not any("saved file" in said for said in run.results["warnings"])


def test_an_original_at_its_target_comes_back_as_it_is_whatever_its_bits(runs: RunStore) -> None:
    first = carried_out(runs, sixteen_bits(), config={"steps": 1})
    seen = labels(runs.folder(first.id) / artefacts.PREDICTION_CLEAN)
    run = carried_out(runs, replace(sixteen_bits(), target=seen))
    assert (run.outcome, run.results["l2"], run.results["l2_8bit"]) == ("already there", 0.0, 0.0)


def test_a_file_beyond_its_budget_is_said(runs: RunStore) -> None:
    config = {"steps": 20, "budget": 20.8 / 255, "rounding": False, "target_iou": 1.0}
    run = carried_out(runs, attack="pgd", config=config)
    assert run.results["linf_8bit"] == pytest.approx(21 / 255)
    assert any("outside the budget" in warning for warning in run.results["warnings"])


def test_a_run_that_is_not_queued_is_left_alone(runs: RunStore) -> None:
    run = carried_out(runs)
    assert execute.execute(runs, run.id) == run
    with pytest.raises(UnknownRunError):
        execute.execute(runs, "00000000")


def test_the_keyboard_leaves_an_interrupted_run(runs: RunStore) -> None:
    run = runs.create(tiny.request(), tiny.inputs())

    def watch(report: StepReport) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        execute.execute(runs, run.id, watch)
    ended = runs.get(run.id)
    assert ended.state == INTERRUPTED and "keyboard" in ended.message
    assert list((runs.home / "work").iterdir()) == []


def test_a_network_that_is_gone_fails_the_run(runs: RunStore) -> None:
    run = runs.create(tiny.request(), tiny.inputs())
    (runs.home / "models" / f"{tiny.MODEL}.toml").unlink()
    (runs.home / "models" / f"{tiny.MODEL}.safetensors").unlink()
    ended = execute.execute(runs, run.id)
    assert ended.state == FAILED and tiny.MODEL in ended.message


def test_nothing_changes_outside_the_region(runs: RunStore) -> None:
    region = np.zeros((tiny.SIZE, tiny.SIZE), dtype=np.bool_)
    region[:, :20] = True
    run = carried_out(runs, replace(tiny.inputs(), region=region))
    original, adversarial = (
        np.asarray(Image.open(runs.folder(run.id) / name))
        for name in (artefacts.ORIGINAL, artefacts.ADVERSARIAL)
    )
    changed = (original != adversarial).any(axis=-1)
    assert changed.any() and not changed[:, 20:].any()
    assert run.results["region_share"] == pytest.approx(20 / 32)
    written = np.asarray(Image.open(runs.folder(run.id) / artefacts.REGION))
    assert np.array_equal(written > 0, region)
    # What is repeated has the same region.
    again = runs.inputs(run).region
    assert again is not None and np.array_equal(again, region)


def test_a_region_far_from_what_must_change_is_told(runs: RunStore) -> None:
    given = tiny.inputs()
    region = np.zeros((tiny.SIZE, tiny.SIZE), dtype=np.bool_)
    region[31, 31] = True
    run = carried_out(runs, replace(given, region=region), config=tiny.QUICK | {"steps": 2})
    assert any("touches none" in warning for warning in run.results["warnings"]) or run.message


@pytest.mark.parametrize(
    ("region", "says"),
    [(np.zeros((32, 32), bool), "is empty"), (np.ones((8, 8), bool), "a region of 32 x 32")],
)
def test_a_region_that_can_not_be_used_is_a_sentence(
    runs: RunStore, region: NDArray[np.bool_], says: str
) -> None:
    with pytest.raises(InputError, match=says):
        runs.create(tiny.request(), replace(tiny.inputs(), region=region))


def test_a_run_without_a_region_has_the_inputs_that_it_always_had(runs: RunStore) -> None:
    packed = tiny.inputs().packed()
    assert RunInputs.unpacked(packed).region is None
    with np.load(io.BytesIO(packed)) as arrays:
        assert set(arrays) == {"image", "target", "valid", "truth"}


def test_what_is_scored_is_float32_whatever_leads_the_attack(runs: RunStore) -> None:
    run = carried_out(runs, precision="bfloat16")
    folder = runs.folder(run.id)
    seen = tiny.bare_prediction(tiny.MODEL, runs.home, folder / artefacts.ADVERSARIAL)
    assert np.array_equal(labels(folder / artefacts.PREDICTION_ADVERSARIAL), seen)
    assert (run.results["precision"], run.spec.execution.precision) == ("bfloat16", "bfloat16")
    assert run.results["success"]


def test_a_network_that_can_not_be_compiled_is_a_warning_and_the_run_goes_on(
    runs: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("no compiler here")

    monkeypatch.setattr(torch, "compile", broken)
    run = carried_out(runs, compiled=True)
    assert run.results["success"]
    assert any("no compiler here" in warning for warning in run.results["warnings"])


def test_runs_from_before_there_were_precisions_are_read(runs: RunStore) -> None:
    old = carried_out(runs).spec.as_dict()
    del old["precision"], old["compiled"]
    read = spec_from_dict(old).execution
    assert (read.precision, read.compiled) == ("auto", False)
