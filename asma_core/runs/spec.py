"""What a run is made from: all that is needed to repeat it."""

from __future__ import annotations

import hashlib
import io
import json
import platform
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from asma_core.attacks.engine.projected import LATER
from asma_core.attacks.registry import check_suits, find_attack
from asma_core.attacks.settings import AWAY_FROM_TRUTH
from asma_core.data.formats.images import FloatImage, from_bytes, to_bytes
from asma_core.data.formats.windows import Window, window_from_dict
from asma_core.data.masks.label_maps import check_labels
from asma_core.errors import InputError
from asma_core.fields import config_from_dict
from asma_core.models.sources.cards import ONNX, find_card, identity, network_hash, weights_hash
from asma_core.models.wrapper.threads import thread_count
from asma_core.runs.execution import DEFAULT, Execution, split_off
from asma_core.runs.target_source import DESCRIBED, TargetSource
from asma_core.version import __version__

LIBRARIES: Final = ("torch", "monai", "numpy", "pillow")
# What a run is called by, and what its other hashes say as well.
_NAMES: Final = (
    *("model", "model_hash", "card", "classes", "image_hash", "image_name"),
    *("dataset", "sample", "target_name", "target", "window"),
)


@dataclass(frozen=True)
class RunInputs:
    """The arrays of a run.

    Attributes:
        image: float32 (C, H, W) in [0, 1].
        target: int64 (H, W), the mask the attack goes for.
        valid: bool (H, W), pixels that count.
        truth: int64 (H, W) where the image has a known mask, else None.
        region: bool (H, W), where the image may change; everywhere when None.
    """

    image: FloatImage
    target: NDArray[np.int64]
    valid: NDArray[np.bool_]
    truth: NDArray[np.int64] | None = None
    region: NDArray[np.bool_] | None = None

    @property
    def original(self) -> FloatImage:
        """The image as the 8-bit file that it would be saved as: what is attacked and measured."""
        return from_bytes(to_bytes(self.image))

    def packed(self) -> bytes:
        """Return the arrays as one npz file; the same arrays give the same bytes."""
        pixels = to_bytes(self.image)
        exact = np.array_equal(from_bytes(pixels), self.image)
        arrays: dict[str, Any] = {
            "image": pixels if exact else self.image,
            "target": self.target.astype(np.uint8),
            "valid": self.valid,
        }
        if self.truth is not None:
            arrays["truth"] = self.truth.astype(np.uint8)
        if self.region is not None:
            arrays["region"] = self.region
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        return buffer.getvalue()

    @classmethod
    def unpacked(cls, data: bytes) -> RunInputs:
        """Return the arrays of an npz file that `packed` made."""
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            image = arrays["image"]
            return cls(
                image=from_bytes(image) if image.dtype == np.uint8 else image,
                target=arrays["target"].astype(np.int64),
                valid=arrays["valid"],
                truth=arrays["truth"].astype(np.int64) if "truth" in arrays else None,
                region=arrays.get("region"),
            )


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """What is asked for: one attack on one image towards one target mask, or away.

    `asma_core.runs.sources.SourceImage.request` makes it.

    Attributes:
        model: Name of the network.
        attack: Name of the attack.
        config: Its settings.
        image_name: What a person calls the image, such as "demo-fundus / 0042".
        target: Where the target mask comes from.
        dataset: Name of its data set, or "" for an own image.
        sample: Its name there, or the file's name.
        execution: How the run is carried out.
        window: The intensities of the image's file that became 0 and 1, where it is deeper than 8
            bits; None too in records of before 2026-11-29. The image is the 8-bit one behind it.
    """

    model: str
    attack: str
    config: Mapping[str, Any]
    image_name: str
    target: TargetSource
    dataset: str = ""
    sample: str = ""
    execution: Execution = DEFAULT
    window: Window | None = None


