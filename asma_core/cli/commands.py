"""What the commands of `asma_core.cli.main` do; each returns plain values."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asma_core.attacks.contract import AttackEntry, StepReport
from asma_core.attacks.registry import ATTACKS, find_attack
from asma_core.attacks.settings import TOWARDS
from asma_core.cli import ablation as ablation_command
from asma_core.cli import import_commands
from asma_core.cli import train as training_command
from asma_core.cli.execution import execution_of
from asma_core.cli.named_values import named_values
from asma_core.cli.progress import Progress
from asma_core.data.datasets import Dataset, dataset_names, open_dataset
from asma_core.data.formats.images import encode_png, to_rgb
from asma_core.data.formats.slices import Slice
from asma_core.data.masks.label_maps import Mask, encode_mask
from asma_core.data.masks.palette import CLASS_COLOURS
from asma_core.data.targets.regions import REGIONS, make_region, read_region
from asma_core.data.targets.scenarios import get_scenario
from asma_core.errors import InputError, RunStateError
from asma_core.fields import config_from_text, described
from asma_core.files import explained, json_values, write_bytes
from asma_core.metrics.overlap import (
    confusion_matrix,
    foreground_iou,
    iou_per_class,
    pixel_accuracy,
)
from asma_core.models.sources.cards import (
    ModelCard,
    broken_cards,
    check_fits,
    find_card,
    model_cards,
)
from asma_core.models.sources.importing import describe
from asma_core.models.sources.loading import load_model
from asma_core.models.sources.loading import predict as predict_labels
from asma_core.models.wrapper.backend import check_precision
from asma_core.models.wrapper.devices import choose_device
from asma_core.models.wrapper.specs import CENTRE
from asma_core.runs import artefacts
from asma_core.runs.execute import execute
from asma_core.runs.run import Run
from asma_core.runs.sources import (
    SourceImage,
    from_file,
    from_sample,
    mask_from_file,
    target_from_sample,
)
from asma_core.runs.store import RunStore
from asma_core.runs.target_source import FILE, NO_TARGET, PREDICTION, SAMPLE, TargetSource

ablation = ablation_command.ablation
check_model = import_commands.check_model
import_dataset = import_commands.import_dataset
import_model = import_commands.import_model
train = training_command.train


def datasets(_: argparse.Namespace) -> list[dict[str, Any]]:
    """List the data sets."""
    return [_listed(name) for name in dataset_names()]


def _listed(name: str) -> dict[str, Any]:
    """Describe a data set; one that can't be opened must not hide the others."""
    try:
        return _dataset(open_dataset(name))
    except InputError as error:
        return {"name": name, "problem": str(error)}


def _dataset(dataset: Dataset) -> dict[str, Any]:
    return {
        "name": dataset.name,
        "title": dataset.title,
        "description": dataset.description,
        "synthetic": dataset.synthetic,
        "classes": list(dataset.classes),
        "images": len(dataset.samples),
        "train": sum(sample.split == "train" for sample in dataset.samples),
        "test": sum(sample.split == "test" for sample in dataset.samples),
        "samples": [sample.name for sample in dataset.samples],
    }


def models(_: argparse.Namespace) -> list[dict[str, Any]]:
    """List the networks."""
    broken = [{"name": path.stem, "problem": message} for path, message in broken_cards().items()]
    return [describe(card) for card in model_cards().values()] + broken


def attacks(_: argparse.Namespace) -> list[dict[str, Any]]:
    """List the attacks with their settings."""
    return [
        {
            "name": entry.name,
            "title": entry.title,
            "summary": entry.summary,
            "source": entry.source,
            "presets": {name: dict(values) for name, values in entry.presets.items()},
            "settings": described(entry.config),
        }
        for entry in ATTACKS.values()
    ]


def runs(options: argparse.Namespace) -> list[dict[str, Any]]:
    """List the newest runs."""
    return [_run_answer(run, {}) for run in RunStore().newest(options.limit)]


