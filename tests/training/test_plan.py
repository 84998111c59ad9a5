"""A plan is checked by its declaration, survives its record and says its command."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from asma_core.errors import InputError
from asma_core.fields import declared, setting_of
from asma_core.training.plan import ARCHITECTURES, WIDTHS, TrainingPlan, plan_from_dict
from tests import tiny
from tests.training.plans import PLAN


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"architecture": "VNet"}, '"UNet" or "SegResNet" or "AttentionUnet"'),
        ({"width": "vast"}, '"tiny" or "small" or "medium"'),
        ({"validation": 0.9}, "at least 0 and at most 0.5"),
        ({"steps": 0}, "at least 1"),
        ({"steps": 2.5}, "a whole number"),
        ({"learning_rate": 0.0}, "above 0"),
        ({"seed": -1}, "at least 0"),
        ({"name": 3}, "a text"),
    ],
)
def test_a_plan_that_can_t_be_is_told(change: dict[str, object], sentence: str) -> None:
    (name,) = change
    with pytest.raises(InputError, match=f"{name} is .*; it must be .*{sentence}"):
        replace(PLAN, **change)


@pytest.mark.parametrize(("width", "least"), [("tiny", 8), ("small", 32), ("medium", 32)])
def test_an_image_is_large_enough_for_the_levels(width: str, least: int) -> None:
    assert replace(PLAN, width=width, image_size=least).multiple * 2 == least
    with pytest.raises(InputError, match=f"image_size is {least - 1}; it must be at least {least}"):
        replace(PLAN, width=width, image_size=least - 1)


@pytest.mark.parametrize(
    "content", [None, [], {"architecture": "UNet"}, {"dataset": 3, "steps": "x"}]
)
def test_a_plan_that_is_none_is_told(content: object) -> None:
    with pytest.raises(InputError):
        plan_from_dict(content)


def test_a_plan_survives_and_what_another_version_knows_is_left_out() -> None:
    assert plan_from_dict(PLAN.as_dict()) == PLAN
    assert plan_from_dict(PLAN.as_dict() | {"sharpness": 3}) == PLAN


def test_the_card_says_how_to_train_it_again() -> None:
    assert TrainingPlan("my set").command() == (
        "python -m asma_core train --dataset 'my set' --out DIR"
    )
    assert PLAN.command() == (
        f"python -m asma_core train --dataset {tiny.DATASET} --width tiny --steps 8 --batch-size 2 "
        "--image-size 32 --out DIR"
    )


def test_every_setting_says_what_a_person_needs_and_what_a_page_offers_is_allowed() -> None:
    assert set(ARCHITECTURES) == set(declared(TrainingPlan)["architecture"].rule.offered)
    assert set(WIDTHS) == {"tiny", "small", "medium"}
    for item in fields(TrainingPlan):
        told = setting_of(item)
        assert told.label and told.help.endswith(".")
        for value in told.offered:
            replace(TrainingPlan("d", adversarial="pgd"), **{item.name: value})


@pytest.mark.parametrize(("side", "early"), [(256, 160), (64, 32), (96, 48), (512, 320), (32, 32)])
def test_the_first_part_sees_smaller_images(side: int, early: int) -> None:
    plan = TrainingPlan("d", width="tiny", steps=10, image_size=side)
    assert [plan.size_at(step) for step in (0, 6, 7, 9)] == [early, early, side, side]


def test_there_are_25_validations_or_one_a_step() -> None:
    assert [replace(PLAN, steps=steps).validation_every for steps in (8, 25, 1000)] == [1, 1, 40]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"budget": 0.1, "attacked": 0.5}, "budget and attacked belong to an adversarial training"),
        ({"adversarial": "pgd", "budget": 0.003}, "at least 1/255"),
        ({"adversarial": "pgd", "budget": 1.5}, "at most 1"),
        ({"adversarial": "asma", "batch_size": 1}, "one image a step; raise batch_size"),
        ({"adversarial": "fgsm"}, '"none" or "pgd" or "segpgd" or "asma"'),
        ({"adversarial": "pgd", "attack_steps": 0}, "at least 1"),
        ({"start_from": "net"}, "leave out width"),
    ],
)
def test_an_adversarial_plan_that_can_t_be_is_told(
    change: dict[str, object], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        replace(PLAN, **change)


def test_an_adversarial_plan_survives_says_its_command_and_what_it_withstands() -> None:
    plan = TrainingPlan("d", start_from="net", adversarial="segpgd", budget=8 / 255)
    assert plan_from_dict(plan.as_dict()) == plan
    assert plan.command() == (
        "python -m asma_core train --dataset d --start-from net --adversarial segpgd "
        f"--budget {8 / 255} --out DIR"
    )
    assert plan.against() == "Linf 8/255"
    assert replace(plan, budget=None).against() == "Linf 4/255"
    assert replace(plan, norm="l2", budget=2.5).against() == "L2 2.5"
    assert replace(plan, norm="l2", budget=None).against() == "L2 of root mean square 2/255"
    assert plan.named("d") == "net-robust" and replace(plan, name="mine").named("d") == "mine"
    assert TrainingPlan("My set").named("My set") == "my-set-unet"


def test_there_are_12_validations_of_an_adversarial_training() -> None:
    assert replace(PLAN, steps=240, adversarial="pgd").validation_every == 20


def test_a_plan_without_attacks_is_told_apart_as_before_there_were_any() -> None:
    # As `repr` gave it; the checkpoints of trainings that were interrupted then hold its hash.
    assert TrainingPlan("d", "mine", steps=8, device="cpu").identity == (
        "TrainingPlan(dataset='d', name='', architecture='UNet', width='small', steps=8, "
        "batch_size=8, image_size=256, learning_rate=0.003, seed=0, validation=0.15, patience=8, "
        "device='')"
    )
    plain = TrainingPlan("d")
    others = [replace(plain, adversarial="pgd"), replace(plain, start_from="net")]
    assert len({one.identity for one in (plain, *others)}) == 3
