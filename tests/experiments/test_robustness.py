"""Does a defence hold: trials on a tiny network, what they come to, and the report."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from asma_core.cli.main import main
from asma_core.data.datasets import open_dataset
from asma_core.defences.contract import Defence
from asma_core.errors import AsmaError, InputError
from asma_core.experiments.cells import Cell
from asma_core.experiments.plan import pairs_of, variant
from asma_core.experiments.robustness import Trial, carry_out, looked_at, problems
from asma_core.experiments.robustness_chart import NO_TRUTH, chart
from asma_core.experiments.robustness_plan import (
    RobustnessPlan,
    RobustnessPlans,
    behind,
    other_network,
    parsed,
    robustness_plan_from_dict,
)
from asma_core.experiments.robustness_report import answer, report
from asma_core.experiments.robustness_table import points, rows, sentences
from asma_core.experiments.shown_files import Seen
from asma_core.experiments.store import ExperimentStore
from asma_core.models.sources.cards import find_card, model_cards
from asma_core.models.sources.defending import keep_defended
from asma_core.reviews.psychometric import Fit
from asma_core.reviews.store import ReviewStore
from asma_core.runs.store import RunStore
from tests import tiny
from tests.reviews.made_reviews import answer_all, right

JPEG = Defence("jpeg", {"quality": 60})
QUICK = {"steps": "10", "target_iou": "0.8"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ASMA_HOME", str(tmp_path))
    return tiny.furnish(tmp_path)


def plan(**more: Any) -> RobustnessPlan:
    pairs = pairs_of(open_dataset(tiny.DATASET), 2)
    given = {"attacks": (variant("pgd", QUICK), variant("minimal", QUICK)), "defences": (JPEG,)}
    return RobustnessPlan(tiny.MODEL, tiny.DATASET, pairs, **(given | more))


def test_each_network_is_attacked_and_asked_about_the_bare_one_s_files(home: Path) -> None:
    store, passed = ExperimentStore(RunStore()), []
    trials = carry_out(store, plan(), passed.append)
    assert [one.defence for one in trials] == ["none"] * 4 + ["JPEG (quality 60)"] * 4
    assert [one.attack.label for one in trials] == ["pgd", "minimal"] * 4
    assert passed[-1] == 8 and passed == sorted(passed)
    assert problems(trials) == []
    bare, behind_it = trials[:4], trials[4:]
    for one in bare:
        # What the bare network says of its own file is what its run says.
        assert one.knowing == one.unknowing and one.knowing is not None
        run = store.runs.get(one.cell.run_id)
        assert one.knowing.success == run.results["success"]
        assert one.knowing.score == pytest.approx(run.results["score_8bit"])
    for one, other in zip(behind_it, bare, strict=True):
        run = store.runs.get(one.cell.run_id)
        assert run.spec.model == "tiny-unet-jpeg" == one.network
        assert one.knowing is not None and one.clean_iou is not None
        assert one.knowing.score == pytest.approx(run.results["score_8bit"])
        assert (one.cell.sample, one.cell.target) == (other.cell.sample, other.cell.target)
    # Asked again, nothing is made again: neither runs nor networks.
    networks = set(model_cards())
    again = carry_out(store, plan())
    assert again == trials and set(model_cards()) == networks


def test_another_network_is_set_beside_as_a_defence_is(home: Path) -> None:
    twin = another(home, "twin")
    asked = plan(defences=(), attacks=(variant("pgd", QUICK),), others=(twin,))
    assert asked.total == 4 and robustness_plan_from_dict(asked.as_dict()) == asked
    store = ExperimentStore(RunStore())
    trials = carry_out(store, asked)
    assert [(one.defence, one.network) for one in trials] == [
        ("none", tiny.MODEL)] * 2 + [(twin, twin)] * 2  # fmt: skip
    # The weights are the same, so each file does to one what it does to the other.
    for bare, beside in zip(trials[:2], trials[2:], strict=True):
        assert beside.unknowing == bare.knowing == beside.knowing
    found = answer(asked, trials)
    assert f"{twin} stops PGD on 0 of" in " ".join(found["sentences"])


def test_a_plan_of_before_keeps_its_id_and_has_no_other_networks(home: Path) -> None:
    values = plan().as_dict()
    assert "others" not in values and robustness_plan_from_dict(values) == plan()


def test_another_network_that_can_t_stand_beside_is_a_sentence(home: Path) -> None:
    store = ExperimentStore(RunStore())
    for name, sentence in (
        (tiny.THREE, "has 3 classes and tiny-unet 2"),
        (tiny.MODEL, "is the bare network itself"),
        ("nothing", "nothing"),
    ):
        with pytest.raises(AsmaError, match=sentence):
            carry_out(store, plan(others=(name,)))
    with pytest.raises(InputError, match="say which network"):
        other_network("network:")
    assert other_network("network:x") == "x" and other_network("jpeg:quality=3") is None


def another(home: Path, name: str) -> str:
    """Keep the tiny network once more under another name."""
    folder = home / "models"
    text = (folder / f"{tiny.MODEL}.toml").read_text()
    (folder / f"{name}.toml").write_text(text.replace(f'name = "{tiny.MODEL}"', f'name = "{name}"'))
    return name


def test_a_network_that_stands_behind_the_defence_already_is_taken(home: Path) -> None:
    bare = find_card(tiny.MODEL)
    mine = keep_defended(bare, JPEG, "mine")
    assert behind(bare, JPEG) == mine
    other = behind(bare, Defence("jpeg", {"quality": 61}))
    assert other.name == "tiny-unet-jpeg"
    # The quality that is not said is the default.
    usual = behind(bare, Defence("jpeg"))
    assert usual.name == "tiny-unet-jpeg-2"
    assert behind(bare, Defence("jpeg", {"quality": 75})) == usual


def test_a_defence_of_a_defended_network_is_a_sentence(home: Path) -> None:
    keep_defended(find_card(tiny.MODEL), JPEG, "mine")
    with pytest.raises(AsmaError, match=tiny.MODEL):
        carry_out(ExperimentStore(RunStore()), replace(plan(), model="mine"))


def test_what_another_process_carries_out_is_a_sentence(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ExperimentStore(RunStore())
    monkeypatch.setattr(store, "claim", lambda _: False)
    with pytest.raises(AsmaError, match="another process"):
        carry_out(store, plan())


def test_plans_are_kept_and_what_has_not_ended_is_not_looked_at(home: Path) -> None:
    plans, asked = RobustnessPlans(home), plan()
    assert plans.newest() == [] and plans.keep(asked) == plans.keep(asked) == asked.id
    assert plans.newest() == [asked.id] and plans.get(asked.id) == asked
    assert robustness_plan_from_dict(json.loads(json.dumps(asked.as_dict()))) == asked
    assert asked.id != plan(defences=()).id and asked.total == 8
    with pytest.raises(AsmaError, match="not all attacks"):
        looked_at(ExperimentStore(RunStore()), asked)
    (home / "robustness" / "broken.json").write_text("[]")
    for unknown in ("nothing", "broken", "../runs"):
        with pytest.raises(AsmaError, match="Defences page"):
            plans.get(unknown)
    plans.delete(asked.id)
    assert plans.newest() == ["broken"]


def test_texts_are_read_as_defences() -> None:
    assert parsed("none") is None
    assert parsed("jpeg") == Defence("jpeg", {"quality": 75})
    assert parsed("jpeg:quality=85") == Defence("jpeg", {"quality": 85})
    for text in ("garlic", "jpeg:85", "jpeg:quality=x", "jpeg:colour=1", "jpeg:quality=0"):
        with pytest.raises(AsmaError):
            parsed(text)


def seen(success: bool, iou: float | None = 0.5) -> Seen:
    return Seen(success, 0.9 if success else 0.1, iou)


def trial(
    defence: str, sample: int, knowing: bool, unknowing: bool, attack: str = "pgd", **more: Any
) -> Trial:
    row = variant(attack, {})
    results = {"l2_8bit": 1.0 + sample, "outcome": "success" if knowing else "goal not reached"}
    cell = Cell(row.label, attack, str(sample), "other", "run", results, "")
    ious = {"clean": 0.9, "after": 0.3, "before": 0.6} | more
    return Trial(
        defence,
        "net",
        row,
        cell,
        ious["clean"],
        seen(knowing, ious["after"]),
        seen(unknowing, ious["before"]),
    )


# Of three images the bare network is fooled on 0 and 1.
BARE = [trial("none", at, at < 2, at < 2) for at in range(3)]


def test_rates_are_over_what_fools_the_bare_network() -> None:
    own = [trial("fog", 0, True, False), trial("fog", 1, False, False), trial("fog", 2, True, True)]
    table = rows([*BARE, *own])
    row = table[1]
    assert (row["n"], row["fooled"], row["failed"]) == (3, 2, 0)
    assert row["knowing"]["successes"] == 1 and row["knowing"]["success_rate"] == 0.5
    assert row["unknowing"]["successes"] == 0 and not row["hidden"]
    assert row["knowing"]["l2_of_successes"] == 1.0
    assert row["clean_iou"] == pytest.approx(0.9) and row["knowing"]["iou"] == pytest.approx(0.3)
    assert sentences(table) == [
        "fog stops PGD on 2 of 2 images that it fools the bare network on (3 were attacked), and "
        "the attack that knows it on 1. That one fools it on 1 more, on which the bare network "
        "was not fooled."
    ]


def test_hidden_gradients_are_told() -> None:
    own = [trial("fog", at, False, at == 0) for at in range(3)]
    table = rows([*BARE, *own])
    assert table[1]["hidden"]
    assert "gradients are hidden" in sentences(table)[0]
    boxes = [trial("none", at, True, True, "square") for at in range(3)]
    mine = [trial("fog", at, False, False) for at in range(3)]
    mine += [trial("fog", at, at < 1, False, "square") for at in range(3)]
    (first, second) = sentences(rows([*BARE, *boxes, *mine]))
    assert "black box fools it more often" in first
    assert second == "fog stops Square on 3 of 3 images, and the attack that knows it on 2."


def test_a_black_box_that_fools_nobody_is_not_spoken_of() -> None:
    boxes = [trial(name, at, False, False, "square") for name in ("none", "fog") for at in range(3)]
    own = [trial("fog", at, True, True) for at in range(3)]
    assert len(sentences(rows([*BARE, *own, *boxes]))) == 1
    nothing = [trial("none", 0, False, False), trial("fog", 0, False, False)]
    assert "says nothing of fog" in sentences(rows(nothing))[0]


def test_robust_is_what_the_worst_attack_on_each_image_leaves() -> None:
    own = [
        trial("fog", 0, True, False, "pgd", after=0.4, before=0.8),
        trial("fog", 0, True, False, "minimal", after=0.6, before=0.7),
        trial("fog", 1, True, False, "pgd", after=0.9, before=0.5),
        trial("fog", 1, True, False, "minimal", after=0.2, before=None),
    ]
    (point,) = points(own)
    assert point["before"] == pytest.approx((0.7 + 0.5) / 2)
    assert point["after"] == pytest.approx((0.4 + 0.2) / 2)
    assert "fog" in chart([point]) and chart([point]).count("<line") == 1
    unknown = [trial("fog", 0, True, True, clean=None, after=None, before=None)]
    assert points(unknown)[0]["after"] is None and chart(points(unknown)) == NO_TRUTH


def test_an_attack_that_failed_is_told_and_counted(home: Path) -> None:
    broken = replace(BARE[0].cell, run_id="", results={}, message="no memory")
    failed = Trial("fog", "net", BARE[0].attack, broken, None, None, None)
    assert problems([failed]) == ["pgd on 0 (fog): no memory"]
    (_, row) = table = rows([*BARE, failed])
    assert sentences(table) == ["PGD could not be made against fog: all of its runs failed."]
    assert (row["failed"], row["knowing"]["successes"], row["clean_iou"]) == (1, 0, None)


def test_the_command_line_writes_a_report_that_needs_nothing_else(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report"
    given = ["--model", tiny.MODEL, "--dataset", tiny.DATASET, "--samples", "2", "--steps", "5"]
    chosen = ["--defences", "none,jpeg:quality=60", "--attacks", "pgd", "--set", "target_iou=0.8"]
    assert main(["robustness", *given, *chosen, "--out", str(out), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    # The black box is the check, asked for or not.
    assert [row["attack"] for row in answer["rows"]] == ["pgd", "square"] * 2
    assert answer["sentences"] and answer["problems"] == []
    # As an experiment does, it appears on its page.
    (kept,) = RobustnessPlans(home).newest()
    assert RobustnessPlans(home).get(kept).model == tiny.MODEL
    page = (out / "report.html").read_text()
    assert page.count("data:image/png;base64,") >= 3 and "<script" not in page
    assert not re.search(r"""(src|href)=["'](?!data:)""", page)
    assert "What was not tried" in page and "asma" in page.partition("not tried")[2]
    assert "JPEG (quality 60)" in (out / "robustness.csv").read_text()
    assert (out / "robustness.tex").read_text().count(r"\\") == 5
    assert (out / "robustness.md").read_text().count("\n") == 6


