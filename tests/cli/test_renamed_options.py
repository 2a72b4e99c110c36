"""Options of the past are refused, and the refusal names the new spelling; see `nasface.options.RENAMED`."""

from __future__ import annotations

import pytest

from nasface.errors import EXIT_INVALID
from nasface.options import RENAMED

from ._command import Command
from .test_options import GOLDEN

CHOICES = {"latency": ("latency=learned",), "experiment": ("experiment=paper_ablation",)}
"""What makes the options of a group exist, where the default choice does not have them."""


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_the_old_spelling_is_refused_and_the_new_one_named(cli: Command, old: str, new: str) -> None:
    done = cli(*CHOICES.get(old.partition(".")[0], ()), f"{old}=1")
    assert done.code == EXIT_INVALID
    assert f"The option {old} is called {new} now; give {new} instead." in done.text


def test_new_spellings_exist_and_old_ones_are_not_given_away_again() -> None:
    surface = {line.strip().partition("=")[0] for line in GOLDEN.read_text(encoding="utf-8").splitlines()}
    groups = {name.partition(".")[0] for name in surface if "." in name}
    assert set(RENAMED.values()) <= surface | groups
    assert not RENAMED.keys() & (surface | groups)


def test_an_option_of_one_experiment_is_named_in_another(cli: Command) -> None:
    done = cli("experiment=predictors", "experiment.seeds=2")
    assert done.code == EXIT_INVALID
    assert "The option experiment.seeds is called compare.splits now" in done.text


@pytest.mark.parametrize(
    ("given", "where"), [("generations=5", "search.generations"), ("far=[0.1]", "evaluation.far and recognition.far")]
)
def test_an_option_without_its_group_is_found_there(cli: Command, given: str, where: str) -> None:
    done = cli(given)
    assert done.code == EXIT_INVALID
    assert f"Elsewhere there is {where}." in done.text


def test_an_option_of_another_component_names_it(cli: Command) -> None:
    done = cli("search.precisions=[float32,int8]")
    assert done.code == EXIT_INVALID
    assert "It belongs to search=pareto." in done.text
    assert "Elsewhere" not in done.text
