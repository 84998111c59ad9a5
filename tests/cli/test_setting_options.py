"""Options of a command come from the declaration of its settings."""

from __future__ import annotations

import argparse

import pytest

from asma_core.cli.setting_options import add_settings, settings_of
from asma_core.fields import declared
from asma_core.training.plan import TrainingPlan

# What `train` has had from the beginning, and what is of adversarial trainings.
OPTIONS = {
    "--start-from", "--adversarial", "--norm", "--budget", "--attack-steps", "--attacked",
    "--dataset", "--name", "--architecture", "--width", "--steps", "--batch-size", "--image-size",
    "--learning-rate", "--seed", "--validation", "--patience", "--device",
}  # fmt: skip


@pytest.fixture
def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="x", exit_on_error=False)
    add_settings(parser, TrainingPlan)
    return parser


def given(parser: argparse.ArgumentParser, *arguments: str) -> TrainingPlan:
    return settings_of(parser.parse_args(["--dataset", "d", *arguments]), TrainingPlan)


def test_every_setting_has_an_option(parser: argparse.ArgumentParser) -> None:
    assert {item.option for item in declared(TrainingPlan).values()} == OPTIONS
    text = " ".join(parser.format_help().split())
    assert "steps: updates of the weights (1000)" in text
    assert "size: tiny for a try, small for a CPU, medium for a GPU (small)" in text


def test_what_is_given_is_read_in_its_own_type_and_the_rest_is_the_default(
    parser: argparse.ArgumentParser,
) -> None:
    assert given(parser) == TrainingPlan("d")
    plan = given(parser, "--steps", "7", "--learning-rate", "1e-2", "--architecture", "unet")
    assert plan == TrainingPlan("d", steps=7, learning_rate=0.01, architecture="UNet")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--steps", "0"], "steps is 0; it must be at least 1"),
        (["--steps", "many"], "steps is 'many'; it must be a whole number"),
        (["--validation", "0.9"], "validation is 0.9; it must be at least 0 and at most 0.5"),
        (["--width", "vast"], 'width is \'vast\'; it must be "tiny" or "small" or "medium"'),
    ],
)
def test_what_is_no_value_is_told(
    parser: argparse.ArgumentParser, arguments: list[str], sentence: str
) -> None:
    with pytest.raises(argparse.ArgumentError, match=sentence):
        given(parser, *arguments)


def test_what_has_no_default_must_be_given(
    parser: argparse.ArgumentParser, capsys: pytest.CaptureFixture[str]
) -> None:
    # Python 3.11 ends here in spite of `exit_on_error`.
    with pytest.raises((argparse.ArgumentError, SystemExit)):
        parser.parse_args(["--steps", "3"])
