"""Where a target comes from is data; the sentence is made of it, and old sentences stay."""

from __future__ import annotations

import json

import pytest

from asma_core.data.targets.scenarios import SCENARIOS
from asma_core.runs.spec import make_spec, spec_from_dict
from asma_core.runs.target_source import (
    DESCRIBED,
    FILE,
    NO_TARGET,
    PREDICTION,
    RUN,
    SAMPLE,
    TargetSource,
)
from tests import tiny


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (TargetSource(SAMPLE, "0007"), "mask of 0007"),
        (TargetSource(FILE, "<b>my*.png"), "file <b>my*.png"),
        (TargetSource(RUN, "3f2a", edits=2), "target of run 3f2a, 2 drawn by hand"),
        (TargetSource(PREDICTION, scenario="grow", edits=3), "prediction, grow, 3 drawn by hand"),
        (TargetSource(PREDICTION, scenario="forgotten"), "prediction, forgotten"),
        (TargetSource(NO_TARGET), "no target"),
        (TargetSource(DESCRIBED, "truth, {x} {0}"), "truth, {x} {0}"),
    ],
)
def test_it_is_told_in_words(source: TargetSource, text: str) -> None:
    assert source.text() == text


def test_a_record_has_it_as_data_and_in_words(home: object) -> None:
    tiny.furnish(home)
    source = TargetSource(SAMPLE, "02", scenario="grow", values={"percent": 30.0}, edits=1)
    assert source.scenario in SCENARIOS
    asked = tiny.request(target=source, device="cpu", seed=5)
    given = tiny.inputs()
    spec = make_spec(asked, given, given.packed())
    record = json.loads(json.dumps(spec.as_dict()))
    assert record["target_name"] == source.text()
    assert (record["device"], record["seed"]) == ("cpu", 5) and "execution" not in record
    assert spec_from_dict(record).target == source
    assert spec_from_dict(record).request() == asked_as(spec)
    del record["target"]
    old = spec_from_dict(record)
    assert (old.target_name, old.target.kind) == (source.text(), DESCRIBED)
    assert old.identity == spec.identity


def asked_as(spec: object) -> object:
    return spec.request()
