"""Plug-ins that fail to load are reported wherever it matters, and never take the program down."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Command, Done

FAILED = {
    "nasface-broken": "ModuleNotFoundError: No module named 'a_package_that_is_not_installed'",
    "nasface-quitting": "SystemExit: I quit",
    "nasface-halfway": "ZeroDivisionError: division by zero",
    "nasface-taken": "InvalidInput: predictor 'lightgbm_nac' is already registered by nasface",
    "nasface-hiding": "InvalidInput: There is an option predictor/lightgbm_nac of nasface already",
    "nasface-literal": "InvalidInput: Parameter 'mode' of predictor 'odd' is a ",
    "nasface-defaulted": "InvalidInput: Parameter 'most' of predictor 'odd' cannot be an option (Incompatible",
    "nasface-untypable": "InvalidInput: A predictor cannot be called 'a/b': a name begins with a letter",
    "nasface-function": "InvalidInput: Its entry point 'function = nasface_function:main' must name a module",
}


@pytest.fixture(scope="module")
def listed(command: Command, example: Path, faulty: Path) -> Done:
    return command("task=list", sites=[faulty, example])


def test_none_is_fatal_and_the_others_work(listed: Done) -> None:
    assert listed.code == 0, listed.err
    origins = {row["name"]: row["origin"] for row in listed.result["decision"]["components"]}
    assert origins["knn_scorer"] == "nasface-example"
    assert origins["plain"] == "nasface-plain"
    assert origins["lightgbm_nac"] == "nasface", "the name stays with the one that had it first"


@pytest.mark.parametrize("name", FAILED)
def test_each_is_reported_with_its_reason(listed: Done, name: str) -> None:
    assert listed.result["decision"]["failed_plugins"][name].startswith(FAILED[name])
    log = (listed.folder / "nasface.log").read_text(encoding="utf-8")
    for report in (log, listed.err):
        assert f"plug-in {name} could not be loaded: {FAILED[name]}" in report
    assert f"plug-in {name} could not be loaded" in listed.out


def test_nothing_else_is_reported(listed: Done) -> None:
    assert set(listed.result["decision"]["failed_plugins"]) == set(FAILED)


def test_what_a_plugin_registered_before_it_failed_is_gone(listed: Done) -> None:
    names = {row["name"] for row in listed.result["decision"]["components"]}
    assert not names & {"half", "hiding"}


def test_asking_for_a_part_of_a_failed_plugin_names_the_plugin(command: Command, faulty: Path) -> None:
    done = command("predictor=half", sites=[faulty])
    assert done.code == 2
    assert "Unknown predictor 'half'" in done.err
    assert "nasface-halfway (ZeroDivisionError: division by zero)" in done.err
    assert "Traceback" not in done.err
