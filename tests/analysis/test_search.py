"""What is computed about a search: numbers agree with the parts that they come from, and with each other."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from nasface.analysis import SearchFacts, SearchOutcome, Seconds, compare, layer_times, stage_times, standing
from nasface.analysis.facts import FOUND, reference_cost
from nasface.predictors.confidence import LEVEL


def test_the_comparison_begins_with_the_found_network_and_ends_with_the_reference(facts: SearchFacts) -> None:
    comparison = compare(facts)
    found, last = comparison.found, comparison.networks[-1]
    assert found.name == FOUND
    assert [column.key for column in comparison.columns] == ["latency sd865", "latency sd765"]
    assert found.costs[0] == facts.devices[0].latency.predict(facts.result.best[None])[0]
    assert found.costs[0] is not None
    assert found.costs[0] <= facts.constraints[0].bound
    assert (last.name, last.predicted) == ("EfficientNet-B0", None)
    assert last.costs[0] == reference_cost(facts.devices[0].latency)
    smallest, largest = (next(n for n in comparison.networks if n.name == name) for name in ("smallest", "largest"))
    assert smallest.macs_m <= found.macs_m <= largest.macs_m


def test_the_optimum_of_a_regressor_misses_nothing_and_a_worse_network_something(facts: SearchFacts) -> None:
    reach = standing(facts).reach
    assert reach is not None
    assert reach.opinion == "ridge"
    assert reach.missed == pytest.approx(0.0, abs=1e-9)
    worse = dataclasses.replace(facts.result, best=facts.networks["smallest"])
    missed = standing(dataclasses.replace(facts, result=worse)).reach
    assert missed is not None
    assert missed.missed is not None
    assert missed.missed > 0
    assert missed.given_up > reach.given_up


def test_rivals_are_finalists_by_rank_and_networks_by_name(facts: SearchFacts) -> None:
    place = standing(facts)
    ranked = [rival for rival in place.rivals if rival.rank is not None]
    assert [rival.rank for rival in ranked] == list(range(2, len(facts.result.finalists) + 1))
    assert ranked[0].label == "finalist 2"
    assert {rival.name for rival in place.rivals if rival.rank is None} == set(facts.networks) - {FOUND}
    for rival in place.rivals:
        assert (rival in place.inseparable) == (max(rival.found_better, 1 - rival.found_better) < LEVEL)


def test_neighbours_are_the_nearest_rows_of_the_table(facts: SearchFacts) -> None:
    nearest = standing(facts).nearest
    apart = np.sort((facts.table.genotypes != facts.result.best).sum(axis=1))
    assert [neighbour.genes_apart for neighbour in nearest] == apart[: len(nearest)].tolist()


def test_layers_add_up_to_the_predicted_latency(facts: SearchFacts) -> None:
    first = layer_times(facts)[0]
    for row, (name, genotype) in zip(stage_times(first.networks), facts.networks.items(), strict=True):
        assert row.network == name
        assert row.total == pytest.approx(first.device.latency.predict(genotype[None])[0])
        assert row.before + sum(row.stages) + row.after == pytest.approx(row.total)


def test_the_result_is_json_and_tells_seed_from_clock(facts: SearchFacts) -> None:
    place = standing(facts)
    quick, slow = (
        SearchOutcome(facts, compare(facts), place, (), None, Seconds(seconds, 2 * seconds)).to_json()
        for seconds in (1.0, 5.0)
    )
    assert quick["decision"] == slow["decision"]
    assert slow["measurements"] == {"search_seconds": 5.0, "summary": {}, "total_seconds": 10.0}
    decision = json.loads(json.dumps(quick["decision"]))
    assert decision["notes"] == ["a note"]
    assert decision["summary"]["latency sd865"] == decision["comparison"][0]["latency sd865"]
    assert set(decision["estimated"]) == {"predicted", "latency sd865", "latency sd765"}
    assert "model" not in decision
