"""The Compare page: choosing a run, its figures, its files, and the other runs of its image."""

from __future__ import annotations

import io
import json
import math
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from streamlit.testing.v1 import AppTest

from asma_core.errors import StoreError
from asma_core.experiments.clean_suspicions import keep_clean
from asma_core.runs import artefacts
from asma_core.runs.run import CANCELLED, DONE, Run
from asma_core.runs.store import RECORD
from tests.pages import made_runs
from tests.pages.made_runs import Made
from tests.pages.small_house import (
    DATASET,
    MODEL,
    NASTY,
    House,
    address,
    errors,
    furnish,
    image_count,
    texts,
    visit,
)
from ui.compare import view as compare_run
from ui.compare.pictures import comparison_of
from ui.compare.run_choice import comparable_runs
from ui.comparison.payload import Curves

VIEW = {
    "mode": "slider",
    "times": "40",
    "difference": "absolute",
    "channel": "red",
    "overlays": "truth",
    "fill": "1",
    "opacity": "0.5",
    "zoom": "2.5",
    "x": "0.25",
    "y": "0.75",
    "divider": "0.3",
    "left": "run",
    "right": "original",
}


@pytest.fixture(autouse=True)
def house(home: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    return furnish(home, monkeypatch)


def finished(house: House, made: Made | None = None, state: str = DONE, seed: int = 0) -> Run:
    """Make a run with a whole trajectory, which ends at step 84."""
    run = made_runs.finished(house.runs, made, state, seed=seed)
    names = ("score", "iou", "pixel_accuracy", "l2", "linf")
    trajectory: dict[str, Any] = {"step": [0, 84], "best_step": 84, "chosen": {}}
    trajectory |= {name: [0.1, 0.9] for name in names}
    file = house.runs.folder(run.id) / artefacts.TRAJECTORY
    file.write_text(json.dumps(trajectory))
    return run


def hidden(house: House) -> Run:
    """Make a run whose target has no structure: what an overlap would be is undefined."""
    run = made_runs.queued(house.runs)
    assert house.runs.claim(run.id)
    undefined = {
        "iou": None,
        "iou_per_class": [1.0, None, None],
        "dice_per_class": [1.0, None, None],
        "hausdorff_95_per_class": [None, None],
        "psnr": None,
    }
    results = made_runs.figures(Made(iou=None)) | {"score": 0.75, "score_8bit": 0.7412}
    results |= {
        name + end: value for name, value in undefined.items() for end in ("", "_before", "_8bit")
    }
    staged = house.runs.work_folder(run.id) / "result"
    staged.mkdir(parents=True)
    made_runs._write_files(staged, made_runs.inputs())
    trajectory: dict[str, Any] = {"step": [0, 84], "best_step": 84, "chosen": {}}
    trajectory |= {name: [None, 0.7] for name in ("score", "iou", "pixel_accuracy", "l2", "linf")}
    (staged / artefacts.TRAJECTORY).write_text(json.dumps(trajectory))
    record = {"id": run.id, "state": DONE, "spec": run.spec.as_dict(), "results": results}
    (staged / RECORD).write_text(json.dumps(record))
    house.runs.finish(run.id, DONE, staged, results)
    return house.runs.get(run.id)


def table(app: AppTest) -> dict[str, tuple[str, str, str]]:
    """Return the figures by their label: before, float, 8-bit."""
    rows = app.dataframe[0].value.to_dict("records")
    return {row["Figure"]: (row["Before"], row["Float"], row["8-bit file"]) for row in rows}


def links(app: AppTest) -> list[tuple[str, str]]:
    return [(link.proto.page, link.proto.query_string) for link in app.get("page_link")]


# Choosing a run -------------------------------------------------------------------------------


def test_without_runs_it_says_what_to_do() -> None:
    app = visit("compare")
    assert errors(app) == []
    assert "run an attack first" in app.info[0].value
    assert [page for page, _ in links(app)] == ["attack"]


@pytest.mark.parametrize("run_id", ["deadbeef", "../../..", "<script>", "'; DROP TABLE runs"])
def test_an_unknown_run_is_a_sentence(house: House, run_id: str) -> None:
    finished(house)
    (sentence,) = errors(visit("compare", run=run_id))
    assert "no run" in sentence.lower()


@pytest.mark.parametrize(
    ("message", "words"), [("", "not ended yet"), (f"bad {NASTY}", f"bad {NASTY}")]
)
def test_a_run_without_a_result_says_so_and_leads_to_it(
    house: House, message: str, words: str
) -> None:
    run = made_runs.failed(house.runs, message) if message else made_runs.queued(house.runs)
    app = visit("compare", run=run.id)
    assert errors(app) == []
    assert words in texts(app)
    assert "<script>" not in app.info[0].value
    assert links(app) == [("attack", f"run={run.id}")]


def test_without_an_address_it_shows_the_newest_that_has_a_result(house: House) -> None:
    run = finished(house)
    made_runs.failed(house.runs, "no")
    made_runs.queued(house.runs)
    app = visit("compare")
    assert errors(app) == []
    assert address(app)["run"] == run.id


def test_a_link_with_a_view_opens_that_view(house: House) -> None:
    run = finished(house)
    app = visit("compare", run=run.id, frame="0", **VIEW)
    assert errors(app) == []
    assert address(app) == {"run": run.id, "frame": "0", **VIEW}


@pytest.mark.parametrize("value", ["<script>", "-1", "9" * 40, "", "\N{BOMB}"])
def test_a_strange_view_in_the_address_is_harmless(house: House, value: str) -> None:
    run = finished(house)
    app = visit("compare", run=run.id, **dict.fromkeys([*VIEW, "frame"], value))
    assert errors(app) == []
    # What is as always is not in the address.
    assert not {"mode", "frame", "difference", "channel", "zoom", "left"} & set(address(app))


def test_a_page_that_shows_what_it_always_shows_leaves_the_address_alone(house: House) -> None:
    run = finished(house)
    app = visit("compare", run=run.id)
    assert address(app) == {"run": run.id}


def test_an_older_run_than_those_listed_comes_last(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = finished(house), finished(house)
    monkeypatch.setattr("ui.compare.run_choice.MOST_LISTED", 1)
    assert [run.id for run in comparable_runs(old)] == [new.id, old.id]
    assert [run.id for run in comparable_runs(new)] == [new.id]
    assert address(visit("compare", run=old.id))["run"] == old.id


# What it shows --------------------------------------------------------------------------------


def test_the_figures_stand_beside_each_other_with_their_digits(house: House) -> None:
    app = visit("compare", run=finished(house).id)
    assert errors(app) == []
    figures = table(app)
    assert figures["IoU"] == ("0.981", "0.981", "0.981")
    assert figures["Pixel accuracy"] == ("0.9980", "0.9980", "0.9980")
    assert figures["L2"] == ("n/a", "2.410", "2.410")
    assert figures["Linf"] == ("n/a", "0.0900", "0.0900")
    assert figures["PSNR"] == ("n/a", "38.2 dB", "38.2 dB")
    assert figures["SSIM"] == ("n/a", "0.9700", "0.9700")
    assert figures["IoU, cup"] == ("0.981", "0.981", "0.981")
    assert figures["Dice, rim"] == ("0.990", "0.990", "0.990")
    assert figures["Hausdorff 95, rim"] == ("1.0 px", "1.0 px", "1.0 px")
    assert figures["Hausdorff 95, cup"] == ("2.0 px", "2.0 px", "2.0 px")
    assert "Structure removed" not in figures
    assert "85 gradient evaluations in 6.2 s on cpu" in texts(app)


def test_the_figures_of_the_viewer_are_those_of_each_step_and_of_the_result(house: House) -> None:
    run = finished(house)
    shown = comparison_of(run)
    first, result = shown.frames
    assert first.figures == (
        ("IoU", "0.100"), ("L2", "0.10"), ("Linf", "0.100"), ("Pixel accuracy", "0.1000"),
    )  # fmt: skip
    assert result.label == "result, step 84"
    assert result.figures == (
        ("IoU", "0.981"), ("L2", "2.41"), ("Linf", "0.090"), ("Pixel accuracy", "0.9980"),
    )  # fmt: skip
    assert shown.curves == Curves("IoU", run.wanted, (0, 84), (0.1, 0.9), (0.1, 0.9))
    visible = dict(shown.visible)
    # The made-up result is its original, brighter by two 8-bit values everywhere.
    l2 = 2 / 255 * math.sqrt(3 * 32 * 32)
    assert (visible["L2"], visible["Linf"]) == (f"{l2:.2f}", "0.008")
    assert visible["PSNR"] == f"{-20 * math.log10(2 / 255):.1f} dB"
    assert visible["Changed by more than 2 levels"] == "0.0 %"
    assert 0 < float(visible["CIEDE2000, mean"]) <= float(visible["CIEDE2000, 99 %"]) < 2


def test_the_figures_of_a_hide_run_are_what_is_removed(house: House) -> None:
    shown = comparison_of(hidden(house))
    assert shown.frames[-1].figures[0] == ("Structure removed", "0.741")
    assert shown.frames[0].figures[0] == ("Structure removed", "n/a")


def test_a_hide_run_says_what_is_removed_and_what_is_undefined(house: House) -> None:
    app = visit("compare", run=hidden(house).id)
    assert errors(app) == []
    figures = table(app)
    assert figures["Structure removed"] == ("1.000", "0.750", "0.741")
    assert figures["IoU"] == ("n/a", "n/a", "n/a")
    assert figures["IoU, cup"] == ("n/a", "n/a", "n/a")
    assert figures["Hausdorff 95, rim"] == ("n/a", "n/a", "n/a")
    assert figures["PSNR"] == ("n/a", "n/a", "n/a")


def test_a_cancelled_run_with_a_result_is_shown(house: House) -> None:
    app = visit("compare", run=finished(house, state=CANCELLED).id)
    assert errors(app) == []
    assert "success, stopped" in texts(app), "two facts"


def test_a_network_whose_card_is_gone_leaves_the_classes_of_the_record(house: House) -> None:
    run = finished(house)
    (house.home / "models" / f"{MODEL}.toml").unlink()
    app = visit("compare", run=run.id)
    assert errors(app) == []
    assert {"IoU, rim", "IoU, cup"} <= set(table(app))
    app.button(key="compare-repeat").click().run()
    assert "no model is called" in errors(app)[0].lower()
    assert table(app)


def test_repeat_goes_to_the_new_run(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    went: list[tuple[str, dict[str, str]]] = []
    app = visit("compare", run=finished(house).id)
    monkeypatch.setattr(
        "streamlit.switch_page", lambda page, query_params: went.append((page, query_params))
    )
    app.button(key="compare-repeat").click().run()
    assert went == [("pages/attack.py", {"run": house.runs.newest()[0].id})]


@pytest.mark.parametrize(
    "name", ["original.png", "adversarial.png", "snapshots/000000.png", "trajectory.json"]
)
def test_a_run_whose_files_are_gone_is_a_sentence(house: House, name: str) -> None:
    run = finished(house)
    (house.runs.folder(run.id) / name).unlink()
    (sentence,) = errors(visit("compare", run=run.id))
    assert run.id in sentence


@pytest.mark.parametrize("name", ["original.png", "adversarial.png", "target.png"])
def test_a_damaged_picture_is_a_sentence(house: House, name: str) -> None:
    run = finished(house)
    (house.runs.folder(run.id) / name).write_bytes(b"no picture")
    (sentence,) = errors(visit("compare", run=run.id))
    assert "PNG" in sentence


# Files ----------------------------------------------------------------------------------------


def test_each_file_and_the_zip_can_be_downloaded(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished(house)
    given: dict[str, Any] = {}
    monkeypatch.setattr(
        compare_run.st,
        "download_button",
        lambda label, data, file_name, **_: given.update({file_name: data()}),
    )
    assert errors(visit("compare", run=run.id)) == []
    archive = given.pop(f"asma-run-{run.id}.zip")
    folder = house.runs.folder(run.id)
    names = {*artefacts.FILES, artefacts.TRUTH}
    assert set(given) == {f"{run.id}-{name}" for name in names}
    assert all(given[f"{run.id}-{name}"] == (folder / name).read_bytes() for name in names)
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        for name in (*names, RECORD, "snapshots/000000.png"):
            assert opened.read(f"asma-run-{run.id}/{name}") == (folder / name).read_bytes()


def test_the_buttons_of_the_files_are_there(house: House) -> None:
    app = visit("compare", run=finished(house).id)
    labels = [button.label for button in app.download_button]
    assert labels == ["Everything in one zip", *artefacts.FILES, artefacts.TRUTH]


# Other runs -----------------------------------------------------------------------------------


def test_the_link_to_send_leads_to_what_is_shown(house: House) -> None:
    run = finished(house)
    app = visit("compare", run=run.id, mode="slider", left="run", right="original")
    [shown] = [one.value for one in app.code]
    query = dict(parse_qsl(urlsplit(shown).query))
    assert query == address(app) and query["run"] == run.id and query["mode"] == "slider"
    again = visit("compare", **query)
    assert errors(again) == [] and address(again) == query
    # Without an address the newest is shown, and the link names it.
    [newest] = [one.value for one in visit("compare").code]
    assert f"run={run.id}" in newest


def test_other_runs_of_the_image_are_listed_newest_first(house: House) -> None:
    first, second = finished(house), finished(house, Made(attack="asm"))
    finished(house, seed=1)
    made_runs.failed(house.runs, "no")
    shown = finished(house)
    app = visit("compare", run=shown.id)
    assert links(app) == [("compare", f"run={second.id}"), ("compare", f"run={first.id}")]
    assert "ASM   towards" in app.get("page_link")[0].proto.label


def test_a_run_alone_has_no_list(house: House) -> None:
    app = visit("compare", run=finished(house).id)
    assert "Other runs" not in texts(app)


# Names ----------------------------------------------------------------------------------------


def test_names_of_any_kind_are_shown_as_text(house: House) -> None:
    made = Made(image_name=NASTY, target_name=NASTY, dataset="")
    finished(house, made)
    run = finished(house, made)
    house.runs.judgements.annotate(run.id, note=NASTY, verdict=NASTY, tags=NASTY)
    app = visit("compare", run=run.id)
    assert errors(app) == []
    assert f"{NASTY} towards {NASTY}" in texts(app)
    assert "<script>" not in "".join(part.value for part in (*app.markdown, *app.caption))
    (link,) = app.get("page_link")
    assert NASTY in link.proto.label.replace("\\", "")
    assert r"\<script\>" in link.proto.label


def test_a_store_that_can_not_be_read_is_a_sentence(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(*_: object) -> None:
        raise StoreError("the database is damaged; restore it from a copy")

    monkeypatch.setattr(house.runs.search, "with_result", damaged)
    assert "restore it" in errors(visit("compare"))[0]


def test_an_old_run_of_the_image_stands_beside_whatever_came_since(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.compare.beside.MOST_OFFERED", 2)
    old = finished(house)
    for _ in range(4):
        finished(house, seed=1)  # of another image
    app = visit("compare", run=finished(house).id)
    assert errors(app) == []
    (beside,) = (box for box in app.multiselect if str(box.key).startswith("compare-beside-"))
    assert [option.split(",")[0] for option in beside.options] == [old.id]


def test_other_runs_of_the_image_can_stand_beside(house: House) -> None:
    first, second = finished(house), finished(house, Made(attack="asm", l2=3.5))
    third = finished(house, seed=1)  # of another image
    app = visit("compare", run=first.id)
    beside = app.multiselect(key=f"compare-beside-{first.id}")
    assert [option.split(",")[0] for option in beside.options] == [second.id]
    beside.set_value([second.id]).run()
    assert address(app)["with"] == second.id
    rows = {row["Figure"]: row for row in app.dataframe[0].value.to_dict("records")}
    assert (rows["L2"][first.id], rows["L2"][second.id]) == ("2.410", "3.500")
    assert rows["Attack"][second.id] == "ASM"
    assert third.id not in rows["L2"]


def test_the_address_names_the_runs_beside(house: House) -> None:
    first, second = finished(house), finished(house, Made(attack="asm"))
    gone, elsewhere = finished(house, Made(attack="asm")), finished(house, seed=1)
    house.runs.delete(gone.id)
    named = f"{second.id},{gone.id},{second.id},{elsewhere.id}"
    linked = visit("compare", run=first.id, **{"with": named})
    assert not linked.exception
    assert linked.multiselect(key=f"compare-beside-{first.id}").value == [second.id]
    assert [info.value.replace("\\", "") for info in linked.info] == [
        "Not beside it, though the address says so: "
        f"{gone.id} (deleted, or of another workbench); {elsewhere.id} (a run of another image)."
    ]
    alone = visit("compare", run=first.id, **{"with": "nothing"})
    assert not alone.exception
    assert "with" not in address(alone)


def test_two_quick_choices_are_both_kept(house: House) -> None:
    first, second, third = (finished(house, Made(l2=l2)) for l2 in (1.0, 2.0, 3.0))
    app = visit("compare", run=first.id)
    key = f"compare-beside-{first.id}"
    app.multiselect(key=key).set_value([second.id]).run()
    # The browser sends the second choice before it has heard of the new address.
    del app.query_params["with"]
    app.multiselect(key=key).set_value([second.id, third.id]).run()
    assert app.multiselect(key=key).value == [second.id, third.id]
    assert address(app)["with"] == f"{second.id},{third.id}"


def test_what_was_left_out_stays_told_until_something_is_chosen(house: House) -> None:
    first, second = finished(house), finished(house, Made(attack="asm"))
    app = visit("compare", run=first.id, **{"with": f"{second.id},nothing"})
    app.run()
    assert "Not beside it" in texts(app)
    app.multiselect(key=f"compare-beside-{first.id}").set_value([]).run()
    assert "Not beside it" not in texts(app)


def test_a_run_beside_without_its_files_takes_nothing_away(house: House) -> None:
    first, second = finished(house), finished(house, Made(attack="asm"))
    (house.runs.folder(second.id) / artefacts.ADVERSARIAL).unlink()
    app = visit("compare", run=first.id, **{"with": second.id})
    (error,) = errors(app)
    assert second.id in error
    assert len(app.dataframe) == 2


# What survives --------------------------------------------------------------------------------


def test_what_survives_is_asked_for_by_a_press_and_then_stands_there(house: House) -> None:
    run = finished(house)
    app = visit("compare", run=run.id)
    assert "What survives" in texts(app) and "JPEG 85" not in texts(app)
    app.button(key="compare-survival").click()
    app.run()
    assert errors(app) == []
    said = texts(app)
    assert "The goal stands after none of 2 treatments." in said
    for words in ("target 0.654", "truth 0.723", "original 0.312, truth 0.934", "target n/a"):
        assert words in said
    assert image_count(app) == 3
    again = visit("compare", run=run.id)
    assert "JPEG 85" in texts(again) and image_count(again) == 3


def test_what_can_t_be_worked_out_is_a_sentence_and_can_be_asked_again(house: House) -> None:
    run = finished(house)
    house.fails = True
    app = visit("compare", run=run.id)
    app.button(key="compare-survival").click()
    app.run()
    (sentence,) = errors(app)
    assert "the process that predicts ended" in sentence.lower()
    house.fails = False
    app.run()
    app.button(key="compare-survival").click()
    app.run()
    assert errors(app) == [] and "JPEG 85" in texts(app)


def test_a_run_that_was_made_to_survive_is_called_so(house: House) -> None:
    run = finished(house, Made(survives=True))
    app = visit("compare", run=run.id)
    assert errors(app) == [] and "made to survive on demo-fundus" in texts(app)


# Would a machine notice -----------------------------------------------------------------------


def test_detectors_are_asked_by_a_press_and_their_maps_are_the_viewers(house: House) -> None:
    run = finished(house)
    app = visit("compare", run=run.id, suspicion="entropy")
    assert "Would a machine notice?" in texts(app) and "| Entropy |" not in texts(app)
    # Maps that there are not are not in the address.
    assert "suspicion" not in address(app)
    app.button(key="compare-suspicion").click()
    app.run()
    assert errors(app) == []
    said = texts(app)
    assert "| Entropy | 0.125 | 0.25 | 2.0 times as suspicious | not known | a unit |" in said
    assert "| Spatial consistency | n/a | n/a | can't be told |" in said
    assert "it answers for the centre" in said and "none of this data set were looked at" in said
    again = visit("compare", run=run.id, suspicion="entropy")
    assert address(again)["suspicion"] == "entropy" and "| Entropy |" in texts(again)


def test_clean_images_are_looked_at_of_the_run_s_own_data_set_and_by_its_network(
    house: House,
) -> None:
    run = finished(house, Made(dataset=DATASET))
    house.suspected = True
    app = visit("compare", run=run.id)
    app.button(key="suspicion-clean").click().run()
    assert errors(app) == []
    spec = run.spec
    assert app.selectbox(key="detection-form-dataset").value == spec.dataset
    assert app.selectbox(key=f"detection-form-network-{spec.dataset}").value == spec.model


def test_a_run_is_held_against_clean_images_that_detectors_looked_at(house: House) -> None:
    run = finished(house)
    spec, scores = run.spec, {"entropy": {"one": 0.1, "two": 0.3}}
    keep_clean(house.home, spec.network_hash, spec.dataset, scores)
    house.suspected = True
    said = texts(visit("compare", run=run.id))
    assert "| above 1 of 2 |" in said and "No detector finds the attacked file" in said


def test_detectors_that_can_t_be_asked_are_a_sentence_and_can_be_asked_again(
    house: House,
) -> None:
    run = finished(house)
    house.fails = True
    app = visit("compare", run=run.id)
    app.button(key="compare-suspicion").click()
    app.run()
    (sentence,) = errors(app)
    assert "the process that predicts ended" in sentence.lower()
    house.fails = False
    app.run()
    app.button(key="compare-suspicion").click()
    app.run()
    assert errors(app) == [] and "| Entropy |" in texts(app)
