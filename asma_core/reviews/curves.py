"""The curve of a review: how the rate rises with the size of the change, in figures and words."""

from __future__ import annotations

from typing import Final

from asma_core.reviews.psychometric import Fit, Point, Unfitted, fit, points_of
from asma_core.reviews.questions import ORIGINAL
from asma_core.reviews.rates import log_linear
from asma_core.reviews.result import Result

# Of the 8-bit file.
MEASURES: Final = {"l2": "L2", "linf": "Linf", "ciede2000": "CIEDE2000, mean"}
# Answers to pictures as they were: of fewer nobody knows how often nothing is called odd.
LEAST_ORIGINALS: Final = 10


def curve_of(result: Result, measure: str) -> Fit | Unfitted | None:
    """Return the curve over a measure, or why there is none; None where none is asked for.

    Of a choice between two, guessing is a half. Of other questions it is how often pictures as they
    were got such an answer, corrected as for d'. Answers on a scale have no guessing.

    Args:
        result: What the answers come to.
        measure: One of `MEASURES`.
    """
    question, originals = result.review.question, result.originals
    if question.ordinal:
        return None
    points = _points(result, measure)
    if question.chance is not None:
        return fit(points, question.chance)
    count = 0 if originals is None else originals.rate.count
    if originals is None or count < LEAST_ORIGINALS:
        why = (
            f"too few answers to pictures as they were: {count}, and it takes {LEAST_ORIGINALS} to "
            "know how often nothing is noticed"
        )
        return Unfitted(why, sum(point.count for point in points))
    return fit(points, log_linear(originals.rate.noticed, count))


def curve_sentences(result: Result) -> list[str]:
    """Return what the curves say, a sentence a measure; what holds for all of them once."""
    found = {name: curve_of(result, name) for name in MEASURES if result.curves[name]}
    reasons = {one.why for one in found.values() if isinstance(one, Unfitted)}
    if len(reasons) == 1 and all(isinstance(one, Unfitted) for one in found.values()):
        return [f"No curve over the size of the change: {reasons.pop()}."]
    return [curve_sentence(one, name) for name, one in found.items() if one is not None]


def curve_sentence(found: Fit | Unfitted, measure: str) -> str:
    """Return what the curve over a measure says."""
    name = MEASURES[measure]
    if isinstance(found, Unfitted):
        return f"No curve over {name}: {found.why}."
    if not found.within:
        side = "above" if found.threshold > found.largest else "below"
        shown = f"{found.smallest:.3g} to {found.largest:.3g}"
        return f"75 % lies {side} all of {name} that was shown ({shown})."
    steep = "; how steep the curve is there, these sizes can't tell" if found.steep else ""
    return f"75 % at {name} {found.threshold:.3g} (95 %: {_interval(found)}){steep}."


def _interval(found: Fit) -> str:
    if found.low is None:
        return "not known" if found.high is None else f"below {found.high:.3g}"
    return (
        f"above {found.low:.3g}" if found.high is None else f"{found.low:.3g} to {found.high:.3g}"
    )


def _points(result: Result, measure: str) -> tuple[Point, ...]:
    items, noticed = result.review.items, result.review.question.noticed
    attacked = [one for one in result.answers if items[one.place].kind != ORIGINAL]
    known = [one for one in attacked if items[one.place].facts.get(measure) is not None]
    sizes = [float(items[one.place].facts[measure]) for one in known]
    return points_of(sizes, [one.answer in noticed for one in known])
