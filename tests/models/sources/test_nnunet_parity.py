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


def theirs(folder: Path, image: NDArray[np.uint8], mirror: bool, folds: Any) -> Any:
    """nnU-Net's own logits of an image, and where it lies after cropping."""
    pytest.importorskip("nnunetv2", reason="nnunetv2 is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

        predictor = nnUNetPredictor(
            tile_step_size=0.5, use_gaussian=True, use_mirroring=mirror,
            perform_everything_on_device=False, device=CPU, allow_tqdm=False,
        )  # fmt: skip
        predictor.initialize_from_trained_model_folder(str(folder), folds)
        prepare = predictor.configuration_manager.preprocessor_class(verbose=False)
        data, _, properties = prepare.run_case_npy(
            image[:, None].astype(np.float32), None, {"spacing": [999, 1, 1]},
            predictor.plans_manager, predictor.configuration_manager, predictor.dataset_json,
        )  # fmt: skip
        with pytest.MonkeyPatch.context() as patched:
            # Its sums are in half precision, ours are not. Here alone, as torch keeps tables of it.
            patched.setattr(torch, "half", torch.float32)
            logits = predictor.predict_logits_from_preprocessed_data(torch.from_numpy(data))
    return logits[:, 0], properties["bbox_used_for_cropping"][1:]


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
    ours = taken_in(folder, tmp_path, Choices(mirror=mirror))(floats(image))[0]
    found, box = theirs(folder, image, mirror, None)
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


def test_the_labels_are_those_of_its_whole_prediction(home: Path, tmp_path: Path) -> None:
    pytest.importorskip("nnunetv2", reason="nnunetv2 is not installed")
    folder = made.trained(tmp_path / "f")
    image = picture(64, 64)
    image[:, :9] = 0
    ours = taken_in(folder, tmp_path)(floats(image))[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

        predictor = nnUNetPredictor(
            use_mirroring=False, perform_everything_on_device=False, device=CPU, allow_tqdm=False
        )
        predictor.initialize_from_trained_model_folder(str(folder), None)
        labels = predictor.predict_single_npy_array(
            image[:, None].astype(np.float32), {"spacing": [999, 1, 1]}, None, None, False
        )[0]
    differ = ours.argmax(0).numpy() != labels
    # In half precision a tie may fall to the other side.
    assert 0.02 < labels.mean() < 0.98 and differ.mean() < 0.005
