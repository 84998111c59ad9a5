"""What survives of a run: the figures by hand, and a sentence where there is nothing to look at."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from asma_core.api.surviving import survives
from asma_core.cli.main import main
from asma_core.errors import InputError, ModelError, RunStateError, UnknownNameError
from asma_core.files import read_json
from asma_core.runs.execute import execute
from asma_core.runs.run import CANCELLED, Run
from asma_core.runs.store import RunStore
from asma_core.runs.survival import Survived, survival
from asma_core.runs.survival_words import in_words
from asma_core.treatments.registry import TREATMENTS
from tests import tiny


@pytest.fixture
def runs(home: Path) -> RunStore:
    tiny.furnish(home)
    return RunStore()


def attacked(runs: RunStore, given: Any = None, **more: Any) -> Run:
    asked = {"attack": "minimal", "config": {"steps": 20, "target_iou": 0.8}} | more
    inputs = tiny.inputs() if given is None else given
    return execute(runs, runs.create(tiny.request(**asked), inputs).id)


def by_name(runs: RunStore, run: Run) -> dict[str, Survived]:
    return {one.treatment.name: one for one in survival(runs, run)}


def iou(one: Any, other: Any) -> float:
    return float(((one == 1) & (other == 1)).sum() / ((one == 1) | (other == 1)).sum())


def test_the_untouched_file_has_the_run_s_own_figures(runs: RunStore) -> None:
    run = attacked(runs)
    found = by_name(runs, run)
    assert list(found) == ["untouched", *TREATMENTS]
    first = found["untouched"]
    assert first.adversarial.score == run.results["score_8bit"]
    assert first.original.score == run.results["score_before"]
    assert first.reached == (run.results["score_8bit"] >= 0.8)


def test_a_treated_file_is_what_the_bare_network_says_of_it(
    runs: RunStore, home: Path, tmp_path: Path
) -> None:
    run = attacked(runs)
    found = by_name(runs, run)
    for source, seen in (
        ("adversarial", found["jpeg-70"].adversarial),
        ("original", found["jpeg-70"].original),
    ):
        mailed = tmp_path / f"{source}.jpg"
        Image.open(runs.folder(run.id) / f"{source}.png").save(mailed, quality=70)
        said = tiny.bare_prediction(tiny.MODEL, home, mailed)
        assert np.array_equal(seen.prediction, said)
        assert seen.score == pytest.approx(iou(said, tiny.mask_labels(2)))
        assert seen.truth_iou == pytest.approx(iou(said, tiny.mask_labels(0)))


def test_a_turned_prediction_is_turned_back_and_lost_corners_do_not_count(runs: RunStore) -> None:
    found = by_name(runs, attacked(runs))["rotation"].original
    # The network finds bright discs; a turned one lies elsewhere, and is judged where it was.
    said, truth = found.prediction, tiny.mask_labels(0)
    back = Image.fromarray(said.astype(np.int32)).rotate(-1, fillcolor=-1)
    assert found.truth_iou == pytest.approx(iou(np.asarray(back), np.where(
        np.asarray(back) == -1, 0, truth)))  # fmt: skip


def test_without_a_truth_it_is_undefined(runs: RunStore) -> None:
    found = by_name(runs, attacked(runs, replace(tiny.inputs(), truth=None)))
    assert np.isnan(found["half"].adversarial.truth_iou)
    assert found["half"].figures()["truth_iou"] is None


@pytest.mark.parametrize("kind", ["flat", "grey", "hide", "away", "void"])
def test_every_kind_of_run_has_figures(runs: RunStore, kind: str) -> None:
    given, config = tiny.inputs(), {"steps": 3}
    attack = "minimal"
    if kind == "flat":
        given = replace(given, image=np.full_like(given.image, 0.5))
    elif kind == "grey":
        given = replace(given, image=np.ascontiguousarray(given.image[:1]))
    elif kind == "hide":
        given = replace(given, target=np.zeros_like(given.target))
    elif kind == "void":
        valid = given.valid.copy()
        valid[:, :16] = False
        given = replace(given, valid=valid)
    else:
        attack, config = "pgd", {"steps": 3, "goal_is": "away from the prediction"}
    run = attacked(runs, given, attack=attack, config=config)
    found = by_name(runs, run)
    assert len(found) == 1 + len(TREATMENTS)
    assert found["untouched"].adversarial.score == pytest.approx(run.results["score_8bit"])


def test_a_cancelled_run_works_and_one_without_a_result_is_a_sentence(runs: RunStore) -> None:
    queued = runs.create(tiny.request(tiny.SLOW), tiny.inputs())
    ended = execute(runs, queued.id, lambda report: report.step > 2)
    assert ended.state == CANCELLED and len(by_name(runs, ended)) == 1 + len(TREATMENTS)
    waiting = runs.create(tiny.request(), tiny.inputs())
    with pytest.raises(RunStateError, match=f"run {waiting.id} has no result"):
        by_name(runs, waiting)


def test_a_network_that_is_gone_or_changed_is_a_sentence(runs: RunStore, home: Path) -> None:
    run = attacked(runs)
    card = home / "models" / f"{tiny.MODEL}.toml"
    text = card.read_text()
    card.write_text(text.replace("mean = [0.5", "mean = [0.4"))
    with pytest.raises(ModelError, match="changed"):
        by_name(runs, run)
    card.unlink()
    with pytest.raises(UnknownNameError, match=tiny.MODEL):
        by_name(runs, run)


def figures(*reached: bool) -> list[dict[str, Any]]:
    return [{"title": f"T{place}", "reached": one} for place, one in enumerate(reached)]


def test_it_is_said_in_a_sentence() -> None:
    assert in_words(figures(True, True, True)) == "The goal stands after 2 of 2 treatments."
    assert "none of 2" in in_words(figures(True, False, False))
    assert in_words(figures(True, True, False)).endswith("1 of 2 treatments. Lost after: T2.")
    assert "nothing to survive" in in_words(figures(False, True, False))


def test_the_command_and_python_say_the_same(
    runs: RunStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = attacked(runs)
    out = tmp_path / "out"
    assert main(["survives", "--run", run.id, "--json", "--out", str(out)]) == 0
    (tmp_path / "said.json").write_text(capsys.readouterr().out)
    said = read_json(tmp_path / "said.json")
    assert said["run_id"] == run.id and len(said["treatments"]) == 1 + len(TREATMENTS)
    assert sorted(said["files"]) == sorted(path.name for path in out.iterdir())
    table = survives(run.id)
    assert list(table["name"]) == [one["name"] for one in said["treatments"]]
    assert list(table["score"]) == [one["score"] for one in said["treatments"]]
    assert main(["survives", "--run", "deadbeef"]) == 2
    assert "no run is called" in capsys.readouterr().err
    with pytest.raises(InputError, match="not a folder"):
        survives(run.id, home=tmp_path / "nowhere")
