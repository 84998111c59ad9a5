"""Predictions of unattacked images, made outside the server's process and kept on disk."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from asma_core.accounts import audit
from asma_core.accounts.belongings import NETWORK, claim
from asma_core.accounts.rights import check_making
from asma_core.data.datasets import Dataset, open_dataset
from asma_core.data.formats.images import FloatImage
from asma_core.data.masks.label_maps import encode_mask, read_mask
from asma_core.defences.certificate import CertificateSettings
from asma_core.files import json_values, read_json, write_bytes, write_json
from asma_core.jobs.asked_process import AskedProcess
from asma_core.jobs.brought_networks import (
    check_network,
    draft_network,
    import_network,
    look_at_weights,
)
from asma_core.jobs.certificates import ANSWER, OVERLAY, certificate_folder, make_certificate
from asma_core.jobs.cluster import ASK, WorkersFor, cluster_at
from asma_core.jobs.survivals import (
    KeptSurvival,
    keep_survival,
    read_survival,
    survival_file,
)
from asma_core.jobs.suspicions import (
    KeptSuspicion,
    keep_suspicions,
    read_suspicions,
    suspicion_file,
)
from asma_core.metrics.overlap import confusion_matrix, foreground_iou
from asma_core.models.sources.cards import ModelCard, check_fits, weights_hash
from asma_core.models.sources.draft import Choices
from asma_core.models.wrapper.specs import CENTRE
from asma_core.runs.run import Run
from asma_core.runs.sources import from_sample
from asma_core.runs.spec import image_hash
from asma_core.server_config import DASK, settings

# Images on which a network is checked.
CHECKED: Final = 6


class Predictor(AskedProcess):
    """Asks a process of its own for predictions, so that a running attack does not delay them."""

    def predict(
        self, model: ModelCard, image: FloatImage, device: str = "auto"
    ) -> NDArray[np.int64]:
        """Return the labels (H, W) of an image (C, H, W) in [0, 1].

        Raises:
            ModelError: Its output can't be used, or its process ended.
        """
        file = prediction_file(self._home, model, image)
        self.have_made(file, _predict, str(self._home), model, image, device)
        return read_mask(file, 256).labels

    def clean_ious(self, model: ModelCard, dataset: str) -> dict[str, float | None]:
        """Return the IoU of a model's own prediction with the mask, by sample; None is undefined.

        Raises:
            UnknownNameError: No such data set.
            InputError: Their classes differ, or a file of the data set can't be read.
            ModelError: The output can't be used, or its process ended.
        """
        content = open_dataset(dataset)
        check_fits(model, content)
        content.check_masked()
        file = _clean_ious_file(self._home, model, content)
        self.have_made(file, _measure_clean_ious, str(self._home), model, content)
        ious: dict[str, float | None] = read_json(file)
        return ious

    def covered(self, model: ModelCard, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """Return for which pixels of an image of that height and width a model answers, (H, W).

        Raises:
            ModelError: Its output can't be used, or its process ended.
        """
        if model.output.fit != CENTRE:
            return np.ones(shape, dtype=np.bool_)
        file = self._home / "cache" / "covered" / _network(model) / f"{shape[0]}x{shape[1]}.png"
        self.have_made(file, _cover, str(file), model, shape)
        return read_mask(file, 2).labels.astype(np.bool_)

    def survival(self, run: Run, device: str = "auto") -> list[KeptSurvival]:
        """Return what is left of a run under each treatment, the untouched file first.

        Raises:
            AsmaError: As for `runs.survival.survival`; or its process ended.
        """
        file = survival_file(self._home, run)
        self.have_made(file, keep_survival, str(self._home), run.id, device)
        return read_survival(file)

    def known_survival(self, run: Run) -> list[KeptSurvival] | None:
        """Return `survival` if it has been worked out; None otherwise."""
        file = survival_file(self._home, run)
        return read_survival(file) if file.exists() else None

    def suspicions(self, run: Run, device: str = "auto") -> list[KeptSuspicion]:
        """Return what each detector says of a run.

        Raises:
            AsmaError: As for `runs.suspicion.suspicions`; or its process ended.
        """
        file = suspicion_file(self._home, run)
        self.have_made(file, keep_suspicions, str(self._home), run.id, device)
        return read_suspicions(file)

    def known_suspicions(self, run: Run) -> list[KeptSuspicion] | None:
        """Return `suspicions` if the detectors have looked; None otherwise."""
        file = suspicion_file(self._home, run)
        return read_suspicions(file) if file.exists() else None

    def check(self, model: ModelCard, dataset: str, samples: int = CHECKED) -> dict[str, Any]:
        """Check a model on a few images of a data set; see `models.checking`.

        Returns:
            `checks` (a list of name, state, text), `usable`, `iou`, `ious` by sample, `guesses`.

        Raises:
            UnknownNameError: No such data set.
            ModelError: Its process ended.
        """
        content = open_dataset(dataset)
        digest = _clean_ious_file(self._home, model, content).stem
        file = self._home / "cache" / "checks" / _network(model) / f"{digest}-{samples}.json"
        self.have_made(file, _check, str(file), model, content, samples)
        report: dict[str, Any] = read_json(file)
        return report

    def certify(
        self, model: ModelCard, dataset: str, sample: str, settings: CertificateSettings
    ) -> tuple[dict[str, Any], bytes]:
        """Certify an image of a data set; see `jobs.certificates`.

        Returns:
            What `Certified.answer` holds, and the picture as a PNG.

        Raises:
            UnknownNameError: No such data set, or sample.
            InputError: The network gives no certificate, or the draws are too few.
            ModelError: It can't be used, or its process ended.
        """
        content = open_dataset(dataset)
        folder = certificate_folder(self._home, model, content, sample, settings)
        file = folder / ANSWER
        self.have_made(file, make_certificate, str(folder), model, content, sample, settings)
        return read_json(file), (folder / OVERLAY).read_bytes()

    def check_staged(self, card: Path, dataset: str) -> dict[str, Any]:
        """Check an uploaded network before it is taken in; see `check`.

        Raises:
            ModelError: The card or the weights can't be used, or its process ended.
        """
        return check_network(card, open_dataset(dataset), CHECKED)

    def import_model(self, card: Path) -> str:
        """Take in an uploaded network whose card lies beside its weights; return its name.

        Raises:
            ModelError: The card or the weights can't be used, or its process ended.
            InputError: Its name is taken.
            NotAllowedError: Who acts may not upload.
        """
        who = check_making()
        name = import_network(card)
        claim(NETWORK, name, who, shared=True)
        audit.record("import", f"network {name}")
        return name

    def look_at_weights(self, weights: Path) -> dict[str, Any]:
        """Return what a file of weights is likely to be; see `models.guessing`.

        Raises:
            ModelError: It can't be read, or its process ended.
        """
        return look_at_weights(weights)

    def draft_network(self, source: Path, into: Path, choices: Choices) -> dict[str, Any]:
        """Make a card and weights of a folder or a zip; see `models.sources.drafting`.

        Raises:
            InputError: It holds no network that is known, or a choice is not there.
            ModelError: It can't be taken in, or its process ended.
        """
        return draft_network(source, into, choices)

    def known_clean_ious(
        self, model: ModelCard, dataset: Dataset
    ) -> dict[str, float | None] | None:
        """Return `clean_ious` if they have been made; None otherwise."""
        file = _clean_ious_file(self._home, model, dataset)
        return read_json(file) if file.exists() else None


def usual_predictor(home: Path) -> Predictor:
    """Return what predicts as config.toml says: here, and on a cluster where it names one.

    Raises:
        InputError: config.toml names a cluster, and `distributed` is not installed.
    """
    executor = settings().executor
    far = WorkersFor(cluster_at(executor), ASK) if executor.startswith(DASK) else None
    return Predictor(home, elsewhere=far)


def prediction_file(home: Path, model: ModelCard, image: FloatImage) -> Path:
    """Return where the prediction of an image is kept."""
    folder = home / "cache" / "predictions" / _network(model)
    return folder / f"{image_hash(image)}.png"


def _clean_ious_file(home: Path, model: ModelCard, dataset: Dataset) -> Path:
    return home / "cache" / "scores" / _network(model) / f"{dataset.fingerprint()[:16]}.json"


def _network(card: ModelCard) -> str:
    """Return what a prediction hangs on beside the image: the weights and the whole card."""
    return hashlib.sha256(f"{card} {weights_hash(card)}".encode()).hexdigest()[:16]


def _predict(home: str, model: ModelCard, image: FloatImage, device: str) -> None:
    from asma_core.models.sources.loading import load_model, predict
    from asma_core.models.wrapper.devices import choose_device

    chosen = choose_device(device)
    labels = predict(load_model(model, chosen), image, chosen)
    write_bytes(prediction_file(Path(home), model, image), encode_mask(labels))


def _cover(file: str, model: ModelCard, shape: tuple[int, int]) -> None:
    write_bytes(Path(file), encode_mask(_covered_here(model, shape).astype(np.uint8)))


def _check(file: str, model: ModelCard, dataset: Dataset, samples: int) -> None:
    from asma_core.jobs.checks import check_on

    write_json(Path(file), check_on(model, dataset, samples))


def _measure_clean_ious(home: str, model: ModelCard, dataset: Dataset) -> None:
    classes, ious = len(dataset.classes), {}
    centre = model.output.fit == CENTRE
    for sample in dataset.samples:
        source = from_sample(dataset, sample)
        file = prediction_file(Path(home), model, source.image)
        if not file.exists():
            _predict(home, model, source.image, "auto")
        labels = read_mask(file, 256).labels
        counted = source.valid & _covered_here(model, source.shape) if centre else source.valid
        counts = confusion_matrix(labels, dataset.mask(sample).labels, classes, counted)
        ious[sample.name] = foreground_iou(counts)
    write_json(_clean_ious_file(Path(home), model, dataset), json_values(ious))


def _covered_here(model: ModelCard, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return for which pixels a model answers, in this process."""
    from asma_core.models.sources.loading import load_model
    from asma_core.models.wrapper.devices import choose_device

    covered: NDArray[np.bool_] = (
        load_model(model, choose_device("auto")).covered(*shape).cpu().numpy()
    )
    return covered


Predictor.ELSEWHERE = frozenset({_predict, _measure_clean_ious, _cover, _check, make_certificate})
