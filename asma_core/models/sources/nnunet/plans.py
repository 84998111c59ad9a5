"""What nnU-Net v2's plans.json and dataset.json say, as a card's arguments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from asma_core.errors import ModelError
from asma_core.models.sources.model_card import MOST_CLASSES
from asma_core.models.sources.nnunet.network import LARGEST_WINDOW
from asma_core.models.sources.nnunet.normalising import CT, SCHEMES, ZSCORE
from asma_core.models.sources.plain_json import Fields

# What nnU-Net resamples by unless a planner says otherwise.
_USUAL: Final = "resample_data_or_seg_to_shape"
# Files whose values are 0 to 255; what others hold is said by the intensities alone.
_EIGHT_BITS: Final = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")


@dataclass(frozen=True)
class Plan:
    """What a 2D configuration says.

    Attributes:
        configuration: Its name.
        architecture: Name of the network's class.
        channels: That it takes.
        classes: Names, background first.
        arguments: Of the card, without folds and mirroring.
        notes: What a person should know, in sentences.
    """

    configuration: str
    architecture: str
    channels: int
    classes: tuple[str, ...]
    arguments: Mapping[str, Any]
    notes: tuple[str, ...]


def read_plan(plans: Fields, dataset: Fields, wanted: str = "") -> Plan:
    """Read a 2D configuration.

    Args:
        plans: plans.json.
        dataset: dataset.json.
        wanted: Name of the configuration, as the checkpoint has it; "" for the only one of 2D.

    Raises:
        ModelError: There is none of 2D, something is absent or can't be, or it has regions.
    """
    name, configuration = _configuration(plans, wanted)
    classes = class_names(dataset)
    channels = _channels(dataset)
    window = configuration.wholes("patch_size", 1, LARGEST_WINDOW, 3)
    if len(window) != 2:
        raise ModelError(
            f"the configuration {name!r} has windows of {len(window)} dimensions; only 2D networks "
            "of nnU-Net can be taken in"
        )
    architecture, network = _architecture(configuration)
    normalisation = _normalisation(plans, configuration, channels)
    values, notes = _values(plans, dataset, normalisation)
    arguments: dict[str, Any] = {
        "channels": channels,
        "classes": len(classes),
        "window": window,
        "step": 0.5,
        "values": list(values),
        "normalisation": normalisation,
        "network": network,
    }
    spacing = _spacing(configuration)
    arguments |= {"spacing": spacing} if spacing else {}
    transposed, turned = _turned(plans)
    arguments |= {"transposed": True} if transposed else {}
    notes = (*notes, *_resampled(configuration), *turned)
    return Plan(name, architecture, channels, classes, arguments, notes)


def _configuration(plans: Fields, wanted: str) -> tuple[str, Fields]:
    """Return the configuration of 2D, with what it inherits."""
    known = plans.table("configurations")
    whole = {name: _inherited(known, name) for name in known.content}
    if wanted in whole:
        return wanted, whole[wanted]
    flat = [name for name, one in whole.items() if _is_flat(one)]
    if wanted or not flat:
        raise ModelError(
            f"{plans.label} has no configuration {wanted or 'of 2D'}; it has "
            f"{', '.join(map(str, whole))[:200] or 'none'}; only 2D networks of nnU-Net can be "
            "taken in"
        )
    if len(flat) > 1:
        raise ModelError(
            f"{plans.label} has several configurations of 2D ({', '.join(flat)[:200]}) and the "
            "checkpoint does not say whose it is; leave one"
        )
    return flat[0], whole[flat[0]]


def _is_flat(one: Fields) -> bool:
    patch = one.content.get("patch_size")
    return isinstance(patch, list) and len(patch) == 2


def _inherited(known: Fields, name: str) -> Fields:
    content: dict[str, Any] = {}
    seen: list[str] = []
    while name and name not in seen:
        seen.append(name)
        one = known.table(name)
        content = {**one.content, **content}
        name = one.text("inherits_from", "")
    return Fields(content, f"{seen[0]} of {known.label}")


def _architecture(configuration: Fields) -> tuple[str, dict[str, Any]]:
    """Return a network's class and what it is called with, also of plans before 2.3."""
    if configuration.has("architecture"):
        table = configuration.table("architecture")
        name = table.text("network_class_name").rpartition(".")[2]
        arguments = _without_null(table.table("arch_kwargs").content)
        arguments.pop("deep_supervision", None)
        return name, arguments
    name = configuration.text("UNet_class_name")
    stages = len(configuration.list("n_conv_per_stage_encoder"))
    base = configuration.whole("UNet_base_num_features", 1, LARGEST_WINDOW)
    most = configuration.whole("unet_max_num_features", 1, LARGEST_WINDOW)
    blocks = "n_blocks_per_stage" if name == "ResidualEncoderUNet" else "n_conv_per_stage"
    return name, {
        "n_stages": stages,
        "features_per_stage": [min(base * 2**stage, most) for stage in range(stages)],
        "kernel_sizes": configuration.list("conv_kernel_sizes"),
        "strides": configuration.list("pool_op_kernel_sizes"),
        blocks: configuration.list("n_conv_per_stage_encoder"),
        "n_conv_per_stage_decoder": configuration.list("n_conv_per_stage_decoder"),
        "conv_bias": True,
        "norm_op": "InstanceNorm2d",
        "norm_op_kwargs": {"eps": 1e-05, "affine": True},
        "nonlin": "LeakyReLU",
    }


