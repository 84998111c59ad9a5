"""What trials of defences come to: figures for each defence and attack, and plain words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from asma_core.attacks.registry import ATTACKS, find_attack
from asma_core.experiments.robustness import Trial
from asma_core.experiments.shown_files import Seen

NONE = "none"


def rows(trials: Sequence[Trial]) -> list[dict[str, Any]]:
    """Return a row for each defence and attack, in their order.

    Rates are over the images that the attack fools the bare network on, as many as `fooled` says;
    what is undefined is None; `successes_of_all` counts the other images too. `hidden` is whether
    the files that fool the bare network fool the defended one more often than the attack that
    knows the defence does.
    """
    return [_row(own, trials) for own in _groups(trials)]


def _groups(trials: Sequence[Trial]) -> list[list[Trial]]:
    keys = dict.fromkeys((one.defence, one.attack.label) for one in trials)
    return [[one for one in trials if (one.defence, one.attack.label) == key] for key in keys]


def _row(own: Sequence[Trial], trials: Sequence[Trial]) -> dict[str, Any]:
    fooled = _fooled(own[0].attack.label, trials)
    asked = [one for one in own if (one.cell.sample, one.cell.target) in fooled]
    knowing, unknowing = [one.knowing for one in asked], [one.unknowing for one in asked]
    won = [one for one in asked if one.knowing is not None and one.knowing.success]
    lengths = [float(one.cell.results["l2_8bit"]) for one in won]
    return {
        "defence": own[0].defence,
        "network": own[0].network,
        "attack": own[0].attack.label,
        "black_box": find_attack(own[0].attack.attack).black_box,
        "n": len(own),
        "failed": sum(one.knowing is None for one in own),
        "bare_failed": sum(one.unknowing is None for one in own),
        "fooled": len(asked),
        "clean_iou": _mean(one.clean_iou for one in own),
        "unknowing": _figures(unknowing, [one.unknowing for one in own]),
        "knowing": _figures(knowing, [one.knowing for one in own])
        | {"l2_of_successes": _mean(lengths)},
        "hidden": _count(unknowing) > _count(knowing),
    }


def _fooled(label: str, trials: Sequence[Trial]) -> set[tuple[str, str]]:
    """Return the pairs on which an attack fools the bare network."""
    return {
        (one.cell.sample, one.cell.target)
        for one in trials
        if one.defence == NONE and one.attack.label == label
        if one.knowing is not None and one.knowing.success
    }


def _figures(asked: Sequence[Seen | None], all_of_them: Sequence[Seen | None]) -> dict[str, Any]:
    return {
        "successes": _count(asked),
        "success_rate": _count(asked) / len(asked) if asked else None,
        "successes_of_all": _count(all_of_them),
        "mean_score": _mean(None if one is None else one.score for one in all_of_them),
        "iou": _mean(None if one is None else one.iou for one in all_of_them),
    }


def _count(seen: Iterable[Seen | None]) -> int:
    return sum(one is not None and one.success for one in seen)


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def points(trials: Sequence[Trial]) -> list[dict[str, Any]]:
    """Return, for each defence, clean IoU and what the worst attack on each image leaves of it.

    `before` is over the attacks that do not know the defence, `after` over all of them.
    """
    found = []
    for words in dict.fromkeys(one.defence for one in trials):
        own = [one for one in trials if one.defence == words]
        found.append(
            {
                "defence": words,
                "network": own[0].network,
                "clean_iou": _mean(one.clean_iou for one in own),
                "before": _worst(own, knowing=False),
                "after": _worst(own, knowing=True),
            }
        )
    return found


def _worst(own: Sequence[Trial], knowing: bool) -> float | None:
    lowest = []
    for pair in dict.fromkeys((one.cell.sample, one.cell.target) for one in own):
        mine = [one for one in own if (one.cell.sample, one.cell.target) == pair]
        seen = [one.unknowing for one in mine] + [one.knowing for one in mine if knowing]
        ious = [one.iou for one in seen if one is not None and one.iou is not None]
        if ious:
            lowest.append(min(ious))
    return _mean(lowest)


def sentences(table: Sequence[dict[str, Any]]) -> list[str]:
    """Return what the rows say, in plain words, a sentence or two for each.

    Nothing is said of a black box that fools nobody: it is there as the check.
    """
    told = [row for row in table if row["defence"] != NONE]
    return [
        _sentence(row, table)
        for row in told
        if not row["black_box"] or row["fooled"] or row["knowing"]["successes"]
    ]


def _sentence(row: dict[str, Any], table: Sequence[dict[str, Any]]) -> str:
    defence, attack, asked = row["defence"], _title(row["attack"]), row["fooled"]
    if row["failed"] == row["n"] or row["bare_failed"] == row["n"]:
        return f"{attack} could not be made against {defence}: all of its runs failed."
    if not asked:
        return f"{attack} fools the bare network on no image: it says nothing of {defence}."
    images = "1 image" if asked == 1 else f"{asked} images"
    if asked < row["n"]:
        images += f" that it fools the bare network on ({row['n']} were attacked)"
    stopped = asked - row["unknowing"]["successes"]
    held = asked - row["knowing"]["successes"]
    told = f"{defence} stops {attack} on {stopped} of {images}, and the attack that knows it on "
    told += f"{held}."
    beyond = row["knowing"]["successes_of_all"] - row["knowing"]["successes"]
    if beyond:
        told += f" That one fools it on {beyond} more, on which the bare network was not fooled."
    return told + _hidden(row, table)


def _title(label: str) -> str:
    return ATTACKS[label].title if label in ATTACKS else label


def _hidden(row: dict[str, Any], table: Sequence[dict[str, Any]]) -> str:
    """Return what is to be said where something does better than the gradients."""
    if row["black_box"]:
        return ""
    if row["hidden"]:
        return (
            " Files made for the bare network fool it more often: its gradients are hidden, and it "
            "is no safer than those say."
        )
    own = [one for one in table if one["defence"] == row["defence"] and one["black_box"]]
    if any(one["knowing"]["successes"] > row["knowing"]["successes"] for one in own):
        return (
            " A black box fools it more often: its gradients are hidden, and it is no safer than "
            "that says."
        )
    return ""
