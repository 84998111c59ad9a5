"""Settings are checked, and read from texts and records."""

from __future__ import annotations

import dataclasses
import math
from typing import Literal

import pytest

from asma_core.attacks.asma.settings import ConstantConfig, DynamicConfig
from asma_core.attacks.registry import ATTACKS, find_attack
from asma_core.errors import InputError, UnknownNameError
from asma_core.fields import (
    Setting,
    Settings,
    config_from_dict,
    config_from_text,
    declared,
    described,
    setting,
    setting_of,
)

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


@dataclasses.dataclass(frozen=True)
class Book(Settings):
    """Settings that are no attack's."""

    title: str = setting(dataclasses.MISSING, "Title", "Of the book.")
    cover: Literal["Hard", "Soft"] = setting(
        "Hard", "Cover", "How it is bound.", formerly={"Cloth": "Hard"}
    )
    page_count: int = setting(9, "Pages", "How many.", minimum=1, unit="pages")


def test_a_class_of_settings_without_a_default_asks_for_a_value() -> None:
    with pytest.raises(TypeError):
        Book()
    assert Book("B").as_dict() == {"title": "B", "cover": "Hard", "page_count": 9}
    assert described(Book)["title"]["default"] is None
    for bad in (3, None):
        with pytest.raises(InputError, match=r"title is .*; it must be a text"):
            Book(bad)


def test_a_text_keeps_its_case_and_a_choice_is_found_in_any() -> None:
    assert config_from_text(Book, {"title": " Aa ", "cover": "sOFT"}) == Book(" Aa ", "Soft")
    with pytest.raises(InputError, match='cover is \'paper\'; it must be "Hard" or "Soft"'):
        config_from_text(Book, {"title": "A", "cover": "paper"})


def test_a_field_knows_its_option_and_reads_its_text() -> None:
    pages, cover = declared(Book)["page_count"], declared(Book)["cover"]
    assert (pages.option, pages.type_text, pages.parse("7")) == (
        "--page-count",
        "a whole number",
        7,
    )
    assert config_from_dict(Book, {"title": "A", "cover": "Cloth"}).cover == cover.default
    with pytest.raises(InputError, match="page_count is 0; it must be at least 1"):
        pages.parse("0")


def test_an_unknown_attack_is_told_with_what_there_is() -> None:
    with pytest.raises(UnknownNameError, match="'pdg'; there is: asma, asm, ssm-dpm, ssm"):
        find_attack("pdg")


# Default, range and whether the page folds it away; by the attacks' papers and the README.
COMMON = {"target_iou": (0.97, "above 0 and at most 1", False), "rounding": (True, "", True)}
STOPS = {"stop_at_target": (True, "", True)}
STEPS = "at least 1 and at most 100000"
POSITIVE = "above 0 and at most 1e+06"
PAPER = COMMON | STOPS | {
    "steps": (300, STEPS, False),
    "distance_weight": (None, "at least 0 and at most 1e+06", True),
}  # fmt: skip
CONSTANT = PAPER | {"alpha": (None, POSITIVE, True)}
DYNAMIC = PAPER | {
    "tau": (None, POSITIVE, True),
    "beta": (None, "at least 0 and at most 1e+06", True),
}
BALL = COMMON | STOPS | {
    "steps": (100, STEPS, False),
    "goal_is": ("towards the mask", "", False),
    "norm": ("linf", "", False),
    "budget": (None, "above 0 and at most 10000", False),
    "step_size": (None, "above 0 and at most 10000", True),
    "random_start": (False, "", True),
    "momentum": (0.0, "at least 0 and at most 2", True),
    "diversity": (0.0, "at least 0 and at most 1", True),
    "whole_budget": (False, "", True),
}  # fmt: skip
BUDGET = {"budget": (None, "above 0 and at most 1", False)}
PROXIMAL = COMMON | {
    "steps": (500, STEPS, False),
    "goal_is": ("towards the mask", "", False),
    "step_size": (1e-3, "above 0 and at most 1", True),
}
EXPECTED = {
    "asma": DYNAMIC,
    "ssm-dpm": DYNAMIC,
    "asm": CONSTANT,
    "ssm": CONSTANT,
    "minimal": COMMON | {"steps": (1000, STEPS, False), "norm": ("l2", "", False)},
    "pgd": BALL,
    "segpgd": BALL,
    "cospgd": BALL | {"random_start": (True, "", True)},
    "dag": COMMON | {"steps": (200, STEPS, False), "gamma": (0.002, "above 0 and at most 1", True)},
    "alma-prox": PROXIMAL,
    "pdpgd": PROXIMAL
    | {
        "norm": ("l2", "", False),
        "step_size": (1e-2, "above 0 and at most 1", True),
        "dual_step": (0.1, "above 0 and at most 10", True),
    },
    "apgd-ensemble": COMMON
    | STOPS
    | BUDGET
    | {
        "steps": (300, "at least 9 and at most 100000", False),
        "goal_is": ("away from the prediction", "", False),
    },
    "evade": COMMON
    | {
        "steps": (200, STEPS, False),
        "detector": ("entropy", "", False),
        "detector_settings": ("", "", True),
        "goal_is": ("towards the mask", "", False),
        "budget": (None, "above 0 and at most 10000", False),
    },
    "square": COMMON
    | STOPS
    | BUDGET
    | {
        "steps": (1000, "at least 1 and at most 1e+06", False),
        "goal_is": ("towards the mask", "", False),
        "first_share": (0.05, "above 0 and at most 1", True),
    },
    "dla": COMMON
    | STOPS
    | BUDGET
    | {
        "steps": (1000, "at least 1 and at most 1e+06", False),
        "goal_is": ("towards the mask", "", False),
        "exploring": (0.2, "at least 0 and at most 1", True),
    },
    "worst-case": COMMON
    | {"steps": (300, "at least 3 and at most 100000", False), "norm": ("l2", "", False)},
}


