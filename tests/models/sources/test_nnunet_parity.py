"""nnU-Net v2's networks say here what its own predictor says."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from asma_core.models.sources.draft import Choices
from tests.models.sources import nnunet_folder as made
from tests.models.sources.test_nnunet import floats, picture, taken_in

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _architectures() -> None:
    pytest.importorskip(
        "dynamic_network_architectures", reason="dynamic-network-architectures is not installed"
    )


def theirs(
    folder: Path, image: NDArray[np.uint8], mirror: bool, spacing: tuple[float, float] = (1, 1)
) -> Any:
    """nnU-Net's own logits of an image at its own size, and where it lies after cropping.

    As its plans turn the image; before it turns the labels back.
    """
    pytest.importorskip("nnunetv2", reason="nnunetv2 is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

        predictor = nnUNetPredictor(
            tile_step_size=0.5, use_gaussian=True, use_mirroring=mirror,
            perform_everything_on_device=False, device=CPU, allow_tqdm=False,
        )  # fmt: skip
        predictor.initialize_from_trained_model_folder(str(folder), None)
        prepare = predictor.configuration_manager.preprocessor_class(verbose=False)
        data, _, properties = prepare.run_case_npy(
            image[:, None].astype(np.float32), None, {"spacing": [999, *spacing]},
            predictor.plans_manager, predictor.configuration_manager, predictor.dataset_json,
        )  # fmt: skip
        with pytest.MonkeyPatch.context() as patched:
            # Its sums are in half precision, ours are not. Here alone, as torch keeps tables of it.
            patched.setattr(torch, "half", torch.float32)
            logits = predictor.predict_logits_from_preprocessed_data(torch.from_numpy(data))
        # As `inference/export_prediction.py` does before it takes the largest.
        configuration = predictor.configuration_manager
        order = predictor.plans_manager.transpose_forward
        own = [[999, *spacing][axis] for axis in order]
        logits = configuration.resampling_fn_probabilities(
            logits, properties["shape_after_cropping_and_before_resampling"],
            [own[0], *configuration.spacing], own,
        )  # fmt: skip
    return torch.as_tensor(logits)[:, 0], properties["bbox_used_for_cropping"][1:]


CASES: dict[str, dict[str, Any]] = {
    "z-score": {"plan": made.plans()},
    "z-score of what is not zero": {"plan": made.plans(masked=True), "border": True},
    "cropped": {"plan": made.plans(), "border": True},
    "rescaled": {"plan": made.plans("RescaleTo01Normalization")},
    "rgb": {"plan": made.plans("RGBTo01Normalization")},
    "ct": {"plan": made.plans("CTNormalization")},
    "none": {"plan": made.plans("NoNormalization")},
    "smaller than a window": {"plan": made.plans(), "size": (21, 17)},
    "many windows": {"plan": made.plans(), "size": (70, 65)},
    "mirrored": {"plan": made.plans(), "mirror": True},
    "mean of folds": {"plan": made.plans(), "folds": ("0", "1", "all")},
    "residual": {"plan": made.plans(architecture=made.residual())},
    "finer than the plans": {"plan": made.plans(spacing=[1.0, 1.5]), "spacing": (0.5, 0.6)},
    "coarser than the plans": {"plan": made.plans(spacing=[0.8, 0.5]), "spacing": (1.5, 1.1)},
    "resampled and cropped": {
        "plan": made.plans("CTNormalization", spacing=[0.9, 0.7]),
        "spacing": (0.6, 0.6),
        "size": (70, 65),
        "border": True,
        "mirror": True,
    },
    "turned": {"plan": made.turned(made.plans()), "border": True, "size": (70, 45)},
    "turned and resampled": {
        "plan": made.turned(made.plans(spacing=[0.9, 0.5])),
        "spacing": (0.7, 0.8),
        "border": True,
    },
}


@pytest.mark.parametrize("case", CASES)
def test_it_says_what_nnunet_says(home: Path, tmp_path: Path, case: str) -> None:
    asked = CASES[case]
    folds, mirror = asked.get("folds", ("0",)), asked.get("mirror", False)
    folder = made.trained(tmp_path / "f", asked["plan"], folds=folds)
    image = picture(*asked.get("size", (48, 40)))
    if asked.get("border"):
        image[:, :5] = 0
        image[:, :, -7:] = 0
        image[:, 20, 10] = 0
    spacing = asked.get("spacing")
    ours = taken_in(folder, tmp_path, Choices(mirror=mirror, spacing=spacing))(floats(image))[0]
    if asked["plan"]["transpose_forward"] != [0, 1, 2]:
        ours = ours.mT
    found, box = theirs(folder, image, mirror, spacing or (1, 1))
    (top, bottom), (left, right) = box
    inside = ours[:, top:bottom, left:right]
    assert inside.shape == found.shape and found.std() > 0.05
    assert (inside - found).abs().max() <= 1e-5
    outside = torch.ones(ours.shape[1:], dtype=torch.bool)
    outside[top:bottom, left:right] = False
    assert not ours.argmax(0)[outside].any()


# Of the disc's logit less the background's, by nnUNetPredictor of nnunetv2 2.8.1 with its sums in
# float32: two folds, windows, and a black border that it crops (5 rows above, 7 columns right).
PLACES = ((0, 0), (20, 30), (33, 17), (64, 57), (40, 50))
NNUNETS = {
    False: (-0.96235, -0.15024, -0.97897, -0.70631, -0.01659),
    True: (-0.74088, -0.49358, -0.45539, -0.31952, -1.37457),
}


@pytest.mark.parametrize("mirror", [False, True])
def test_it_says_what_nnunet_said_where_that_is_not_installed(
    home: Path, tmp_path: Path, mirror: bool
) -> None:
    folder = made.trained(tmp_path / "f", folds=("0", "1"))
    image = picture(70, 65)
    image[:, :5] = 0
    image[:, :, -7:] = 0
    logits = taken_in(folder, tmp_path, Choices(mirror=mirror))(floats(image))[0, :, 5:, :58]
    found = [float(logits[1, row, column] - logits[0, row, column]) for row, column in PLACES]
    assert found == pytest.approx(NNUNETS[mirror], abs=1e-4)


# The same of plans that swap rows and columns and have pixels of 0.9 x 0.5 (columns x rows of the
# image), for an image with pixels of 0.7 x 0.8, mirrored; resampled there by scikit-image 0.26.
RESAMPLED = (-0.74465, -0.96871, -0.62508, -0.5362, -1.20317)


def test_it_says_what_nnunet_said_of_another_spacing(home: Path, tmp_path: Path) -> None:
    plan = made.turned(made.plans(spacing=[0.9, 0.5]))
    folder = made.trained(tmp_path / "f", plan, folds=("0", "1"))
    image = picture(70, 65)
    image[:, :5] = 0
    image[:, :, -7:] = 0
    model = taken_in(folder, tmp_path, Choices(mirror=True, spacing=(0.7, 0.8)))
    logits = model(floats(image))[0, :, 5:, :58]
    found = [float(logits[1, row, column] - logits[0, row, column]) for row, column in PLACES]
    assert found == pytest.approx(RESAMPLED, abs=1e-4)


@pytest.mark.parametrize("spacing", [None, (0.7, 0.8)])
def test_the_labels_are_those_of_its_whole_prediction(
    home: Path, tmp_path: Path, spacing: tuple[float, float] | None
) -> None:
    pytest.importorskip("nnunetv2", reason="nnunetv2 is not installed")
    plan = made.turned(made.plans(spacing=[0.9, 0.5])) if spacing else made.plans()
    folder = made.trained(tmp_path / "f", plan)
    image = picture(64, 72)
    image[:, :9] = 0
    ours = taken_in(folder, tmp_path, Choices(spacing=spacing))(floats(image))[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

        predictor = nnUNetPredictor(
            use_mirroring=False, perform_everything_on_device=False, device=CPU, allow_tqdm=False
        )
        predictor.initialize_from_trained_model_folder(str(folder), None)
        labels = predictor.predict_single_npy_array(
            image[:, None].astype(np.float32),
            {"spacing": [999, *(spacing or (1, 1))]},
            None,
            None,
            False,
        )[0]
    differ = ours.argmax(0).numpy() != labels
    # In half precision a tie may fall to the other side.
    assert 0.02 < labels.mean() < 0.98 and differ.mean() < 0.005
