"""A latency table from measurements: which models are measured for it, and what follows from their times.

Steps, each of which the table keeps the error of: `isolated`, the layers' own models as they are; `in_place`, what
layers add to a network (`layer_bench`); `fitted`, the rows fitted to whole networks with `in_place` as the prior.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from nasface.devices.lut import Reference, Row
from nasface.devices.measurements import Timed
from nasface.netspec import NetSpec
from nasface.spaces import Population, SearchSpace, layer_counts
from nasface.spaces.references import REFERENCES
from nasface.timing.fit import choose_strength, fit_rows, held_out_errors
from nasface.timing.layer_bench import LEAST_SHARE, LayerBench

FEWEST_NETS: Final = 5
"""Whole networks below which nothing is fitted."""

Milliseconds = npt.NDArray[np.float64]


@dataclass(frozen=True)
class TablePlan:
    """What is measured for the rows of one resolution.

    Attributes:
        space: At this resolution.
        nets: Whole networks that the rows are fitted on; may be none.
        chains: Whether layers are measured in chains.
    """

    space: SearchSpace
    nets: Population
    chains: bool = True

    @cached_property
    def bench(self) -> LayerBench:
        """The models of the layers."""
        return LayerBench(self.space.layers(), self.chains)

    @cached_property
    def models(self) -> dict[str, NetSpec]:
        """Everything that is measured, by name: layers, whole networks, reference networks."""
        return {self._named(name): spec for name, spec in self._models.items()}

    @cached_property
    def _models(self) -> dict[str, NetSpec]:
        """The same by their names within the plan."""
        models = dict(self.bench.models)
        models |= {_net(index): self.space.build(genotype) for index, genotype in enumerate(self.nets)}
        return models | {name: make(self.space.resolution) for name, make in REFERENCES.items()}

    @property
    def net_models(self) -> dict[str, npt.NDArray[np.int8]]:
        """Genotypes of the whole networks by model."""
        return {self._named(_net(index)): genotype for index, genotype in enumerate(self.nets)}

    @property
    def reference_models(self) -> dict[str, str]:
        """Names of the reference networks by model."""
        return {self._named(name): name for name in REFERENCES}

    def of(self, timed: Mapping[str, Timed]) -> dict[str, Timed]:
        """The times of this plan's models under their names within the plan."""
        names = {name: self._named(name) for name in self._models}
        return {name: timed[whole] for name, whole in names.items() if whole in timed}

    def _named(self, name: str) -> str:
        """The name among the models of all resolutions."""
        return f"{self.space.resolution}.{name}"


@dataclass(frozen=True)
class Built:
    """The table's part for one resolution.

    Attributes:
        rows: By key.
        references: By network.
        steps: Per step "mape", "bias", "max" and "networks", see `Provenance.steps`; empty without whole networks.
        strength: Of the prior in the fit; None if nothing was fitted, or fitting did not lower the error.
    """

    rows: dict[str, Row]
    references: dict[str, Reference]
    steps: dict[str, dict[str, float]]
    strength: float | None


def build_rows(plan: TablePlan, timed: Mapping[str, Timed], rng: np.random.Generator) -> Built:
    """Rows and references from the times of all models of a plan.

    Args:
        plan: What was measured.
        timed: Figures by the names of `plan.models`.
        rng: Divides the networks for cross-validation.
    """
    figures = plan.of(timed)
    medians = {name: figure.median_ms for name, figure in figures.items()}
    isolated, rows, strength = plan.bench.isolated(medians), plan.bench.in_place(medians), None
    errors: dict[str, Milliseconds] = {}
    if len(plan.nets):
        counts = layer_counts(plan.space, plan.nets)
        times = np.array([medians[_net(index)] for index in range(len(plan.nets))])
        errors = {"isolated": counts @ isolated / times - 1, "in_place": counts @ rows / times - 1}
        if len(plan.nets) >= FEWEST_NETS:
            errors["fitted"] = held_out_errors(rows, counts, times, rng)
            if np.abs(errors["fitted"]).mean() < np.abs(errors["in_place"]).mean():
                strength = choose_strength(rows, counts, times, rng)
                rows = np.maximum(fit_rows(rows, counts, times, strength), LEAST_SHARE * rows)
    return Built(
        _rows(plan, rows, figures),
        {name: _reference(figures[name]) for name in REFERENCES if name in figures},
        {step: _summary(error) for step, error in errors.items()},
        strength,
    )


def _rows(plan: TablePlan, ms: Milliseconds, figures: Mapping[str, Timed]) -> dict[str, Row]:
    """The rows with the spread of the layers' own models."""
    own = plan.bench.own_models
    return {
        layer.key: Row(float(value), figures[name].std_ms, figures[name].runs)
        for layer, value, name in zip(plan.bench.layers, ms, own, strict=True)
    }


def _reference(timed: Timed) -> Reference:
    return Reference(timed.median_ms, timed.std_ms, "measured", f"measured with the table, {timed.runs} runs")


def _summary(errors: Milliseconds) -> dict[str, float]:
    return {
        "mape": round(float(np.abs(errors).mean()), 5),
        "bias": round(float(errors.mean()), 5),
        "max": round(float(np.abs(errors).max()), 5),
        "networks": len(errors),
    }


def _net(index: int) -> str:
    return f"net{index:03d}"
