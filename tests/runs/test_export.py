"""A run leaves the workbench whole, readable, and harmless to a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
import shlex
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from asma_core.cli.main import parser_of
from asma_core.runs import artefacts
from asma_core.runs.difference import GAIN
from asma_core.runs.export import MEANINGS, readme, run_zip, runs_csv, runs_csv_zip, runs_zip
from asma_core.runs.run import INTERRUPTED, Run
from asma_core.runs.store import RunStore
from tests.pages import made_runs
from tests.pages.made_runs import Made


@pytest.fixture
def runs(home: Path) -> RunStore:
    return RunStore(home)


def unpacked(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def table(listed: list[Run]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(runs_csv(listed), newline="")))


def readme_of(runs: RunStore, run: Run) -> str:
    return unpacked(run_zip(runs, run))[f"asma-run-{run.id}/README.txt"].decode()


def test_the_zip_holds_every_file_of_the_run_byte_for_byte(runs: RunStore) -> None:
    run = made_runs.finished(runs)
    packed = unpacked(run_zip(runs, run))
    folder = runs.folder(run.id)
    files = {
        f"asma-run-{run.id}/{path.relative_to(folder).as_posix()}": path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert f"asma-run-{run.id}/snapshots/000000.png" in files
    readme = packed.pop(f"asma-run-{run.id}/README.txt")
    assert packed == files
    assert all(name in readme.decode() for name in artefacts.FILES)


def test_the_same_run_gives_the_same_bytes_later(runs: RunStore) -> None:
    run = made_runs.finished(runs)
    first = run_zip(runs, run)
    for path in runs.folder(run.id).rglob("*"):
        path.touch()
    assert run_zip(runs, runs.get(run.id)) == first


def test_every_file_that_a_run_writes_is_explained() -> None:
    assert {*artefacts.FILES, artefacts.TRUTH, artefacts.REGION, "run.json"} == set(MEANINGS)
    assert f"{GAIN} times" in MEANINGS[artefacts.DIFFERENCE]


def test_names_in_the_zip_stay_in_its_folder_whatever_the_image_is_called(runs: RunStore) -> None:
    run = made_runs.finished(runs, Made(image_name="../../etc/passwd<script>", target_name="/x\\y"))
    for name in unpacked(run_zip(runs, run)):
        assert name.startswith(f"asma-run-{run.id}/")
        assert ".." not in name.split("/")


def test_a_link_in_the_folder_is_not_followed(runs: RunStore, tmp_path: Path) -> None:
    run = made_runs.finished(runs)
    (tmp_path / "secret").write_text("secret")
    (runs.folder(run.id) / "link.txt").symlink_to(tmp_path / "secret")
    assert not any("link.txt" in name for name in unpacked(run_zip(runs, run)))


def test_a_run_that_failed_exports_its_record_and_why(runs: RunStore) -> None:
    run = made_runs.failed(runs, "its process ended before the run did; repeat it", INTERRUPTED)
    packed = unpacked(run_zip(runs, run))
    record = json.loads(packed[f"asma-run-{run.id}/run.json"])
    assert record["state"] == "interrupted"
    assert record["spec"]["attack"] == "asma"
    readme = packed[f"asma-run-{run.id}/README.txt"].decode()
    assert "interrupted: its process ended before the run did; repeat it" in readme


def test_the_command_in_the_readme_is_one_the_command_line_takes(runs: RunStore) -> None:
    run = made_runs.finished(runs, Made(attack="asm"))
    line = next(line for line in readme_of(runs, run).splitlines() if "asma_core attack" in line)
    words = shlex.split(line)
    assert words[:3] == ["python", "-m", "asma_core"]
    options = parser_of(words[3:]).parse_args(words[3:])
    assert options.attack == "asm"
    assert (options.image, options.target_mask) == ("original.png", "target.png")
    assert "target_iou=0.97" in options.set
    assert not any(setting.endswith("=None") for setting in options.set)


def test_the_readme_says_when_a_batch_keeps_a_repeat_from_having_the_same_bytes(
    runs: RunStore,
) -> None:
    run = made_runs.finished(runs)
    alone = replace(run, results={**run.results, "batch": 1})
    at_once = replace(run, results={**run.results, "batch": 4})
    for told in (readme(run, []), readme(alone, [])):
        assert "has the same bytes" in told and "at once with" not in told
    told = readme(at_once, [])
    assert "at once with 3 others" in told and "has the same bytes" not in told
    assert [row["batch"] for row in table([run, at_once])] == ["", "4"]


def test_a_note_of_many_lines_stays_one_row_of_the_readme(runs: RunStore) -> None:
    run = made_runs.finished(runs)
    runs.judgements.annotate(
        run.id, note='one\ntwo "three"\n\n<script>alert(1)</script> \N{GRINNING FACE}'
    )
    readme = readme_of(runs, runs.get(run.id))
    row = next(line for line in readme.splitlines() if line.startswith("Note"))
    assert row.split(maxsplit=1)[1] == (
        'one two "three" <script>alert(1)</script> \N{GRINNING FACE}'
    )


def test_several_runs_have_a_folder_each_and_one_table(runs: RunStore) -> None:
    listed = [made_runs.finished(runs), made_runs.failed(runs, "no disk")]
    packed = unpacked(runs_zip(runs, listed))
    assert {name.split("/")[0] for name in packed} == {
        "runs.csv",
        *(f"asma-run-{run.id}" for run in listed),
    }
    assert packed["runs.csv"].decode() == runs_csv(listed)


def test_a_large_table_comes_in_a_zip_and_is_the_same(runs: RunStore) -> None:
    listed = [made_runs.finished(runs, files=False), made_runs.failed(runs, "no disk, \N{SNOWMAN}")]
    data = runs_csv_zip(iter(listed))
    packed = unpacked(data)
    assert list(packed) == ["runs.csv"]
    assert packed["runs.csv"].decode("utf-8-sig") == runs_csv(listed)
    assert packed["runs.csv"].startswith(b"\xef\xbb\xbf") and data == runs_csv_zip(listed)


def test_a_row_of_the_table_holds_the_figures_of_the_float_image_and_of_the_file(
    runs: RunStore,
) -> None:
    run = made_runs.finished(runs, Made(iou=0.9123456789, l2=2.5))
    (row,) = table([run])
    assert row["id"] == run.id
    assert row["outcome"] == "success"
    assert float(row["iou"]) == float(row["iou_8bit"]) == 0.9123456789
    assert float(row["l2_8bit"]) == 2.5
    assert json.loads(row["chosen_multipliers"]) == {"tau": 1.5e-4, "beta": 1.5e-3}
    assert json.loads(row["settings"])["target_iou"] == 0.97
    assert json.loads(row["dice_per_class_8bit"]) == [0.999, 0.99, 0.99]


def test_an_undefined_figure_is_an_empty_cell(runs: RunStore) -> None:
    rows = table([made_runs.finished(runs, Made(iou=None)), made_runs.failed(runs, "no")])
    assert rows[0]["iou_8bit"] == rows[1]["iou_8bit"] == rows[1]["l2"] == ""
    assert float(rows[0]["structure_removed_8bit"]) == 1.0


@pytest.mark.parametrize("start", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\n=1"])
def test_a_text_is_never_a_formula(runs: RunStore, start: str) -> None:
    run = made_runs.finished(runs, Made(image_name=start))
    runs.judgements.annotate(run.id, note=start, tags=start, verdict=start)
    (row,) = table([runs.get(run.id)])
    for name in ("image", "note", "tags", "verdict"):
        assert row[name] == f"'{start}"


def test_quotes_commas_and_newlines_survive_the_table(runs: RunStore) -> None:
    run = made_runs.finished(runs)
    note = 'a, "b"\nc; <script>\N{GRINNING FACE}'
    runs.judgements.annotate(run.id, note=note)
    (row,) = table([runs.get(run.id)])
    assert row["note"] == note


def test_a_table_of_no_runs_has_the_same_columns(runs: RunStore) -> None:
    empty = runs_csv([]).splitlines()
    assert empty == [runs_csv([made_runs.finished(runs)]).splitlines()[0]]


def test_the_readme_says_what_the_run_was_and_what_its_files_are(runs: RunStore) -> None:
    run = made_runs.finished(runs)
    runs.judgements.annotate(run.id, verdict="good", tags="one, two", note="seen")
    readme = readme_of(runs, runs.get(run.id))
    # What the figures mean comes later, in words of the same names.
    told = readme.partition("THE FIGURES")[0].splitlines()
    rows = dict(line.split(maxsplit=1) for line in told if len(line.split()) > 1)
    assert rows["Image"] == "demo-fundus / 0003" and rows["Goal"] == "towards mask of 0007"
    assert rows["Network"].startswith("demo-fundus-unet (weights SHA-256 ")
    assert run.spec.model_hash[:16] + ")" in rows["Network"]
    assert (rows["Attack"], rows["Outcome"], rows["Ended"]) == (
        "asma", "success", "goal reached",
    )  # fmt: skip
    assert (rows["Verdict"], rows["Tags"], rows["Note"]) == ("good", "one, two", "seen")
    for name in ("original.png", "trajectory.json", "run.json", "target.png"):
        assert rows[name] == MEANINGS[name]
    assert "the image on its way" in rows["snapshots/"]
    for part in ("THE FILES\n", "THE FIGURES\n", "TO REPEAT IT\n"):
        assert f"\n\n{part}" in readme
    assert f"torch {run.spec.versions['torch']}" in readme
    assert readme.endswith(".\n") and not readme.endswith("\n\n")


def test_a_run_without_words_or_result_has_no_rows_of_them(runs: RunStore) -> None:
    readme = readme_of(runs, made_runs.failed(runs, "no disk"))
    lines = readme.partition("THE FIGURES")[0].splitlines()
    assert not any(line.startswith(("Verdict", "Tags", "Note", "snapshots/")) for line in lines)
    (outcome,) = [line for line in lines if line.startswith("Outcome ")]
    assert outcome.split() == ["Outcome", "failed"]
    (ended,) = [line for line in lines if line.startswith("Ended")]
    assert ended.split(maxsplit=1)[1] == "failed: no disk"


def test_files_that_are_not_explained_are_pointed_to_the_record(runs: RunStore) -> None:
    run = made_runs.finished(runs)
    folder = runs.folder(run.id)
    (folder / "extra.txt").write_text("more")
    (folder / ".half").write_text("half written")
    (folder / "snapshots" / ".half").write_text("half written")
    packed = unpacked(run_zip(runs, run))
    assert not any(".half" in name for name in packed)
    assert packed[f"asma-run-{run.id}/extra.txt"] == b"more"
    assert "extra.txt" in readme_of(runs, run) and "see run.json" in readme_of(runs, run)


def test_a_zip_is_small_dated_and_readable_by_all(runs: RunStore) -> None:
    run = made_runs.finished(runs)
    with zipfile.ZipFile(io.BytesIO(run_zip(runs, run))) as archive:
        for entry in archive.infolist():
            assert entry.date_time == (1980, 1, 1, 0, 0, 0)
            assert entry.external_attr >> 16 == 0o644
            packed = entry.filename.endswith((".png", ".npz"))
            assert entry.compress_type == (zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED)
        assert archive.infolist()[0].filename == f"asma-run-{run.id}/README.txt"


def test_the_table_s_columns_are_those_of_the_figures(runs: RunStore) -> None:
    overlaps = ["iou", "structure_removed", "iou_lost", "pixel_accuracy"]
    distances = ["l2", "linf", "psnr", "ssim"]
    classes = ["iou_per_class", "dice_per_class", "hausdorff_95_per_class"]
    expected = [
        *["id", "created", "state", "outcome", "ended", "model", "dataset", "image", "goal"],
        *["attack", "made_to_survive", "seed", "settings", "chosen_multipliers", "device"],
        *["steps", "best_step"],
        *["gradient_evaluations", "forward_passes", "seconds", "batch", "score_name"],
        *[f"{name}_before" for name in overlaps + classes],
        *overlaps, *distances, *classes,
        *[f"{name}_8bit" for name in overlaps + distances + classes], "ciede2000_8bit",
        *["message", "verdict", "note", "tags"],
    ]  # fmt: skip
    run = made_runs.finished(runs)
    (row,) = table([run])
    assert list(row) == expected
    assert (row["state"], row["ended"], row["seed"]) == ("done", "goal reached", "0")
    assert (row["model"], row["dataset"]) == ("demo-fundus-unet", "demo-fundus")
    assert (row["image"], row["goal"]) == ("demo-fundus / 0003", "towards mask of 0007")
    for name in ("steps", "gradient_evaluations", "psnr_8bit", "ssim", "device"):
        assert row[name] == str(run.results.get(name, run.spec.execution.device))
    other = made_runs.failed(runs, "no disk")
    (row,) = table([other])
    assert (row["message"], row["state"], row["device"]) == ("no disk", "failed", "auto")
    assert row["created"].endswith("Z") and row["created"][10] == "T"