def predict(options: argparse.Namespace) -> dict[str, Any]:
    """Segment one image, and compare with its mask when that is given."""
    card = find_card(options.model)
    device = choose_device(options.device)
    source = from_file(Path(options.image), where=Slice(options.frame, options.axis))
    labels = _prediction(options, source)
    out = Path(options.out)
    files = {"prediction.png": encode_mask(labels), "overlay.png": _overlay(source, labels)}
    for name, data in files.items():
        write_bytes(out / name, data)
    shares = {name: float((labels == number).mean()) for number, name in enumerate(card.classes)}
    answer: dict[str, Any] = {
        "model": card.name,
        "image": str(options.image),
        "width": source.shape[1],
        "height": source.shape[0],
        "device": str(device),
        "share_per_class": shares,
    }
    if options.mask:
        answer |= _compared(labels, options, source, card)
    return json_values(answer | {"files": {name: str(out / name) for name in files}})


def _compared(
    labels: NDArray[np.int64], options: argparse.Namespace, source: SourceImage, card: ModelCard
) -> dict[str, Any]:
    count = 2 if options.foreground else len(card.classes)
    truth = mask_from_file(Path(options.mask), source.shape, count)
    shown = (labels > 0).astype(np.int64) if options.foreground else labels
    valid = source.valid & truth.valid
    if card.output.fit == CENTRE:
        model = load_model(card, choose_device(options.device))
        valid &= model.covered(*source.shape).cpu().numpy()
    confusion = confusion_matrix(shown, truth.labels, count, valid)
    return {
        "iou": foreground_iou(confusion),
        "iou_per_class": iou_per_class(confusion).tolist(),
        "pixel_accuracy": pixel_accuracy(confusion),
    }


def _overlay(source: SourceImage, labels: NDArray[np.int64]) -> bytes:
    """Return the picture with each class's colour laid over it by a third."""
    pixels = to_rgb(source.image).astype(np.float32)
    palette = np.array(CLASS_COLOURS, dtype=np.float32)
    colours = palette[np.where(labels > 0, 1 + (labels - 1) % (len(palette) - 1), 0)]
    mixed = np.where((labels > 0)[..., None], 0.67 * pixels + 0.33 * colours, pixels)
    return encode_png(np.rint(mixed).astype(np.uint8))


def attack(options: argparse.Namespace) -> dict[str, Any]:
    """Attack one image in this process; the run appears in the app like any other."""
    card = find_card(options.model)
    entry = find_attack(options.attack)
    config = config_from_text(entry.config, _settings(options, entry))
    check_precision(options.precision, choose_device(options.device))
    dataset = open_dataset(options.dataset) if options.dataset else None
    if dataset is not None:
        check_fits(card, dataset)
    source = _source(options, dataset, card)
    leads_away = config.goal().away
    target, origin = _target(options, dataset, source, leads_away)
    request = source.request(card.name, entry.name, config.as_dict(), origin, execution_of(options))
    if options.out:
        with explained(Path(options.out)):
            Path(options.out).mkdir(parents=True, exist_ok=True)
    store = RunStore()
    region = _region(options, source, target.labels)
    inputs = source.without_target(region) if leads_away else source.towards(target, region)
    run = store.create(request, inputs)
    return _attacked(store, run, config.steps, options.out)


def _settings(options: argparse.Namespace, entry: AttackEntry) -> dict[str, str]:
    values: dict[str, str] = {}
    if options.preset:
        if options.preset not in entry.presets:
            known = ", ".join(entry.presets)
            raise InputError(f"{entry.name} has no preset {options.preset!r}; there is: {known}")
        values |= {name: str(value) for name, value in entry.presets[options.preset].items()}
    if options.steps is not None:
        values["steps"] = options.steps
    return values | named_values(options.set)


