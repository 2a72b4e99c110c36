"""Every registered component passes the kit of its kind; a later component joins by being registered."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nasface.costs import COSTS, LATENCY, Cost
from nasface.devices import load_device
from nasface.exporters import Exporter
from nasface.predictors import Comparator
from nasface.registry import REGISTRY
from nasface.selectors import Selector
from nasface.spaces import SearchSpace
from nasface.strategies import SearchStrategy
from nasface.testing import (
    CostConformance,
    ExporterConformance,
    PredictorConformance,
    SearchConformance,
    SelectorConformance,
    SpaceConformance,
)
from nasface.testing.synthetic import every_cost, face_space, tiny_space, write_made_up_measurements

SMALL = {
    "n_pairs": 600,
    "trees": 20,
    "leaves": 7,
    "hidden": 32,
    "steps": 150,
    "generations": 5,
    "population": 20,
    "samples": 200,
}


def build(kind: str, name: str, **context: Any) -> Any:
    """The component with whatever makes it small."""
    known = {field.name for field in dataclasses.fields(REGISTRY.get(kind, name).config)}
    return REGISTRY.build(kind, {"name": name, **{k: v for k, v in SMALL.items() if k in known}}, **context)


def names(kind: str) -> list[Any]:
    """Registered names; those that need TensorFlow are slow."""
    return [pytest.param(name, marks=[pytest.mark.slow] * ("keras" in name)) for name in REGISTRY.names(kind)]


class TestPredictors(PredictorConformance):
    @pytest.fixture(params=names("predictor"))
    def make(self, request: pytest.FixtureRequest) -> Callable[[], Comparator]:
        return lambda: build("predictor", request.param)


class TestSelectors(SelectorConformance):
    @pytest.fixture(params=names("selector"))
    def selector(self, request: pytest.FixtureRequest) -> Selector:
        return build("selector", request.param)


class TestSearches(SearchConformance):
    @pytest.fixture(params=names("search"))
    def make(self, request: pytest.FixtureRequest) -> Callable[[Selector], SearchStrategy]:
        return lambda selector: build("search", request.param, selector=selector)


class TestSpaces(SpaceConformance):
    @pytest.fixture(params=names("space"))
    def space(self, request: pytest.FixtureRequest) -> SearchSpace:
        return build("space", request.param)


class TestTinySpace(SpaceConformance):
    @pytest.fixture
    def space(self) -> SearchSpace:
        return tiny_space()


class TestLatencies(CostConformance):
    @pytest.fixture(params=names("latency"))
    def cost(self, request: pytest.FixtureRequest, tmp_path: Path) -> Cost:
        settings = {"name": request.param}
        if request.param == "learned":
            settings["measurements"] = str(write_made_up_measurements(tmp_path / "measurements.csv", face_space()))
        return REGISTRY.build("latency", settings, space=face_space(), device=load_device("sd865", {"lut": "sd865"}))


class TestCosts(CostConformance):
    @pytest.fixture(params=sorted(set(COSTS) - {LATENCY}))
    def cost(self, request: pytest.FixtureRequest) -> Cost:
        return every_cost(face_space())[request.param]


class TestExporters(ExporterConformance):
    suffix = ".tflite"

    @pytest.fixture(params=names("exporter"))
    def exporter(self, request: pytest.FixtureRequest) -> Exporter:
        return build("exporter", request.param)
