"""The main job from Python: `nasface.search(...)` and `nasface.export(...)`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from nasface import composition
from nasface.composition import DeviceCosts, SupernetSource
from nasface.costs import Cost
from nasface.deploy import Network, export_checked
from nasface.errors import InvalidInput, UnknownName
from nasface.exporters import Exported
from nasface.options import prepare
from nasface.predictors import fit_ranker
from nasface.registry import build
from nasface.settings import Bound, Constraints, LatencyBound
from nasface.spaces import Population, SearchSpace
from nasface.strategies import Problem, SearchResult

if TYPE_CHECKING:
    from nasface.supernets import SpecModule


@dataclass(frozen=True)
class Found:
    """What `search` found.

    Attributes:
        genotype: The winner as a dictionary, for `Supernet.extract`.
        predicted: Its accuracy by the predictor; an estimate.
        costs: By name, e.g. {"latency_ms": 6.7, "params_m": 3.3, "macs_m": 61.0}; with several devices
            "latency_ms sd865" and so on.
        estimated: Names of costs that rest on estimates.
        finalists: int8[k, n_genes], the best networks, the winner first.
        result: History and counters of the search.
    """

    genotype: dict[str, Any]
    predicted: float
    costs: dict[str, float]
    estimated: tuple[str, ...]
    finalists: Population
    result: SearchResult


def search(
    *,
    supernet: str | Path | None = None,
    table: str | Path | None = None,
    metric: str = "auc",
    resolution: int | None = None,
    space: str = "ofa_mbv3_face",
    device: str | Sequence[str] = "sd865",
    predictor: str = "ridge",
    selector: str = "quickselect",
    strategy: str = "evolution",
    max_latency_ms: float | None = None,
    latency_ratio: float | None = None,
    latency_confidence: float | None = None,
    max_costs: Mapping[str, float] | None = None,
    cost_ratios: Mapping[str, float] | None = None,
    seed: int = 0,
) -> Found:
    """Find the most accurate network of a supernet that a device runs within a bound.

    Args:
        supernet: Checkpoint; None takes the embedded demo supernet.
        table: Accuracy table of the supernet; None takes the demo's.
        metric: Column of the table that the predictor learns from.
        resolution: Side of the input in pixels, for checkpoints that do not state it.
        space: Name of the space.
        device: Name of a device: embedded, or a table in your table folder; several names for one network that meets
            the bounds on all of them.
        predictor: Name of the predictor; parameters are its defaults.
        selector: Name of the selector.
        strategy: Name of the search.
        max_latency_ms: Bound in milliseconds.
        latency_ratio: Bound relative to EfficientNet-B0 on the same device; 0.6 if no bound is given.
        latency_confidence: Chance with which the measured latency is to stay within the bound, e.g. 0.95; the device's
            table must have been checked (task=check_latency).
        max_costs: More bounds, e.g. {"model_mb": 14, "peak_memory_mb": 2, "params_m": 4, "macs_m": 90}.
        cost_ratios: The same relative to EfficientNet-B0, e.g. {"params_m": 0.9}.
        seed: Of everything random.

    Raises:
        InfeasibleConstraint: No network meets the bounds; the message names the smallest reachable value.
        NasfaceError: Something given does not exist or does not fit.
    """
    prepare()
    given = None if supernet is None else str(supernet)
    source = SupernetSource.of({"name": "lfw112", "checkpoint": given, "resolution": resolution}, Path.cwd(), seed)
    built = composition.build_space({"name": space}, source)
    names = [device] if isinstance(device, str) else list(device)
    devices = composition.build_devices({name: {"lut": name} for name in names}, {"name": "lut"}, built)
    latency = LatencyBound(max_latency_ms, latency_ratio, latency_confidence)
    bounds = _bounds(latency, max_costs or {}, cost_ratios or {})
    constraints = composition.build_bounds(bounds, built, devices)
    accuracies, _ = composition.open_table(None if table is None else str(table), source, built, Path.cwd())
    fit_rng, search_rng = (np.random.default_rng(part) for part in np.random.SeedSequence(seed).spawn(2))
    fitted = build("predictor", {"name": predictor})
    ranker = fit_ranker(built, fitted, accuracies.genotypes, accuracies.learnable(metric), fit_rng)
    searcher = build("search", {"name": strategy}, selector=build("selector", {"name": selector}))
    result = searcher.run(Problem(built, ranker, constraints), search_rng)
    winner = result.best[None]
    costs = _costs(built, devices)
    return Found(
        built.to_dict(result.best),
        float(ranker.predicted_accuracy(winner)[0]),
        {name: float(cost.predict(winner)[0]) for name, cost in costs.items()},
        tuple(name for name, cost in costs.items() if cost.estimated),
        result.finalists,
        result,
    )


def _bounds(latency: LatencyBound, most: Mapping[str, float], ratios: Mapping[str, float]) -> Constraints:
    bounds = Constraints(latency, default_latency_ratio=0.6)
    for name in {**most, **ratios}:
        if name not in bounds.by_cost:
            raise UnknownName("cost", name, bounds.by_cost)
        if name == "latency_ms":
            raise InvalidInput(
                "Latency is bounded by max_latency_ms or latency_ratio, not in max_costs or cost_ratios."
            )
        setattr(bounds, name, Bound(most.get(name), ratios.get(name)))
    return bounds


def _costs(space: SearchSpace, devices: Sequence[DeviceCosts]) -> dict[str, Cost]:
    """All that is known of a network by name; what devices know apart carries their names if there are several."""
    costs: dict[str, Cost] = {}
    for entry in devices:
        for cost in [entry.latency, *composition.energies(space, [entry])]:
            costs[cost.name if len(devices) == 1 else f"{cost.name} {entry.device.name}"] = cost
    return costs | composition.counts(space)


def export(
    network: SpecModule,
    path: str | Path,
    *,
    images: npt.NDArray[np.uint8] | None = None,
    exporter: str = "tflite",
    precision: str = "float32",
    metadata: dict[str, Any] | None = None,
    seed: int = 0,
) -> Exported:
    """Write a network that `Supernet.extract` gave, and check that the file computes the same.

    Args:
        network: Calibrated, or calibrated here with `images`.
        path: The file to write.
        images: uint8[n, size, size, 3], photos of training people that batch normalisation is calibrated on first.
        exporter: Name of the exporter.
        precision: "float32" or "float16".
        metadata: JSON values that go into the file.
        seed: Of the random images that the file is checked with.

    Raises:
        InvalidInput: The network is not calibrated and no images are given.
        ExportError: The file cannot be written or computes something else.
    """
    from nasface.supernets import calibrate, deployed_weights

    if images is not None:
        calibrate(network, images)
    if not network.calibrated:
        raise InvalidInput(
            "The network's batch normalisation is not calibrated: pass images=, or call nasface.calibrate first."
        )
    ready = Network(network.spec, network, deployed_weights(network.state_dict(), network.spec), "by the caller")
    writer = build("exporter", {"name": exporter, "precision": precision})
    facts, _ = export_checked(writer, ready, Path(path), metadata or {}, np.random.default_rng(seed))
    return Exported(Path(path), facts["bytes"], facts["sha256"])
