"""Does an attack on one network fool another: networks by whose weights it can be worked out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asma_core.cli.main import main
from asma_core.data.datasets import open_dataset
from asma_core.errors import AsmaError
from asma_core.experiments.plan import pairs_of
from asma_core.experiments.store import ExperimentStore
from asma_core.experiments.transfer import Showing, carry_out, looked_at, problems
from asma_core.experiments.transfer_plan import (
    OTHERS,
    TransferPlan,
    TransferPlans,
    asked_attacks,
    attackers,
    transfer_plan_from_dict,
)
from asma_core.experiments.transfer_table import answer, matrix, rows, sentences, written
from asma_core.models.sources.cards import model_cards
from asma_core.models.sources.ensembles import keep_ensemble
from asma_core.runs.store import RunStore
from tests import tiny

# What each sees of red, green and blue; brighter than MIDDLE is disc.
LOOKS = {"red": (1, 0, 0), "green": (0, 1, 0), "both": (0.5, 0.5, 0), "dark": (-1, 0, 0)}
MIDDLE = 100.5 / 255
FACTORY = """
import torch
from torch import nn


class Linear(nn.Module):
    def __init__(self, weights, middle):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weights, dtype=torch.float32).view(1, 3, 1, 1))
        self.middle = middle

    def forward(self, images):
        score = (images * self.weight).sum(dim=1, keepdim=True) - self.middle
        return torch.cat((-score, score), dim=1)


def make(weights, middle):
    return Linear(weights, middle)