def _without_null(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table as TOML can hold it, which has no null; what is absent is none of it."""
    return {
        str(key): _without_null(value) if isinstance(value, Mapping) else value
        for key, value in table.items()
        if value is not None
    }


def class_names(dataset: Fields) -> tuple[str, ...]:
    """Return the names of the classes of dataset.json, background first.

    Raises:
        ModelError: It has regions, or its labels are not 0, 1, 2, ...
    """
    labels = dict(dataset.table("labels").content)
    if all(isinstance(value, str) and str(key).isdigit() for key, value in labels.items()):
        # As nnU-Net v1 wrote them.
        labels = {value: int(key) for key, value in labels.items() if len(str(key)) < 6}
    ignored = labels.pop("ignore", None)
    if any(isinstance(value, list | tuple) for value in labels.values()):
        raise ModelError(
            f"{dataset.label} has regions, which overlap; only networks trained on labels, of "
            "which a pixel has one, can be taken in"
        )
    names = {value: name for name, value in labels.items() if type(value) is int}
    if len(names) != len(labels) or sorted(names) != list(range(len(names))):
        raise dataset.wrong("labels")
    if not 2 <= len(names) <= MOST_CLASSES or ignored in names:
        raise dataset.wrong("labels")
    return tuple(str(names[value]) for value in sorted(names))


def _channels(dataset: Fields) -> int:
    name = "channel_names" if dataset.has("channel_names") else "modality"
    count = len(dataset.table(name).content)
    if count not in (1, 3):
        raise ModelError(
            f"the network takes images of {count} channels; only grey (1) and colour (3) can be "
            "attacked here"
        )
    return count


def _normalisation(plans: Fields, configuration: Fields, channels: int) -> list[dict[str, Any]]:
    names = configuration.list("normalization_schemes")
    masked = configuration.list("use_mask_for_norm")
    if len(names) != channels or len(masked) != channels:
        raise ModelError(
            f"{configuration.label} normalises {len(names)} channels, dataset.json has {channels}; "
            "give the plans of just this training"
        )
    entries: list[dict[str, Any]] = []
    for index, name in enumerate(names):
        if not isinstance(name, str) or name not in SCHEMES:
            raise ModelError(
                f"{configuration.label} normalises by {str(name)[:80]}; known are "
                f"{', '.join(SCHEMES)}"
            )
        entry: dict[str, Any] = {"scheme": name}
        if name == ZSCORE and masked[index] is True:
            entry["masked"] = True
        if name == CT:
            entry |= _intensities(plans, index)
        entries.append(entry)
    return entries


def _intensities(plans: Fields, channel: int) -> dict[str, float]:
    one = plans.table("foreground_intensity_properties_per_channel").table(str(channel))
    return {
        "mean": one.number("mean"),
        "std": one.number("std"),
        "low": one.number("percentile_00_5"),
        "high": one.number("percentile_99_5"),
    }


def _values(
    plans: Fields, dataset: Fields, normalisation: list[dict[str, Any]]
) -> tuple[tuple[float, float], tuple[str, ...]]:
    """Return which raw values 0 and 1 stand for, and what to say of it."""
    ending = dataset.text("file_ending", ".png").lower()
    clipped = next((entry for entry in normalisation if entry["scheme"] == CT), None)
    if ending in _EIGHT_BITS:
        return (0.0, 255.0), ()
    if clipped is not None:
        low, high = float(clipped["low"]), float(clipped["high"])
    else:
        known = plans.table("foreground_intensity_properties_per_channel", {})
        one = known.table("0", {})
        low, high = one.number("min", 0.0), one.number("max", 255.0)
    if high <= low:
        low, high = 0.0, 255.0
    return (low, high), (
        f"It was trained on {ending} files with values of their own: black of an image is taken as "
        f"{low:g}, white as {high:g}. Open its images with this window, or say another.",
    )


def _spacing(configuration: Fields) -> list[float]:
    """Return the pixel spacing of a configuration, rows and columns; [] where it says none."""
    if not configuration.has("spacing"):
        return []
    sides = configuration.list("spacing", 3)[-2:]
    told = Fields({str(place): side for place, side in enumerate(sides)}, configuration.label)
    spacing = [told.number(str(place)) for place in range(2)]
    if min(spacing) <= 0:
        raise configuration.wrong("spacing")
    return spacing


def _resampled(configuration: Fields) -> tuple[str, ...]:
    """Say where images would be resampled in another way than here."""
    ways = [
        configuration.text(f"resampling_fn_{what}", _USUAL) for what in ("data", "probabilities")
    ]
    orders = [
        configuration.table(f"resampling_fn_{what}_kwargs", {}).whole("order", 0, 5, usual)
        for what, usual in (("data", 3), ("probabilities", 1))
    ]
    if ways == [_USUAL, _USUAL] and orders == [3, 1]:
        return ()
    return (
        f"Its plans resample by {' and '.join(dict.fromkeys(ways))[:120]} of order {orders[0]} and "
        f"{orders[1]}; where images of another spacing are resampled here, it is as nnU-Net "
        "usually does (cubic, and logits linearly).",
    )


def _turned(plans: Fields) -> tuple[bool, tuple[str, ...]]:
    """Return whether rows and columns are swapped, and what to say of the axis of slices."""
    if not plans.has("transpose_forward"):
        return False, ()
    order = plans.wholes("transpose_forward", 0, 2, 3)
    if sorted(order) != [0, 1, 2]:
        raise plans.wrong("transpose_forward")
    swapped = order[1] > order[2]
    notes = []
    if order[0]:
        axis = ("z", "y", "x")[order[0]]
        notes.append(
            f"It was trained on slices across the axis {axis} of its volumes (z, y, x); give it "
            "such slices."
        )
    if swapped:
        notes.append("Its plans swap rows and columns, which is done inside the network.")
    return swapped, tuple(notes)
