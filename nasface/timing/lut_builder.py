"""A latency table from measurements: which models are measured for it, and what follows from their times.

Steps, each of which the table keeps the error of: `isolated`, the layers' own models as they are; `in_place`, what
layers add to a network (`layer_bench`); `fitted`, the rows fitted to whole networks with `in_place` as the prior.
Where single runs are known, the same is done with the fastest of every model, which say what the device takes when
nothing disturbs it.
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
from nasface.metrics import kendall_tau
from nasface.netspec import NetSpec
from nasface.spaces import Population, SearchSpace, layer_counts
from nasface.spaces.references import REFERENCES
from nasface.timing.fit import choose_strength, fit_rows, held_out_errors
from nasface.timing.layer_bench import LEAST_SHARE, LayerBench

FEWEST_NETS: Final = 5
"""Whole networks below which nothing is fitted."""

OF_FASTEST: Final = "fast_"
"""How the steps of the fastest runs are called: this, then the step."""

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
        steps: Per step "mape", "bias", "max", "kendall_tau" and "networks", see `Provenance.steps`; empty without whole
            networks.
            Steps of the fastest runs begin with `OF_FASTEST`.
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
    typical = _solve(plan, {name: figure.median_ms for name, figure in figures.items()}, rng)
    fast = {name: figure.fast_ms for name, figure in figures.items() if figure.fast_ms is not None}
    fastest = _solve(plan, fast, rng) if len(fast) == len(figures) else None
    steps = typical.steps
    if fastest is not None:
        steps |= {f"{OF_FASTEST}{step}": summary for step, summary in fastest.steps.items()}
    references = {name: _reference(figures[name]) for name in REFERENCES if name in figures}
    return Built(_rows(plan, typical, fastest, figures), references, steps, typical.strength)


@dataclass(frozen=True)
class _Solved:
    """Rows made of one figure of every model.

    Attributes:
        ms: float64[layers].
        steps: As of `Built`.
        strength: Likewise.
    """

    ms: Milliseconds
    steps: dict[str, dict[str, float]]
    strength: float | None


def _solve(plan: TablePlan, ms: Mapping[str, float], rng: np.random.Generator) -> _Solved:
    """The rows from one figure, milliseconds by model."""
    isolated, rows = plan.bench.isolated(ms), plan.bench.in_place(ms)
    if not len(plan.nets):
        return _Solved(rows, {}, None)
    counts = layer_counts(plan.space, plan.nets)
    times = np.array([ms[_net(index)] for index in range(len(plan.nets))])
    errors = {"isolated": counts @ isolated / times - 1, "in_place": counts @ rows / times - 1}
    strength = None
    if len(plan.nets) >= FEWEST_NETS:
        errors["fitted"] = held_out_errors(rows, counts, times, rng)
        if np.abs(errors["fitted"]).mean() < np.abs(errors["in_place"]).mean():
            strength = choose_strength(rows, counts, times, rng)
            rows = np.maximum(fit_rows(rows, counts, times, strength), LEAST_SHARE * rows)
    return _Solved(rows, {step: _summary(error, times) for step, error in errors.items()}, strength)


def _rows(plan: TablePlan, typical: _Solved, fastest: _Solved | None, figures: Mapping[str, Timed]) -> dict[str, Row]:
    """The rows with the spread of the layers' own models."""
    own = plan.bench.own_models
    fast: list[float] | list[None] = [None] * len(own) if fastest is None else fastest.ms.tolist()
    return {
        layer.key: Row(value, figures[name].std_ms, figures[name].runs, fast_ms=low)
        for layer, value, low, name in zip(plan.bench.layers, typical.ms.tolist(), fast, own, strict=True)
    }


def _reference(timed: Timed) -> Reference:
    return Reference(timed.median_ms, timed.std_ms, "measured", f"measured with the table, {timed.runs} runs")


def _summary(errors: Milliseconds, times: Milliseconds) -> dict[str, float]:
    """Of relative errors of predictions of measured times."""
    summary = {
        "mape": float(np.abs(errors).mean()),
        "bias": float(errors.mean()),
        "max": float(np.abs(errors).max()),
        "kendall_tau": kendall_tau(times * (1 + errors), times),
    }
    return {name: round(value, 5) for name, value in summary.items()} | {"networks": len(errors)}


def _net(index: int) -> str:
    return f"net{index:03d}"
