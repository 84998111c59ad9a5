"""Adding a data set in the browser: what was understood, corrected, kept or refused."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from asma_core.data.datasets import dataset_names, open_dataset
from asma_core.data.formats.windows import Window
from asma_core.data.masks.label_maps import VOID
from asma_core.jobs.detection import DetectionRunner
from asma_core.jobs.experiments import ExperimentRunner
from tests.data.formats.test_nameless_dicom import nothing_of_a_person, with_person
from tests.data.formats.test_volumes import RAMP, dicom, nifti
from tests.data.publish import PUBLISHED, disc, encoded, lay_out, nested, picture
from tests.pages import small_house
from tests.pages.small_house import PROJECT, House
from tests.waiting import PATIENCE
from ui.common import services

GREYS = np.array([0, 128, 255], dtype=np.uint8)


@pytest.fixture(autouse=True)
def house(home: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    return small_house.furnish(home, monkeypatch)


def three_greys() -> dict[str, bytes]:
    files = {}
    for n in range(3):
        files[f"mine/images/{n}.png"] = picture(n)
        files[f"mine/masks/{n}.png"] = encoded(GREYS[nested(n, 0, 1, 2)])
    return files


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def opened() -> AppTest:
    return visit(add="1")


def visit(**query: str) -> AppTest:
    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=PATIENCE)
    app.query_params.update(query)
    app.switch_page("pages/datasets.py")
    return app.run()


def uploaded(*files: tuple[str, bytes]) -> AppTest:
    app = opened()
    values = [(name, data, "application/octet-stream") for name, data in files]
    app.file_uploader(key="dataset-import-files").set_value(values)
    return app.run()


def keep(app: AppTest, name: str | None = None) -> AppTest:
    if name is not None:
        next(one for one in app.text_input if one.label == "Name").set_value(name)
    return app.button(key="dataset-import-keep").click().run()


def words(app: AppTest) -> str:
    parts = [*app.markdown, *app.caption, *app.error, *app.warning, *app.info]
    return "\n".join(one.value for one in parts)


def test_a_zip_is_understood_and_kept() -> None:
    app = uploaded(("mine.zip", zipped(three_greys())))
    assert not app.exception and not app.error
    assert "3 images with masks" in words(app)
    keep(app)
    dataset = open_dataset("mine")
    assert (dataset.mask(dataset.samples[0]).labels == nested(0, 0, 1, 2)).all()


def test_a_class_mapping_is_corrected() -> None:
    app = uploaded(("mine.zip", zipped(three_greys())))
    next(one for one in app.text_input if "background first" in one.label).set_value("skin, cup")
    app.run()
    choices = {one.label: one for one in app.selectbox if one.label.startswith("Class of")}
    choices["Class of 128"].set_value(VOID)
    choices["Class of 255"].set_value(1)
    app.run()
    keep(app, "cups")
    dataset = open_dataset("cups")
    assert dataset.classes == ("skin", "cup")
    mask = dataset.mask(dataset.samples[0])
    assert (mask.labels == disc(0, 9)).all()
    assert (mask.valid == (nested(0, 0, 1, 2) != 1)).all()


def test_single_files_are_paired() -> None:
    app = uploaded(("a.png", picture(0)), ("a_mask.png", encoded(255 * disc().astype(np.uint8))))
    assert "1 images with masks" in words(app)
    keep(app, "loose")
    assert len(open_dataset("loose").samples) == 1


@pytest.mark.parametrize("name", ["refuge", "drishti-gs", "montgomery"])
def test_a_challenge_is_named(name: str) -> None:
    app = uploaded((f"{name}.zip", zipped(PUBLISHED[name][0]())))
    assert not app.exception and not app.error
    assert next(one for one in app.selectbox if one.label == "Understood as").value == name


def test_images_without_a_mask_are_told() -> None:
    app = uploaded(("x.zip", zipped(PUBLISHED["shenzhen"][0]())))
    assert "1 images have no mask and are left out" in words(app)


def test_a_soft_map_gets_a_threshold() -> None:
    rows, columns = np.mgrid[:64, :64]
    soft = np.clip(255 - 6 * np.hypot(rows - 30, columns - 30), 0, 255).astype(np.uint8)
    app = uploaded(("a.png", picture(0)), ("a_mask.png", encoded(soft)))
    slider = next(one for one in app.slider if "above this share" in one.label)
    slider.set_value(0.25).run()
    keep(app, "soft")
    dataset = open_dataset("soft")
    assert (dataset.mask(dataset.samples[0]).labels == (soft > 0.25 * 255)).all()


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ([("x.zip", b"rubbish")], "is not a zip"),
        ([("x.zip", zipped({"../a.png": b"x"}))], "lies outside of it"),
        ([("x.zip", zipped(three_greys())), ("a.png", picture(0))], "not both together"),
        ([("a.png", picture(0))], "no mask for 1 of 1 images"),
        (
            [("a.png", picture(0)), ("notes.docx", b"x")],
            "notes.docx is no image, mask",
        ),
        ([("a.png", picture(0)), ("a_mask.png", b"<html>")], "is not a PNG"),
    ],
)
def test_what_is_broken_is_a_sentence(files: list[tuple[str, bytes]], sentence: str) -> None:
    app = uploaded(*files)
    assert not app.exception
    assert sentence in words(app).replace("\\", "")


def test_a_name_that_is_taken_is_told() -> None:
    app = keep(uploaded(("mine.zip", zipped(three_greys()))), small_house.DATASET)
    assert "already" in words(app)
    assert dataset_names().count(small_house.DATASET) == 1


def test_no_folder_is_open_unless_the_owner_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = opened()
    app.segmented_control(key="dataset-import-from").set_value("Folder on the server").run()
    assert "No folder of this server is open" in words(app)
    lay_out(tmp_path / "data", three_greys())
    monkeypatch.setenv("ASMA_DATA_ROOTS", str(tmp_path / "data"))
    app.run()
    chosen = app.selectbox(key="dataset-import-folder")
    chosen.set_value(str(tmp_path / "data" / "mine")).run()
    assert "3 images with masks" in words(app)
    keep(app, "there")
    assert open_dataset("there").samples[0].image.is_relative_to(tmp_path / "data")


def test_of_single_dicom_files_nothing_of_a_person_is_ever_on_the_disk(home: Path) -> None:
    app = uploaded(*((f"{place}.dcm", with_person(RAMP + place)) for place in range(2)))
    assert not app.exception
    nothing_of_a_person(home)
    switch = next(one for one in app.toggle if one.label == "There are no masks")
    switch.set_value(True).run()
    assert "2 images without masks" in words(app)
    nothing_of_a_person(home)
    keep(app, "scans")
    assert len(open_dataset("scans").samples) == 2
    nothing_of_a_person(home)


def test_a_dicom_file_that_can_not_be_made_nameless_is_a_sentence_and_leaves_nothing(
    home: Path,
) -> None:
    whole = with_person()
    app = uploaded(("a.dcm", whole), ("cut.dcm", whole[: len(whole) - 2 * RAMP.size - 50]))
    assert not app.exception
    assert "cut.dcm is a DICOM file without a picture" in words(app).replace("\\", "")
    assert not [path for path in (home / "imports").rglob("*") if path.is_file()]


def test_what_an_older_version_has_left_is_removed_when_the_server_starts(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = home / "imports" / "0123" / "scans"
    left.mkdir(parents=True)
    (left / "a.dcm").write_bytes(with_person())
    monkeypatch.setattr(services, "keep_deleting", lambda _: None)
    services._queue.clear()
    services._queue(str(home)).close()
    assert not (home / "imports").exists()
    services._queue.clear()


def test_an_imported_set_can_be_removed() -> None:
    keep(uploaded(("mine.zip", zipped(three_greys()))))
    app = visit(dataset="mine")
    app.button(key="datasets-remove").click().run()
    assert not app.exception
    assert "mine" not in dataset_names()


def test_a_set_without_a_network_offers_to_train_one() -> None:
    keep(uploaded(("mine.zip", zipped(three_greys()))))
    app = visit(dataset="mine")
    assert [one for one in app.button if one.key == "datasets-train"]
    app = visit(dataset=small_house.DATASET)
    assert not [one for one in app.button if one.key == "datasets-train"]


def test_every_slice_of_volumes_or_one() -> None:
    from tests.data.formats.test_volumes import nifti

    shape = np.repeat(disc()[:, :, None], 20, axis=2).astype(np.uint8)
    files = {
        "v/imagesTr/a_0000.nii.gz": nifti(shape.astype(np.int16) * 300),
        "v/labelsTr/a.nii.gz": nifti(shape),
    }
    app = uploaded(("v.zip", zipped(files)))
    assert not app.exception and not app.error
    assert "20 images with masks" in words(app)
    next(one for one in app.toggle if one.label.startswith("Every picture")).set_value(False).run()
    assert not app.exception and not app.error
    keep(app, "middle")
    (sample,) = open_dataset("middle").samples
    assert (open_dataset("middle").mask(sample).labels == np.rot90(disc())).all()


def test_a_series_with_a_nifti_mask_is_asked_about_where_it_says_no_place() -> None:
    from tests.data.formats.test_volumes import nifti
    from tests.data.layouts.test_series_folders import SLICES, case, structure

    files = case(nifti(structure().transpose(2, 1, 0)), placed=False)
    app = uploaded(("case.zip", zipped({f"set/{path}": data for path, data in files.items()})))
    assert not app.exception and not app.error
    assert f"{SLICES} images with masks" in words(app)
    assert "does not say where in the body it lies" in words(app)
    choice = next(one for one in app.radio if one.label == "How they are read")
    assert [option.split(",")[0] for option in choice.options] == [
        *("Corner to corner", "As they are stored: columns", "As they are stored"),
    ]
    assert choice.value == "stored"
    choice.set_value("backwards").run()
    assert "the last slice first" in words(app)
    keep(app, "backwards")
    kept = open_dataset("backwards")
    found = [int(kept.mask(one).labels.sum()) for one in kept.samples]
    assert found == [int(plane.sum()) for plane in structure()[::-1]]


def test_colours_are_named_and_mapped() -> None:
    colours = np.array([[0, 0, 0], [255, 0, 0], [0, 128, 255]], dtype=np.uint8)
    files = {"c/images/0.png": picture(0), "c/masks/0.png": encoded(colours[nested(0, 0, 1, 2)])}
    app = uploaded(("c.zip", zipped(files)))
    assert not app.exception and not app.error
    choices = {one.label: one for one in app.selectbox if one.label.startswith("Class of")}
    choices[f"Class of {0x0080FF}"].set_value(1)
    choices[f"Class of {0xFF0000}"].set_value(2)
    app.run()
    keep(app, "coloured")
    dataset = open_dataset("coloured")
    swapped = np.array([0, 2, 1])[nested(0, 0, 1, 2)]
    assert (dataset.mask(dataset.samples[0]).labels == swapped).all()


def deep_files(offset: int = 0) -> dict[str, bytes]:
    files = {}
    for n in range(3):
        noise = np.random.default_rng(n).integers(0, 900, disc().shape)
        values = (1000 + offset + noise + 900 * disc()).astype(np.uint16)
        files[f"deep/images/{n}.png"] = encoded(values)
        files[f"deep/masks/{n}.png"] = encoded(255 * disc().astype(np.uint8))
    return files


def test_the_window_of_deep_images_is_shown_and_changed() -> None:
    app = uploaded(("deep.zip", zipped(deep_files())))
    assert not app.exception and not app.error
    assert "percentiles 0.5 and 99.5" in words(app)
    assert "8-bit image through this window" in words(app)
    slider = next(one for one in app.slider if one.label == "Window")
    assert slider.min >= 1000 and slider.max <= 2800
    slider.set_value((1200.0, 2000.0)).run()
    assert not app.exception and "1200 to 2000 (chosen)" in words(app)
    keep(app)
    dataset = open_dataset("deep")
    assert dataset.samples[0].where.window == Window(1200, 2000)


def test_files_with_windows_of_their_own_keep_them_or_share_one() -> None:
    files = {}
    for n in range(3):
        values = (1000 + 900 * disc()).astype(np.uint16)
        files[f"ct/images/{n}.dcm"] = dicom(values, WindowCenter=f"{1500 + n}", WindowWidth="900")
        files[f"ct/masks/{n}.png"] = encoded(255 * disc().astype(np.uint8))
    app = uploaded(("ct.zip", zipped(files)))
    assert not app.exception and not app.error
    assert "its file's own window" in words(app)
    assert not [one for one in app.slider if one.label == "Window"]
    next(one for one in app.toggle if one.label == "One window for all images").set_value(True)
    app.run()
    assert not app.exception
    next(one for one in app.slider if one.label == "Window").set_value((1000.0, 1500.0)).run()
    keep(app)
    windows = {sample.where.window for sample in open_dataset("ct").samples}
    assert windows == {Window(1000, 1500)}


def test_images_of_8_bits_have_no_window() -> None:
    app = uploaded(("mine.zip", zipped(three_greys())))
    assert not [one for one in app.slider if one.label == "Window"]
    assert "window" not in words(app)


def test_a_volume_of_four_dimensions_is_chosen() -> None:
    volume = np.stack([100 * disc().astype(np.int16)] * 18, axis=-1)
    both = np.stack([volume, volume + 700], axis=-1)
    files = {}
    for name in "ab":
        files[f"four/imagesTr/{name}_0000.nii.gz"] = nifti(both)
        files[f"four/labelsTr/{name}.nii.gz"] = nifti((volume > 0).astype(np.uint8))
    app = uploaded(("four.zip", zipped(files)))
    assert not app.exception and not app.error
    next(one for one in app.number_input if one.label == "Volume, 0 to 1").set_value(1).run()
    assert not app.exception and not app.error
    keep(app)
    assert {sample.where.volume for sample in open_dataset("four").samples} == {1}


# Without masks ----------------------------------------------------------------------------------


def images_alone() -> dict[str, bytes]:
    return {f"mine/{n}.png": picture(n) for n in range(3)}


def unmasked() -> AppTest:
    """Images without masks, taken in as somebody says that there are none."""
    app = uploaded(("mine.zip", zipped(images_alone())))
    assert "There are no masks" in app.error[0].value
    next(one for one in app.toggle if one.label == "There are no masks").set_value(True).run()
    assert not app.exception and not app.error
    assert "3 images without masks" in words(app)
    return keep(app)


def test_images_without_masks_are_kept_where_somebody_says_so() -> None:
    app = unmasked()
    assert not app.exception and not app.error
    dataset = open_dataset("mine")
    assert not dataset.masked and dataset.classes == ()
    app = visit(dataset="mine", sort="worst", low="5")
    assert not app.exception and not app.error
    assert "3 images" in words(app) and not app.slider
    assert next(one for one in app.selectbox if one.label == "Sort by").options == ["Name"]
    assert not any(one.key == "datasets-train" for one in app.button)


def test_an_image_without_a_mask_has_no_iou_and_the_network_s_classes(house: House) -> None:
    unmasked()
    house.prediction = disc(0)
    app = visit(dataset="mine", sample="1", model=small_house.MODEL)
    assert not app.exception and not app.error
    assert "no masks: IoU n/a" in words(app)
    assert app.toggle(key="sample-truth").disabled
    table = next(one.proto.body for one in app.get("html") if "asma-figures" in one.proto.body)
    assert "rim" in table and "prediction" in table and "IoU" not in table


def test_an_image_without_a_mask_is_attacked_from_the_prediction(house: House) -> None:
    unmasked()
    house.prediction = disc(0)
    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=PATIENCE)
    app.query_params.update({"dataset": "mine", "sample": "1"})
    app.switch_page("pages/attack.py").run()
    assert not app.exception and [one.value for one in app.error] == []
    start = next(one for one in app.selectbox if one.label == "Target starts from")
    assert start.options == ["the prediction", "nothing", "a file"]


@pytest.mark.parametrize("page", ["experiments", "defences"])
def test_forms_that_need_masks_say_so(house: House, page: str) -> None:
    unmasked()
    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=PATIENCE)
    app.switch_page(f"pages/{page}.py").run()
    next(one for one in app.selectbox if one.label == "Data set").set_value("mine").run()
    assert not app.exception and not app.error
    assert "mine has no mask" in words(app)
    assert next(one for one in app.button if one.label == "Start").disabled


def test_detectors_are_asked_of_images_that_are_led_away_from_the_prediction(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    unmasked()
    experiments = ExperimentRunner(house.jobs)
    monkeypatch.setattr(experiments, "start", lambda _: True)
    runner = DetectionRunner(house.home, experiments, SimpleNamespace())
    monkeypatch.setattr(services, "detection", lambda: runner)
    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=PATIENCE)
    app.query_params["room"] = "detection"
    app.switch_page("pages/defences.py").run()
    next(one for one in app.selectbox if one.label == "Data set").set_value("mine").run()
    assert not app.exception and not app.error
    attack = next(one for one in app.selectbox if one.label == "Attack")
    assert "PGD" in attack.options and "ASMA" not in attack.options
    app.button(key="detection-form-start").click().run()
    assert not app.exception and not app.error
    plan = runner.plans.get(runner.plans.newest()[0])
    assert plan.pairs == (("0", "0"), ("1", "1"), ("2", "2"))
    assert {row.config["goal_is"] for row in plan.rows} == {"away from the prediction"}
