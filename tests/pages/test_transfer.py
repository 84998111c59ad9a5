"""Transfer on Defences: the form, what there is, and what is gone."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from asma_core.data.datasets import open_dataset
from asma_core.defences.contract import Defence
from asma_core.experiments.plan import pairs_of
from asma_core.experiments.transfer_plan import TransferPlan, asked_attacks
from asma_core.jobs.experiments import ExperimentRunner
from asma_core.jobs.transfer import TransferRunner
from asma_core.models.sources.cards import find_card, model_cards
from asma_core.models.sources.defending import keep_defended
from tests.pages.small_house import DATASET, MODEL, House, address, errors, furnish, texts, visit
from ui.common import services
from ui.defences.transfer_figures import heat_map


@pytest.fixture
def house(home: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    yield furnish(home, monkeypatch)


@pytest.fixture
def runner(house: House, monkeypatch: pytest.MonkeyPatch) -> TransferRunner:
    """What keeps plans; nothing carries their experiments out."""
    experiments = ExperimentRunner(house.jobs)
    monkeypatch.setattr(experiments, "start", lambda _: True)
    made = TransferRunner(house.home, experiments, SimpleNamespace())
    monkeypatch.setattr(services, "transfer", lambda: made)
    keep_defended(find_card(MODEL), Defence("jpeg"), "second")
    keep_defended(find_card(MODEL), Defence("median"), "third")
    return made


def plan() -> TransferPlan:
    pairs = pairs_of(open_dataset(DATASET), 1)
    return TransferPlan((MODEL, "second"), DATASET, pairs, asked_attacks(["pgd"], ["away"], {}))


def choose(*names: str) -> Any:
    app = visit("defences", room="transfer")
    assert errors(app) == []
    app.multiselect(key=f"transfer-form-networks-{DATASET}").set_value(list(names)).run()
    return app


def test_three_networks_are_attacked_alone_and_all_but_one(
    house: House, runner: TransferRunner
) -> None:
    app = choose(MODEL, "second", "third")
    # Two pairs, PGD towards and away, three networks and three ensembles.
    assert "At most 24 runs: 2 pairs, 3 networks, 3 ensembles of all others, PGD" in texts(app)
    app.button(key="transfer-form-start").click().run()
    assert errors(app) == []
    (plan_id,) = runner.plans.newest()
    assert address(app) == {"plan": plan_id, "room": "transfer"}
    made = runner.plans.get(plan_id)
    assert made.models == (MODEL, "second", "third") and made.others
    assert [row.label for row in made.attacks] == ["pgd", "pgd, away"]
    assert [row.config["target_iou"] for row in made.attacks] == [0.9, 0.5]
    assert {f"all-but-{name}" for name in made.models} <= set(model_cards())
    assert "Stopped at 0 of 24 runs" in texts(app)
    app = visit("defences", room="transfer")
    assert [one.value for one in app.subheader] == ["Earlier"]
    assert "stopped at 0 of 24" in texts(app)


def test_one_network_is_too_few_and_two_have_no_others(
    house: House, runner: TransferRunner
) -> None:
    app = choose(MODEL)
    assert app.button(key="transfer-form-start").disabled
    assert "choose a second one" in app.info[0].value and "1 network, PGD" in texts(app)
    app = choose(MODEL, "second")
    assert app.toggle(key="transfer-form-others").disabled
    assert "At most 8 runs: 2 pairs, 2 networks, PGD" in texts(app)
    app.toggle(key="transfer-form-made").set_value(True).run()
    app.button(key="transfer-form-start").click().run()
    made = runner.plans.get(runner.plans.newest()[0])
    assert {row.config["momentum"] for row in made.attacks} == {1.0}
    assert all(row.config["whole_budget"] for row in made.attacks)


def test_an_attack_that_can_not_lead_away_is_a_sentence(
    house: House, runner: TransferRunner
) -> None:
    app = choose(MODEL, "second")
    app.multiselect(key="transfer-form-attacks").set_value(["minimal"])
    app.segmented_control(key="transfer-form-goals").set_value(["away"]).run()
    assert any("None of these attacks leads away" in one for one in errors(app))
    assert app.button(key="transfer-form-start").disabled


def test_what_is_gone_is_a_sentence_and_a_plan_can_be_forgotten(
    house: House, runner: TransferRunner
) -> None:
    assert any(
        "Defences page lists" in one
        for one in errors(visit("defences", room="transfer", plan="nothing"))
    )
    kept = runner.plans.keep(plan())
    app = visit("defences", room="transfer", plan=kept)
    assert app.button(key="defences-resume").label == "Go on"
    app.button(key="defences-delete").click().run()
    assert runner.plans.newest() == [] and address(app) == {"room": "transfer"}


def row(attacker: str, victim: str, successes: int, n: int = 4) -> dict[str, Any]:
    return {
        "attack": "pgd", "attacker": attacker, "victim": victim, "successes": successes, "n": n,
        "success_rate": successes / n if n else None, "low": 0.1, "high": 0.9, "already": 0,
        "mean_score": 0.5, "iou": None,
    }  # fmt: skip


def test_the_heat_map_has_a_cell_for_each_two_and_all_others_last() -> None:
    rows = [row("a", "a", 4), row("all others", "a", 3), row("b", "a", 1), row("b", "b", 0, 0)]
    drawing = heat_map(rows, {"a": 0.912, "b": None}, "pgd")
    cells, points = drawing.data
    assert list(cells.y) == ["a", "b", "all others"]
    assert list(cells.x) == ["a<br>clean IoU 0.912", "b"]
    assert [list(line) for line in cells.z] == [[1.0, None], [0.25, None], [0.75, None]]
    assert [list(line) for line in cells.text] == [
        ["4 of 4", ""],
        ["1 of 4", "n/a"],
        ["3 of 4", ""],
    ]
    assert [tuple(names) for names in points.customdata] == [
        ("a", "a"), ("b", "a"), ("b", "b"), ("all others", "a"),
    ]  # fmt: skip
