"""The Models page: cards, checks, an upload, a training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from monai.networks import nets
from streamlit.testing.v1 import AppTest

from asma_core.data.datasets import open_dataset
from asma_core.defences.contract import Defence
from asma_core.models.sources.cards import find_card, model_cards
from asma_core.models.sources.defending import keep_defended
from asma_core.models.sources.ensembles import keep_ensemble
from asma_core.models.sources.learning import named
from asma_core.training import store as states
from asma_core.training.plan import TrainingPlan
from tests.models import bare
from tests.models.sources import nnunet_folder, onnx_files, test_bundles, test_huggingface
from tests.models.sources.test_importing import STATE, Evil
from tests.pages import small_house
from tests.pages.small_house import MODEL, PROJECT, TWO, House
from tests.waiting import PATIENCE
from ui.common import services


@pytest.fixture(autouse=True)
def house(home: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    return small_house.furnish(home, monkeypatch)


def visit(**query: str) -> AppTest:
    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=PATIENCE)
    app.query_params.update(query)
    app.switch_page("pages/models.py")
    return app.run()


def words(app: AppTest) -> str:
    parts = [*app.title, *app.markdown, *app.caption, *app.error, *app.warning, *app.info]
    return "\n".join(one.value for one in parts).replace("\\", "")


def saved(tmp_path: Path, content: Any, name: str = "w.pt") -> tuple[str, bytes, str]:
    torch.save(content, tmp_path / name)
    return name, (tmp_path / name).read_bytes(), "application/octet-stream"


def upload(app: AppTest, *files: tuple[str, bytes, str]) -> AppTest:
    app.file_uploader(key="model-import-files").set_value(list(files))
    return app.run()


def test_all_networks_are_listed_and_a_broken_card_is_told(home: Path) -> None:
    (home / "models" / "bad.toml").write_text("name = ")
    app = visit()
    assert not app.exception
    assert words(app).count("server's own") == 2 and words(app).count("A net. For tests.") == 2
    assert "bad.toml" in words(app) and "can't be read" in words(app)


def test_a_network_shows_what_it_is_and_what_a_check_finds() -> None:
    app = visit(model=MODEL)
    assert not app.exception and not app.error
    assert app.title[0].value.replace("\\", "") == MODEL and "A net. For tests." in words(app)
    assert "colour images, at their own size, sides a multiple of 16" in words(app)
    app.button(key="model-check").click().run()
    assert "Clean IoU 0.012" in words(app)
    assert "with BGR it would be 0.9" in words(app)
    assert "Or with values from 0 to 255 it would be 0.5" in words(app)


def test_the_worst_images_come_first() -> None:
    app = visit(model=MODEL)
    app.button(key="model-clean-iou").click().run()
    assert not app.exception
    captions = [one.value for one in app.caption if one.value.startswith("Clean IoU")]
    assert captions == ["Clean IoU 0.200", "Clean IoU 0.900"]
    assert app.metric[0].value == "0.550"


def test_a_network_without_a_data_set_says_so(home: Path) -> None:
    app = visit(model=TWO)
    assert not app.exception
    assert "No data set has 2 classes" in words(app)


def test_an_unknown_network_is_a_sentence() -> None:
    app = visit(model="nothing")
    assert "no model is called 'nothing'" in words(app).lower()


def test_weights_are_taken_in_with_what_was_guessed(tmp_path: Path) -> None:
    app = upload(visit(add="1"), saved(tmp_path, STATE))
    assert not app.exception and not app.error
    assert "What fits them all is filled in" in words(app)
    chosen = next(one for one in app.selectbox if one.label.startswith("Architecture"))
    assert chosen.value == "UNet"
    assert "kept once it has been checked" in words(app)
    app.button(key="model-import-check").click().run()
    app.button(key="model-import-keep").click().run()
    assert not app.exception
    card = find_card("w")
    assert not card.trusted and card.classes == ("background", "class 1")
    assert card.arguments["channels"] == [4, 8]


def test_a_change_asks_for_another_check(tmp_path: Path) -> None:
    app = upload(visit(add="1"), saved(tmp_path, STATE))
    app.button(key="model-import-check").click().run()
    assert [one for one in app.button if one.key == "model-import-keep"]
    next(one for one in app.text_input if one.label.startswith("Classes")).set_value("a, b").run()
    assert not [one for one in app.button if one.key == "model-import-keep"]


def test_a_network_that_does_not_answer_can_t_be_kept(house: House, tmp_path: Path) -> None:
    bad = [{"name": "answer", "state": "bad", "text": "the network fails"}]
    house.report = {"checks": bad, "usable": False, "iou": None, "ious": {}, "guesses": []}
    app = upload(visit(add="1"), saved(tmp_path, STATE))
    app.button(key="model-import-check").click().run()
    assert app.button(key="model-import-keep").disabled


@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        (nets.UNet(2, 3, 2, [4, 8], [2]), "w.pt", "holds more than weights"),
        ({"a": Evil()}, "w.ckpt", "save the weights alone: safetensors.torch.save_file"),
        ({"a": 3}, "w.pth", "holds no state dict"),
    ],
)
def test_a_pickle_is_refused_with_the_way(
    tmp_path: Path, content: Any, name: str, sentence: str
) -> None:
    Evil.ran = False
    app = upload(visit(add="1"), saved(tmp_path, content, name))
    assert not app.exception
    assert sentence in words(app)
    assert not Evil.ran


def test_arguments_that_are_no_json_are_told(tmp_path: Path) -> None:
    app = upload(visit(add="1"), saved(tmp_path, STATE))
    app.text_area[0].set_value("channels = 3").run()
    assert "arguments are not JSON" in words(app)


def test_a_name_that_is_taken_is_told(tmp_path: Path) -> None:
    app = upload(visit(add="1"), saved(tmp_path, STATE))
    next(one for one in app.text_input if one.label == "Name").set_value(MODEL).run()
    assert "already" in words(app)


def test_a_card_comes_with_its_weights(tmp_path: Path) -> None:
    from tests.models.sources.test_importing import MADE

    card = bare.card_text("carded", MADE.format("w.pt"))
    app = upload(visit(add="1"), saved(tmp_path, STATE), ("c.toml", card.encode(), "text/plain"))
    app.button(key="model-import-check").click().run()
    app.button(key="model-import-keep").click().run()
    assert find_card("carded").input.mean == bare.MEAN


def test_two_files_of_weights_are_told(tmp_path: Path) -> None:
    files = saved(tmp_path, STATE, "a.pt"), saved(tmp_path, STATE, "b.pt")
    assert "upload one file of weights" in words(upload(visit(add="1"), *files)).lower()


def test_an_upload_can_be_removed(tmp_path: Path) -> None:
    app = upload(visit(add="1"), saved(tmp_path, STATE))
    app.button(key="model-import-check").click().run()
    app.button(key="model-import-keep").click().run()
    app = visit(model="w")
    app.button(key="model-remove").click().run()
    assert not app.exception
    assert "w" not in model_cards()


def test_a_training_is_started_stopped_and_gone_on_with() -> None:
    app = visit(train="1")
    assert not app.exception
    assert "1 images to train on, 0 to choose by, 2 to test" in words(app)
    app.button(key="training-form-start").click().run()
    store = services.trainer().store
    (training,) = store.all()
    assert training.state == states.QUEUED
    assert training.plan.dataset == small_house.DATASET
    app = visit(training=training.id)
    assert not app.exception
    app.button(key="training-stop").click().run()
    assert store.get(training.id).state == states.STOPPED
    app = visit(training=training.id)
    app.button(key="training-on").click().run()
    assert store.get(training.id).state == states.QUEUED


def test_what_the_training_form_says_is_planned_and_untouched_it_is_the_plans_own() -> None:
    app = visit(train="1")
    app.button(key="training-form-start").click().run()
    store = services.trainer().store
    (untouched,) = store.all()
    plan = untouched.plan
    assert plan == TrainingPlan(small_house.DATASET, plan.name)
    app = visit(train="1")
    app.selectbox(key="training-form-architecture").set_value("SegResNet").run()
    app.segmented_control(key="training-form-width").set_value("tiny")
    app.number_input(key="training-form-steps").set_value(70)
    app.select_slider(key="training-form-image_size").set_value(64)
    app.number_input(key="training-form-batch_size").set_value(3)
    app.number_input(key="training-form-learning_rate").set_value(1e-5)
    app.number_input(key="training-form-patience").set_value(0)
    app.slider(key="training-form-validation").set_value(0.3)
    app.number_input(key="training-form-seed").set_value(9).run()
    app.button(key="training-form-start").click().run()
    assert not app.exception and not app.error
    asked = store.all()[0].plan
    assert asked == TrainingPlan(
        small_house.DATASET, asked.name, "SegResNet", "tiny", 70, 3, 64, 1e-5, 9, 0.3, 0
    )


def test_a_training_that_can_not_be_is_a_sentence() -> None:
    app = visit(train="1")
    app.number_input(key="training-form-learning_rate").set_value(0.0).run()
    app.button(key="training-form-start").click().run()
    assert "learning_rate is 0.0; it must be above 0" in words(app).lower()
    assert services.trainer().store.all() == []


def test_a_network_in_training_has_the_name_that_was_typed() -> None:
    app = visit(train="1")
    app.text_input(key="training-form-name").set_value("  My.net_2 ").run()
    app.selectbox(key="training-form-architecture").set_value("SegResNet").run()
    app.button(key="training-form-start").click().run()
    (training,) = services.trainer().store.all()
    assert training.plan.name == "My.net_2"
    app = visit(train="1")
    for name, words_of_it in (
        ("My.net_2", "in training already"),
        (MODEL, "already"),
        ("mein Netz", "no spaces"),
        ("\N{LATIN SMALL LETTER O WITH DIAERESIS}l", "without accents"),
    ):
        app.text_input(key="training-form-name").set_value(name).run()
        app.button(key="training-form-start").click().run()
        assert not app.exception
        assert words_of_it in words(app), name
    assert len(services.trainer().store.all()) == 1


def test_a_name_that_nobody_typed_follows_the_choices() -> None:
    app = visit(train="1")
    before = app.text_input(key="training-form-name").value
    app.selectbox(key="training-form-architecture").set_value("SegResNet").run()
    after = app.text_input(key="training-form-name").value
    assert (before, after) == (f"{small_house.DATASET}-unet", f"{small_house.DATASET}-segresnet")
    app.button(key="training-form-start").click().run()
    assert visit(train="1").text_input(key="training-form-name").value != after


def test_a_finished_training_shows_its_figures_and_its_network() -> None:
    store = services.trainer().store
    visit(train="1").button(key="training-form-start").click().run()
    (training,) = store.all()
    curve = {"steps": [1, 2], "loss": [1.2, 0.9], "validations": [2], "iou": [0.5]}
    store.keep_curve(
        training.id, curve | {"step": 2, "of": 2, "seconds": 3.0, "left": 0.0, "best": 0.5}
    )
    figures = {"test_iou": 0.87, "test_dice": 0.9, "test_images": 2, "seconds": 3.0, "steps": 2}
    assert store.claim(training.id)
    store.end(training.id, states.DONE, network=MODEL, figures=figures)
    app = visit(training=training.id)
    assert not app.exception
    assert [one.value for one in app.metric][:2] == ["0.870", "0.900"]
    assert "done, test IoU 0.870" in words(visit())
    app.button(key="training-delete").click().run()
    assert store.all() == []


def test_a_network_that_is_there_is_trained_against_attacks() -> None:
    app = visit(train="1", dataset=small_house.DATASET, start=MODEL)
    start = app.selectbox(key="training-form-start_from")
    # Networks of other classes are not offered.
    assert start.value == MODEL and small_house.TWO not in start.options
    assert app.number_input(key="training-form-learning_rate").value == 1e-3
    assert "training-form-architecture" not in [one.key for one in app.selectbox]
    assert app.text_input(key="training-form-name").value == f"{MODEL}-tuned"
    app.selectbox(key="training-form-adversarial").set_value("segpgd").run()
    assert app.text_input(key="training-form-name").value == f"{MODEL}-robust"
    app.selectbox(key="training-form-norm").set_value("l2").run()
    app.number_input(key="training-form-budget").set_value(2.0)
    app.number_input(key="training-form-attack_steps").set_value(3)
    app.slider(key="training-form-attacked").set_value(0.5).run()
    app.button(key="training-form-start").click().run()
    assert not app.exception and not app.error
    (training,) = services.trainer().store.all()
    plan = training.plan
    assert (plan.start_from, plan.adversarial, plan.norm) == (MODEL, "segpgd", "l2")
    assert (plan.budget, plan.attack_steps, plan.attacked) == (2.0, 3, 0.5)
    about = f"from {MODEL}, on {small_house.DATASET}, against SegPGD within L2 2"
    assert about in words(visit(training=training.id))


def test_a_link_to_training_another_network_is_followed_and_a_choice_then_stays() -> None:
    app = visit(train="1", dataset=small_house.DATASET, start=MODEL)
    app.selectbox(key="training-form-start_from").set_value("").run()
    assert app.selectbox(key="training-form-start_from").value == ""
    assert app.number_input(key="training-form-learning_rate").value == 3e-3
    assert app.selectbox(key="training-form-architecture").value == "UNet"


def test_a_budget_that_no_file_holds_is_a_sentence() -> None:
    app = visit(train="1")
    app.selectbox(key="training-form-adversarial").set_value("pgd").run()
    app.number_input(key="training-form-budget").set_value(0.001).run()
    app.button(key="training-form-start").click().run()
    assert "it must be at least 1/255" in words(app)
    assert services.trainer().store.all() == []


def test_an_adversarial_training_shows_both_curves_and_what_is_kept() -> None:
    store = services.trainer().store
    training = store.create(TrainingPlan(small_house.DATASET, "hard", adversarial="pgd"))
    curve = {"steps": [1, 2], "loss": [1.2, 0.9], "validations": [0, 2], "iou": [0.9, 0.8],
             "robust": [0.1, 0.6], "best_robust": 0.6, "best": 0.8, "step": 2, "of": 4,
             "seconds": 3.0, "left": 3.0}  # fmt: skip
    store.keep_curve(training.id, curve)
    assert store.claim(training.id)
    app = visit(training=training.id)
    assert not app.exception
    assert "Kept so far: clean IoU 0.800, robust IoU 0.600 within Linf 4/255" in words(app)
    assert drawn_lines(app) == ["loss", "clean IoU", "robust IoU"]
    figures = {"test_iou": 0.8, "test_robust_iou": 0.55, "stopped": "collapsed", "steps": 2}
    store.end(training.id, states.DONE, network=MODEL, message="it collapsed", figures=figures)
    app = visit(training=training.id)
    assert [one.value for one in app.warning] == ["it collapsed"] and not app.error
    assert {"0.550", "2, collapsed"} <= {one.value for one in app.metric}


def drawn_lines(app: AppTest) -> list[str]:
    """Return the names of the lines of the chart."""
    (chart,) = app.get("plotly_chart")
    return [line["name"] for line in json.loads(chart.proto.spec)["data"]]


def test_an_unknown_training_is_a_sentence() -> None:
    assert "no training has the id" in words(visit(training="../../etc")).lower()


def test_an_unknown_architecture_ends_in_a_way_out(tmp_path: Path) -> None:
    app = upload(visit(add="1"), saved(tmp_path, bare.Plain().state_dict()))
    assert not app.exception
    assert "owner of the server add the network as a program" in words(app)
    assert 'torch.load("w.pt"' in app.code[0].value and "w.pt2" in app.code[1].value


# ------------------------------------------------------------------ folders of other tools


def files_of(folder: Path) -> list[tuple[str, bytes, str]]:
    return [
        (file.name, file.read_bytes(), "application/octet-stream")
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    ]


def keep(app: AppTest) -> AppTest:
    app.button(key="model-import-check").click().run()
    app.button(key="model-import-keep").click().run()
    assert not app.exception and not app.error, words(app)
    return app


def test_a_folder_of_nnunet_is_taken_in(tmp_path: Path) -> None:
    pytest.importorskip(
        "dynamic_network_architectures", reason="dynamic-network-architectures is not installed"
    )
    folder = nnunet_folder.trained(tmp_path / "f")
    app = upload(visit(add="1"), *files_of(folder))
    assert not app.exception and not app.error
    assert "nnU-Net v2, 2 classes" in words(app) and "Mirroring is off" in words(app)
    next(one for one in app.text_input if one.label == "Name").set_value("disc").run()
    next(one for one in app.toggle if one.label.startswith("Mirror")).set_value(True).run()
    black = next(one for one in app.text_input if one.label.startswith("Black"))
    assert black.placeholder == "0, 255"
    black.set_value("0, x").run()
    assert "is not 2 numbers" in words(app)
    next(one for one in app.text_input if one.label.startswith("Black")).set_value("0, 100").run()
    keep(app)
    card = find_card("disc")
    assert card.library == "nnunet" and card.arguments["mirror"] == [0, 1]
    assert card.arguments["values"] == [0, 100]
    shown = words(visit(model="disc"))
    assert "nnU-Net PlainConvUNet" in shown
    assert "pixels of images are taken as 1 x 1, those of its plans; none is resampled" in shown


def test_images_of_another_spacing_are_resampled_for_a_network_of_nnunet(tmp_path: Path) -> None:
    pytest.importorskip(
        "dynamic_network_architectures", reason="dynamic-network-architectures is not installed"
    )
    plan = nnunet_folder.plans(spacing=[0.8, 0.5])
    app = upload(visit(add="1"), *files_of(nnunet_folder.trained(tmp_path / "f", plan)))
    assert "spacing of its plans, 0.8 x 0.5; where yours have another, say it" in words(app)
    field = next(one for one in app.text_input if one.label.startswith("Pixels of an image"))
    assert field.placeholder == "0.8, 0.5"
    field.set_value("0.4 x 0.4").run()
    assert not app.exception and "is not 2 numbers" in words(app)
    next(one for one in app.text_input if one.label.startswith("Pixels")).set_value("0.4").run()
    next(one for one in app.text_input if one.label == "Name").set_value("disc").run()
    keep(app)
    assert find_card("disc").arguments["image_spacing"] == [0.4, 0.4]
    shown = words(visit(model="disc"))
    assert "taken as 0.4 x 0.4 and resampled to 0.8 x 0.5, as nnU-Net does" in shown


def test_a_folder_on_the_server_is_taken_in_where_it_may_be_read(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip(
        "dynamic_network_architectures", reason="dynamic-network-architectures is not installed"
    )
    monkeypatch.setenv("ASMA_DATA_ROOTS", str(tmp_path / "open"))
    folder = nnunet_folder.trained(tmp_path / "open" / "f", folds=("0", "1"))
    app = visit(add="1")
    app.text_input(key="model-import-source").set_value(str(tmp_path)).run()
    assert "is not inside" in words(app)
    app.text_input(key="model-import-source").set_value(str(folder)).run()
    assert "mean of the folds 0, 1" in words(app)
    next(one for one in app.selectbox if one.label == "Fold").set_value("1").run()
    keep(app)
    assert "fold 1" in find_card("nnu-net-dataset501-disc").description


def test_the_files_of_a_bundle_are_taken_in(tmp_path: Path) -> None:
    test_bundles.bundle(tmp_path / "f")
    app = upload(visit(add="1"), *files_of(tmp_path / "f"))
    assert not app.exception and "MONAI bundle, 2 classes" in words(app)
    assert "by sliding windows" in words(app)
    keep(app)
    assert find_card("disc-of-the-eye").classes == ("background", "disc")
    assert "stretched to 0..1" in words(visit(model="disc-of-the-eye"))


def test_a_folder_of_transformers_is_taken_in(tmp_path: Path) -> None:
    pytest.importorskip("transformers", reason="transformers is not installed")
    test_huggingface.saved(tmp_path / "f")
    app = upload(visit(add="1"), *files_of(tmp_path / "f"))
    assert not app.exception and "transformers, 3 classes" in words(app)
    next(one for one in app.text_input if one.label.startswith("Classes")).set_value("a, b").run()
    assert "has 3 classes, 2 names are given" in words(app)
    next(one for one in app.text_input if one.label.startswith("Classes")).set_value("a,b,c").run()
    keep(app)
    assert find_card("segformer").classes == ("a", "b", "c")


@onnx_files.needs_onnx
@pytest.mark.parametrize("free", ["nhw", ""])
def test_an_onnx_file_is_taken_in_as_a_black_box(tmp_path: Path, free: str) -> None:
    file = onnx_files.exported(tmp_path / "net.onnx", bare.Probabilities(), free=free)
    app = upload(visit(add="1"), ("net.onnx", file.read_bytes(), "application/octet-stream"))
    assert not app.exception and "only square and dla attack it" in words(app)
    choices = {one.label: one.value for one in app.selectbox}
    assert choices["It answers with"] == "probabilities" and choices["Images"] == 3
    assert "Architecture (monai.networks.nets)" not in choices
    assert ("Resized to 40 x 32, the only size that it takes" in words(app)) == (not free)
    keep(app)
    card = find_card("net")
    assert (card.program, card.input.exact) == ("onnx", None if free else (32, 40))
    assert "takes no gradients: only square and dla attack it" in words(visit(model="net"))


@onnx_files.needs_onnx
def test_a_damaged_onnx_file_is_a_sentence() -> None:
    app = upload(visit(add="1"), ("net.onnx", b"x", "application/octet-stream"))
    assert not app.exception and "is no ONNX file or is damaged" in words(app)


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("a.zip", b"rubbish", "is not a zip, or is damaged"),
        ("net.pt2", b"x", "only its owner may add one"),
        ("plans.json", b"{", "holds no network that is known"),
    ],
)
def test_a_folder_that_is_none_is_a_sentence(name: str, data: bytes, sentence: str) -> None:
    app = upload(visit(add="1"), (name, data, "application/octet-stream"))
    assert not app.exception and sentence in words(app)


def test_an_image_is_certified_where_a_network_is_smoothed() -> None:
    made = keep_defended(find_card(MODEL), Defence("smoothing", {"sigma": 0.2}), "smooth")
    app = visit(model=made.name)
    assert "**Certify an image**" in words(app) and not app.metric
    app.button(key="certify-start").click().run()
    assert not app.exception and not app.error
    shown = {one.label: one.value for one in app.metric}
    # Without a figure against the truth there is none on the page.
    assert shown == {"Certified": "0.875", "Radius": "0.169", "IoU at least": "0.625"}
    assert "0.999" in words(app)
    app.number_input(key=f"certify-{made.name}-samples_n").set_value(20).run()
    assert not app.metric
    app.button(key="certify-start").click().run()
    assert "take at least" in words(app) and not app.metric


def test_a_network_that_gives_no_certificate_says_why_or_nothing() -> None:
    assert "Certify an image" not in words(visit(model=MODEL))
    smooth = keep_defended(find_card(MODEL), Defence("smoothing", {"sigma": 0.2}), "smooth")
    behind = keep_defended(smooth, Defence("jpeg"), "jpeg-smooth")
    app = visit(model=behind.name)
    assert "smoothing last" in words(app)
    assert not [one for one in app.button if one.key == "certify-start"]


def test_a_defence_learns_and_is_kept_and_the_choice_outlasts_a_visit_elsewhere() -> None:
    app = visit(model=MODEL)
    app.selectbox(key=f"defend-defence-{MODEL}").set_value("denoiser").run()
    app.number_input(key=f"defend-{MODEL}-denoiser-steps").set_value(2).run()
    app.button(key=f"defend-learn-{MODEL}").click().run()
    assert not app.exception and not app.error
    assert "The mask and the prediction behind the defence" in words(app)
    assert "defend-learning" not in app.session_state
    app.switch_page("pages/runs.py").run()
    app.switch_page("pages/models.py")
    app.query_params["model"] = MODEL
    app.run()
    app.button(key="defend-keep").click().run()
    assert not app.exception and not app.error
    assert find_card(f"{MODEL}-denoiser").defences[0].values["learnt"]


def test_who_comes_back_while_a_defence_learns_goes_on_waiting(home: Path) -> None:
    app = visit(model=MODEL)
    app.selectbox(key=f"defend-defence-{MODEL}").set_value("denoiser").run()
    app.number_input(key=f"defend-{MODEL}-denoiser-steps").set_value(3).run()
    assert "behind the defence, outlined" not in words(app)
    # As it is for who has pressed, left and come back.
    chosen = Defence("denoiser", {"sigma": 0.1, "steps": 3})
    app.session_state["defend-learning"] = named(chosen, open_dataset(small_house.DATASET))
    app.run()
    assert not app.exception and not app.error
    assert "behind the defence, outlined" in words(app)


def test_a_second_network_behind_a_defence_is_offered_a_free_name() -> None:
    app = visit(model=MODEL)
    for name in (f"{MODEL}-jpeg", f"{MODEL}-jpeg-2"):
        app.selectbox(key=f"defend-defence-{MODEL}").set_value("jpeg").run()
        app.button(key="defend-keep").click().run()
        assert not app.exception and not app.error
        assert find_card(name).base == MODEL
        app.query_params["model"] = MODEL
        app.run()
        # What is kept is done with.
        assert app.selectbox(key=f"defend-defence-{MODEL}").value is None


def test_an_ensemble_shows_its_members(home: Path) -> None:
    small_house.write_network(home, "second", find_card(MODEL).classes, small_house.DATASET)
    keep_ensemble([MODEL, "second"], "both")
    app = visit(model="both")
    assert not app.exception and not app.error
    assert "ensemble of 2 networks" in words(app) and "Members" in words(app)
    (home / "models" / "second.toml").unlink()
    app = visit(model="both")
    assert not app.exception and "second, a member of both, is gone" in words(app)
    assert not visit().exception


def test_networks_are_joined_by_hand(home: Path) -> None:
    small_house.write_network(home, "second", find_card(MODEL).classes, small_house.DATASET)
    app = visit(model=MODEL)
    app.multiselect(key=f"join-members-{MODEL}").set_value(["second"]).run()
    assert not app.exception and not app.error
    assert "The mask and the prediction of all together" in words(app)
    app.button(key="join-keep").click().run()
    assert not app.exception and not app.error
    made = find_card(f"{MODEL}-and-second")
    assert made.members == (MODEL, "second")
    assert app.query_params["model"] in (made.name, [made.name])
    # An ensemble is no member.
    assert not [one for one in app.multiselect if one.key == f"join-members-{made.name}"]
    options = visit(model=MODEL).multiselect(key=f"join-members-{MODEL}").options
    assert made.name not in options and "second" in options


def test_why_networks_don_t_fit_together_is_a_sentence(home: Path) -> None:
    app = visit(model=MODEL)
    app.multiselect(key=f"join-members-{MODEL}").set_value([small_house.TWO]).run()
    assert not app.exception
    (error,) = app.error
    assert "an ensemble needs the same of all" in error.value
    assert not [one for one in app.button if one.key == "join-keep"]
    keep_defended(find_card(MODEL), Defence("smoothing", {"sigma": 0.2}), "smooth")
    app = visit(model=MODEL)
    app.multiselect(key=f"join-members-{MODEL}").set_value(["smooth"]).run()
    assert "before the ensemble" in app.error[0].value
