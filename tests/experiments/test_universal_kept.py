"""What was learned of a universal change is kept part by part: stopped, broken, gone on with."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from asma_core.attacks.universal import UniversalConfig
from asma_core.cli.main import main
from asma_core.data.datasets import open_dataset
from asma_core.errors import InputError, RunStateError, StoreError, UnknownExperimentError
from asma_core.experiments import universal, universal_parts
from asma_core.experiments.universal import learn_missing
from asma_core.experiments.universal_execute import execute
from asma_core.experiments.universal_parts import NOISE, WITHOUT, Parts
from asma_core.experiments.universal_plan import (
    UniversalPlan,
    most_to_learn_on,
    universal_plan,
    universal_plan_from_dict,
)
from asma_core.experiments.universal_store import UniversalStore
from asma_core.experiments.universal_table import answer, files, sentences
from asma_core.models.sources.cards import find_card
from asma_core.runs.run import DONE, FAILED, INTERRUPTED, QUEUED, RUNNING
from tests import tiny

STEPS = 4


@pytest.fixture
def store(home: Path) -> UniversalStore:
    tiny.furnish(home)
    return UniversalStore(home)


def plan_of(goal: str = "hide", images: int = 4, **more: Any) -> UniversalPlan:
    config = UniversalConfig(steps=STEPS, budget=0.2)
    values = {"config": config, "device": "cpu"} | more
    card, dataset = find_card(tiny.MODEL), open_dataset(tiny.DATASET)
    return universal_plan(card, dataset, images, 9, goal, **values)


def learn(store: UniversalStore, plan: UniversalPlan, on_step: Any = lambda _: None) -> str:
    assert store.queue(plan)
    execute(store, plan.id, on_step)
    return store.learning(plan.id).state


def everything(folder: Path) -> dict[str, bytes]:
    """All files of a plan but how far it is, which has times in it."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "progress.json"
    }


def at(step: int, act: Callable[[], object]) -> Callable[[int], None]:
    def on_step(now: int) -> None:
        if now == step:
            act()

    return on_step


@pytest.mark.parametrize("goal", ["hide", "away", "mask"])
def test_a_plan_is_the_same_when_it_is_read_again(store: UniversalStore, goal: str) -> None:
    plan = plan_of(goal, target="03")
    again = universal_plan_from_dict(json.loads(json.dumps(plan.as_dict())))
    assert again == plan and again.id == plan.id
    assert plan.target == ("03" if goal == "mask" else "")


