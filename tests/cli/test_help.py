"""What a new user asks first: help of a task, what can be chosen, what a model file is; nothing is ever cut."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nasface.assets import asset
from nasface.errors import EXIT_OK
from nasface.options import config_directory
from nasface.registry import REGISTRY
from nasface.tasks.catalogue import OPTIONS
from nasface.usage import usage

from ._command import Command
from .test_bad_input import check_refused


def core_tasks() -> set[str]:
    return {c.name for c in REGISTRY if c.kind == "task" and c.origin == "nasface"}


def test_every_task_has_a_help_of_its_own() -> None:
    assert set(OPTIONS) == core_tasks(), "say in tasks.catalogue.OPTIONS which options matter to the task"
    config = (config_directory() / "config.yaml").read_text(encoding="utf-8")
    for task, options in OPTIONS.items():
        text = usage(task)
        assert text.startswith(f"nasface {task}\n")
        for option in options:
            assert f"\n{option}:" in config or f"- {option}: " in config, "an option that does not exist"
            assert f"\n{option}" in text


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch, cli: Command) -> Command:
    monkeypatch.setenv("COLUMNS", "80")
    return cli


def test_lists_cut_no_name_and_no_value(narrow: Command) -> None:
    done = narrow("task=list")
    assert "…" not in done.out
    assert {component.name for component in REGISTRY} | core_tasks() <= set(done.out.split())
    done = narrow("task=list", "show=training")
    assert "…" not in done.out
    assert "training.plan.kernel.warmup_learning_rate=0.03" in done.out.split()


def test_parameters_of_one_component_are_listed_with_their_meanings(narrow: Command) -> None:
    done = narrow("task=list", "show='predictor=lightgbm_nac'")
    assert done.code == EXIT_OK
    assert "predictor.trees=100" in done.out.split()
    assert "Shrinkage of every tree" in done.out
    assert "mlp_nac" not in done.out
    check_refused(narrow("task=list", "show=predictr"), "Unknown kind of component 'predictr'", "mean 'predictor'")
    check_refused(narrow("task=list", "show='search=exakt'"), "Unknown search 'exakt'", "mean 'exact'")


def test_networks_are_inspected_by_name_run_folder_and_model(cli: Command, tiny: list[str]) -> None:
    done = cli("task=inspect", "genotype=subnet1_865")
    assert done.result["decision"]["totals"]["parameters"] == 4_732_032
    found = cli(*tiny, folder=Path.cwd() / "found")
    genotype = found.result["decision"]["genotype"]
    for given in (found.folder, found.folder / "model.tflite"):
        assert cli("task=inspect", f"genotype={given}").result["decision"]["genotype"] == genotype
    check_refused(cli("task=inspect", "genotype=subnet9"), "Unknown network 'subnet9'", "subnet1_865", "run folder")
    check_refused(cli("task=inspect", f"genotype={Path.cwd()}"), "is no run folder")


def test_a_model_file_says_how_it_is_used(cli: Command, tiny: list[str]) -> None:
    found = cli(*tiny)
    assert found.code == EXIT_OK, found.err
    assert "INFO:" not in found.err
    done = cli("task=inspect", f"model={found.folder / 'model.tflite'}")
    assert "preprocessing: RGB, bilinear to 112 x 112" in done.out
    assert "thresholds: not measured" in done.out
    assert done.result["decision"]["metadata"]["genotype"] == found.result["decision"]["genotype"]
    detector = asset("detectors", "yunet.tflite")
    assert json.dumps(cli("task=inspect", f"model={detector}").result["decision"]["metadata"])
    check_refused(cli("task=inspect", f"genotype={detector}"), "names no genotype")
