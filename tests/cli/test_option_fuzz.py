"""Whatever options are given, a command ends with 0, 2 or 3: random ones over all tasks, in one process."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from nasface.errors import EXIT_INFEASIBLE, EXIT_INVALID, EXIT_OK
from nasface.tasks import all_tasks

from ._command import Command
from .test_options import GOLDEN

VALUES = (
    *("-1", "0", "1", "1e20", "1e-20", "-0.5", "nan", "inf", "-inf", "2.5", "99999999999999999999"),
    *("null", "true", "abc", "''", "ü", "a b", ".", "/nowhere", "${oc.env:HOME}"),
    *("[]", "[1,abc]", "[0.5,nan]", "[[1]]", "[null]", "{}", "{a:1}"),
)
SLOW = frozenset(
    [
        "experiment",
        "train_supernet",
        "train_network",
        "build_lut",
        "calibrate_device",
        "measure_latency",
        "build_assets",
        "demo",
    ]
)
"""Tasks that are only composed, checked and refused here: with good options they would measure for hours."""

SMALL = (
    *("search.generations=2", "search.population=8", "measure.runs=0", "exporter=none", "compare.splits=1"),
    *("compare.sizes=[50]", "evaluation.bootstrap=5", "check.nets=5", "study.subnets=2", "accuracy.n_subnets=2"),
)


OWN = {
    "bool": ("true", "false"),
    "int": ("-1", "0", "1", "2", "7"),
    "float": ("-0.5", "0", "0.3", "1", "2", "1e-20", "1e20"),
    "text": ("abc", "auto", "none", "a/b.csv"),
}
"""Values of an option's own kind, which get past the types and into the task."""


class Option(NamedTuple):
    """One line of the frozen list.

    Attributes:
        name: The option.
        kind: Of its default, a key of `OWN`.
        choice: What brings it about, "predictor=ridge"; empty if it is always there.
    """

    name: str
    kind: str
    choice: str


def options() -> list[Option]:
    """The options of the frozen list."""
    found, choice = list[Option](), ""
    for line in GOLDEN.read_text(encoding="utf-8").splitlines():
        name, _, default = line.strip().partition("=")
        if line.startswith(" "):
            found.append(Option(name, _kind(default), choice))
        else:
            choice = line
            found.append(Option(name, _kind(default), ""))
    left_out = ("device.", "experiment.", "task")
    return [option for option in found if not option.name.startswith(left_out) and "experiment=" not in option.choice]


def _kind(default: str) -> str:
    if default in ("True", "False"):
        return "bool"
    if default.lstrip("-").isdigit():
        return "int"
    try:
        float(default)
    except ValueError:
        return "text"
    return "float"


def drawn(rng: random.Random, n: int) -> Iterator[list[str]]:
    """One to three random options for a random task; slow tasks get one that cannot be, so that they end early."""
    known = options()
    tasks = sorted(set(all_tasks()) - SLOW)
    for _ in range(n):
        chosen = rng.sample(known, rng.randint(1, 3))
        given = [f"{one.name}={rng.choice(rng.choice((VALUES, OWN[one.kind])))}" for one in chosen]
        choices = sorted({one.choice for one in chosen if one.choice and not one.choice.startswith("task=")})
        task = rng.choice([*tasks, *sorted(SLOW)])
        yield [f"task={task}", *SMALL, *choices, *given, *(["seed=-1"] if task in SLOW else [])]


def check(cli: Command, seed: int, n: int) -> None:
    for command in drawn(random.Random(seed), n):
        done = cli(*command)
        assert done.code in (EXIT_OK, EXIT_INVALID, EXIT_INFEASIBLE), f"{' '.join(command)}\n{done.err[-3000:]}"
        assert "Traceback" not in done.err, f"{' '.join(command)}\n{done.err[-3000:]}"


def test_some_random_options(cli: Command) -> None:
    check(cli, seed=0, n=8)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 21))
def test_two_thousand_random_options(cli: Command, seed: int) -> None:
    check(cli, seed, n=100)
