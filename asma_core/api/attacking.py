"""One call from image and target to a result that is measured as a run's is."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from asma_core.api.batches import several
from asma_core.api.networks import AUTO, called, network_of
from asma_core.api.problems import Problem, by_size, given_for, make_problem
from asma_core.api.results import Result, Results
from asma_core.attacks.batching import attack_in_batches
from asma_core.attacks.checks import after
from asma_core.attacks.contract import THE_PAPERS, AttackEntry, AttackResult
from asma_core.attacks.registry import check_suits, find_attack
from asma_core.attacks.settings import CommonConfig
from asma_core.data.formats.images import from_bytes, to_bytes
from asma_core.fields import config_from_dict
from asma_core.models.sources.cards import ModelCard
from asma_core.models.wrapper.backend import Backend, check_precision, float32_sums
from asma_core.models.wrapper.calls import borrowed
from asma_core.models.wrapper.contract import SegmentationModel
from asma_core.models.wrapper.precision import AUTO as AUTO_PRECISION
from asma_core.runs.attacking import searched_through
from asma_core.runs.checks import beyond, norm_of
from asma_core.runs.execution import Execution
from asma_core.runs.measuring import attack_inputs, measure, warned
from asma_core.runs.reasons import Attempt, explained


def attack(
    model_or_name: str | ModelCard | nn.Module,
    image: Any,
    target: Any = None,
    attack: str = "minimal",
    *,
    valid: Any = None,
    region: Any = None,
    device: str = AUTO,
    seed: int = 0,
    batch_size: int = 8,
    survive: bool = False,
    **settings: Any,
) -> Result | Results:
    """Attack one image, or many, and measure what comes out as a run of the workbench is measured.

    The original is taken as the 8-bit file that it would be saved as, and what is measured is the
    adversarial image as its 8-bit file, predicted again. Nothing is stored; network, arrays and
    torch's random numbers are left as they were found.

    Args:
        model_or_name: A name among `models()`, a card, or any torch module that takes float32
            (B, C, H, W) in [0, 1] and returns logits (B, K, H, W), K at least 2. A module stays on
            its device.
        image: An array or tensor (H, W), (H, W, 3) or (C, H, W) with C of 1 or 3, uint8, or float
            in [0, 1]; a file; or an item of a data set. For many: a sequence of these, or an array
            (B, C, H, W); images of several sizes are attacked size by size.
        target: What the network shall see: an array or tensor (H, W) of class numbers 0..K-1 (255
            is void), a file, an item of a data set (another image's mask, the paper's way,
            resized), or a `Mask`. For many: one for each, an array (B, H, W), or one for all. None
            for an attack that leads away.
        attack: A name among `attacks()`.
        valid: Pixels that count, (H, W), not 0; all of them unless given. For many as `target`.
        region: Where the image may change: (H, W), not 0; a file; "near" the structures or "away"
            from them. Everywhere unless given. For many as `target`.
        device: "auto" (the GPU with the most free memory, else the CPU; a module's own), "cpu",
            "cuda" or "cuda:N".
        seed: Of the random numbers of the attack, at least 0.
        batch_size: Most images at once; halved when memory runs out.
        survive: Whether the change is made to survive what happens to files (JPEG, resizing, a
            turn, noise). A step takes about five times as long, and images are attacked one by one.
        **settings: Of the attack, such as `steps=50` or `target_iou=0.9`; what is left out is
            default. `attacks("minimal")` lists them.

    Returns:
        A `Result`; `Results` when many were given, even if that is a list of one.

    Raises:
        InputError: Shapes, types or values that do not fit; a setting out of range; an attack that
            needs gradients on a network that takes none (ONNX).
        UnknownNameError: An attack, a network or a setting that there is not.
        ModelError: The network can't be loaded, or does not return finite logits.
        DeviceError: No such device, or no memory for a single image.
    """
    entry = find_attack(attack)
    config = config_from_dict(entry.config, settings)
    Execution(device=device, seed=seed, survives=survive)  # checks all of them
    given = given_for(image, target, valid, region)
    model, where = network_of(model_or_name, device, given[0].source.image)
    check_suits(entry, called(model_or_name), model.takes_gradients)
    problems = [make_problem(one, model, where, config) for one in given]
    attempt = _Attempt(entry, config, model, where, seed, batch_size, survive)
    found: dict[int, Result] = {}
    # What is drawn at a step would hang on the image's neighbours.
    alone = model.random or survive
    groups = [[place] for place in range(len(problems))] if alone else by_size(problems)
    for places in groups:
        alike = [problems[place] for place in places]
        found |= zip(places, attempt.results(alike), strict=True)
    results = [found[place] for place in range(len(problems))]
    return Results(results) if several(image, 4) is not None else results[0]


@dataclass(frozen=True)
class _Attempt:
    entry: AttackEntry
    config: CommonConfig
    model: SegmentationModel
    device: torch.device
    seed: int
    batch_size: int
    survive: bool

    def results(self, problems: Sequence[Problem]) -> list[Result]:
        """Attack images of one size, and measure each."""
        inputs = [problem.inputs for problem in problems]
        judges = [problem.judge for problem in problems]
        away = self.config.goal().away
        for problem in problems:
            one = attack_inputs([problem.inputs], [problem.judge], self.device)
            problem.warnings.extend(warned(self.model, one, away))
        notices: list[str] = []
        started = time.perf_counter()
        with _seeded(self.seed, self.device), borrowed(self.model):
            # Not `make_backend`, which keeps the last few and lays a network's weights out anew.
            precision = check_precision(AUTO_PRECISION, self.device)
            together = attack_inputs(inputs, judges, self.device)
            searched, _ = searched_through(self.model, together, away, self.survive)
            backend = Backend(searched, precision, self.device).eval()
            with float32_sums(precision):
                found = attack_in_batches(
                    self.entry.attack,
                    backend,
                    together,
                    self.config,
                    batch_size=self.batch_size,
                    on_notice=notices.append,
                )
        seconds = (time.perf_counter() - started) / len(problems)
        return [
            self._result(problem, result, seconds, notices)
            for problem, result in zip(problems, found, strict=True)
        ]

    def _result(
        self, problem: Problem, result: AttackResult, seconds: float, notices: list[str]
    ) -> Result:
        inputs, judge = problem.inputs, problem.judge
        saved = from_bytes(to_bytes(result.adversarial.numpy()))
        wanted = self.config.target_iou
        measured = measure(self.model, self.device, judge, inputs.image, result, saved, wanted)
        figures = measured.figures | ({"made_to_survive": True} if self.survive else {})
        norm = norm_of(self.config.as_dict())
        warnings = [
            *problem.warnings,
            *(after(result.trajectory) if self.entry.monotone else []),
            *beyond(saved - inputs.image, inputs.region, norm, result.chosen),
            *notices,
        ]
        attempt = Attempt(
            result,
            measured.figures["outcome"],
            judge,
            measured.prediction,
            inputs.region,
            self.model.classes,
            wanted,
            self.entry.answers == THE_PAPERS,
        )
        return Result(
            name=problem.name,
            attack=self.entry.name,
            original=inputs.image,
            adversarial=saved,
            target=None if self.config.goal().away else inputs.target,
            prediction_before=judge.clean,
            prediction_after=measured.prediction,
            figures={name: _number(value) for name, value in figures.items()},
            seconds=seconds,
            warnings=tuple(explained(warnings, attempt)),
            course=result.trajectory,
        )


def _number(value: Any) -> Any:
    return float("nan") if value is None else value


@contextmanager
def _seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Draw torch's random numbers from a seed, and give the generators back as they were."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield
