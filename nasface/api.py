"""The main job from Python: `nasface.search(...)` and `nasface.export(...)`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from nasface import composition
from nasface.composition import SupernetSource
from nasface.deploy import Network, export_checked
from nasface.errors import InvalidInput, UnknownName
from nasface.exporters import Exported
from nasface.options import prepare
from nasface.predictors import fit_ranker
from nasface.registry import build
from nasface.search import Problem, SearchResult
from nasface.settings import Bound, Constraints, LatencyBound
from nasface.spaces import Population

if TYPE_CHECKING:
    from nasface.supernets import SpecModule


@dataclass(frozen=True)
class Found:
    """What `search` found.

    Attributes:
        genotype: The winner as a dictionary, for `Supernet.extract`.
        predicted: Its accuracy by the predictor; an estimate.
        costs: By name, e.g. {"latency_ms": 6.7, "params_m": 3.3, "macs_m": 61.0}.
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
    device: str = "sd865",
    predictor: str = "lightgbm_nac",
    selector: str = "quickselect",
    strategy: str = "evolution",
    max_latency_ms: float | None = None,
    latency_ratio: float | None = None,
    latency_confidence: float | None = None,
    max_costs: Mapping[str, float] | None = None,
    seed: int = 0,
) -> Found:
    """Find the most accurate network of a supernet that a device runs within a bound.

    Args:
        supernet: Checkpoint; None takes the embedded demo supernet.
        table: Accuracy table of the supernet; None takes the demo's.
        metric: Column of the table that the predictor learns from.
        resolution: Side of the input in pixels, for checkpoints that do not state it.
        space: Name of the space.
        device: Name of a device: embedded, or a table in your table folder.
        predictor: Name of the predictor; parameters are its defaults.
        selector: Name of the selector.
        strategy: Name of the search.
        max_latency_ms: Bound in milliseconds.
        latency_ratio: Bound relative to EfficientNet-B0 on the same device; 0.6 if no bound is given.
        latency_confidence: Chance with which the measured latency is to stay within the bound, e.g. 0.95; the device's
            table must have been checked (task=check_latency).
        max_costs: More bounds, e.g. {"model_mb": 14, "peak_memory_mb": 2, "params_m": 4, "macs_m": 90}.
        seed: Of everything random.

    Raises:
        InfeasibleConstraint: No network meets the bounds; the message names the smallest reachable value.
        NasfaceError: Something given does not exist or does not fit.
    """
    prepare()
    given = None if supernet is None else str(supernet)
    source = SupernetSource.of({"name": "lfw112", "checkpoint": given, "resolution": resolution}, Path.cwd(), seed)
    built = composition.build_space({"name": space}, source)
    devices = composition.build_devices({device: {"lut": device}}, {"name": "lut"}, built)
    bounds = _bounds(LatencyBound(max_latency_ms, latency_ratio, latency_confidence), max_costs or {})
    constraints = composition.build_bounds(bounds, built, devices)
    accuracies, _ = composition.open_table(None if table is None else str(table), source, built, Path.cwd())
    fit_rng, search_rng = (np.random.default_rng(part) for part in np.random.SeedSequence(seed).spawn(2))
    fitted = build("predictor", {"name": predictor})
    ranker = fit_ranker(built, fitted, accuracies.genotypes, accuracies.learnable(metric), fit_rng)
    searcher = build("search", {"name": strategy}, selector=build("selector", {"name": selector}))
    result = searcher.run(Problem(built, ranker, constraints), search_rng)
    winner = result.best[None]
    of_device = [*(entry.latency for entry in devices), *composition.energies(built, devices)]
    costs = {cost.name: cost for cost in of_device} | composition.counts(built)
    return Found(
        built.to_dict(result.best),
        float(ranker.predicted_accuracy(winner)[0]),
        {name: float(cost.predict(winner)[0]) for name, cost in costs.items()},
        tuple(name for name, cost in costs.items() if cost.estimated),
        result.finalists,
        result,
    )


def _bounds(latency: LatencyBound, max_costs: Mapping[str, float]) -> Constraints:
    bounds = Constraints(latency, default_latency_ratio=0.6)
    for name, value in max_costs.items():
        if name not in bounds.by_cost:
            raise UnknownName("cost", name, bounds.by_cost)
        setattr(bounds, name, Bound(max=value))
    return bounds


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