def _source(options: argparse.Namespace, dataset: Dataset | None, card: ModelCard) -> SourceImage:
    if options.image and (dataset is not None or options.sample):
        raise InputError("give either --image, or --dataset with --sample, not both")
    if options.image:
        source = from_file(Path(options.image), where=Slice(options.frame, options.axis))
        if options.truth is None:
            return source
        truth = mask_from_file(Path(options.truth), source.shape, len(card.classes))
        return replace(source, truth=truth.labels, valid=truth.valid)
    if options.truth is not None:
        raise InputError("--truth is the mask of --image; a sample of a data set has its own")
    if dataset is None or options.sample is None:
        raise InputError("say which image: --image FILE, or --dataset NAME --sample INDEX_OR_NAME")
    return from_sample(dataset, dataset.find(options.sample))


def _target(
    options: argparse.Namespace, dataset: Dataset | None, source: SourceImage, leads_away: bool
) -> tuple[Mask, TargetSource]:
    given = [options.target_mask, options.target_sample, options.scenario]
    count = sum(value is not None for value in given)
    if leads_away and count == 0:
        return _all_counted(np.zeros(source.shape, dtype=np.int64)), TargetSource(NO_TARGET)
    if count != 1:
        raise InputError("say one target: --target-mask, --target-sample or --scenario")
    if options.target_mask is not None:
        path = Path(options.target_mask)
        classes = len(find_card(options.model).classes)
        encoding = dataset.encoding if dataset is not None else None
        mask = mask_from_file(path, source.shape, classes, encoding=encoding)
        return mask, TargetSource(FILE, path.name)
    if options.target_sample is not None:
        if dataset is None:
            raise InputError("--target-sample is a sample of --dataset; name that too")
        other = dataset.find(options.target_sample)
        mask = target_from_sample(dataset, other, source.shape)
        return mask, TargetSource(SAMPLE, other.name)
    scenario = get_scenario(options.scenario)
    made = scenario.apply(_prediction(options, source))
    return _all_counted(made), TargetSource(PREDICTION, scenario=scenario.name)


def _all_counted(labels: NDArray[np.int64]) -> Mask:
    return Mask(labels, np.ones(labels.shape, dtype=np.bool_))


def _region(
    options: argparse.Namespace, source: SourceImage, target: NDArray[np.int64]
) -> NDArray[np.bool_] | None:
    if options.region is None:
        return None
    if options.region not in REGIONS:
        return read_region(Path(options.region), source.shape)
    return make_region(options.region, _prediction(options, source), target, options.region_margin)


def _prediction(options: argparse.Namespace, source: SourceImage) -> NDArray[np.int64]:
    device = choose_device(options.device)
    return predict_labels(load_model(find_card(options.model), device), source.image, device)


def _attacked(store: RunStore, run: Run, steps: int, out: str | None) -> dict[str, Any]:
    progress = Progress(run.spec.attack, steps)

    def watch(report: StepReport) -> bool:
        progress.update(report.step, score=report.images[0].score, l2=report.images[0].l2)
        return False

    try:
        ended = execute(store, run.id, watch)
    finally:
        progress.close()
    if not ended.results:
        raise RunStateError(f"run {ended.id} {ended.state}: {ended.message or 'stopped at once'}")
    return _run_answer(ended, _copies(store.folder(run.id), out))


def _copies(folder: Path, out: str | None) -> dict[str, str]:
    destination = Path(out) if out else folder
    if out:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            with explained(path):
                content = path.read_bytes()
            write_bytes(destination / path.relative_to(folder), content)
    return {name: str(destination / name) for name in artefacts.FILES if (folder / name).exists()}


def _run_answer(run: Run, files: dict[str, str]) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "run_id": run.id,
        "attack": run.spec.attack,
        "model": run.spec.model,
        "image": run.spec.image_name,
        "target": run.spec.target_name if run.aim == TOWARDS else None,
        "goal": run.goal,
        "status": run.state,
        "ended": run.ending,
        "message": run.message,
        **run.results,
        "outcome": run.outcome,
        "success": run.success,
        "config": dict(run.spec.config),
        "seed": run.spec.execution.seed,
    }
    return answer | ({"files": files} if files else {})


__all__ = [
    "ablation",
    "attack",
    "attacks",
    "check_model",
    "datasets",
    "import_dataset",
    "import_model",
    "models",
    "predict",
    "runs",
    "train",
]
