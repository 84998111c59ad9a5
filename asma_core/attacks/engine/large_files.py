"""Attacking a large file at the size that the network sees; what counts stays the file.

The attack moves a change of the network's size (`reduction.py`). Its own steps are judged there:
prediction and target at twice the network's sides, and the norm of the file before rounding. Where
it comes to something worth keeping, the file is made, rounded, predicted and scored at its own
size, and nothing else is ever kept. Each such trial also says by how much the figures of the steps
are off; those of the steps that follow are put right by that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Generic, TypeVar

from asma_core.attacks.contract import AttackResult, OnStep, Pictures, StepMetrics
from asma_core.attacks.engine.batch import AttackBatch
from asma_core.attacks.engine.passes import exact_of
from asma_core.attacks.engine.reduction import ZERO, Reduction, is_worth_it, strips
from asma_core.attacks.engine.tracker import Record, Tracker, better
from asma_core.attacks.settings import CIEDE2000, LINF, CommonConfig
from asma_core.lazy import Tensor, torch
from asma_core.metrics.score import REMOVED, reached, score
from asma_core.models.wrapper.calls import checked_logits, predicted
from asma_core.models.wrapper.resizing import resized

Config = TypeVar("Config", bound=CommonConfig)

# Sides of the mask that steps are judged by over those of what the network sees: a file's mask is
# finer, and thin structures hang on it.
FINER: Final = 2
# A success is tried as a file when its norm is by this share below that of the last trial.
NEARER: Final = 0.08
# So many of the last seeming successes are tried at the end, until one holds.
LAST_TRIALS: Final = 3


class SeenNetwork:
    """A network as a function of the values that the search moves, (B, C, h, w) in [0, 1].

    No module: a class that is one imports torch as soon as its own module is imported.

    Attributes:
        model: The network, of files.
    """

    def __init__(self, model: torch.nn.Module, images: Tensor, reduction: Reduction) -> None:
        """Look at files, float32 (B, C, H, W), through a reduction."""
        self.model = model
        self._reduction = reduction
        self._seen = resized(images, reduction.seen)
        self._judged = _judged_size(reduction.size, reduction.seen)

    def __call__(self, moved: Tensor) -> Tensor:
        """Return the logits, (B, K, h', w'), at the size that steps are judged at."""
        seen = self._seen + self._reduction.shown(moved)
        return resized(self.model(seen.clamp(0.0, 1.0)), self._judged)

    def select(self, rows: Tensor) -> None:
        """Go on with some rows, bool (B,)."""
        self._seen = self._seen[rows.to(self._seen.device)]


@dataclass(frozen=True)
class ReducedAttack(Generic[Config]):
    """What an attack on large files works with instead of what it was given.

    Attributes:
        network: Of what the search moves.
        batch: The same.
        config: Of the search.
        tracker: Which keeps files.
    """

    network: SeenNetwork
    batch: AttackBatch
    config: Config
    tracker: Tracker


def reduced(
    model: torch.nn.Module, batch: AttackBatch, config: Config, on_step: OnStep | None
) -> ReducedAttack[Config] | None:
    """Return an attack at the size that a network sees; None where that is not possible or no gain.

    The files are moved themselves where the network does not say what it sees, where they are
    hardly larger, where only a region may change, where a class of the target is too small to be
    seen, and where the norm is that of each pixel's own colour.
    """
    norm = config.goal().norm
    seen = None if norm == CIEDE2000 else _seen_batch(model, batch)
    if seen is None:
        return None
    size, inner = _size(batch.images), _size(seen.images)
    reduction = Reduction(size, inner, norm, batch.images)
    network = SeenNetwork(model, batch.images, reduction)
    tracker = FileTracker(network, reduction, batch, seen, config, on_step)
    # In L2 the file is dithered, so that the search need not keep to levels.
    rounding = config.rounding and norm == LINF
    return ReducedAttack(network, seen, replace(config, rounding=rounding), tracker)


def _size(images: Tensor) -> tuple[int, int]:
    return images.shape[-2], images.shape[-1]


def _judged_size(size: tuple[int, int], seen: tuple[int, int]) -> tuple[int, int]:
    return min(size[0], FINER * seen[0]), min(size[1], FINER * seen[1])


def _seen_batch(model: torch.nn.Module, batch: AttackBatch) -> AttackBatch | None:
    """Return what the search moves of a batch of large files, without any change; see `reduced`."""
    size = _size(batch.images)
    seen_size = getattr(model, "seen_size", None)
    # A class below 0 is none; whoever checks the classes says so.
    if int(batch.target.min()) < 0:
        return None
    if seen_size is None or not batch.everywhere or tuple(batch.target.shape[1:]) != size:
        return None
    seen = seen_size(*size)
    if seen is None or not is_worth_it(size, seen):
        return None
    judged = _judged_size(size, seen)
    valid = (
        torch.cat([resized(one[None, None].float(), judged) for one in batch.valid])[:, 0] >= 0.5
    )
    target = torch.stack(
        [_seen_mask(mask, own, judged) for mask, own in zip(batch.target, batch.valid, strict=True)]
    ).where(valid, 0)
    if not bool(valid.flatten(1).any(dim=1).all()) or _labels(batch.target) != _labels(target):
        return None
    count, channels = batch.images.shape[:2]
    return AttackBatch(
        indices=batch.indices,
        images=batch.images.new_full((count, channels, *seen), ZERO),
        target=target,
        valid=valid,
        region=batch.region.new_ones(count, 1, *seen),
        everywhere=True,
        no_void=bool(valid.all()),
    )


def _labels(masks: Tensor) -> list[int]:
    """Return the classes in masks, each once; sorting all pixels takes the most memory of all."""
    found: list[int] = masks.flatten().bincount().nonzero()[:, 0].tolist()
    return found


def _seen_mask(mask: Tensor, valid: Tensor, judged: tuple[int, int]) -> Tensor:
    """Return the class of the largest area in each pixel of a judged mask, int64 (h', w')."""
    most = torch.full(judged, -1.0, device=mask.device)
    found = torch.zeros(judged, dtype=torch.int64, device=mask.device)
    for label in _labels(mask):
        area = resized(((mask == label) & valid)[None, None].float(), judged)[0, 0]
        found[area > most] = label
        most = torch.maximum(most, area)
    return found


@dataclass
class _Trials:
    """What trials have said of one image.

    Attributes:
        off: The score of a step over that of its file.
        longer: The file's L2 over that of its change before rounding.
        higher: The file's Linf over that before rounding.
        tried: Norm of the last file that was a success.
        waiting: What is better than the best so far, as it seems, and has not been tried; the best
            last.
        seen: The last step's figures as the search sees them.
    """

    off: float = 0.0
    longer: float = 1.0
    higher: float = 1.0
    tried: float = float("inf")
    waiting: list[tuple[StepMetrics, Tensor]] = field(default_factory=list)
    seen: StepMetrics | None = None


class FileTracker(Tracker):
    """Follows an attack on what a network sees of files, and keeps files.

    What a record keeps as its best image are the values searched, until `results` makes the file:
    they are the smaller.
    """

    def __init__(
        self,
        network: SeenNetwork,
        reduction: Reduction,
        files: AttackBatch,
        seen: AttackBatch,
        config: CommonConfig,
        on_step: OnStep | None,
    ) -> None:
        """Start to follow an attack on `seen`, which is of `files`."""
        super().__init__(seen, config, on_step)
        self._network, self._reduction = network, reduction
        self._files = files
        self._rounding = config.rounding
        self._classes = 0
        # By image, what its file's prediction is held against.
        self._references = list(files.target)
        self._trials = [_Trials() for _ in files.images]

    def results(self, chosen: list[Mapping[str, float]]) -> list[AttackResult]:
        """Try what still waits, and return what came of each image."""
        for index, record in enumerate(self._records):
            trials = self._trials[index]
            for now, moved in reversed(trials.waiting):
                if self._is_better(now, record):
                    self._try(record, now, moved)
            if record.adversarial is not None:
                record.adversarial = self._made(index, record.adversarial)
            record.trajectory = [self._no_claim(now, record) for now in record.trajectory]
        return super().results(chosen)

    def _figures(
        self, step: int, batch: AttackBatch, images: Tensor, predictions: Tensor, classes: int
    ) -> tuple[StepMetrics, ...]:
        self._classes = classes
        figures = super()._figures(step, batch, images, predictions, classes)
        if step == 0:
            return tuple(self._original(*pair) for pair in zip(figures, images, strict=True))
        return tuple(self._put_right(now) for now in figures)

    def _original(self, now: StepMetrics, moved: Tensor) -> StepMetrics:
        """Return the figures of an original as the file that it would be saved as."""
        told = self._judged(now, moved)
        self._trials[now.index].off = now.score - told.score
        return told

    def _put_right(self, now: StepMetrics) -> StepMetrics:
        """Return the figures of a step as those of its file are likely to be."""
        trials = self._trials[now.index]
        longer = self._reduction.scale * trials.longer
        trials.seen = now
        return replace(
            now,
            score=min(max(now.score - trials.off, 0.0), 1.0),
            iou=min(max(now.iou - trials.off, 0.0), 1.0),
            l2=now.l2 * longer,
            linf=now.linf * trials.higher,
        )

    def _take(self, record: Record, now: StepMetrics, image: Tensor) -> None:
        if now.step == 0:
            super()._take(record, now, image)
            return
        trials = self._trials[now.index]
        success = record.succeeds_now = self._seems(now)
        if success and self._length(now) < (1.0 - NEARER) * trials.tried:
            record.succeeds_now = self._try(record, now, image)
        elif self._is_better(now, record):
            last = trials.waiting[-1][0] if trials.waiting else None
            if last is None or better(now, success, last, self._seems(last), self._goal.norm):
                trials.waiting = [*trials.waiting, (now, image.detach().clone())][-LAST_TRIALS:]

    def _try(self, record: Record, now: StepMetrics, moved: Tensor) -> bool:
        """Make, predict and score a step's file, and keep it if it is the best; say if it holds."""
        trials = self._trials[now.index]
        told = self._judged(now, moved)
        record.passes += 1
        success = self._seems(told)
        record.trajectory[now.step] = told
        seen = trials.seen
        if seen is not None and seen.step == now.step:
            trials.off = seen.score - told.score
            trials.longer = told.l2 / max(seen.l2 * self._reduction.scale, 1e-12)
            trials.higher = told.linf / max(seen.linf, 1e-12)
        if success:
            trials.tried = self._length(told)
            trials.waiting = []
        if self._is_better(told, record):
            record.best, record.success = told, success
            record.adversarial = moved.detach().clone()
        return success

    def _is_better(self, now: StepMetrics, record: Record) -> bool:
        best, norm = record.best, self._goal.norm
        return best is None or better(now, self._seems(now), best, record.success, norm)

    def _no_claim(self, now: StepMetrics, record: Record) -> StepMetrics:
        """Return the figures of a step that was not tried so that they claim no more than files."""
        best = record.best
        if best is None or now is best or not self._seems(now) or not self._is_better(now, record):
            return now
        most = self._target_score - 1e-6
        return replace(now, score=most, iou=min(now.iou, most))

    def _seems(self, now: StepMetrics) -> bool:
        return reached(now.score, self._target_score)

    def _length(self, now: StepMetrics) -> float:
        return now.l2 if self._goal.norm != LINF else now.linf

    def _made(self, index: int, moved: Tensor) -> Tensor:
        """Return the file of an image, float32 (C, H, W)."""
        image = self._files.images[index]
        return self._reduction.as_file(image, moved.detach(), self._rounding)

    def _logits(self, file: Tensor) -> Tensor:
        """Return what the network itself says of a file, float32 (1, K, H, W)."""
        model = self._network.model
        asked = exact_of(model) or model
        with torch.no_grad():
            return checked_logits(asked(file[None]))

    def _judged(self, now: StepMetrics, moved: Tensor) -> StepMetrics:
        """Return a step's figures as those of its file."""
        index, classes = now.index, self._classes
        file, original = self._made(index, moved), self._files.images[index]
        logits = self._logits(file)
        if now.step == 0 and self._kinds[index] == REMOVED:
            self._references[index] = predicted(logits)[0]
        reference, valid = self._references[index], self._files.valid[index]
        counts = torch.zeros(classes**2, dtype=torch.int64, device=file.device)
        squares, linf = 0.0, 0.0
        for rows in strips(len(reference)):
            cells = (reference[rows] * classes + predicted(logits[:, :, rows])[0])[valid[rows]]
            counts += torch.bincount(cells, minlength=len(counts))
            change = file[:, rows] - original[:, rows]
            squares += float(change.square().sum())
            linf = max(linf, float(change.abs().max()))
        found = score(self._kinds[index], counts.view(classes, classes).cpu().numpy())
        return replace(
            now,
            score=found.value,
            iou=found.iou,
            pixel_accuracy=found.pixel_accuracy,
            l2=squares**0.5,
            linf=linf,
        )

    def _pictures(self, batch: AttackBatch, images: Tensor, predictions: Tensor) -> Pictures:
        indices = tuple(batch.indices.tolist())
        files = [self._made(index, moved) for index, moved in zip(indices, images, strict=True)]
        labels = torch.cat([predicted(self._logits(file)) for file in files])
        return Pictures(indices, torch.stack(files).cpu(), labels.cpu())
