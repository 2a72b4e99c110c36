"""`nasface.create_study(...)`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nasface.api._search import bounds_of, open_workbench

if TYPE_CHECKING:
    from nasface.strategies import Study


def create_study(
    file: str | Path | None = None,
    *,
    metric: str = "auc",
    direction: str | None = None,
    resolution: int | None = None,
    space: str = "ofa_mbv3_face",
    device: str | Sequence[str] = "sd865",
    predictor: str = "gp_stage",
    selector: str = "quickselect",
    strategy: str = "evolution",
    acquisition: str = "ucb",
    n_startup: int = 10,
    max_latency_ms: float | None = None,
    latency_ratio: float | None = None,
    latency_confidence: float | None = None,
    max_costs: Mapping[str, float] | None = None,
    cost_ratios: Mapping[str, float] | None = None,
    seed: int = 0,
) -> Study:
    """A study for those who measure networks themselves: `ask` which ones, `tell` what they measured, take the `best`.

    Args:
        file: Keeps the study, so that it goes on where it was; None keeps it in memory.
        metric: What is told, a name.
        direction: "max" or "min": which values of it are better, where nasface does not know it.
        resolution: Side of the input in pixels; None takes the demo supernet's.
        space: Name of the space.
        device: Name of a device, or several, see `search`.
        predictor: Learns from what was told; "gp_stage" and "gp" know how sure they are.
        selector: Name of the selector.
        strategy: Name of the search by which networks to ask are found.
        acquisition: "greedy" (what promises most), "ucb", "ei" (also what the predictor is unsure of), "random".
        n_startup: Random networks to begin with.
        max_latency_ms: Bound in milliseconds; this and the following as in `search`.
        latency_ratio: Bound relative to EfficientNet-B0 on the same device; 0.6 if no bound is given.
        latency_confidence: Chance with which the measured latency is to stay within the bound.
        max_costs: More bounds.
        cost_ratios: The same relative to EfficientNet-B0.
        seed: Of everything random.

    Raises:
        InfeasibleConstraint: No network meets the bounds; the message names the smallest reachable value.
        NasfaceError: Something given does not exist or does not fit, or the file is of another study.
    """
    from nasface.predictors import Acquisition
    from nasface.settings import Bound
    from nasface.strategies import Region, Searcher, Study, StudyFile

    bench = open_workbench(
        metric=metric,
        direction=direction,
        resolution=resolution,
        space=space,
        device=device,
        predictor=predictor,
        selector=selector,
        strategy=strategy,
        constraints=bounds_of(
            Bound(max_latency_ms, latency_ratio, latency_confidence), max_costs or {}, cost_ratios or {}
        ),
        seed=seed,
    )
    kept = None if file is None else StudyFile(Path(file).expanduser(), bench.space, metric, bench.direction)
    return Study(
        Searcher(Region(bench.space, bench.constraints), lambda ranker: bench.search(ranker).finalists),
        bench.fit_on,
        acquisition=Acquisition.of(acquisition),
        n_startup=n_startup,
        seed=seed,
        direction=bench.direction,
        file=kept,
    )
