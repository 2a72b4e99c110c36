"""Where the found network stands: sections of the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from nasface.analysis import Expectation, Neighbour, Reach, Rival, SearchFacts, Standing, layers_of
from nasface.analysis.facts import FOUND, reference_cost
from nasface.costs import LayerCost
from nasface.predictors.confidence import LEVEL
from nasface.reports.cells import mark
from nasface.reports.layer_section import gene_blocks
from nasface.reports.page import Drawn, Page
from nasface.reports.svg import Limit, Series, chart

SHOWN_FINALISTS: Final = 5
DRAWN: Final = 200
"""Points of the front that are drawn at most."""


def write_standing(page: Page, facts: SearchFacts, place: Standing) -> None:
    """What is reachable, how sure the choice is, the nearest measured networks."""
    if place.reach is not None:
        _reachable(page, facts, place.reach)
    page.heading("How sure the choice is")
    page.text(_expected_text(facts, place.expected))
    page.table(
        ["network", "the found one is better with (estimated)", ""],
        [[r.label, chance(r.found_better), "" if r.apart else "cannot be told apart"] for r in _shown(place.rivals)],
    )
    page.text(_confidence_text(facts), "note")
    entry = facts.devices[0]
    page.heading("The nearest measured networks")
    page.table(
        ["genes that differ", f"measured {facts.metric}", f"{entry.device.name} ms{mark(entry.latency)}", "layers"],
        [[row.genes_apart, row.measured, row.latency_ms, _layers(facts, row)] for row in place.nearest],
    )


def _layers(facts: SearchFacts, row: Neighbour) -> Drawn | str:
    """Blocks as wide as the layers take time, or the genes where the latency does not go by layers."""
    latency = facts.devices[0].latency
    if not isinstance(latency, LayerCost):
        return row.genes
    return Drawn(gene_blocks(layers_of(facts, latency, {"": row.genotype})[""]))


def chance(share: float) -> str:
    """A probability in percent; never "100 %" of what is an estimate."""
    return "> 99 %" if share > 0.99 else "< 1 %" if share < 0.01 else f"{share:.0%}".replace("%", " %")


def _reachable(page: Page, facts: SearchFacts, reach: Reach) -> None:
    metric, bound = facts.metric, facts.bound(facts.devices[0].latency)
    page.heading("What is reachable at every budget")
    page.picture(
        _picture(facts, reach), f"The exact front by {reach.opinion} (all values estimated), in latency alone."
    )
    text = f"Against the best network without a budget, this one gives up {reach.given_up:.4f} {metric}"
    if reach.missed is not None:
        text += f"; against the optimum within {bound:.2f} ms, {max(reach.missed, 0.0):.4f}"
    page.text(f"{text}, by {reach.opinion} (estimated).")


def _shown(rivals: Sequence[Rival]) -> list[Rival]:
    """The first finalists and all others: the finalists after them are alike, and all are in `result.json`."""
    return [rival for rival in rivals if rival.rank is None or rival.rank <= SHOWN_FINALISTS + 1]


def _expected_text(facts: SearchFacts, expected: Expectation) -> str:
    return (
        f"Its {facts.metric} is expected to be {expected.value:.4f} ± {expected.half:.4f} (estimated, {LEVEL:.0%}): of "
        f"{expected.networks:,} held-out networks {expected.covered:.1%} lay within their intervals."
    )


def _confidence_text(facts: SearchFacts) -> str:
    confidence = facts.quality.confidence
    right = "–" if confidence.right is None else f"{confidence.right:.1%}"
    return (
        f"P is learned from {confidence.pairs:,} pairs of held-out networks; {confidence.claims:.0%} of those were "
        f"called apart at {LEVEL:.0%}, of which {right} were ordered right. It holds for networks taken at random: a "
        "search prefers those that the predictor overrates, so in truth it is less sure."
    )


def _picture(facts: SearchFacts, reach: Reach) -> str:
    entry, names = facts.devices[0], list(facts.networks)
    sign = facts.ranker.direction.sign  # the front's values are the better the higher
    points = list(zip(reach.latencies.tolist(), (sign * reach.values).tolist(), strict=True))
    kept = np.unique(np.linspace(0, len(reach.front.costs) - 1, DRAWN).round().astype(int))
    front = list(zip(reach.front.costs[kept].tolist(), (sign * reach.front.values[kept]).tolist(), strict=True))
    series = [
        Series(f"exact front by {reach.opinion} (estimated)", front, "line line1", line=True),
        Series("published and extreme networks", points[1:], "other", names[1:]),
        Series(FOUND, points[:1], "found", names[:1]),
    ]
    limits = vertical_lines(facts)
    return chart(series, f"latency on {entry.device.name}, ms{mark(entry.latency)}", facts.metric, limits)


def vertical_lines(facts: SearchFacts) -> list[Limit]:
    """The budget of the first device, and EfficientNet-B0, whose accuracy is unknown here."""
    latency = facts.devices[0].latency
    limits = list(Limit.budget(facts.bound(latency)))
    if (reference := reference_cost(latency)) is not None:
        limits.append(Limit(reference, "EfficientNet-B0", "known"))
    return limits