def test_the_report_says_what_people_noticed(home: Path) -> None:
    asked = plan(attacks=(variant("pgd", QUICK),))
    store = ExperimentStore(RunStore(home))
    trials = carry_out(store, asked)
    assert "What people noticed" not in report(store.runs, asked, trials)
    made = [store.runs.get(run) for run in {one.cell.run_id for one in trials}]
    reviews = ReviewStore(home)
    review = reviews.create(made, "choice")
    # Nobody has said anything yet.
    assert "What people noticed" not in report(store.runs, asked, trials)
    answer_all(reviews, review, "<b>Ann</b>", right)
    page = report(store.runs, asked, trials)
    count = len(review.items)
    assert f"Found in {count} of {count} answers (100 %" in page and "1 reviewer," in page
    assert f"<td>PGD</td><td>{count}</td><td>{count}</td><td>100 %</td>" in page
    assert "<b>Ann" not in page
    assert "No curve over the size of the change: too few answers for a curve" in page


def test_the_report_says_where_people_begin_to_notice(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = plan(attacks=(variant("pgd", QUICK),))
    store = ExperimentStore(RunStore(home))
    trials = carry_out(store, asked)
    made = [store.runs.get(run) for run in {one.cell.run_id for one in trials}]
    reviews = ReviewStore(home)
    answer_all(reviews, reviews.create(made, "choice"), "Ann", right)
    curve = Fit(0.5, 2.0, False, 0.73, 0.5, 0.9, 0.1, 3.2, 40)
    monkeypatch.setattr("asma_core.reviews.curves.fit", lambda *_: curve)
    page = report(store.runs, asked, trials)
    for measure in ("L2", "Linf", "CIEDE2000, mean"):
        assert f"75 % at {measure} 0.73 (95 %: 0.5 to 0.9)." in page


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--defences", "garlic"], "defence"),
        (["--defences", "network:"], "say which network"),
        (["--defences", f"network:{tiny.THREE}"], "3 classes"),
        (["--attacks", ","], "at least one attack"),
        (["--attacks", "garlic"], "attack"),
        (["--samples", "3"], "pairs"),
    ],
)
def test_what_can_t_be_asked_is_a_sentence(
    home: Path, capsys: pytest.CaptureFixture[str], more: list[str], says: str
) -> None:
    given = ["--model", tiny.MODEL, "--dataset", tiny.DATASET, "--samples", "2", *more]
    assert main(["robustness", *given]) == 2
    assert says in capsys.readouterr().err
