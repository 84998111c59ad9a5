"""A folder of a trained model as nnU-Net v2 writes it, with a tiny network and random weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

NAME = "Dataset501_Disc"
INTENSITIES = {
    "max": 255.0,
    "mean": 120.5,
    "median": 119.0,
    "min": 3.0,
    "percentile_00_5": 20.0,
    "percentile_99_5": 230.0,
    "std": 41.25,
}


def network(classes: int = 2, stages: int = 3) -> dict[str, Any]:
    return {
        "network_class_name": "dynamic_network_architectures.architectures.unet.PlainConvUNet",
        "arch_kwargs": {
            "n_stages": stages,
            "features_per_stage": [4, 8, 12][:stages],
            "conv_op": "torch.nn.modules.conv.Conv2d",
            "kernel_sizes": [[3, 3]] * stages,
            "strides": [[1, 1], *[[2, 2]] * (stages - 1)],
            "n_conv_per_stage": [1] * stages,
            "n_conv_per_stage_decoder": [1] * (stages - 1),
            "conv_bias": True,
            "norm_op": "torch.nn.modules.instancenorm.InstanceNorm2d",
            "norm_op_kwargs": {"eps": 1e-05, "affine": True},
            "dropout_op": None,
            "dropout_op_kwargs": None,
            "nonlin": "torch.nn.LeakyReLU",
            "nonlin_kwargs": {"inplace": True},
        },
        "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
    }


def residual() -> dict[str, Any]:
    made = network()
    made["network_class_name"] = made["network_class_name"].replace("PlainConv", "ResidualEncoder")
    made["arch_kwargs"]["n_blocks_per_stage"] = made["arch_kwargs"].pop("n_conv_per_stage")
    return made


def plans(
    scheme: str = "ZScoreNormalization", channels: int = 3, masked: bool = False, **more: Any
) -> dict[str, Any]:
    flat = {
        "data_identifier": "nnUNetPlans_2d",
        "preprocessor_name": "DefaultPreprocessor",
        "batch_size": 4,
        "patch_size": [32, 24],
        "median_image_size_in_voxels": [48.0, 48.0],
        "spacing": [1.0, 1.0],
        "normalization_schemes": [scheme] * channels,
        "use_mask_for_norm": [masked] * channels,
        "resampling_fn_data": "resample_data_or_seg_to_shape",
        "resampling_fn_seg": "resample_data_or_seg_to_shape",
        "resampling_fn_data_kwargs": {
            "is_seg": False, "order": 3, "order_z": 0, "force_separate_z": None,
        },
        "resampling_fn_seg_kwargs": {
            "is_seg": True, "order": 1, "order_z": 0, "force_separate_z": None,
        },
        "resampling_fn_probabilities": "resample_data_or_seg_to_shape",
        "resampling_fn_probabilities_kwargs": {
            "is_seg": False, "order": 1, "order_z": 0, "force_separate_z": None,
        },
        "architecture": network(),
        "batch_dice": True,
    } | more  # fmt: skip
    return {
        "dataset_name": NAME,
        "plans_name": "nnUNetPlans",
        "original_median_spacing_after_transp": [999.0, 1.0, 1.0],
        "original_median_shape_after_transp": [1, 48, 48],
        "image_reader_writer": "NaturalImage2DIO",
        "transpose_forward": [0, 1, 2],
        "transpose_backward": [0, 1, 2],
        "configurations": {
            "2d": flat,
            "3d_fullres": {"patch_size": [32, 32, 32], "batch_size": 2},
        },
        "experiment_planner_used": "ExperimentPlanner",
        "label_manager": "LabelManager",
        "foreground_intensity_properties_per_channel": {
            str(channel): dict(INTENSITIES) for channel in range(channels)
        },
    }


def turned(plan: dict[str, Any]) -> dict[str, Any]:
    """Let plans swap rows and columns."""
    return plan | {"transpose_forward": [0, 2, 1], "transpose_backward": [0, 2, 1]}


def dataset(channels: int = 3, **more: Any) -> dict[str, Any]:
    return {
        "channel_names": {str(channel): "RGB"[channel] for channel in range(channels)},
        "labels": {"background": 0, "disc": 1},
        "numTraining": 4,
        "file_ending": ".png",
    } | more


def bare_network(plan: dict[str, Any], channels: int, classes: int, seed: int) -> torch.nn.Module:
    """The network as nnU-Net's own training builds it; needs dynamic-network-architectures."""
    import pydoc

    made = plan["configurations"]["2d"]["architecture"]
    arguments = dict(made["arch_kwargs"])
    for name in made["_kw_requires_import"]:
        arguments[name] = pydoc.locate(arguments[name]) if arguments[name] else None
    torch.manual_seed(seed)
    kind: Any = pydoc.locate(made["network_class_name"])
    net: torch.nn.Module = kind(
        input_channels=channels, num_classes=classes, deep_supervision=True, **arguments
    )
    with torch.no_grad():
        for weight in net.parameters():
            weight.mul_(1.5).add_(0.02 * torch.randn_like(weight))
    return net


def checkpoint(plan: dict[str, Any], data: dict[str, Any], net: torch.nn.Module) -> dict[str, Any]:
    """What nnUNetTrainer.save_checkpoint writes, numpy's scalars and torch's device included."""
    return {
        "network_weights": net.state_dict(),
        "optimizer_state": {"state": {}, "param_groups": [{"lr": 0.01}]},
        "grad_scaler_state": None,
        "logging": {"mean_fg_dice": [np.float64(0.5)], "ema_fg_dice": [np.float32(0.5)]},
        "_best_ema": np.float64(0.91),
        "current_epoch": 1000,
        "init_args": {
            "plans": plan,
            "configuration": "2d",
            "fold": 0,
            "dataset_json": data,
            "device": torch.device("cuda"),
        },
        "trainer_name": "nnUNetTrainer",
        "inference_allowed_mirroring_axes": (0, 1),
    }


def trained(
    folder: Path,
    plan: dict[str, Any] | None = None,
    data: dict[str, Any] | None = None,
    folds: tuple[str, ...] = ("0",),
    channels: int = 3,
    name: str = "checkpoint_final.pth",
) -> Path:
    """Write a folder of a trained model; return it."""
    plan, data = plan or plans(channels=channels), data or dataset(channels)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plans.json").write_text(json.dumps(plan))
    (folder / "dataset.json").write_text(json.dumps(data))
    classes = sum(label != "ignore" for label in data["labels"])
    for seed, fold in enumerate(folds):
        place = folder / f"fold_{fold}"
        place.mkdir()
        net = bare_network(plan, channels, classes, seed)
        torch.save(checkpoint(plan, data, net), place / name)
    return folder
