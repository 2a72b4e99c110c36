"""Messages and exit codes of nasface's own errors."""

from __future__ import annotations

import inspect

import pytest

from nasface import errors
from nasface.errors import (
    EXIT_INFEASIBLE,
    EXIT_INVALID,
    InfeasibleConstraint,
    MissingDependency,
    NasfaceError,
    UnknownName,
    listing,
)

ALL = [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, Exception)]


@pytest.mark.parametrize("error", ALL)
def test_one_root_and_an_exit_code(error: type[NasfaceError]) -> None:
    assert issubclass(error, NasfaceError)
    assert error.exit_code == (EXIT_INFEASIBLE if error is InfeasibleConstraint else EXIT_INVALID)


def test_unknown_name() -> None:
    error = UnknownName("predictor", "lightgbm", ["mlp_regressor", "lightgbm_nac"], "More.")
    assert str(error) == (
        "Unknown predictor 'lightgbm'. Did you mean 'lightgbm_nac'? Known: lightgbm_nac, mlp_regressor. More."
    )
    assert str(UnknownName("device", "xyz", [])) == "Unknown device 'xyz'. Known: none."


def test_infeasible_constraint_carries_its_numbers() -> None:
    error = InfeasibleConstraint("too tight", metric="latency_ms", bound=5.0, reachable=7.9)
    assert (str(error), error.metric, error.bound, error.reachable) == ("too tight", "latency_ms", 5.0, 7.9)


def test_missing_dependency_names_the_extra() -> None:
    assert str(MissingDependency("tensorflow", "keras", "exporter tflite_keras")) == (
        "exporter tflite_keras needs the package tensorflow: run pip install 'nasface[keras]'."
    )


@pytest.mark.parametrize(
    ("module", "package", "extra"),
    [
        ("torch.nn", "torch", "torch"),
        ("PIL", "pillow", "torch"),
        ("ai_edge_litert.interpreter", "ai-edge-litert", "tflite"),
        ("lightning_fabric", "lightning-fabric", "train"),
        ("tensorflow", "tensorflow", "keras"),
        ("sklearn", "scikit-learn", "classifiers"),
        ("cryptography", "cryptography", "encryption"),
    ],
)
def test_a_failed_import_of_an_optional_package_is_a_missing_dependency(module: str, package: str, extra: str) -> None:
    found = MissingDependency.behind(ModuleNotFoundError(f"No module named '{module}'", name=module), "task=search")
    assert str(found) == f"task=search needs the package {package}: run pip install 'nasface[{extra}]'."


@pytest.mark.parametrize(
    "error", [ModuleNotFoundError(name="nasface.nowhere"), ModuleNotFoundError(), KeyError("torch")]
)
def test_other_errors_are_no_missing_dependency(error: Exception) -> None:
    assert MissingDependency.behind(error, "task=search") is None


@pytest.mark.parametrize(
    ("names", "text"), [("", ""), ("a", "a"), ("abcde", "a, b, c, d, e"), ("abcdefg", "a, b, c, d, e and 2 more")]
)
def test_listing(names: str, text: str) -> None:
    assert listing(list(names)) == text
