"""Where the found network stands: on the front of all budgets, among measured ones, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from nasface.errors import NasfaceError
from nasface.predictors import Ranker, Ridge, fit_ranker
from nasface.predictors.confidence import LEVEL
from nasface.reports.comparison import REFERENCE, SearchFacts, mark, named_networks
from nasface.reports.page import Page
from nasface.reports.svg import Series, chart
from nasface.strategies._knapsack import Front, merge_fronts

Values = npt.NDArray[np.float64]

NEAREST: Final = 5
FINALIST: Final = "finalist"
SHOWN_FINALISTS: Final = 5
_DRAWN: Final = 200
"""Points of the front that are drawn at most."""


@dataclass(frozen=True)
class Reach:
    """What is reachable for every budget on the first device, by an opinion that adds up over stages.

    Attributes:
        opinion: Name of the predictor whose predictions the values are.
        front: Exact.
        found: The found network's value by the same opinion.
        given_up: Best value without any budget, minus that.
        missed: Best value at the budget, minus that; None without a budget on the first device.
    """

    opinion: str
    ranker: Ranker
    front: Front
    found: float
    given_up: float
    missed: float | None


@dataclass(frozen=True)
class Standing:
    """All of it; `reach` is None where nothing decomposes over stages."""

    reach: Reach | None
    nearest: list[dict[str, Any]]
    rivals: list[dict[str, Any]]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        found: dict[str, Any] = {"nearest": self.nearest, "rivals": self.rivals}
        if self.reach is not None:
            reach = self.reach
            found["given_up"] = {
                "by": reach.opinion,
                "to_unconstrained": reach.given_up,
                "to_optimum_at_budget": reach.missed,
            }
        return found

    @property
    def inseparable(self) -> list[str]:
        """Networks that cannot be told apart from the found one."""
        return [rival["network"] for rival in self.rivals if not rival["apart"]]


def standing(facts: SearchFacts) -> Standing:
    """Work it out; depends on the run's seed alone."""
    return Standing(_reach(facts), _nearest(facts), _rivals(facts))


def write_standing(page: Page, facts: SearchFacts, found: Standing) -> None:
    """The sections of the page."""
    entry, metric = facts.devices[0], facts.metric
    if found.reach is not None:
        reach = found.reach
        page.heading("What is reachable at every budget")
        page.picture(
            _picture(facts, reach), f"The exact front by {reach.opinion} (all values estimated), in latency alone."
        )
        text = f"Against the best network without a budget, this one gives up {reach.given_up:.4f} {metric}"
        if reach.missed is not None:
            text += f"; against the optimum within {_bound(facts):.2f} ms, {reach.missed:.4f}"
        page.text(f"{text}, by {reach.opinion} (estimated).")
    page.heading("How sure the choice is")
    page.table(
        ["network", "P(found is better), estimated", ""],
        [[r["network"], r["found_better"], "" if r["apart"] else "cannot be told apart"] for r in _shown(found.rivals)],
    )
    page.text(_confidence_text(facts), "note")
    page.heading("The nearest measured networks")
    page.table(
        ["genes that differ", f"measured {metric}", f"{entry.device.name} ms{mark(entry)}", "genes"],
        [[row["genes_apart"], row["measured"], row["latency"], row["genes"]] for row in found.nearest],
    )


