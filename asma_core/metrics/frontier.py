"""How small a change was enough for which score, along the whole way of an attack."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

# Below the score that is wanted, what is also looked at.
MARKS: Final = (0.80, 0.90, 0.95, 0.97)


def frontier(
    way: Iterable[tuple[float, Mapping[str, float]]], wanted: float
) -> list[dict[str, Any]]:
    """Return the smallest changes whose score was at least so much.

    Args:
        way: Score and norms of the image at each step, by their names, the original first.
        wanted: Score at which the goal is reached.

    Returns:
        A row for each of `MARKS` that is below `wanted` and above the original's score, and for
        `wanted`: "score" and each norm, the smallest by itself, None where that score was not
        reached. No row where the original is at the goal.
    """
    steps = list(way)
    before = steps[0][0] if steps else 0.0
    if before >= wanted:
        return []
    marks = [mark for mark in MARKS if before < mark < wanted]
    return [_mark(steps, score) for score in (*marks, wanted)]


def _mark(steps: Sequence[tuple[float, Mapping[str, float]]], score: float) -> dict[str, Any]:
    met = [norms for reached, norms in steps if reached >= score]
    names = steps[0][1] if steps else ()
    smallest = {name: min((norms[name] for norms in met), default=None) for name in names}
    return {"score": score, **smallest}


def in_words(marks: Sequence[Mapping[str, Any]], norm: str, evaluations: int) -> str:
    """Say a frontier in one sentence; "" where there is none.

    Args:
        marks: As `frontier` returns them.
        norm: "l2", "ciede2000", or "linf", which is said in grey levels of 255.
        evaluations: That the attack spent.
    """
    # Of several scores that one change was enough for, the highest says it all.
    highest = {_length(mark[norm], norm): mark["score"] for mark in marks if mark[norm] is not None}
    met = [f"{score:.2f} at {length}" for length, score in highest.items()]
    missed = [f"{mark['score']:.2f}" for mark in marks if mark[norm] is None]
    found = f"Smallest change on the way: IoU {', '.join(met)}" if met else ""
    if not missed:
        return found + "." if found else ""
    spent = "1 evaluation" if evaluations == 1 else f"{evaluations} evaluations"
    lacking = f"{', '.join(missed)} not reached within {spent}."
    return f"{found}; {lacking}" if found else f"IoU {lacking}"


def _length(value: float, norm: str) -> str:
    if norm == "linf":
        return f"Linf {round(value * 255)}/255"
    return f"{'CIEDE2000' if norm == 'ciede2000' else 'L2'} {value:.2f}"