def test_what_was_stopped_goes_on_with_the_missing_and_ends_as_if_it_had_not_been(
    store: UniversalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of()
    parts = store.parts(plan.id)
    monkeypatch.setattr("asma_core.experiments.universal_execute.LOOK_EVERY", 0.0)
    # Step 6 is the second of the change on two images.
    state = learn(store, plan, at(STEPS + 2, lambda: store.ask_to_stop(plan.id)))
    assert (state, parts.made(plan)) == ("stopped", (1,))
    now = parts.progress()
    assert now is not None and (now["count"], now["step"]) == (2, 2) and now["left"] > 0
    assert not store.is_complete(plan) and answer(plan, parts)["rows"][-1]["images"] == 1
    first = everything(store.home / "universal" / plan.id)
    asked: list[int] = []
    assert learn(store, plan, asked.append) == DONE
    assert asked == [*range(STEPS, 2 * STEPS + 1), *range(2 * STEPS, 3 * STEPS + 1)]
    stopped = everything(store.home / "universal" / plan.id)
    assert first.items() <= stopped.items() and parts.made(plan) == (1, 2, 4)
    shutil.rmtree(store.home / "universal" / plan.id)
    learn_missing(plan, parts)
    assert everything(store.home / "universal" / plan.id) == stopped


def test_the_right_number_of_steps_is_told_when_the_first_is_there(store: UniversalStore) -> None:
    plan = plan_of(images=2)
    assert learn(store, plan) == DONE
    shutil.rmtree(store.home / "universal" / plan.id / "2")
    told: list[int] = []
    assert learn(store, plan, told.append) == DONE
    assert told == [STEPS + step for step in range(STEPS + 1)]


@pytest.mark.parametrize("file", ["change.npy", "0.png", "1-mask.png", "row.json"])
def test_a_part_that_broke_while_it_was_written_is_none(
    store: UniversalStore, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    plan = plan_of(images=2)
    write = universal_parts.write_bytes

    def full(path: Path, data: bytes) -> None:
        if path.name == file and path.parent.name == "2":
            raise StoreError("the disk is full; free some space and repeat")
        write(path, data)

    with monkeypatch.context() as patched:
        patched.setattr(universal_parts, "write_bytes", full)
        patched.setattr(
            universal_parts,
            "write_json",
            lambda path, value: full(path, json.dumps(value).encode()),
        )
        assert learn(store, plan) == FAILED
    assert "disk is full" in store.learning(plan.id).message
    assert store.parts(plan.id).made(plan) == (1,)
    assert learn(store, plan) == DONE and store.learning(plan.id).message == ""
    assert store.parts(plan.id).made(plan) == (1, 2)


def test_what_ran_in_a_dead_process_is_interrupted_and_what_waited_is_taken_over(
    store: UniversalStore,
) -> None:
    ran, waited = plan_of(images=1), plan_of(images=2)
    for plan, state in ((ran, RUNNING), (waited, QUEUED)):
        assert store.queue(plan)
        with store._database.writing() as database:
            database.execute(
                "UPDATE universal SET owner = 'vm-1-00', state = ? WHERE id = ?", (state, plan.id)
            )
    assert store.recover() == [waited.id]
    left = store.learning(ran.id)
    assert left.state == INTERRUPTED and "what was learned is kept" in left.message
    assert store.recover() == [] and store.learning(waited.id).state == QUEUED
    assert learn(store, ran) == DONE


def test_another_network_under_the_name_is_not_gone_on_with(store: UniversalStore) -> None:
    plan = plan_of(images=1)
    card = store.home / "models" / f"{tiny.MODEL}.toml"
    card.write_text(card.read_text().replace("mean = [0.5", "mean = [0.25"))
    with pytest.raises(InputError, match="have changed since this was asked"):
        learn_missing(plan, store.parts(plan.id))
    assert plan_of(images=1).id != plan.id


def test_it_is_deleted_with_what_was_learned_but_not_while_it_goes_on(
    store: UniversalStore,
) -> None:
    plan, other = plan_of(images=1), plan_of("away", images=1)
    learn(store, other)
    store.queue(plan)
    with pytest.raises(RunStateError, match="stop it before"):
        store.delete(plan.id)
    store.ask_to_stop(plan.id)
    assert store.learning(plan.id).state == "stopped"
    store.delete(plan.id)
    assert not (store.home / "universal" / plan.id).exists()
    assert store.plans.newest() == [other.id] and store.is_complete(other)
    with pytest.raises(UnknownExperimentError):
        store.delete(plan.id)


def test_the_command_and_the_page_have_the_same_plan(
    store: UniversalStore, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = f"universal --model {tiny.MODEL} --dataset {tiny.DATASET} --images 2 --json"
    more = f"--unseen 9 --steps {STEPS} --budget 0.2 --device cpu"
    assert main([*words.split(), *more.split()]) == 0
    found = json.loads(capsys.readouterr().out)
    plan = plan_of(images=2)
    assert found["id"] == plan.id and store.plans.newest() == [plan.id]
    assert store.is_complete(plan) and answer(plan, store.parts(plan.id))["rows"] == found["rows"]

    def again(*_: Any) -> None:
        raise AssertionError("what is there was learned again")

    monkeypatch.setattr(universal, "_Work", again)
    assert main([*words.split(), *more.split()]) == 0


def test_the_command_says_that_another_process_learns_it(
    store: UniversalStore, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = plan_of(images=2)
    assert store.queue(plan) and store.claim(plan.id)
    words = f"universal --model {tiny.MODEL} --dataset {tiny.DATASET} --images 2 --unseen 9"
    assert main([*words.split(), *f"--steps {STEPS} --budget 0.2 --device cpu".split()]) == 2
    assert "another process learns this change" in capsys.readouterr().err


@pytest.mark.parametrize("state", [QUEUED, RUNNING])
def test_the_command_goes_on_with_what_a_dead_process_left(
    store: UniversalStore, capsys: pytest.CaptureFixture[str], state: str
) -> None:
    plan = plan_of(images=2)
    assert store.queue(plan)
    with store._database.writing() as database:
        database.execute("UPDATE universal SET owner = 'vm-1-00', state = ?", (state,))
    words = f"universal --model {tiny.MODEL} --dataset {tiny.DATASET} --images 2 --unseen 9 --json"
    assert main([*words.split(), *f"--steps {STEPS} --budget 0.2 --device cpu".split()]) == 0
    assert json.loads(capsys.readouterr().out)["id"] == plan.id
    assert store.learning(plan.id).state == DONE


def test_nothing_learned_is_a_sentence_and_a_damaged_change_too(store: UniversalStore) -> None:
    plan = plan_of(images=1)
    parts = store.parts(plan.id)
    with pytest.raises(RunStateError, match="nothing was learned yet"):
        answer(plan, parts)
    learn(store, plan)
    change = np.load(store.home / "universal" / plan.id / "1" / "change.npy")
    assert change.shape == (3, 32, 32) and np.abs(change).max() <= np.float32(0.2)
    assert np.array_equal(parts.change(1), change)
    (store.home / "universal" / plan.id / "1" / "change.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(StoreError, match="is damaged"):
        files(plan, parts)


def test_the_unseen_images_are_kept_without_and_with_the_change(store: UniversalStore) -> None:
    plan = plan_of("away", images=2)
    learn(store, plan)
    parts = store.parts(plan.id)
    before, after = parts.pictures(WITHOUT), parts.pictures(2)
    assert len(before) == len(after) == 2
    for place, index in enumerate((6, 7)):
        original = _decoded(before[place][0])
        assert np.array_equal(original, tiny.image_pixels(index))
        moved = _decoded(after[place][0]).astype(int) - original
        wanted = np.rint(255 * parts.change(2)).transpose(1, 2, 0)
        inside = (original + wanted > 1) & (original + wanted < 254)
        assert inside.any() and np.abs(moved - wanted)[inside].max() <= 1
        # Away from what the network said itself: its IoU with the other outline is the score.
        clean, said = (_decoded(one[place][1]) > 0 for one in (before, after))
        lost = 1 - (clean & said).sum() / (clean | said).sum()
        assert parts.row(2)["scores"][place] == pytest.approx(lost)
    assert parts.row(WITHOUT)["score"] == 0 and parts.row(NOISE)["score_learned"] is None


def _decoded(data: bytes) -> Any:
    return np.asarray(Image.open(io.BytesIO(data)))


def rows(*successes: int, n: int = 16) -> list[dict[str, Any]]:
    counts = [NOISE, *(2**place for place in range(len(successes) - 1))]
    return [
        {"images": count, "n": n, "successes": won, "budget": 8 / 255}
        for count, won in zip(counts, successes, strict=True)
    ]


def test_the_sentence_is_in_plain_words(store: UniversalStore) -> None:
    plan = plan_of(images=4)
    assert sentences(plan, rows(0, 0, 1, 3)) == [
        "One change of at most 8/255 that was learned on 4 images hides nine tenths of the outline "
        "on 3 of 16 images that it has never seen; noise of the same size on none.",
        "Half of the most that were fooled takes 4 images to learn on.",
    ]
    away = replace(plan_of("away"), config=UniversalConfig(norm="l2"))
    (told,) = sentences(away, [row | {"budget": 1.5} for row in rows(1, 0)])
    assert told.startswith("One change of an L2 of at most 1.5 that was learned on 1 image takes")
    assert "half of the overlap with what the network said on none of 16" in told
    assert told.endswith("noise of the same size on 1.")
    mask = plan_of("mask", target="03", wanted=0.8)
    assert "draw the mask of 03 (IoU 0.8) on 2 of 16" in sentences(mask, rows(0, 2))[0]
    assert "at the goal before anything is changed" in sentences(plan, rows(0, 0, n=0))[0]


def test_a_set_without_masks_can_be_hidden_and_left_but_has_no_mask_to_draw(
    store: UniversalStore,
) -> None:
    folder = store.home / "datasets" / "bare"
    shutil.copytree(store.home / "datasets" / tiny.DATASET / "images", folder / "images")
    card = {"title": "Bare", "layout": "images"}
    (folder / "dataset.json").write_text(json.dumps(card))
    dataset = open_dataset("bare")
    assert not dataset.masked and most_to_learn_on(dataset) == 7
    given = (find_card(tiny.MODEL), dataset, 1, 2)
    config = UniversalConfig(steps=2)
    plan = universal_plan(*given, "hide", config=config)
    assert plan.learned_on == ("00",) and plan.judged_on == ("01", "02")
    assert learn(store, plan) == DONE
    with pytest.raises(InputError, match="has no mask"):
        universal_plan(*given, "mask", target="00", config=config)


def test_there_is_no_part_in_an_empty_folder(tmp_path: Path) -> None:
    parts = Parts(tmp_path / "none")
    assert parts.progress() is None and not parts.has(1)
