"""The frontier: which score was reached at which change, and how it is said."""

from __future__ import annotations

from asma_core.metrics.frontier import frontier, in_words


def at(score: float, l2: float, linf: float) -> tuple[float, dict[str, float]]:
    return score, {"l2": l2, "linf": linf}


WAY = [
    at(0.30, 0.0, 0.0),
    at(0.82, 3.0, 0.04),
    at(0.96, 2.0, 0.10),
    at(0.91, 1.5, 0.12),
    at(0.85, 1.0, 0.02),
]


def test_each_score_has_the_smallest_change_that_was_enough_for_it() -> None:
    marks = frontier(WAY, 0.97)
    assert [(mark["score"], mark["l2"]) for mark in marks] == [
        (0.80, 1.0),
        (0.90, 1.5),
        (0.95, 2.0),
        (0.97, None),
    ]
    assert [mark["linf"] for mark in marks] == [0.02, 0.10, 0.10, None]


def test_what_the_original_has_and_what_is_not_wanted_is_left_out() -> None:
    assert [mark["score"] for mark in frontier([at(0.85, 0.0, 0.0)], 0.92)] == [0.90, 0.92]
    assert [mark["score"] for mark in frontier([], 0.5)] == [0.5]
    assert frontier([at(0.96, 0.0, 0.0)], 0.95) == [], "no change was needed"


def test_a_person_reads_what_was_reached_and_what_was_not() -> None:
    assert in_words(frontier(WAY, 0.97), "l2", 100) == (
        "Smallest change on the way: IoU 0.80 at L2 1.00, 0.90 at L2 1.50, 0.95 at L2 2.00; "
        "0.97 not reached within 100 evaluations."
    )
    assert in_words(frontier(WAY, 0.90), "linf", 5) == (
        "Smallest change on the way: IoU 0.80 at Linf 5/255, 0.90 at Linf 26/255."
    )
    assert in_words(frontier(WAY[:1], 0.90), "l2", 1) == (
        "IoU 0.80, 0.90 not reached within 1 evaluation."
    )
    assert in_words([], "l2", 1) == ""
    seen = [(0.3, {"ciede2000": 0.0}), (0.96, {"ciede2000": 0.234})]
    assert in_words(frontier(seen, 0.95), "ciede2000", 7) == (
        "Smallest change on the way: IoU 0.95 at CIEDE2000 0.23."
    )


def test_of_scores_that_one_change_was_enough_for_the_highest_is_said() -> None:
    way = [at(0.3, 0.0, 0.0), at(0.82, 1.0, 0.01), at(0.98, 6.0, 0.1)]
    assert in_words(frontier(way, 0.97), "l2", 9) == (
        "Smallest change on the way: IoU 0.80 at L2 1.00, 0.97 at L2 6.00."
    )
