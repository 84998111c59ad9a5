"""Runs that are made to survive: recorded, never batched, and older records as they were."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import asma_core as asma
from asma_core.cli.main import main
from asma_core.experiments.plan import Plan, plan_from_dict, variant
from asma_core.runs import artefacts
from asma_core.runs.execute import execute, execute_together
from asma_core.runs.execution import DEFAULT, Execution
from asma_core.runs.export import command_line, run_row
from asma_core.runs.run import DONE
from asma_core.runs.spec import spec_from_dict
from asma_core.runs.store import RunStore
from asma_core.runs.survival import survival
from asma_core.treatments.registry import DRAWS
from tests import tiny

CONFIG = {"steps": 20, "target_iou": 0.8}


@pytest.fixture
def runs(home: Path) -> RunStore:
    tiny.furnish(home)
    return RunStore()


def queued(runs: RunStore, survives: bool = True, index: int = 0) -> str:
    request = tiny.request(CONFIG, attack="minimal", survives=survives)
    return runs.create(request, tiny.inputs(index, index + 2)).id


def test_a_record_of_a_run_that_is_not_is_as_before(runs: RunStore) -> None:
    spec = runs.get(queued(runs, survives=False)).spec
    assert "survives" not in spec.as_dict() and "survives" not in spec.identity
    assert spec_from_dict(spec.as_dict()) == spec
    made = replace(spec, execution=Execution(survives=True))
    assert made.identity != spec.identity and made.recipe != spec.recipe
    assert spec_from_dict(json.loads(json.dumps(made.as_dict()))) == made


def test_a_plan_that_is_not_is_as_before() -> None:
    plan = Plan("m", "d", (("a", "b"),), (variant("pgd", {}),))
    assert "survives" not in plan.as_dict() and plan_from_dict(plan.as_dict()) == plan
    made = replace(plan, execution=Execution(survives=True))
    assert plan_from_dict(json.loads(json.dumps(made.as_dict()))) == made
    assert set(DEFAULT.as_dict()) - set(DEFAULT.recorded()) == {"survives"}


def test_it_survives_more_and_says_so(runs: RunStore) -> None:
    bare, made = (execute(runs, queued(runs, survives)) for survives in (False, True))
    assert (bare.state, made.state) == (DONE, DONE) and made.success
    assert made.results["draws"] == DRAWS and "draws" not in bare.results
    stands = [
        sum(one.adversarial.score for one in list(survival(runs, run))[1:]) for run in (bare, made)
    ]
    assert stands[1] > stands[0]
    assert run_row(made)["made_to_survive"] and not run_row(bare)["made_to_survive"]
    assert "--survive" in command_line(made) and "--survive" not in command_line(bare)


def test_each_is_attacked_alone_whatever_it_is_queued_with(runs: RunStore) -> None:
    together = execute_together(runs, [queued(runs, index=index) for index in range(2)])
    assert [run.results["batch"] for run in together] == [1, 1]
    alone = execute(runs, queued(runs, index=1))
    files = [
        (runs.folder(run.id) / artefacts.ADVERSARIAL).read_bytes() for run in (together[1], alone)
    ]
    assert files[0] == files[1]


@pytest.mark.parametrize(
    ("attack", "more"),
    [
        ("pgd", {"goal_is": "away from the prediction"}),
        ("asma", {}),
        ("square", {}),
        ("dla", {}),
        ("worst-case", {}),
    ],
)
def test_every_kind_of_attack_can_be(runs: RunStore, attack: str, more: dict[str, str]) -> None:
    request = tiny.request({"steps": 4} | more, attack=attack, survives=True)
    run = execute(runs, runs.create(request, tiny.inputs()).id)
    assert run.state == DONE, run.message


def test_the_command_line_and_python_have_the_switch(
    runs: RunStore, capsys: pytest.CaptureFixture[str]
) -> None:
    words = f"attack --model {tiny.MODEL} --dataset {tiny.DATASET} --sample 0 --target-sample 2"
    more = "--attack minimal --set steps=20 --set target_iou=0.8 --survive --json"
    assert main(f"{words} {more}".split()) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["made_to_survive"] is True and said["draws"] == DRAWS
    dataset = asma.open_dataset(tiny.DATASET)
    torch.set_num_threads(1)
    result = asma.attack(tiny.MODEL, dataset[0], dataset[2], survive=True, **CONFIG)
    assert isinstance(result, asma.Result) and result.figures["made_to_survive"]
    assert "made to survive" in repr(result) and "made to survive" in result._repr_html_()
    assert result.l2 == pytest.approx(said["l2_8bit"])
    several = asma.attack(tiny.MODEL, dataset[:2], dataset[2], survive=True, **CONFIG)
    assert isinstance(several, asma.Results) and several[0].l2 == pytest.approx(result.l2)
