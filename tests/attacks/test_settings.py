"""Settings are checked, and read from texts and records."""

from __future__ import annotations

import dataclasses
import math

import pytest

from asma_core.attacks.configs import ConstantConfig, DynamicConfig
from asma_core.attacks.registry import ATTACKS, find_attack
from asma_core.attacks.settings import (
    Setting,
    config_from_dict,
    config_from_text,
    setting_of,
)
from asma_core.errors import InputError, UnknownNameError

BAD = [
    ("target_iou", 0.0, "above 0 and at most 1"),
    ("target_iou", 1.01, "above 0 and at most 1"),
    ("target_iou", "0.9", "a number"),
    ("target_iou", None, "a number"),
    ("steps", 0, "at least 1"),
    ("steps", -3, "at least 1"),
    ("steps", 1.5, "a whole number"),
    ("steps", True, "a whole number"),
    ("steps", 10**400, "at most 100000"),
    ("tau", 0.0, "above 0"),
    ("tau", math.nan, "above 0"),
    ("tau", math.inf, "at most"),
    ("tau", "auto", 'a number, or "auto"'),
    ("beta", -1e-9, "at least 0"),
    ("distance_weight", True, "a number"),
    ("rounding", 1, "true or false"),
]


@pytest.mark.parametrize(("name", "value", "sentence"), BAD)
def test_a_bad_value_is_told_with_its_range(name: str, value: object, sentence: str) -> None:
    with pytest.raises(InputError, match=f"{name} is .*; it must be .*{sentence}"):
        config_from_dict(DynamicConfig, {name: value})


def test_texts_become_values() -> None:
    texts = {
        "target_iou": " 0.5 ",
        "steps": "20",
        "stop_at_target": "No",
        "rounding": "TRUE",
        "tau": "1e-7",
        "beta": "auto",
    }
    assert config_from_text(DynamicConfig, texts) == DynamicConfig(
        target_iou=0.5, steps=20, stop_at_target=False, rounding=True, tau=1e-7, beta=None
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("steps", "1.5"),
        ("steps", "many"),
        ("steps", ""),
        ("steps", "9" * 400),
        ("steps", "9" * 9000),
        ("target_iou", "nan"),
        ("target_iou", "auto"),
        ("tau", "inf"),
        ("rounding", "maybe"),
    ],
)
def test_a_text_that_is_no_value_is_told(name: str, text: str) -> None:
    with pytest.raises(InputError, match=f"{name} is .*; it must be"):
        config_from_text(DynamicConfig, {name: text})


@pytest.mark.parametrize("make", [config_from_text, config_from_dict])
def test_an_unknown_setting_is_told_with_what_there_is(make: object) -> None:
    with pytest.raises(UnknownNameError, match=r"'alpha'; there is: .*tau, beta"):
        make(DynamicConfig, {"alpha": "1"})


@pytest.mark.parametrize("entry", ATTACKS.values(), ids=list(ATTACKS))
def test_a_config_survives_its_record(entry: object) -> None:
    for values in ({}, *entry.presets.values()):
        config = config_from_dict(entry.config, values)
        assert config_from_dict(entry.config, config.as_dict()) == config


@pytest.mark.parametrize("config", [ConstantConfig, DynamicConfig])
def test_every_field_says_what_a_person_needs(config: type) -> None:
    for item in dataclasses.fields(config):
        told = setting_of(item)
        assert told.label
        assert told.help.endswith(".")
    names = [item.name for item in dataclasses.fields(config)]
    assert names[:2] == ["target_iou", "steps"]


def test_ranges_in_words() -> None:
    assert Setting("", "", minimum=0, open_minimum=True).range_text() == "above 0"
    assert Setting("", "", minimum=1, maximum=9).range_text() == "at least 1 and at most 9"
    assert Setting("", "", maximum=9).range_text() == "at most 9"


def test_an_unknown_attack_is_told_with_what_there_is() -> None:
    with pytest.raises(UnknownNameError, match="'pdg'; there is: asma, asm, ssm-dpm, ssm"):
        find_attack("pdg")
