"""Places in the queue: worked out by hand."""

from __future__ import annotations

from asma_core.jobs.places import Place, places


def test_one_worker_takes_one_after_the_other() -> None:
    told = places(["a", "b", "c"], {"a": 10.0, "b": 20.0, "c": 5.0}, [3.0], 1)
    assert told == {"a": Place(1, 3, 3.0), "b": Place(2, 3, 13.0), "c": Place(3, 3, 33.0)}


def test_two_workers_share_and_one_of_them_is_free() -> None:
    told = places(["a", "b", "c"], {"a": 10.0, "b": 20.0, "c": 5.0}, [4.0], 2)
    assert [told[one].seconds for one in "abc"] == [0.0, 4.0, 10.0]


def test_behind_what_nobody_knows_no_time_is_told() -> None:
    told = places(["a", "b", "c"], {"a": 10.0, "b": None, "c": 5.0}, [3.0], 1)
    assert [told[one].seconds for one in "abc"] == [3.0, 13.0, None]
    told = places(["a"], {"a": 10.0}, [None], 1)
    assert told["a"] == Place(1, 1, None)


def test_without_a_worker_no_time_is_told() -> None:
    assert places(["a"], {"a": 10.0}, [], 0)["a"].seconds is None
