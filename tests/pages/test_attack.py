"""The Attack page: the image, the target, the settings, and a run in each of its states."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from asma_core.accounts.account import ENGINEER, Account
from asma_core.accounts.current import acting_as
from asma_core.attacks.asma.settings import DynamicConfig
from asma_core.attacks.registry import ATTACKS
from asma_core.data.formats.images import encode_png, read_image
from asma_core.data.formats.windows import Window
from asma_core.data.masks.label_maps import encode_mask
from asma_core.data.targets.scenarios import SCENARIOS
from asma_core.errors import InputError, StoreError
from asma_core.files import write_bytes, write_json
from asma_core.jobs.queue import JobQueue
from asma_core.runs.run import CANCELLED, INTERRUPTED, Run
from asma_core.runs.target_source import TargetSource
from asma_core.runs.uploads import file_of, keep_upload
from tests.data.formats.test_volumes import dicom, nifti
from tests.pages import made_runs
from tests.pages.small_house import (
    DATASET,
    FOUR,
    MODEL,
    NASTY,
    SIDE,
    TWO,
    House,
    address,
    errors,
    furnish,
    image_count,
    picture,
    texts,
    visit,
    write_black_box,
)
from ui.attack import target_choice
from ui.attack.editor import AT_TARGET
from ui.attack.source_choice import DATASET as FROM_DATASET
from ui.attack.source_choice import OWN
from ui.editor.drafts import Draft, keep_draft, new_key, open_draft
from ui.editor.drawings import Drawing, Drawings


@pytest.fixture(autouse=True)
def house(home: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    return furnish(home, monkeypatch)


def opened(sample: str = "a") -> AppTest:
    return visit("attack", dataset=DATASET, sample=sample)


def shown(sample: str) -> dict[str, str]:
    """Return the address of an image with which nothing was done."""
    usual = {"network": MODEL, "attack": "asma", "preset": "default"}
    return {"dataset": DATASET, "sample": sample} | usual


def start_from(app: AppTest, start: str) -> AppTest:
    return app.selectbox(key="attack-start").set_value(start).run()


def press_run(app: AppTest) -> AppTest:
    return app.button(key="attack-run").click().run()


def target_of(house: House) -> np.ndarray:
    return house.runs.inputs(house.submitted()).target


# The image ------------------------------------------------------------------------------------


def test_without_an_own_image_it_says_what_to_do() -> None:
    app = visit("attack")
    app.segmented_control(key="attack-kind").set_value(OWN).run()
    assert errors(app) == []
    assert "Upload an image" in app.info[0].value
    assert address(app) == {}


def test_a_data_set_opens_at_its_first_test_image() -> None:
    app = visit("attack")
    assert errors(app) == []
    assert address(app) == shown("b")
    assert app.selectbox(key=f"attack-network-{DATASET}").value == MODEL
    assert "synthetic" in texts(app)


def test_the_address_opens_its_image_by_name_or_index() -> None:
    assert opened("c").selectbox(key=f"attack-sample-{DATASET}").value == "c"
    assert opened("0").selectbox(key=f"attack-sample-{DATASET}").value == "a"


def test_a_new_address_outranks_what_was_chosen() -> None:
    app = opened("a")
    app.selectbox(key=f"attack-sample-{DATASET}").set_value("b").run()
    app.query_params["sample"] = "c"
    app.run()
    assert app.selectbox(key=f"attack-sample-{DATASET}").value == "c"


def test_an_unknown_image_is_a_sentence_and_the_page_stays_usable() -> None:
    app = opened("no <such> image")
    assert "'no <such> image'" in errors(app)[0]
    assert address(app) == shown("b")
    assert not app.button(key="attack-run").disabled
    assert errors(app.run()) == []


@pytest.mark.parametrize("name", ["no-such-set", "../../..", "/nowhere", "<script>", "x" * 5000])
def test_an_unknown_data_set_is_a_sentence_and_another_can_be_chosen(name: str) -> None:
    app = visit("attack", dataset=name, sample="a")
    assert len(errors(app)) == 1
    app.selectbox(key="attack-dataset").set_value(DATASET).run()
    assert errors(app) == []
    assert address(app)["dataset"] == DATASET


@pytest.mark.parametrize("own", ["0" * 32, "../../../etc/passwd", "<script>", "é" * 32])
def test_a_stale_own_image_is_a_sentence(own: str) -> None:
    app = visit("attack", own=own)
    assert "upload it again" in errors(app)[0]
    app.segmented_control(key="attack-kind").set_value(FROM_DATASET).run()
    assert errors(app) == []


def test_next_and_previous_go_round_and_change_the_address() -> None:
    app = opened("c")
    app.button(key="attack-step1").click().run()
    assert address(app)["sample"] == "a"
    app.button(key="attack-step-1").click().run()
    assert address(app)["sample"] == "c"


def test_two_quick_clicks_on_next_are_two_steps() -> None:
    app = opened("a")
    app.button(key="attack-step1").click().run()
    # The browser sends the second click before it has heard of the new address.
    app.query_params["sample"] = "a"
    app.button(key="attack-step1").click().run()
    assert address(app)["sample"] == "c"


def test_a_changed_file_is_read_again(house: House) -> None:
    press_run(opened("a"))
    file = house.home / "datasets" / DATASET / "images" / "a.png"
    file.write_bytes(picture(np.full((SIDE, SIDE), 200)))
    press_run(opened("a"))
    new, old = (house.runs.inputs(run).image for run in house.runs.newest())
    assert float(new.mean()) == pytest.approx(200 / 255)
    assert not np.array_equal(new, old)


def test_a_broken_image_is_a_sentence_and_the_next_one_opens(house: House) -> None:
    (house.home / "datasets" / DATASET / "images" / "a.png").write_bytes(b"no picture")
    app = opened("a")
    assert "a.png" in errors(app)[0]
    app.button(key="attack-step1").click().run()
    assert errors(app) == []
    assert address(app) == shown("b")


def test_a_mask_that_went_away_is_a_sentence(house: House) -> None:
    app = opened("a")
    (house.home / "datasets" / DATASET / "masks" / "a.png").unlink()
    assert "a.png" in errors(app.run())[0]


def test_no_network_of_as_many_classes_is_said() -> None:
    app = visit("attack", dataset=FOUR, sample="a")
    assert errors(app) == []
    assert "No network has 4 classes" in app.warning[0].value
    assert not app.info
    assert "attack-run" not in [button.key for button in app.button]


def test_no_network_at_all_is_said(house: House) -> None:
    for card in (house.home / "models").glob("*.toml"):
        card.unlink()
    app = visit("attack")
    app.segmented_control(key="attack-kind").set_value(OWN).run()
    assert "There is no network; train one" in app.warning[0].value


def test_a_network_that_fails_is_a_sentence(house: House) -> None:
    house.fails = True
    assert "reload the page" in errors(opened())[0]


# An own image ---------------------------------------------------------------------------------


def upload(app: AppTest, name: str, data: bytes) -> AppTest:
    app.segmented_control(key="attack-kind").set_value(OWN).run()
    app.file_uploader(key="attack-upload").set_value((name, data, "image/png"))
    return app.run()


def test_an_own_image_is_attacked_and_its_address_opens_it_again(house: House) -> None:
    grey = np.arange(SIDE * SIDE).reshape(SIDE, SIDE) % 251
    app = upload(visit("attack"), NASTY + ".png", picture(grey))
    assert errors(app) == []
    assert set(address(app)) == {"own", "network", "attack", "preset"}
    app.selectbox(key="attack-network-").set_value(MODEL).run()
    press_run(app)
    run = house.submitted()
    assert (run.spec.image_name, run.spec.dataset) == (NASTY + ".png", "")
    image = house.runs.inputs(run).image
    np.testing.assert_array_equal(np.rint(image[0] * 255), grey)
    again = visit("attack", own=app.session_state["attack-own"])
    assert errors(again) == []
    assert not again.button(key="attack-run").disabled


NOISE = picture(np.random.default_rng(0).integers(0, 255, (SIDE, SIDE)))


@pytest.mark.parametrize("data", [b"", b"no picture", NOISE[: len(NOISE) // 2]])
def test_a_broken_upload_is_a_sentence_as_long_as_it_is_there(data: bytes) -> None:
    app = upload(visit("attack"), "broken.png", data)
    assert len(errors(app)) == 1
    assert "broken.png" in errors(app)[0]
    assert len(errors(app.run())) == 1
    app.file_uploader(key="attack-upload").set_value(
        ("good.png", picture(np.zeros((SIDE, SIDE))), "image/png")
    )
    assert errors(app.run()) == []
    assert not app.button(key="attack-run").disabled


TISSUE = np.random.default_rng(1).integers(1000, 2900, (SIDE, SIDE)).astype(np.uint16)


def png_of(values: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "PNG")
    return buffer.getvalue()


def captions(app: AppTest) -> str:
    return "\n".join(part.value for part in app.caption)


def bytes_through(values: np.ndarray, low: float, high: float) -> np.ndarray:
    return np.rint(np.clip((values.astype(np.float64) - low) / (high - low), 0, 1) * 255)


def test_a_deep_image_is_attacked_through_its_window(house: House) -> None:
    app = upload(visit("attack"), "deep.png", png_of(TISSUE))
    assert errors(app) == []
    assert "8-bit image through this window" in captions(app)
    app.selectbox(key="attack-network-").set_value(TWO).run()
    app.selectbox(key="attack-start").set_value(target_choice.NOTHING).run()
    press_run(app)
    run = house.submitted()
    low, high = np.percentile(TISSUE, (0.5, 99.5))
    assert run.spec.window is not None and run.spec.window.how.startswith("percentiles")
    assert (run.spec.window.low, run.spec.window.high) == pytest.approx((low, high))
    found = np.rint(house.runs.inputs(run).original[0] * 255)
    assert np.abs(found - bytes_through(TISSUE, low, high)).max() <= 1


def test_the_window_of_a_deep_image_is_changed_and_kept(house: House) -> None:
    app = upload(visit("attack"), "deep.png", png_of(TISSUE))
    app.selectbox(key="attack-network-").set_value(TWO).run()
    app.selectbox(key="attack-start").set_value(target_choice.NOTHING).run()
    own = app.session_state["attack-own"]
    slider = app.slider(key=f"attack-window-{file_of(own)}")
    assert (slider.min, slider.max) == (TISSUE.min(), TISSUE.max())
    assert "window" not in address(app)
    slider.set_value((1500.0, 2000.0)).run()
    assert errors(app) == []
    assert address(app)["window"] == "1500.0,2000.0" and address(app)["own"] == own
    assert "1500 to 2000 (chosen)" in captions(app)
    press_run(app)
    run = house.submitted()
    assert run.spec.window == Window(1500, 2000)
    found = np.rint(house.runs.inputs(run).original[0] * 255)
    assert np.abs(found - bytes_through(TISSUE, 1500, 2000)).max() <= 1
    again = visit("attack", own=own, window="1500.0,2000.0")
    assert errors(again) == [] and "1500 to 2000 (chosen)" in captions(again)
    again.button(key=f"attack-window-{file_of(own)}-automatic").click().run()
    assert "percentiles" in captions(again) and "window" not in address(again)
    for wrong in ("x", "5,3", "1", "nan,nan"):
        odd = visit("attack", own=own, window=wrong)
        assert errors(odd) == [] and "percentiles" in captions(odd)
    # Back from the run its window is said, and stays.
    house.runs.ask_to_stop(run.id)
    other = visit("attack", run=run.id)
    other.button(key="result-change").click().run()
    assert errors(other) == []
    assert "1500 to 2000 (chosen)" in captions(other)
    assert not [one for one in other.slider if one.label == "Window"]
    other.selectbox(key="attack-start").set_value(target_choice.NOTHING).run()
    press_run(other)
    assert house.runs.newest()[0].spec.image_hash == run.spec.image_hash
    assert house.runs.newest()[0].spec.window == run.spec.window


def zip_of(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def test_a_zip_of_a_series_is_browsed_by_slice_through_one_window(house: House) -> None:
    files = {
        f"ct/{name}": dicom(TISSUE + 100 * place, SeriesInstanceUID="1.2", InstanceNumber=place)
        for place, name in enumerate(("IM3", "IM1", "IM2"))
    }
    app = upload(visit("attack"), "ct.zip", zip_of(files))
    assert errors(app) == []
    assert "the values go from 10" in captions(app)
    app.selectbox(key="attack-network-").set_value(TWO).run()
    app.selectbox(key="attack-start").set_value(target_choice.NOTHING).run()
    next(one for one in app.slider if one.label == "Window").set_value((1500.0, 2500.0)).run()
    frame = next(one for one in app.number_input if one.label == "Picture, 0 to 2")
    first = app.session_state["attack-own"]
    frame.set_value(2).run()
    assert errors(app) == [] and app.session_state["attack-own"] != first
    assert address(app)["window"] == "1500.0,2500.0"
    app.selectbox(key="attack-start").set_value(target_choice.NOTHING).run()
    press_run(app)
    run = house.submitted()
    assert run.spec.window == Window(1500, 2500) and run.spec.image_name == "ct.zip"
    found = np.rint(house.runs.inputs(run).original[0] * 255)
    assert np.abs(found - bytes_through(TISSUE + 200, 1500, 2500)).max() <= 1
    again = visit("attack", own=app.session_state["attack-own"])
    assert errors(again) == [] and "percentiles" in captions(again)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"images/a.png": NOISE, "masks/a.png": NOISE}, "is a data set rather than an image"),
        (
            {"a": dicom(TISSUE, SeriesInstanceUID="1"), "b": dicom(TISSUE, SeriesInstanceUID="2")},
            "holds 2 series",
        ),
        ({}, "holds no pictures"),
    ],
)
def test_a_zip_of_no_series_is_told(files: dict[str, bytes], words: str) -> None:
    app = upload(visit("attack"), "x.zip", zip_of(files))
    assert len(errors(app)) == 1 and words in errors(app)[0].replace("\\", "")


def test_an_image_of_8_bits_has_no_window(house: House) -> None:
    app = upload(visit("attack"), "grey.png", png_of((TISSUE // 40).astype(np.uint8)))
    assert errors(app) == [] and "window" not in captions(app)
    assert not [one for one in app.slider if one.label == "Window"]


def test_a_dicom_without_an_ending_is_taken(house: House) -> None:
    app = upload(visit("attack"), "IM000001", dicom(TISSUE))
    assert errors(app) == []
    assert "8-bit image through this window" in captions(app)
    frames = np.stack([TISSUE, TISSUE + 100])
    app.file_uploader(key="attack-upload").set_value(("IM000002", dicom(frames), "")).run()
    assert errors(app) == []
    assert [one.label for one in app.number_input if "Picture" in one.label] == ["Picture, 0 to 1"]


def test_a_volume_of_four_dimensions_is_chosen_from(house: House) -> None:
    values = np.stack([np.stack([TISSUE] * 20, axis=-1)] * 2, axis=-1).astype(np.int16)
    values[..., 1] += 3000
    app = upload(visit("attack"), "brain.nii.gz", nifti(values))
    assert errors(app) == []
    next(one for one in app.number_input if one.label == "Volume, 0 to 1").set_value(1).run()
    assert errors(app) == [] and "the values go from 40" in captions(app)


# The target -----------------------------------------------------------------------------------


@pytest.mark.parametrize("start", ["PREDICTION", "TRUTH", "OTHER", "NOTHING"])
def test_each_start_gives_its_mask(house: House, start: str) -> None:
    app = start_from(opened("a"), getattr(target_choice, start))
    press_run(app)
    expected = {
        "PREDICTION": (house.prediction, "prediction"),
        "TRUTH": (house.mask("a"), "truth"),
        "OTHER": (house.mask("b"), "mask of b"),
        "NOTHING": (np.zeros((SIDE, SIDE)), "nothing"),
    }
    mask, name = expected[start]
    np.testing.assert_array_equal(target_of(house), mask)
    assert house.submitted().spec.target_name == name


def test_another_images_mask_is_the_one_that_is_chosen(house: House) -> None:
    app = start_from(opened("a"), target_choice.OTHER)
    app.selectbox(key=f"attack-other-{DATASET}-a").set_value("c").run()
    press_run(app)
    np.testing.assert_array_equal(target_of(house), house.mask("c"))


def from_file(name: str, data: bytes) -> AppTest:
    app = start_from(opened("a"), target_choice.FILE)
    app.file_uploader(key="attack-mask-file").set_value((name, data, "image/png"))
    return app.run()


def test_another_images_mask_that_is_broken_is_a_sentence(house: House) -> None:
    (house.home / "datasets" / DATASET / "masks" / "b.png").write_bytes(b"no picture")
    app = start_from(opened("a"), target_choice.OTHER)
    assert "b.png" in errors(app)[0]
    app.selectbox(key=f"attack-other-{DATASET}-a").set_value("c").run()
    assert errors(app) == []


def test_a_file_gives_its_mask(house: House) -> None:
    labels = made_runs.disc(SIDE, 0.3, 0.3, 0.2)
    press_run(from_file("<b>my*.png", encode_mask(labels)))
    np.testing.assert_array_equal(target_of(house), labels)
    assert house.submitted().spec.target_name == "file <b>my*.png"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (encode_mask(np.ones((20, 30), np.uint8)), "30 x 20 and the image 32 x 32"),
        (encode_mask(np.full((SIDE, SIDE), 7, np.uint8)), "holds the value 7"),
        (b"no picture", "mask.png"),
    ],
)
def test_a_mask_file_that_does_not_fit_is_a_sentence(data: bytes, words: str) -> None:
    app = from_file("mask.png", data)
    assert words in errors(app)[0]
    assert not app.button(key="attack-run").disabled


@pytest.mark.parametrize("name", SCENARIOS)
def test_each_scenario_gives_what_the_core_makes(house: House, name: str) -> None:
    app = start_from(opened("a"), target_choice.TRUTH)
    app.segmented_control(key="attack-scenario").set_value(name).run()
    assert errors(app) == []
    press_run(app)
    expected = SCENARIOS[name].apply(house.mask("a"))
    assert not np.array_equal(expected, house.mask("a"))
    np.testing.assert_array_equal(target_of(house), expected)
    assert house.submitted().spec.target_name == f"truth, {SCENARIOS[name].label.lower()}"


def test_a_scenarios_setting_changes_the_target(house: House) -> None:
    app = start_from(opened("a"), target_choice.TRUTH)
    app.segmented_control(key="attack-scenario").set_value("move").run()
    app.slider(key="attack-move-dx").set_value(0.25).run()
    press_run(app)
    np.testing.assert_array_equal(target_of(house), np.roll(house.mask("a"), 8, axis=1))


def test_a_scenario_that_can_not_be_is_a_sentence(house: House) -> None:
    app = start_from(opened("a"), target_choice.NOTHING)
    app.segmented_control(key="attack-scenario").set_value("grow").run()
    assert "no structure" in errors(app)[0]
    assert not app.button(key="attack-run").disabled


def test_the_targets_area_and_overlap_are_shown(house: House) -> None:
    app = start_from(opened("a"), target_choice.PREDICTION)
    share = 100 * (house.prediction > 0).mean()
    assert f"{share:.1f} %" in texts(app)
    assert "IoU 1.000" in texts(app).replace("*", "")
    app.segmented_control(key="attack-scenario").set_value("hide").run()
    assert "0.0 %" in texts(app)


# The settings ---------------------------------------------------------------------------------


def test_untouched_settings_are_the_attacks_own(house: House) -> None:
    press_run(opened())
    spec = house.submitted().spec
    assert (spec.attack, spec.model, spec.execution.device, spec.execution.seed) == (
        "asma",
        MODEL,
        "auto",
        0,
    )
    assert dict(spec.config) == DynamicConfig().as_dict()
    assert (spec.dataset, spec.sample) == (DATASET, "a")


def test_what_the_form_says_is_submitted(house: House) -> None:
    app = opened()
    app.selectbox(key="attack-attack").set_value("ssm").run()
    app.number_input(key="attack-ssm-default-target_iou").set_value(0.8)
    app.number_input(key="attack-ssm-default-steps").set_value(77)
    app.number_input(key="attack-ssm-default-alpha").set_value(0.002)
    app.number_input(key="attack-ssm-default-distance_weight").set_value(0.5)
    app.toggle(key="attack-ssm-default-rounding").set_value(False)
    app.toggle(key="attack-ssm-default-stop_at_target").set_value(False)
    app.selectbox(key="attack-device").set_value("cpu")
    app.number_input(key="attack-seed").set_value(11)
    app.toggle(key="attack-survives").set_value(True)
    press_run(app)
    spec = house.submitted().spec
    assert (spec.attack, spec.execution.device, spec.execution.seed) == ("ssm", "cpu", 11)
    assert spec.execution.survives
    assert dict(spec.config) == {
        "target_iou": 0.8,
        "steps": 77,
        "alpha": 0.002,
        "distance_weight": 0.5,
        "rounding": False,
        "stop_at_target": False,
    }


@pytest.mark.parametrize("preset", ["quick", "strong", "paper"])
def test_a_preset_sets_the_fields_and_the_default_resets_them(house: House, preset: str) -> None:
    app = opened()
    app.number_input(key="attack-asma-default-steps").set_value(42).run()
    app.segmented_control(key="attack-asma-preset").set_value(preset).run()
    press_run(app)
    expected = DynamicConfig().as_dict() | dict(ATTACKS["asma"].presets[preset])
    assert dict(house.submitted().spec.config) == expected
    app = opened()
    app.segmented_control(key="attack-asma-preset").set_value(preset).run()
    app.segmented_control(key="attack-asma-preset").set_value("default").run()
    press_run(app)
    assert dict(house.runs.newest()[0].spec.config) == DynamicConfig().as_dict()


@pytest.mark.parametrize(("name", "value"), [("target_iou", 0.0), ("tau", -1.0), ("tau", 0.0)])
def test_a_value_out_of_range_is_a_sentence(house: House, name: str, value: float) -> None:
    app = opened()
    app.number_input(key=f"attack-asma-default-{name}").set_value(value)
    press_run(app)
    assert f"{name} is {value}; it must be above 0 and at most" in errors(app)[0].replace("T", "t")
    assert house.runs.newest() == []


def test_a_full_disk_is_a_sentence(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise StoreError("the disk that holds /data is full; free some space and repeat")

    monkeypatch.setattr(house.jobs, "submit", full)
    assert "is full" in errors(press_run(opened()))[0]


def test_what_was_set_up_is_there_after_another_page(house: House) -> None:
    app = start_from(opened("c"), target_choice.TRUTH)
    app.segmented_control(key="attack-scenario").set_value("grow").run()
    app.slider(key="attack-grow-percent").set_value(75.0).run()
    app.number_input(key="attack-asma-default-steps").set_value(123)
    app.number_input(key="attack-asma-default-tau").set_value(0.01)
    app.number_input(key="attack-seed").set_value(5)
    app.run()
    app.query_params.clear()
    app.switch_page("pages/runs.py").run()
    # The menu's link to the page has no parameters.
    app.query_params.clear()
    app.switch_page("pages/attack.py").run()
    said = address(app)
    assert said.pop("draft")
    assert said == shown("c") | {"set": "steps:123,tau:0.01,seed:5"}
    press_run(app)
    spec = house.submitted().spec
    assert (spec.sample, spec.config["steps"], spec.config["tau"]) == ("c", 123, 0.01)
    assert (spec.execution.seed, spec.target_name) == (5, "truth, grow")
    expected = SCENARIOS["grow"].apply(house.mask("c"), {"percent": 75.0})
    np.testing.assert_array_equal(target_of(house), expected)


# The run --------------------------------------------------------------------------------------


def test_run_puts_the_run_into_the_address(house: House) -> None:
    app = press_run(opened())
    assert errors(app) == []
    assert address(app) == {"run": house.submitted().id}
    assert "queued" in texts(app)


@pytest.mark.parametrize("run_id", ["deadbeef", "../..", "<script>", "", "0' OR 1", "\N{BOMB}"])
def test_an_unknown_run_is_a_sentence(run_id: str) -> None:
    (sentence,) = errors(visit("attack", run=run_id))
    assert "no run" in sentence.lower()


def test_a_queued_run_waits_and_can_be_stopped(house: House) -> None:
    run = made_runs.queued(house.runs)
    app = visit("attack", run=run.id)
    assert errors(app) == []
    assert "Waiting for a worker" in progress_of(app)
    app.button(key=f"live-stop-{run.id}").click().run()
    assert errors(app) == []
    assert house.runs.get(run.id).state == CANCELLED
    assert "stopped before it had a result" in texts(app.run())


def test_one_that_waits_says_its_place_and_is_put_before_others_of_ones_own(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(JobQueue, "_free_worker", lambda *_: None)
    others = [made_runs.queued(house.runs, seed=seed) for seed in range(2)]
    run = made_runs.queued(house.runs, seed=2)
    for one in (*others, run):
        house.jobs._line[one.id] = (one.id,)
    app = visit("attack", run=run.id)
    assert errors(app) == []
    assert progress_of(app) == "In the queue: 3 of 3, time to wait n/a"
    app.button(key=f"live-sooner-{run.id}").click().run()
    assert progress_of(app) == "In the queue: 2 of 3, time to wait n/a"
    app.button(key=f"live-next-of-mine-{run.id}").click().run()
    assert house.jobs.line() == [run.id, *(one.id for one in others)]
    assert progress_of(app) == "In the queue: 1 of 3, begins at once"
    app.button(key=f"live-later-{run.id}").click().run()
    assert house.jobs.line() == [others[0].id, run.id, others[1].id]
    assert errors(app) == []


def test_another_persons_run_that_waits_has_no_buttons_to_press(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    with acting_as(Account("ann", ENGINEER)):
        run = made_runs.queued(house.runs)
    bo = Account("bo", ENGINEER)
    monkeypatch.setattr("asma_core.accounts.rights.account", lambda: bo)
    app = visit("attack", run=run.id)
    keys = ("stop", "sooner", "later", "next-of-mine")
    assert all(app.button(key=f"live-{key}-{run.id}").disabled for key in keys)


def progress_of(app: AppTest) -> str:
    (bar,) = app.get("progress")
    return str(bar.proto.text)


def running(house: House) -> Run:
    """Make a run that a worker is at, with what it shows."""
    run = made_runs.queued(house.runs)
    assert house.runs.claim(run.id)
    folder = house.runs.work_folder(run.id)
    curves = {
        "step": [0, 1, 2],
        "score": [0.1, None, 0.5],
        "iou": [0.1, None, 0.5],
        "pixel_accuracy": [0.9, 0.9, 0.9],
        "l2": [0.0, 0.5, 1.25],
        "linf": [0.0, 0.01, 0.02],
    }
    state = {"step": 2, "steps": 300, "seconds": 1.0, "seconds_left": 149.0, "score_kind": "iou"}
    state["curves"] = curves
    grey = np.full((SIDE, SIDE, 3), 120, np.uint8)
    write_bytes(folder / "adversarial.png", encode_png(grey))
    write_bytes(folder / "prediction.png", encode_mask(house.prediction))
    write_json(folder / "live.json", state)
    return run


def test_a_running_run_shows_figures_curves_and_pictures(house: House) -> None:
    run = running(house)
    app = visit("attack", run=run.id)
    assert errors(app) == []
    assert progress_of(app) == "Step 2 of 300, at most 2 min 29 s left, IoU 0.500, L2 1.25"
    assert image_count(app) == 2
    assert len(app.get("plotly_chart")) == 1


def test_stop_asks_the_store_and_says_so(house: House) -> None:
    run = running(house)
    app = visit("attack", run=run.id)
    app.button(key=f"live-stop-{run.id}").click().run()
    assert house.runs.stop_wanted(run.id)
    button = app.button(key=f"live-stop-{run.id}")
    assert (button.label, button.disabled) == ("Stopping", True)


def test_a_stop_that_can_not_be_written_is_a_sentence(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StoreError("the disk is full; free some space and repeat")

    run = running(house)
    app = visit("attack", run=run.id)
    monkeypatch.setattr(house.runs, "ask_to_stop", full)
    app.button(key=f"live-stop-{run.id}").click().run()
    assert "disk is full" in errors(app)[0]


def test_a_damaged_live_file_is_a_sentence(house: House) -> None:
    run = running(house)
    (house.runs.work_folder(run.id) / "live.json").write_bytes(b"{")
    assert "not JSON" in errors(visit("attack", run=run.id))[0]


@pytest.mark.parametrize(
    ("state", "message"),
    [("failed", f"the network gave NaN {NASTY}"), (INTERRUPTED, "its process ended; repeat it")],
)
def test_a_run_that_went_wrong_says_why(house: House, state: str, message: str) -> None:
    run = made_runs.failed(house.runs, message, state)
    app = visit("attack", run=run.id)
    assert errors(app) == []
    assert message in texts(app)
    assert state in texts(app)
    assert "result-compare" not in [button.key for button in app.button]


def test_a_finished_run_shows_its_outcome(house: House) -> None:
    run = made_runs.finished(house.runs)
    app = visit("attack", run=run.id)
    assert errors(app) == []
    assert "success" in texts(app)
    assert [metric.value for metric in app.metric] == ["0.981", "2.41", "0.090", "84"]
    assert image_count(app) == 3
    assert not app.button(key="result-compare").disabled


def test_a_finished_run_says_which_iou_took_which_change(house: House) -> None:
    marks: tuple[dict[str, float | None], ...] = (
        {"score": 0.8, "l2": 1.2, "linf": 0.1},
        {"score": 0.9, "l2": 1.6, "linf": 0.2},
        {"score": 0.97, "l2": None, "linf": None},
    )
    run = made_runs.finished(house.runs, made_runs.Made(frontier=marks))
    for page in ("attack", "compare"):
        told = texts(visit(page, run=run.id))
        assert "Smallest change on the way: IoU 0.80 at L2 1.20, 0.90 at L2 1.60; 0.97" in told
        assert "not reached within 85 evaluations" in told


def test_what_went_against_a_run_stands_beside_its_frontier(house: House) -> None:
    marks: tuple[dict[str, float | None], ...] = ({"score": 0.97, "l2": None, "linf": None},)
    said = ("The image is *grey*.", "Allow more steps.")
    run = made_runs.finished(house.runs, made_runs.Made(frontier=marks, warnings=said))
    for page in ("attack", "compare"):
        app = visit(page, run=run.id)
        assert [warning.value.replace("\\", "") for warning in app.warning] == [*said]
        assert "IoU 0.97 not reached within 85 evaluations" in texts(app)


def test_a_target_that_the_prediction_meets_already_is_told_before_the_run(house: House) -> None:
    app = opened()
    assert AT_TARGET not in texts(app)
    start_from(app, target_choice.PREDICTION)
    assert AT_TARGET in texts(app)
    # It can be run all the same, and is an outcome of its own.
    assert not app.button(key="attack-run").disabled
    start_from(app, target_choice.NOTHING)
    assert AT_TARGET not in texts(app)
    # Nothing to remove either.
    house.prediction = np.zeros_like(house.prediction)
    app.run()
    assert AT_TARGET in texts(app)


def test_a_cancelled_run_with_a_result_shows_it(house: House) -> None:
    run = made_runs.finished(house.runs, state=CANCELLED)
    app = visit("attack", run=run.id)
    assert errors(app) == []
    assert "success, stopped" in texts(app), "two facts"
    assert "ended: goal reached" in texts(app)
    assert image_count(app) == 3


def test_a_run_whose_files_are_gone_is_a_sentence(house: House) -> None:
    run = made_runs.finished(house.runs, files=False)
    app = visit("attack", run=run.id)
    assert len(errors(app)) == 1
    assert not app.button(key="result-repeat").disabled


def test_names_are_text_on_a_runs_page(house: House) -> None:
    made = made_runs.Made(image_name=NASTY, target_name=NASTY, dataset="")
    app = visit("attack", run=made_runs.finished(house.runs, made).id)
    assert errors(app) == []
    assert NASTY in texts(app)
    assert "<script>" not in "".join(part.value for part in app.markdown)


def test_change_the_target_goes_back_with_what_was_set_up(house: House) -> None:
    app = start_from(opened("c"), target_choice.TRUTH)
    app.number_input(key="attack-asma-default-steps").set_value(123)
    app.segmented_control(key="attack-scenario").set_value("mirror").run()
    press_run(app)
    run = house.submitted()
    house.runs.ask_to_stop(run.id)
    app.run()
    app.button(key="result-change").click().run()
    assert errors(app) == []
    assert address(app) == shown("c") | {"from": run.id, "set": "steps:123"}
    press_run(app)
    again = house.runs.newest()[0]
    assert again.id != run.id
    assert again.spec.config == run.spec.config
    assert again.spec.inputs_hash == run.spec.inputs_hash


@pytest.mark.parametrize("deep", [False, True])
def test_change_the_target_of_an_own_image_brings_it_into_another_session(
    house: House, deep: bool
) -> None:
    values = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    app = visit("attack", own=keep_upload(deep_picture(values) if deep else picture(values), "x"))
    app.selectbox(key="attack-network-").set_value(TWO).run()
    app.selectbox(key="attack-start").set_value(target_choice.NOTHING).run()
    press_run(app)
    run = house.submitted()
    house.runs.ask_to_stop(run.id)
    other = visit("attack", run=run.id)
    other.button(key="result-change").click().run()
    assert errors(other) == []
    other.selectbox(key="attack-start").set_value(target_choice.NOTHING).run()
    press_run(other)
    again = house.runs.newest()[0]
    assert again.id != run.id
    assert again.spec.image_hash == run.spec.image_hash


def test_change_the_target_brings_target_and_settings_into_another_session(house: House) -> None:
    app = opened("c")
    app.selectbox(key="attack-attack").set_value("asm").run()
    app.number_input(key="attack-asm-default-steps").set_value(77).run()
    app.number_input(key="attack-seed").set_value(5).run()
    app.segmented_control(key="attack-scenario").set_value("mirror").run()
    press_run(app)
    run = house.submitted()
    house.runs.ask_to_stop(run.id)
    other = visit("attack", run=run.id)
    other.button(key="result-change").click().run()
    assert errors(other) == []
    assert other.selectbox(key="attack-start").value == target_choice.RESTORED
    press_run(other)
    again = house.runs.newest()[0]
    assert again.id != run.id
    assert again.spec.attack == "asm"
    assert (again.spec.config["steps"], again.spec.execution.seed) == (77, 5)
    assert again.spec.inputs_hash == run.spec.inputs_hash
    assert again.spec.target_name == f"target of run {run.id}"


def test_the_target_of_a_run_is_not_offered_for_another_image(house: House) -> None:
    press_run(opened("c"))
    run = house.submitted()
    app = visit("attack", **{"dataset": DATASET, "sample": "c", "from": run.id})
    assert target_choice.RESTORED in app.selectbox(key="attack-start").options
    app.selectbox(key=f"attack-sample-{DATASET}").set_value("a").run()
    assert errors(app) == []
    assert target_choice.RESTORED not in app.selectbox(key="attack-start").options


@pytest.mark.parametrize("name", ["no-such", "../../x", "<script>", "0" * 8])
def test_an_address_from_an_unknown_run_is_a_sentence(name: str) -> None:
    app = visit("attack", **{"dataset": DATASET, "sample": "c", "from": name})
    assert len(errors(app)) == 1
    assert not app.button(key="attack-run").disabled


@pytest.mark.parametrize("name", ["no-such", "../../x", "<script>", "0" * 16])
def test_an_unknown_draft_begins_anew(name: str) -> None:
    app = visit("attack", dataset=DATASET, sample="c", draft=name)
    assert errors(app) == []
    assert "not here any more" in app.info[0].value
    assert target_choice.RESTORED not in app.selectbox(key="attack-start").options


@pytest.mark.parametrize("heard_before", [0, 1])
def test_what_is_heard_after_its_image_was_left_is_kept_too(heard_before: int) -> None:
    """A reload forgets the session: what counts is the draft of the address."""
    app = opened("a")
    drawings: Drawings = app.session_state["attack-drawings"]
    ((identity, kept),) = drawings.images.items()
    place = {"left": 1.0, "top": 2.0, "width": 5.0, "height": 4.0}
    shape = {"kind": "rectangle", "layer": "target", "class": 1} | place
    told = {"identity": identity, "revision": kept.revision, "label": 1}
    if heard_before:
        drawings.hear(told | {"shapes": [shape]})
        app.run()
    app.button(key="attack-step1").click().run()
    assert address(app)["sample"] != "a"
    drawings.hear(told | {"shapes": [shape, shape | {"left": 8.0}]})
    app.run()
    draft = open_draft(address(app)["draft"], [identity])
    assert draft is not None
    assert len(draft.drawing.shapes) == 2


def test_a_draft_in_the_address_brings_its_target_back(house: House) -> None:
    base = np.zeros((SIDE, SIDE), dtype=np.int64)
    base[2:9, 3:8] = 1
    key = new_key()
    keep_draft(Draft(f"{DATASET} / c", base, TargetSource("nothing"), Drawing()), key)
    app = visit("attack", dataset=DATASET, sample="c", draft=key)
    assert errors(app) == []
    press_run(app)
    np.testing.assert_array_equal(target_of(house), base)


def test_an_address_shows_another_person_the_same(house: House) -> None:
    app = start_from(opened("c"), target_choice.TRUTH)
    app.segmented_control(key="attack-scenario").set_value("grow").run()
    app.slider(key="attack-grow-percent").set_value(75.0).run()
    app.selectbox(key="attack-region").set_value("near").run()
    app.selectbox(key="attack-attack").set_value("pgd").run()
    app.segmented_control(key="attack-pgd-preset").set_value("quick").run()
    app.number_input(key="attack-seed").set_value(7).run()
    other = visit("attack", **address(app))
    assert errors(other) == []
    assert address(other)["draft"] and other.selectbox(key="attack-region").value == "near"
    assert other.segmented_control(key="attack-scenario").value == "grow"
    press_run(other)
    press_run(app)
    one, two = house.runs.newest()[:2]
    assert one.spec.inputs_hash == two.spec.inputs_hash
    assert (one.spec.attack, one.spec.config, one.spec.execution) == (
        two.spec.attack,
        two.spec.config,
        two.spec.execution,
    )
    assert one.spec.target_name == two.spec.target_name == "truth, grow"


def test_a_complete_address_outranks_what_the_tab_remembers() -> None:
    app = start_from(opened("c"), target_choice.TRUTH)
    app.selectbox(key="attack-attack").set_value("pgd").run()
    app.number_input(key="attack-seed").set_value(7).run()
    for name in ("set", "draft"):
        del app.query_params[name]
    app.query_params["attack"] = "asma"
    app.query_params["preset"] = "quick"
    app.run()
    assert errors(app) == []
    assert app.selectbox(key="attack-attack").value == "asma"
    assert app.segmented_control(key="attack-asma-preset").value == "quick"
    assert app.number_input(key="attack-seed").value == 0
    assert app.selectbox(key="attack-start").value == target_choice.OTHER
    said = address(app)
    assert said.pop("draft"), "what this tab has drawn on other images"
    assert said == shown("c") | {"preset": "quick"}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"attack": "magic"}, "no attack is called 'magic'"),
        ({"set": "steps:many"}, "steps is 'many'"),
        ({"set": "steps:-5"}, "steps is -5"),
        ({"set": "colour:red"}, "no setting is called 'colour'"),
    ],
)
def test_an_attack_that_can_not_be_is_a_sentence(changed: dict[str, str], words: str) -> None:
    app = visit("attack", **(shown("c") | changed))
    assert words in errors(app)[0].lower()
    assert not app.button(key="attack-run").disabled
    assert errors(app.run()) == []


def deep_picture(values: np.ndarray) -> bytes:
    """Return a grey PNG of 16 bits."""
    buffer = io.BytesIO()
    Image.fromarray((values * 3).astype(np.uint16)).save(buffer, "PNG")
    data = buffer.getvalue()
    assert read_image(data).max() == 1 and len(np.unique(read_image(data))) > 256
    return data


def test_repeat_goes_to_the_new_run(house: House) -> None:
    run = made_runs.finished(house.runs)
    app = visit("attack", run=run.id)
    app.button(key="result-repeat").click().run()
    assert errors(app) == []
    new = house.runs.newest()[0]
    assert new.id != run.id
    assert address(app) == {"run": new.id}


def test_where_the_paper_s_attack_falls_short_minimal_is_offered(house: House) -> None:
    run = made_runs.finished(house.runs, made_runs.Made(success=False, iou=0.7))
    app = visit("attack", run=run.id)
    app.button(key="result-minimal").click().run()
    assert errors(app) == []
    new = house.runs.newest()[0]
    assert address(app) == {"run": new.id}
    assert new.spec.attack == "minimal"
    assert new.wanted == run.wanted
    assert new.spec.inputs_hash == run.spec.inputs_hash


@pytest.mark.parametrize(
    "made", [made_runs.Made(), made_runs.Made(attack="minimal", success=False, iou=0.7)]
)
def test_minimal_is_not_offered_where_it_would_not_help(house: House, made: made_runs.Made) -> None:
    app = visit("attack", run=made_runs.finished(house.runs, made).id)
    assert "result-minimal" not in [button.key for button in app.button]


def test_a_run_that_can_not_be_repeated_says_why(house: House) -> None:
    run = made_runs.finished(house.runs)
    (house.home / "models" / f"{MODEL}.toml").unlink()
    app = visit("attack", run=run.id)
    app.button(key="result-repeat").click().run()
    assert "no model is called" in errors(app)[0].lower()


def test_where_the_image_may_change_goes_into_the_run(house: House) -> None:
    app = visit("attack", dataset=DATASET, sample="b")
    app.selectbox(key="attack-region").set_value("near").run()
    app.number_input(key="attack-region-margin").set_value(2).run()
    assert "of the image may change" in texts(app)
    press_run(app)
    region = house.runs.inputs(house.submitted()).region
    assert region is not None
    structures = (house.prediction > 0) | (house.runs.inputs(house.submitted()).target > 0)
    assert region[structures].all() and 0 < region.mean() < 1


def test_a_region_of_another_size_is_a_sentence_and_nothing_runs(house: House) -> None:
    app = visit("attack", dataset=DATASET, sample="b")
    app.selectbox(key="attack-region").set_value("file").run()
    data = picture(np.ones((20, 20)))
    app.file_uploader(key="attack-region-file").set_value(("region.png", data, "image/png")).run()
    assert errors(app) == [
        "region.png is 20 x 20 and the image 32 x 32; resize the region without interpolation"
    ]
    assert app.button(key="attack-run").disabled


# A black box ----------------------------------------------------------------------------------


def test_of_a_black_box_only_square_is_offered(home: Path, house: House) -> None:
    box = write_black_box(home)
    app = visit("attack", dataset=DATASET, sample="a", network=box, attack="minimal")
    (choice,) = [one for one in app.selectbox if one.label == "Attack"]
    assert choice.options == ["Black box: Square", "Black box: DLA"] and choice.value == "square"
    assert "attacks that need gradients are left out" in texts(app)
    press_run(start_from(app, target_choice.OTHER))
    assert errors(app) == [] and house.submitted().spec.attack == "square"


def test_a_run_of_another_attack_can_not_be_asked_for_of_a_black_box(
    home: Path, house: House
) -> None:
    box = write_black_box(home)
    app = visit("attack", dataset=DATASET, sample="a", network=box)
    press_run(start_from(app, target_choice.OTHER))
    square = house.submitted()
    with pytest.raises(
        InputError, match="takes no gradients, and asma needs them; choose square, dla"
    ):
        house.jobs.submit(replace(square.spec.request(), attack="asma", config={}),
                          house.runs.inputs(square))  # fmt: skip