@pytest.mark.parametrize("entry", ATTACKS.values(), ids=list(ATTACKS))
def test_defaults_and_ranges_are_what_the_papers_and_pages_say(entry: object) -> None:
    found = {
        item.name: (item.default, setting_of(item).range_text(), setting_of(item).advanced)
        for item in dataclasses.fields(entry.config)
    }
    assert found == EXPECTED[entry.name]


@pytest.mark.parametrize("entry", ATTACKS.values(), ids=list(ATTACKS))
def test_who_stops_and_what_is_near(entry: object) -> None:
    goal = entry.config().goal()
    names = [item.name for item in dataclasses.fields(entry.config)]
    assert goal.stops == ("stop_at_target" in names or entry.name == "dag")
    linf = ("pgd", "segpgd", "cospgd", "apgd-ensemble", "square", "dla", "alma-prox")
    usual = "suspicion" if entry.name == "evade" else "l2"
    assert goal.norm == ("linf" if entry.name in linf else usual)
    assert goal.away == (entry.name == "apgd-ensemble")
    if "norm" in names:
        for norm in ("l2", "linf"):
            assert entry.config(norm=norm).goal().norm == norm
    if "stop_at_target" in names:
        assert not entry.config(stop_at_target=False).goal().stops
    if "goal_is" in names:
        assert entry.config(goal_is="away from the truth").goal().away


PRESETS = {
    "asma": {
        "quick": {"steps": 100, "target_iou": 0.9},
        "strong": {"steps": 1000, "target_iou": 0.99},
        "paper": {
            "target_iou": 1.0, "steps": 2501, "stop_at_target": False, "rounding": False,
            "tau": 1e-7, "beta": 1e-6,
        },
    },
    "asm": {
        "quick": {"steps": 100, "target_iou": 0.9},
        "strong": {"steps": 1000, "target_iou": 0.99},
        "paper": {
            "target_iou": 1.0, "steps": 2501, "stop_at_target": False, "rounding": False,
            "alpha": 1e-6,
        },
    },
    "pgd": {
        "quick": {"steps": 40, "target_iou": 0.9},
        "strong": {"steps": 300},
        "transfer": {"momentum": 1.0, "diversity": 0.5, "whole_budget": True},
    },
    "minimal": {"quick": {"steps": 100}},
    "evade": {"strong": {"steps": 600}},
}  # fmt: skip
ALIKE = {"ssm-dpm": "asma", "ssm": "asm", "segpgd": "pgd", "cospgd": "pgd"}


@pytest.mark.parametrize("entry", ATTACKS.values(), ids=list(ATTACKS))
def test_presets_are_what_the_page_offers(entry: object) -> None:
    assert entry.presets == PRESETS.get(ALIKE.get(entry.name, entry.name), {})
    assert entry.black_box == (entry.name in ("square", "dla"))


def test_the_ends_of_a_range_are_in_it_unless_it_says_above() -> None:
    config = DynamicConfig(target_iou=1.0, steps=1, beta=0.0, distance_weight=0.0)
    assert (config.target_iou, config.steps, config.beta) == (1.0, 1, 0.0)
    assert DynamicConfig(steps=100_000, tau=1e6).tau == 1e6
    for outside in ({"steps": 100_001}, {"tau": 1.1e6}, {"tau": 0.0}, {"target_iou": 0.0}):
        with pytest.raises(InputError):
            config_from_dict(DynamicConfig, outside)


@pytest.mark.parametrize("entry", ATTACKS.values(), ids=list(ATTACKS))
def test_steps_go_by_fifty_and_no_step_is_larger_than_what_is_usual(entry: object) -> None:
    settings = declared(entry.config)
    assert settings["steps"].rule.step == 50
    for item in settings.values():
        if item.rule.step is not None:
            assert 0 < item.rule.step <= item.default
