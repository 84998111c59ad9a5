"""The command `attack`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asma_core.attacks.contract import AttackEntry, StepReport
from asma_core.attacks.registry import check_suits, find_attack
from asma_core.cli.arguments import from_zero, model_option
from asma_core.cli.image_options import image_of, image_options
from asma_core.cli.named_values import named_values
from asma_core.cli.networks import check_execution, prediction
from asma_core.cli.progress import Progress
from asma_core.cli.run_answer import run_answer
from asma_core.cli.setting_options import add_settings, settings_of
from asma_core.data.datasets import Dataset, open_dataset
from asma_core.data.masks.label_maps import Mask
from asma_core.data.targets.regions import REGIONS, make_region, read_region
from asma_core.data.targets.scenarios import get_scenario
from asma_core.errors import InputError, RunStateError
from asma_core.fields import config_from_text
from asma_core.files import as_store_error, write_bytes
from asma_core.models.sources.cards import ModelCard, check_fits, find_card
from asma_core.runs import artefacts
from asma_core.runs.execution import Execution
from asma_core.runs.run import Run
from asma_core.runs.sources import SourceImage, mask_from_file, target_from_sample
from asma_core.runs.store import RunStore
from asma_core.runs.target_source import FILE, NO_TARGET, PREDICTION, SAMPLE, TargetSource

# What the network says of the image, int64 (H, W).
Seen = Callable[[], NDArray[np.int64]]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    model_option(parser)
    add_settings(parser, Execution)
    image_options(parser)
    target = parser.add_argument_group("the target mask, one of; none for a goal that leads away")
    target.add_argument("--target-mask", help="a file of class numbers, as large as the image")
    target.add_argument("--target-sample", help="another sample of the data set")
    target.add_argument("--scenario", help="hide, grow, shrink, move, ...: from the prediction")
    region = parser.add_argument_group("where the image may change, everywhere unless said")
    region.add_argument(
        "--region",
        help="near (in and around the structures of prediction and target), away (from them), or "
        "a picture that is not 0 there",
    )
    region.add_argument(
        "--region-margin", type=from_zero, help="of near and away, in pixels (a 20th of the image)"
    )
    parser.add_argument("--attack", default="asma", help="name of an attack (asma)")
    parser.add_argument("--preset", help="quick, strong or paper")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the attack"
    )
    parser.add_argument("--steps", help="short for --set steps=N")
    parser.add_argument("--out", help="folder for copies of the run's files")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Attack one image in this process; the run appears in the app like any other."""
    card = find_card(options.model)
    entry = find_attack(options.attack)
    check_suits(entry, card.name, card.takes_gradients)
    config = config_from_text(entry.config, _settings(options, entry))
    execution = settings_of(options, Execution)
    check_execution(execution)
    dataset = open_dataset(options.dataset) if options.dataset else None
    if dataset is not None:
        check_fits(card, dataset)
    source = image_of(options, dataset, card)
    leads_away = config.goal().away
    # Asked once, if at all: a scenario begins with it, and a region may.
    seen = cache(lambda: prediction(card, execution.device, source.image))
    target, origin = _target(options, card, dataset, source, leads_away, seen)
    request = source.request(card.name, entry.name, config.as_dict(), origin, execution)
    if options.out:
        with as_store_error(Path(options.out)):
            Path(options.out).mkdir(parents=True, exist_ok=True)
    store = RunStore()
    region = _region(options, source, target.labels, seen)
    inputs = source.without_target(region) if leads_away else source.with_target(target, region)
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


def _target(
    options: argparse.Namespace,
    card: ModelCard,
    dataset: Dataset | None,
    source: SourceImage,
    leads_away: bool,
    seen: Seen,
) -> tuple[Mask, TargetSource]:
    given = [options.target_mask, options.target_sample, options.scenario]
    count = sum(value is not None for value in given)
    if leads_away and count == 0:
        return _all_counted(np.zeros(source.shape, dtype=np.int64)), TargetSource(NO_TARGET)
    if count != 1:
        raise InputError("say one target: --target-mask, --target-sample or --scenario")
    if options.target_mask is not None:
        path = Path(options.target_mask)
        encoding = dataset.encoding if dataset is not None else None
        mask = mask_from_file(path, source.shape, len(card.classes), encoding=encoding)
        return mask, TargetSource(FILE, path.name)
    if options.target_sample is not None:
        if dataset is None:
            raise InputError("--target-sample is a sample of --dataset; name that too")
        other = dataset.find(options.target_sample)
        mask = target_from_sample(dataset, other, source.shape)
        return mask, TargetSource(SAMPLE, other.name)
    scenario = get_scenario(options.scenario)
    made = scenario.apply(seen())
    return _all_counted(made), TargetSource(PREDICTION, scenario=scenario.name)


def _all_counted(labels: NDArray[np.int64]) -> Mask:
    return Mask(labels, np.ones(labels.shape, dtype=np.bool_))


def _region(
    options: argparse.Namespace, source: SourceImage, target: NDArray[np.int64], seen: Seen
) -> NDArray[np.bool_] | None:
    if options.region is None:
        return None
    if options.region not in REGIONS:
        return read_region(Path(options.region), source.shape)
    return make_region(options.region, seen(), target, options.region_margin)


def _attacked(store: RunStore, run: Run, steps: int, out: str | None) -> dict[str, Any]:
    from asma_core.runs.execute import execute

    progress = Progress(run.spec.attack, steps)

    def watch(report: StepReport) -> bool:
        now = report.images[0]
        progress.update(report.step, {now.kind: now.score, "L2": now.l2})
        return False

    try:
        ended = execute(store, run.id, watch)
    finally:
        progress.close()
    if not ended.results:
        raise RunStateError(f"run {ended.id} {ended.state}: {ended.message or 'stopped at once'}")
    return run_answer(ended, _copies(store.folder(run.id), out))


def _copies(folder: Path, out: str | None) -> dict[str, str]:
    destination = Path(out) if out else folder
    if out:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            with as_store_error(path):
                content = path.read_bytes()
            write_bytes(destination / path.relative_to(folder), content)
    return {name: str(destination / name) for name in artefacts.FILES if (folder / name).exists()}
