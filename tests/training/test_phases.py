"""Phases: OFA's table, what each draws, what each is judged by."""

from __future__ import annotations

import numpy as np
import pytest

from nasface.errors import InvalidInput, UnknownName
from nasface.training.options import Phase
from nasface.training.phases import SubnetSampler, chosen_phases, subspace, trained_before
from nasface.training.validation import validation_list

from ._composed import composed
from ._tiny import tiny_space

SHRINKING = ("training", "progressive_shrinking")


def test_progressive_shrinking_is_ofas_table() -> None:
    plan = composed(*SHRINKING).plan
    rows = {
        name: (p.subnets, p.epochs, p.warmup_epochs, p.learning_rate, p.kernels, p.expands, p.depths, p.sort)
        for name, p in plan.items()
    }
    assert list(plan) == ["full", "kernel", "depth1", "depth2", "expand1", "expand2"]
    assert rows["kernel"] == (1, 120, 5, 3e-2, None, [6], [4], False)
    assert rows["depth1"] == (2, 25, 0, 2.5e-3, None, [6], [3, 4], False)
    assert rows["depth2"] == (2, 120, 5, 7.5e-3, None, [6], None, False)
    assert rows["expand1"] == (4, 25, 0, 2.5e-3, None, [4, 6], None, True)
    assert rows["expand2"] == (4, 120, 5, 7.5e-3, None, None, None, True)


def test_lists_that_phases_are_judged_by() -> None:
    space, plan = tiny_space(), composed(*SHRINKING).plan
    lists = {name: list(validation_list(subspace(space, phase), phase.validate)) for name, phase in plan.items()}
    assert lists["full"] == ["k7 e6 d4"]
    assert lists["kernel"] == ["k3 e6 d4", "k5 e6 d4", "k7 e6 d4"]
    assert lists["depth1"] == ["k3 e6 d3", "k3 e6 d4", "k7 e6 d3", "k7 e6 d4"]
    assert [len(found) for found in lists.values()] == [1, 3, 4, 4, 8, 8]
    assert list(validation_list(space, "extremes")) == ["k3 e3 d2", "k7 e6 d4"]


@pytest.mark.parametrize("name", ["full", "kernel", "depth1", "expand1", "expand2"])
def test_a_phase_draws_from_its_part_only(name: str) -> None:
    space, phase = tiny_space(), composed(*SHRINKING).plan[name]
    rng = np.random.default_rng(0)
    drawn = np.stack([row for _ in range(40) for row in SubnetSampler(space, phase).draw(rng)])
    space.validate(drawn)
    assert len(drawn) == 40 * phase.subnets
    assert set(drawn[:, :5].flat) == set(phase.depths or space.depths)
    assert set(drawn[:, 5:25].flat) - {0} == set(phase.kernels or space.kernels)
    assert set(drawn[:, 25:].flat) - {0} == set(phase.expands or space.expands)


def test_sandwich_and_chances() -> None:
    space, rng = tiny_space(), np.random.default_rng(0)
    largest, smallest, *others = SubnetSampler(space, Phase(2e-3, subnets=4, sandwich=True)).draw(rng)
    assert space.to_dict(largest)["d"] == [4] * 5
    assert space.to_dict(smallest)["ks"] == [3] * 20
    assert len(others) == 2
    sampler = SubnetSampler(space, Phase(2e-3, largest=0.1, smallest=0.2))
    drawn = [sampler.draw(rng)[0] for _ in range(1000)]
    assert 70 < sum(np.array_equal(row, largest) for row in drawn) < 130
    assert 160 < sum(np.array_equal(row, smallest) for row in drawn) < 240
    with pytest.raises(InvalidInput, match="3 or more with sandwich"):
        SubnetSampler(space, Phase(2e-3, subnets=2, sandwich=True))


def test_choosing_phases() -> None:
    config = composed(*SHRINKING, "training.phases=[expand2]")
    assert [name for name, _ in chosen_phases(config)] == ["expand2"]
    assert trained_before(config, "expand2", tiny_space()) == [4, 6]
    assert trained_before(config, "expand1", tiny_space()) == [6]
    with pytest.raises(UnknownName, match="'expand2'"):
        chosen_phases(composed(*SHRINKING, "training.phases=[expand3]"))
    with pytest.raises(InvalidInput, match="once"):
        chosen_phases(composed("training", "sandwich", "training.phases=[sandwich,sandwich]"))
    with pytest.raises(InvalidInput, match="kernels"):
        subspace(tiny_space(kernels=[3, 5]), Phase(2e-3, kernels=[7]))
