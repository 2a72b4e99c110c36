"""What every cost, latency models included, must do."""

from __future__ import annotations

import re

import numpy as np
import pytest

from nasface.costs import Cost, ReferenceCost
from nasface.errors import InvalidInput, LookupTableError
from nasface.spaces import join_stages
from nasface.testing.arguments import own_generator_only

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


class CostConformance:
    """Give the fixture `cost`; its space is `cost.space`."""

    @pytest.fixture
    def cost(self) -> Cost:
        raise NotImplementedError("give the fixture `cost`")

    def test_named(self, cost: Cost) -> None:
        assert NAME.fullmatch(cost.name), f"'{cost.name}' cannot stand in constraints.{cost.name}.max"
        assert cost.unit == cost.unit.strip(), "a unit without spaces around it; empty if there is none"
        assert cost.text(1.5) == f"1.5 {cost.unit}".strip()
        assert isinstance(cost.estimated, bool)

    def test_reference(self, cost: Cost) -> None:
        try:
            reference = cost.reference()
        except (InvalidInput, LookupTableError):
            return
        assert isinstance(reference, ReferenceCost)
        assert np.isfinite(reference.value)
        assert reference.value > 0

    def test_predict(self, cost: Cost) -> None:
        population = cost.space.sample(np.random.default_rng(0), 50)
        kept = population.copy()
        with own_generator_only():
            values = cost.predict(population)
        assert values.shape == (50,)
        assert values.dtype == np.float64
        assert np.isfinite(values).all()
        assert (values > 0).all(), "a cost is positive"
        np.testing.assert_array_equal(population, kept, "predict changed its argument")
        np.testing.assert_array_equal(cost.predict(population), values, "predict must repeat itself")
        single = np.concatenate([cost.predict(population[i : i + 1]) for i in range(50)])
        np.testing.assert_allclose(single, values, rtol=1e-9, err_msg="batches must give what rows give")
        assert cost.predict(population[:0]).shape == (0,)

    def test_decompose(self, cost: Cost) -> None:
        tables = cost.decompose()
        if tables is None:
            pytest.skip("the cost does not decompose")
        population = cost.space.sample(np.random.default_rng(0), 50)
        indices, choices = cost.space.stage_indices(population), cost.space.stage_choices()
        assert indices is not None
        assert choices is not None
        assert [len(table) for table in tables.tables] == [len(stage) for stage in choices]
        np.testing.assert_allclose(tables.predict(indices), cost.predict(population), rtol=1e-9)
        for value, chosen in (tables.minimum(), tables.maximum()):
            assert cost.predict(join_stages(choices, chosen)[None])[0] == pytest.approx(value)
        assert tables.minimum().value <= cost.predict(population).min() * (1 + 1e-9)
        assert tables.maximum().value >= cost.predict(population).max() * (1 - 1e-9)
