"""Would anybody notice? What detectors say of clean, noisy, attacked and evading files.

Each image is attacked as was asked, and once more for each detector by the attack that knows it
(`attacks.evade`). Beside each attacked file stands its twin: the original with noise of the same
L2. A detector counts for what it tells of the files that were made to evade it (Carlini and Wagner,
arXiv:1705.07263).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from asma_core.data.formats.images import FloatImage, read_image
from asma_core.defences.detectors.contract import Detector, suspicion
from asma_core.defences.detectors.registry import find_detector
from asma_core.experiments.cells import Cell
from asma_core.experiments.clean_suspicions import keep_clean
from asma_core.experiments.detection_plan import DetectionPlan, check_asked
from asma_core.experiments.execute import ended_cells, execute_parts
from asma_core.experiments.noise_twin import noise_twin
from asma_core.experiments.store import ExperimentStore
from asma_core.metrics.distance import l2_norm
from asma_core.models.sources.cards import find_card, network_hash
from asma_core.models.sources.loading import load_model
from asma_core.models.sources.model_card import ModelCard
from asma_core.models.wrapper.contract import SegmentationModel
from asma_core.models.wrapper.devices import choose_device
from asma_core.runs.artefacts import ADVERSARIAL
from asma_core.runs.attacking import as_attacked
from asma_core.runs.store import RunStore
from asma_core.runs.suspicion import suspicion_map


@dataclass(frozen=True)
class Look:
    """What a detector says of a file.

    Attributes:
        suspicion: In the detector's unit; larger is more suspicious.
        l2: Of the file's change, in [0, 1] units.
    """

    suspicion: float
    l2: float


@dataclass(frozen=True)
class Sighting:
    """One image, and what a detector says of its files.

    Attributes:
        detector: Its text.
        sample: Name of the image.
        target: Name of the image whose mask was the target.
        clean: Of the original.
        noise: Of the attacked file's twin; None where the attack did not reach its goal.
        attacked: Of the attacked file; None likewise.
        adaptive: Of the attacked file or the one that was made to evade, whichever of those that
            reach the goal is more like the original; None where neither does, or none was asked.
        evaded: Whether the file that was made to evade reaches the goal; None where none was asked.
    """

    detector: str
    sample: str
    target: str
    clean: Look
    noise: Look | None
    attacked: Look | None
    adaptive: Look | None
    evaded: bool | None


def carry_out(
    store: ExperimentStore,
    plan: DetectionPlan,
    on_cell: Callable[[int], None] = lambda _: None,
    most: int | None = None,
) -> tuple[list[Sighting], list[Cell]]:
    """Attack all there is to attack in this process, and look; what is done is not repeated.

    The attacks are an experiment of the store, and its runs are there for all pages.

    Args:
        store: Of the experiments.
        plan: What is asked.
        on_cell: Gets the number of cells that have been passed so far.
        most: Pairs that are attacked at once; None for as many as is usual on the device.

    Returns:
        What each detector says, detector by detector and image by image; images that could not be
        attacked are left out. And the cells of the experiment.

    Raises:
        InputError: A name that there is not, classes that differ, or a detector that can't judge
            this network.
        RunStateError: Another process carries the experiment out.
        DeviceError: No such device.
    """
    check_asked(plan, find_card(plan.model))
    execute_parts(store, [plan.part], on_cell, most)
    return looked_at(store, plan)


def looked_at(store: ExperimentStore, plan: DetectionPlan) -> tuple[list[Sighting], list[Cell]]:
    """Look at the files of attacks that have ended; see `carry_out`.

    What is said of the originals is kept for whoever looks at a single run.

    Raises:
        InputError: As for `carry_out`.
        RunStateError: Not all attacks have ended.
        DeviceError: No such device.
    """
    card = find_card(plan.model)
    check_asked(plan, card)
    cells = ended_cells(store, plan.part)
    device, each = choose_device(plan.execution.device), len(plan.rows)
    watch = _Watch(store.runs, card, load_model(card, device), device)
    found = [
        sighting
        for place, text in enumerate(plan.detectors)
        for at in range(0, len(cells), each)
        if (sighting := watch.sighting(text, cells[at : at + each], place))
    ]
    _keep_clean(store.runs, plan, card, found, cells)
    return found, cells


def _keep_clean(
    runs: RunStore,
    plan: DetectionPlan,
    card: ModelCard,
    sightings: Sequence[Sighting],
    cells: Sequence[Cell],
) -> None:
    images = {one.sample: runs.get(one.run_id).spec.image_hash for one in cells if one.run_id}
    scores: dict[str, dict[str, float]] = {}
    for one in sightings:
        scores.setdefault(one.detector, {})[images[one.sample]] = one.clean.suspicion
    keep_clean(runs.home, network_hash(card), plan.dataset, scores)


@dataclass(frozen=True)
class _Watch:
    """Asks detectors about files."""

    runs: RunStore
    card: ModelCard
    model: SegmentationModel
    device: torch.device

    def sighting(self, text: str, cells: Sequence[Cell], place: int) -> Sighting | None:
        """Look at one image; the first of its cells is the plain attack's, then the evading ones.

        None where the plain attack has no run.
        """
        plain, detector = cells[0], find_detector(text)
        if not plain.results:
            return None
        inputs = as_attacked(self.runs.inputs(self.runs.get(plain.run_id)), self.card, self.device)
        original, valid = inputs.image, torch.from_numpy(inputs.valid)

        def look(image: FloatImage) -> Look:
            return Look(self._suspicion(detector, image, valid), l2_norm(image - original))

        attacked = noise = None
        if plain.success:
            attacked = look(self._file(plain))
            noise = look(noise_twin(original, attacked.l2))
        knowing = cells[1 + place] if len(cells) > 1 else None
        evaded = look(self._file(knowing)) if knowing is not None and knowing.success else None
        clean, known = look(original), [one for one in (attacked, evaded) if one is not None]
        best = min(known, key=lambda one: abs(one.suspicion - clean.suspicion), default=None)
        names = plain.sample, plain.target
        if knowing is None:
            return Sighting(text, *names, clean, noise, attacked, None, None)
        return Sighting(text, *names, clean, noise, attacked, best, evaded is not None)

    def _file(self, cell: Cell) -> FloatImage:
        return read_image(self.runs.folder(cell.run_id) / ADVERSARIAL)

    def _suspicion(self, detector: Detector, image: FloatImage, valid: torch.Tensor) -> float:
        maps = suspicion_map(detector, self.model, image, self.device)
        return float(suspicion(maps, valid[None])[0])