@dataclass(frozen=True, kw_only=True)
class RunSpec(RunRequest):
    """What was asked for, with all that is needed to repeat it.

    Attributes:
        model_hash: SHA-256 of the network's weights.
        network_hash: SHA-256 of its weights and of all on its card that changes what it says; "" in
            records of before 2026-11-28.
        card: That part of its card.
        classes: Names of its classes, background first; () in records of before.
        inputs_hash: SHA-256 of the packed inputs.
        image_hash: SHA-256 of the image alone; runs of one image share it.
        threads: Of torch on the CPU; sums are rounded by how they are shared. 0 in records of
            before 2026-11-28.
        versions: Of the libraries that the figures hang on.
    """

    model_hash: str
    inputs_hash: str
    image_hash: str
    versions: Mapping[str, str]
    network_hash: str = ""
    card: Mapping[str, Any] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    threads: int = 0

    @property
    def target_name(self) -> str:
        """Where the target mask comes from, in words."""
        return self.target.text()

    @property
    def identity(self) -> str:
        """What two runs share when one may stand for the other: all that changes the result.

        The names of network, image and target are left out; their content is in.
        """
        return self._without(*_NAMES)

    @property
    def recipe(self) -> str:
        """What two runs share when one attack may be on both: their identity without the pair."""
        return self._without(*_NAMES, "inputs_hash")

    def _without(self, *left_out: str) -> str:
        told = {name: value for name, value in self.as_dict().items() if name not in left_out}
        # What came later than records counts only where it is not as it was.
        told["config"] = {
            name: value
            for name, value in self.config.items()
            if name not in LATER or value != LATER[name]
        }
        return json.dumps(told, sort_keys=True)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values: the execution's flat among the others, the target also in words."""
        values = asdict(self)
        del values["execution"]
        return values | self.execution.recorded() | {"target_name": self.target_name}

    def request(self) -> RunRequest:
        """Return what asks for the same run once more."""
        return RunRequest(**{item.name: getattr(self, item.name) for item in fields(RunRequest)})


def spec_from_dict(values: Mapping[str, Any]) -> RunSpec:
    """Return the spec of a record."""
    execution, rest = split_off(values)
    text, target = rest.pop("target_name"), rest.pop("target", None)
    source = TargetSource(**target) if target else TargetSource(DESCRIBED, text)
    classes = tuple(rest.pop("classes", ()))
    window = rest.pop("window", None)
    return RunSpec(
        **rest,
        execution=execution,
        target=source,
        classes=classes,
        window=window_from_dict(window) if window else None,
    )


def make_spec(request: RunRequest, inputs: RunInputs, packed: bytes) -> RunSpec:
    """Check a request and make its spec.

    Raises:
        InputError: An unknown name, an attack that needs gradients where there are none, a setting
            out of range, a mask that does not fit.
    """
    card = find_card(request.model)
    entry = find_attack(request.attack)
    check_suits(entry, card.name, card.takes_gradients)
    config = config_from_dict(entry.config, request.config)
    check_inputs(inputs, len(card.classes))
    if config.goal().aim == AWAY_FROM_TRUTH and inputs.truth is None:
        raise InputError(
            "this image has no known mask, so nothing can lead away from the truth; lead away from "
            "the prediction"
        )
    asked = vars(request) | {"model": card.name, "config": config.as_dict()}
    return RunSpec(
        **asked,
        model_hash=weights_hash(card),
        network_hash=network_hash(card),
        card=identity(card),
        classes=card.classes,
        threads=thread_count(),
        inputs_hash=hashlib.sha256(packed).hexdigest(),
        image_hash=image_hash(inputs.image),
        versions=versions(card.program),
    )


def check_inputs(inputs: RunInputs, classes: int) -> None:
    """Check the masks of a run against its image and the classes of its network."""
    shape = (inputs.image.shape[1], inputs.image.shape[2])
    check_labels(inputs.target, shape, classes, "a target mask")
    if inputs.truth is not None:
        check_labels(inputs.truth, shape, classes, "a mask")
    check_size(inputs.valid, shape, "a mask of valid pixels")
    if not inputs.valid.any():
        raise InputError("every pixel of the mask is void, so nothing counts; choose another mask")
    if inputs.region is not None:
        check_size(inputs.region, shape, "a region")
        if not inputs.region.any():
            raise InputError("the region is empty, so nothing may change; choose another region")


def check_size(mask: NDArray[np.bool_], shape: tuple[int, int], name: str) -> None:
    """Check that a mask has the height and width of its image.

    Raises:
        InputError: It has not.
    """
    if mask.shape != shape:
        raise InputError(
            f"expected {name} of {shape[1]} x {shape[0]} like the image, "
            f"got {mask.shape[1]} x {mask.shape[0]}; export both at one size"
        )


def image_hash(image: FloatImage) -> str:
    """Return the SHA-256 of an image's shape and values, in hex."""
    digest = hashlib.sha256(repr(image.shape).encode())
    digest.update(np.ascontiguousarray(image).tobytes())
    return digest.hexdigest()


def versions(program: str = "") -> dict[str, str]:
    """Return the versions that a figure hangs on, of a network that is such a program."""
    own = {"asma": __version__, "python": platform.python_version()}
    more = {"onnxruntime": _first_version("onnxruntime", "onnxruntime-gpu")}
    return own | {name: version(name) for name in LIBRARIES} | (more if program == ONNX else {})


def _first_version(*names: str) -> str:
    """Return the version of the first package that is installed; "" where none is."""
    for name in names:
        with suppress(PackageNotFoundError):
            return version(name)
    return ""