def _shown(rivals: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first finalists and all others: the finalists after them are alike, and all are in `result.json`."""
    finalists = [rival for rival in rivals if rival["network"].startswith(FINALIST)]
    return [rival for rival in rivals if rival not in finalists[SHOWN_FINALISTS:]]


def _confidence_text(facts: SearchFacts) -> str:
    confidence = facts.quality.confidence
    right = "–" if confidence.right is None else f"{confidence.right:.1%}"
    return (
        f"P is learned from {confidence.pairs:,} pairs of held-out networks; {confidence.claims:.0%} of those were "
        f"called apart at {LEVEL:.0%}, of which {right} were ordered right. It holds for networks taken at random: a "
        "search prefers those that the predictor overrates, so in truth it is less sure."
    )


def _reach(facts: SearchFacts) -> Reach | None:
    """By the search's own predictor if it is an additive regressor, else by ridge on the same table."""
    costs = facts.devices[0].latency.decompose()
    ranker = facts.ranker
    if not getattr(ranker.predictor, "regressor", False) or ranker.decompose() is None:
        if facts.space.stage_choices() is None:
            return None
        ranker = fit_ranker(facts.space, Ridge(), facts.table.genotypes, facts.targets, np.random.default_rng(0))
    values = ranker.decompose()
    if costs is None or costs.combine != "sum" or values is None:
        return None
    front = merge_fronts(values, costs)
    found = float(ranker.strengths(facts.result.best[None])[0])
    bound = _bound(facts)
    missed = None if bound is None else float(front.best_within(np.array([bound * (1 + 1e-9)]))[0]) - found
    return Reach(ranker.predictor.config.name, ranker, front, found, float(front.values[-1]) - found, missed)


def _bound(facts: SearchFacts) -> float | None:
    latency = facts.devices[0].latency
    return next((constraint.bound for constraint in facts.constraints if constraint.cost is latency), None)


def _nearest(facts: SearchFacts) -> list[dict[str, Any]]:
    table, entry = facts.table, facts.devices[0]
    apart = (table.genotypes != facts.result.best).sum(axis=1)
    rows = np.argsort(apart, kind="stable")[:NEAREST]
    latencies = entry.latency.predict(table.genotypes[rows])
    return [
        {
            "genes_apart": int(apart[row]),
            "measured": float(facts.targets[row]),
            "latency": float(latency),
            "genes": facts.space.to_text(table.genotypes[row]),
        }
        for row, latency in zip(rows, latencies, strict=True)
    ]


def _rivals(facts: SearchFacts) -> list[dict[str, Any]]:
    """The other finalists and the named networks beside the found one."""
    finalists = {f"{FINALIST} {i}": row for i, row in enumerate(facts.result.finalists[1:], 2)}
    others = finalists | dict(list(named_networks(facts).items())[1:])
    if not others:
        return []
    strengths = facts.ranker.strengths(np.stack([facts.result.best, *others.values()]))
    sure = facts.quality.confidence.better(strengths[0], strengths[1:])
    return [
        {"network": name, "found_better": float(p), "apart": bool(max(p, 1 - p) >= LEVEL)}
        for name, p in zip(others, sure, strict=True)
    ]


def _picture(facts: SearchFacts, reach: Reach) -> str:
    entry = facts.devices[0]
    named = named_networks(facts)
    population = np.stack(list(named.values()))
    points = list(
        zip(entry.latency.predict(population).tolist(), reach.ranker.strengths(population).tolist(), strict=True)
    )
    kept = np.unique(np.linspace(0, len(reach.front.costs) - 1, _DRAWN).round().astype(int))
    front = list(zip(reach.front.costs[kept].tolist(), reach.front.values[kept].tolist(), strict=True))
    series = [
        Series(f"exact front by {reach.opinion} (estimated)", front, "line line1", line=True),
        Series("published and extreme networks", points[1:], "other", list(named)[1:]),
        Series("found", points[:1], "found", list(named)[:1]),
    ]
    bound = _bound(facts)
    limit = None if bound is None else (bound, f"budget {bound:.2f} ms")
    reference = _reference(facts)
    if reference is not None:
        label = "EfficientNet-B0: its latency; its accuracy is unknown here"
        lowest = min(value for _, value in points)
        series.append(Series(label, [(reference, lowest)], "reference", ["EfficientNet-B0"]))
    return chart(series, f"latency on {entry.device.name}, ms{mark(entry)}", facts.metric, limit)


def _reference(facts: SearchFacts) -> float | None:
    try:
        return facts.devices[0].latency.reference(REFERENCE).value
    except NasfaceError:  # the table has none at this resolution
        return None