"""
LEVELS = 25


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ASMA_HOME", str(tmp_path))
    tiny.furnish(tmp_path)
    folder = tmp_path / "models"
    (folder / "linear.py").write_text(FACTORY)
    for name, weights in LOOKS.items():
        middle = MIDDLE if sum(weights) > 0 else -MIDDLE
        (folder / f"{name}.toml").write_text(
            f'name = "{name}"\ntitle = "{name}"\ndescription = "Linear."\n'
            f'dataset = "{tiny.DATASET}"\n'
            f'[program]\nkind = "factory"\nfactory = "linear:make"\n'
            f"arguments = {{weights = {list(map(float, weights))}, middle = {middle!r}}}\n"
            "[input]\nchannels = 3\nsize = 0\nmultiple = 1\n"
            '[[classes]]\nname = "background"\n[[classes]]\nname = "disc"\n'
        )
    return tmp_path


def plan(*models: str, goals: tuple[str, ...] = ("away",), **more: Any) -> TransferPlan:
    pairs = pairs_of(open_dataset(tiny.DATASET), 2)
    settings = {"steps": "4", "budget": repr(LEVELS / 255), "stop_at_target": "false"}
    attacks = asked_attacks(["pgd"], goals, settings, loss="1.0")
    return TransferPlan(models, tiny.DATASET, pairs, attacks, **more)


def levels(sample: str) -> np.ndarray:
    """The pixels of an image, (32, 32, 3), as numbers of levels."""
    return tiny.image_pixels(int(sample)).astype(np.int64)


def seen(name: str, pixels: np.ndarray) -> np.ndarray:
    """What a network says of pixels, by hand."""
    red, green = pixels[..., 0], pixels[..., 1]
    if name == "both":
        return red + green > 201
    return {"red": red > 100, "green": green > 100, "dark": red <= 100}[name]


def lost(before: np.ndarray, after: np.ndarray) -> float:
    return 1.0 - (before & after).sum() / (before | after).sum()


def test_each_cell_is_what_can_be_worked_out(home: Path) -> None:
    """Away from the prediction: each pixel goes by the budget to the other side, on its channels.

    A network that looks at another channel sees nothing of it.
    """
    showings = carry_out(ExperimentStore(RunStore()), plan("red", "green", "both"))
    assert problems(showings) == []
    made = [one for one in showings if one.attacker != OTHERS]
    assert len(made) == 3 * 3 * 2
    for one in made:
        pixels = levels(one.cell.sample)
        side = np.where(seen(one.attacker, pixels), -LEVELS, LEVELS)[..., None]
        moved = np.clip(pixels + side * (np.array(LOOKS[one.attacker]) > 0), 0, 255)
        expected = lost(seen(one.victim, pixels), seen(one.victim, moved))
        assert one.seen is not None and one.seen.score == pytest.approx(expected)
        if {one.attacker, one.victim} == {"red", "green"}:
            assert one.seen.score == 0.0
        elif one.attacker == one.victim:
            assert one.seen.score > 0.0
        truth = tiny.mask_labels(int(one.cell.sample)) > 0
        assert one.clean_iou == pytest.approx(1.0 - lost(truth, seen(one.victim, pixels)))
    ensembles = [one for one in showings if one.attacker == OTHERS]
    assert [one.victim for one in ensembles] == ["red", "red", "green", "green", "both", "both"]


def test_the_diagonal_is_what_the_runs_say_and_nothing_is_made_again(home: Path) -> None:
    store, passed = ExperimentStore(RunStore()), []
    asked = plan("red", "both", goals=("towards", "away"))
    showings = carry_out(store, asked, passed.append)
    assert passed == sorted(passed) and passed[-1] == 8
    for one in showings:
        if one.attacker == one.victim:
            run = store.runs.get(one.cell.run_id)
            assert one.seen is not None and one.seen.score == pytest.approx(
                run.results["score_8bit"]
            )
            assert one.seen.success == run.results["success"]
    count, networks = len(store.runs.newest()), set(model_cards())
    assert carry_out(store, asked) == showings
    assert (len(store.runs.newest()), set(model_cards())) == (count, networks)
    # With two networks, all others are the other one: there is no such row.
    assert {one.attacker for one in showings} == {"red", "both"}


def test_what_was_stopped_goes_on_where_it_was(home: Path) -> None:
    store, asked = ExperimentStore(RunStore()), plan("red", "green")

    def stop(done: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        carry_out(store, asked, stop)
    with pytest.raises(AsmaError, match="not all attacks have ended"):
        looked_at(store, asked)
    first = {run.id for run in store.runs.newest()}
    assert len(carry_out(store, asked)) == 8
    assert first < {run.id for run in store.runs.newest()}


def test_the_ensemble_of_all_but_one_is_kept_once_under_a_name_of_its_own(home: Path) -> None:
    mine = keep_ensemble(["green", "both"], "mine")
    asked = plan("red", "green", "both")
    made = {one.shown_to: one.card for one in attackers(asked) if one.label == OTHERS}
    assert made[("red",)] == mine
    assert made[("green",)].name == "all-but-green" and made[("green",)].members == ("red", "both")
    count = len(model_cards())
    attackers(asked)
    assert len(model_cards()) == count
    assert {one.label for one in attackers(plan("red", "green", "both", others=False))} == {
        "red", "green", "both",
    }  # fmt: skip


def test_a_network_that_fails_is_a_sentence_and_hides_no_other(home: Path) -> None:
    showings = carry_out(ExperimentStore(RunStore()), plan("red", "green", tiny.NAN, others=False))
    told = " ".join(problems(showings))
    assert "NaN" in told and tiny.NAN in told
    table = {(row["attacker"], row["victim"]): row for row in rows(showings)}
    assert table["red", tiny.NAN]["mean_score"] is None and table["red", tiny.NAN]["failed"] == 2
    assert table["red", "red"]["failed"] == 0 and table[tiny.NAN, "red"]["n"] == 0


def test_bad_plans_are_sentences(home: Path) -> None:
    with pytest.raises(AsmaError, match="name two or more"):
        attackers(plan("red"))
    with pytest.raises(AsmaError, match="red is named twice"):
        attackers(plan("red", "red"))
    with pytest.raises(AsmaError, match="3 classes"):
        attackers(plan("red", tiny.THREE))
    with pytest.raises(AsmaError, match="'up' is no goal"):
        asked_attacks(["pgd"], ["up"], {})
    with pytest.raises(AsmaError, match="none of these attacks leads away"):
        asked_attacks(["minimal"], ["away"], {})


def test_an_attack_that_can_not_lead_away_is_asked_for_towards_alone() -> None:
    made = asked_attacks(["minimal", "pgd"], ["towards", "away"], {"target_iou": "0.9"})
    assert [one.label for one in made] == ["minimal", "pgd", "pgd, away"]
    assert [one.config["target_iou"] for one in made] == [0.9, 0.9, 0.5]


def test_a_plan_comes_back_from_its_file(home: Path) -> None:
    plans, asked = TransferPlans(home), plan("red", "green")
    assert transfer_plan_from_dict(json.loads(json.dumps(asked.as_dict()))) == asked
    assert plans.get(plans.keep(asked)) == asked and plans.newest() == [asked.id]
    plans.delete(asked.id)
    with pytest.raises(AsmaError, match="the Defences page lists"):
        plans.get(asked.id)


def showing(attacker: str, victim: str, sample: str, success: bool, **more: Any) -> Showing:
    from asma_core.experiments.cells import Cell
    from asma_core.experiments.shown_files import Seen

    (attack,) = asked_attacks(["pgd"], ["towards"], {})
    cell = Cell("pgd", "pgd", sample, "t", f"{attacker}{sample}", {"x": 1}, "")
    given = {"clean_iou": 0.9, "already": False, "seen": Seen(success, float(success), 0.4)}
    return Showing(attacker, victim, attack, cell, **(given | more))


def test_rates_leave_out_who_was_there_and_the_interval_is_wilson_s() -> None:
    own = [showing("a", "b", str(at), at < 3) for at in range(8)]
    own += [showing("a", "b", "8", True, already=True), showing("a", "b", "9", False, seen=None)]
    (row,) = rows(own)
    assert (row["successes"], row["n"], row["already"], row["failed"]) == (3, 8, 1, 1)
    # Wilson: (p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n), z = 1.959964.
    p, n, z = 3 / 8, 8, 1.959964
    middle, half = p + z * z / (2 * n), z * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5
    assert row["low"] == pytest.approx((middle - half) / (1 + z * z / n), abs=1e-6)
    assert row["high"] == pytest.approx((middle + half) / (1 + z * z / n), abs=1e-6)
    assert row["mean_score"] == pytest.approx(4 / 9)


def test_the_tables_and_words_say_what_the_rows_say(tmp_path: Path) -> None:
    own = [
        showing(made_on, shown_to, str(at), (made_on == shown_to) or (shown_to == "b" and at < 1))
        for made_on in ("a", "b")
        for shown_to in ("a", "b")
        for at in range(2)
    ]
    own += [showing(OTHERS, name, str(at), True) for name in ("a", "b") for at in range(2)]
    table = rows(own)
    assert sentences(table) == [
        "PGD reaches its goal 4 of 4 times on the network that a file was made on, and 1 of 4 "
        "times on another; made on all others together, 4 of 4 times. It goes furthest from a to "
        "b: 1 of 2."
    ]
    titles, lines = matrix(table, "pgd")
    assert titles == ["pgd: made on", "a", "b"]
    assert lines == [
        ["a", "2 of 2 (1.00)", "1 of 2 (0.50)"],
        ["b", "0 of 2 (0.00)", "2 of 2 (1.00)"],
        [OTHERS, "2 of 2 (1.00)", "2 of 2 (1.00)"],
    ]
    there = [showing("a", "b", "0", False, already=True)]
    assert sentences(rows(there)) == ["PGD: each image is at the goal before it is attacked."]
    files = written(tmp_path, own)
    assert "| clean IoU | 0.900 | 0.900 |" in Path(files["transfer.md"]).read_text()
    assert Path(files["transfer.tex"]).read_text().count("toprule") == 1
    assert Path(files["transfer.csv"]).read_text().splitlines()[1].startswith("pgd,a,a,0.9,2,2,1.0")


def test_the_command_says_it_all(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = f"transfer --models red,green,both --dataset {tiny.DATASET} --samples 2 --attacks pgd"
    more = f"--steps 3 --made-to-transfer --out {home / 'out'} --json"
    assert main([*words.split(), *more.split()]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["models"] == ["red", "green", "both"] and len(found["sentences"]) == 2
    assert len(found["rows"]) == 2 * (9 + 3) and found["problems"] == []
    assert all(Path(path).exists() for path in found["files"].values())
    assert answer(plan("red", "green"), [])["rows"] == []
    assert main([*words.split()[:1], "--models", "red", *words.split()[3:]]) == 2
    assert "name two or more" in capsys.readouterr().err
