"""Bounds as users write them."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from nasface.costs import Cost, LayerCost, LutConfig, LutLatency, Macs, Params, Values
from nasface.devices import Check, LookupTable, load_device
from nasface.devices.device import Device
from nasface.errors import InfeasibleConstraint, InvalidInput, LookupTableError, UnknownName
from nasface.settings import Bound
from nasface.spaces import Population
from nasface.spaces.ofa_mbv3 import OfaMbv3, OfaMbv3FaceConfig
from nasface.strategies import Constraint
from nasface.strategies.constraints import build_constraints, check_reachable, least_within, notes

SPACE = OfaMbv3(OfaMbv3FaceConfig(resolution=224))


def latency(name: str) -> LutLatency:
    return LutLatency(LutConfig(), space=SPACE, device=load_device(name, {"lut": name}))


SD865, SD765, PARAMS, MACS = latency("sd865"), latency("sd765"), Params(SPACE), Macs(SPACE)


def test_absolute_and_relative_bounds() -> None:
    bounds = {"latency_ms": Bound(ratio=0.6), "params_m": Bound(max=4), "macs_m": Bound(ratio=0.5)}
    time, params, macs = build_constraints(bounds, [SD865, PARAMS, MACS])
    assert time.bound == pytest.approx(13.2)
    assert time.label == "latency on sd865"
    assert time.basis == "0.6 x EfficientNet-B0 (22 ms)"
    assert (params.bound, params.basis) == (4.0, "")
    assert macs.bound == pytest.approx(192.27, abs=0.01)


def test_an_estimated_reference_is_called_so() -> None:
    small = OfaMbv3(OfaMbv3FaceConfig(resolution=112))
    cost = LutLatency(LutConfig(), space=small, device=load_device("sd865", {"lut": "sd865"}))
    (constraint,) = build_constraints({"latency_ms": Bound(ratio=0.6)}, [cost])
    assert constraint.basis.endswith("ms, estimated)")


def test_several_devices_one_constraint_each() -> None:
    constraints = build_constraints({"latency_ms": Bound(ratio=0.5)}, [SD865, SD765])
    assert [c.bound for c in constraints] == pytest.approx([11.0, 29.5])
    assert [c.label for c in constraints] == ["latency on sd865", "latency on sd765"]


def test_default_ratio_only_without_a_bound() -> None:
    default = {"latency_ms": 0.6}
    assert build_constraints({"latency_ms": Bound()}, [SD865], default)[0].bound == pytest.approx(13.2)
    assert build_constraints({"latency_ms": Bound(max=9)}, [SD865], default)[0].bound == 9.0
    assert build_constraints({}, [SD865], {"latency_ms": None}) == []


@pytest.mark.parametrize(
    ("bound", "sentence"),
    [
        (Bound(max=10, ratio=0.5), "constraints.latency_ms has both max=10 and ratio=0.5; give one of the two"),
        (Bound(ratio=0.0), "constraints.latency_ms.ratio is 0.0; give a positive number"),
        (Bound(ratio=-1), "ratio is -1"),
        (Bound(ratio=float("nan")), "ratio is nan"),
        (Bound(max=float("inf")), "max is inf"),
        (Bound(max=-5.0), "max is -5.0"),
    ],
)
def test_bad_bounds(bound: Bound, sentence: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        build_constraints({"latency_ms": bound}, [SD865])
    assert sentence in str(caught.value)


def test_a_bound_on_nothing() -> None:
    with pytest.raises(UnknownName, match=r"Unknown constraint 'latency'"):
        build_constraints({"latency": Bound(max=1)}, [PARAMS])
    assert build_constraints({"latency_ms": Bound()}, [PARAMS]) == []


def test_a_ratio_without_reference_is_refused() -> None:
    table = SD865.table
    bare = Device("bare", LookupTable("bare", table.provenance, table.rows))
    cost = LutLatency(LutConfig(), space=SPACE, device=bare)
    with pytest.raises(LookupTableError, match=r"bare has no time of efficientnet_b0 .* constraints.latency_ms.max"):
        build_constraints({"latency_ms": Bound(ratio=0.5)}, [cost])


def test_the_minimum_is_named() -> None:
    constraints = build_constraints({"latency_ms": Bound(max=5)}, [SD865])
    with pytest.raises(InfeasibleConstraint) as caught:
        check_reachable(constraints)
    error = caught.value
    assert str(error).startswith(
        "The fastest sub-network on sd865 at 224 needs 8.645 ms (estimated); you asked for 5 ms;"
    )
    assert "constraints.latency_ms.max=8.645 or more" in str(error)
    assert (error.metric, error.bound, error.exit_code) == ("latency_ms", 5.0, 3)
    assert error.reachable == pytest.approx(8.645, abs=5e-4)


def test_what_the_refusal_offers_is_accepted() -> None:
    for cost in (SD865, SD765, PARAMS, MACS):
        low = build_constraints({cost.name: Bound(max=1)}, [cost])
        with pytest.raises(InfeasibleConstraint) as caught:
            check_reachable(low)
        offered = float(str(caught.value).rpartition(".max=")[2].split()[0])
        check_reachable(build_constraints({cost.name: Bound(max=offered)}, [cost]))


def test_the_exact_minimum_is_reachable() -> None:
    smallest = SPACE.from_dict({"ks": 3, "e": 3, "d": 2})[None, :]
    for cost in (SD865, PARAMS, MACS):
        check_reachable(build_constraints({cost.name: Bound(max=float(cost.predict(smallest)[0]))}, [cost]))


def test_counts_are_refused_in_their_own_words() -> None:
    with pytest.raises(
        InfeasibleConstraint, match=r"The smallest sub-network at 224 needs 3.066 M parameters; you asked for 1 M"
    ):
        check_reachable(build_constraints({"params_m": Bound(max=1)}, [PARAMS]))


class Scaled(LayerCost):
    """Of a unit so large, or so small, that two digits after the point say nothing."""

    name, unit = "scaled", "u"

    def __init__(self, scale: float) -> None:
        super().__init__(SPACE, np.random.default_rng(0).uniform(1, 2, len(SPACE.layers())) * scale)


@pytest.mark.parametrize("scale", [1e-9, 1e-4, 1.0, 1e6])
def test_numbers_are_said_with_their_significant_digits(scale: float) -> None:
    cost = Scaled(scale)
    extremes = cost.decompose()
    assert extremes is not None
    lowest, highest = extremes.minimum().value, extremes.maximum().value
    with pytest.raises(InfeasibleConstraint) as caught:
        check_reachable([Constraint(cost, lowest / 2, "scaled")])
    needed, asked, offered = (
        float(re.search(pattern, str(caught.value))[1])  # type: ignore[index]
        for pattern in (r"needs (\S+) u", r"asked for (\S+) u", r"max=(\S+) or")
    )
    assert (needed, asked, offered) == pytest.approx((lowest, lowest / 2, lowest), rel=1e-3)
    check_reachable([Constraint(cost, offered, "scaled")])
    (note,) = notes([Constraint(cost, highest * 2, "scaled")])
    said = [float(number) for number in re.findall(r"([^\s(]+) u\b", note)]
    assert said == pytest.approx([2 * highest, highest], rel=1e-3)


def test_a_bound_that_does_not_bind_is_said() -> None:
    loose, tight = (build_constraints({"latency_ms": Bound(max=ms)}, [SD865]) for ms in (100, 12))
    (note,) = notes(loose)
    assert note.startswith(
        "The bound on latency on sd865 (100 ms) does not bind: no network of the space needs more than 49"
    )
    assert notes(tight) == []


def test_costs_that_do_not_decompose_are_not_judged() -> None:
    class Opaque(Cost):
        name, unit = "opaque", "x"

        def predict(self, population: Population) -> Values:
            return np.ones(len(population))

    constraints = build_constraints({"opaque": Bound(max=0.5)}, [Opaque(SPACE)])
    check_reachable(constraints)
    assert notes(constraints) == []


def checked(errors: tuple[float, ...]) -> LutLatency:
    table = replace(SD865.table, checks={224: Check(errors, 0.02, 0.98)})
    return LutLatency(LutConfig(), space=SPACE, device=Device("sd865", table))


def test_a_margin_for_confidence() -> None:
    cost = checked(tuple(i / 1000 for i in range(1, 20)))
    (top,) = build_constraints({"latency_ms": Bound(max=12, confidence=0.95)}, [cost])
    assert top.bound == pytest.approx(12 / 1.019)
    assert top.basis == "12 ms with a margin of 1.9% for 0.95 confidence"
    (ratio,) = build_constraints({"latency_ms": Bound(ratio=0.6, confidence=0.9)}, [cost])
    assert ratio.bound == pytest.approx(13.2 / 1.018)
    assert ratio.basis == "0.6 x EfficientNet-B0 (22 ms) with a margin of 1.8% for 0.9 confidence"
    (default,) = build_constraints({"latency_ms": Bound(confidence=0.9)}, [cost], {"latency_ms": 0.6})
    assert default.bound == ratio.bound


def test_what_a_refusal_offers_covers_the_margin() -> None:
    cost = checked((0.1,) * 19)
    with pytest.raises(InfeasibleConstraint) as caught:
        check_reachable(build_constraints({"latency_ms": Bound(max=9, confidence=0.95)}, [cost]))
    assert "you asked for 8.182 ms = 9 ms with a margin of 10.0% for 0.95 confidence" in str(caught.value)
    offered = float(str(caught.value).rpartition(".max=")[2].split()[0])
    check_reachable(build_constraints({"latency_ms": Bound(max=offered, confidence=0.95)}, [cost]))


def test_confidence_that_nobody_can_give() -> None:
    def constrain(cost: Cost, confidence: float, top: float | None = 12) -> None:
        build_constraints({cost.name: Bound(max=top, confidence=confidence)}, [cost])

    with pytest.raises(
        LookupTableError, match=r"sd865 was not checked at 224 pixels.* task=check_latency device=sd865, or leave out"
    ):
        constrain(SD865, 0.95)
    with pytest.raises(InvalidInput, match=r"needs 19 networks .* there are 10: run task=check_latency device=sd865"):
        constrain(checked((0.0,) * 10), 0.95)
    with pytest.raises(InvalidInput, match=r"confidence is 0.2; give 0.5 or more"):
        constrain(checked((0.0,) * 40), 0.2)
    with pytest.raises(InvalidInput, match=r"but there is no bound; give max or ratio"):
        constrain(checked((0.0,) * 40), 0.95, None)
    with pytest.raises(InvalidInput, match=r"How far the parameters is off is not known"):
        constrain(PARAMS, 0.95)


class Layers(LayerCost):
    """Values of layers that have nothing to do with their size, so that what one cost favours another one forbids."""

    unit = "ms"

    def __init__(self, name: str, seed: int, combine: str = "sum") -> None:
        self.name, self.combine = name, combine
        super().__init__(SPACE, np.random.default_rng(seed).uniform(1, 2, len(SPACE.layers())))


@pytest.mark.parametrize("combine", ["sum", "max"])
def test_two_bounds_that_contradict_each_other_are_both_named(combine: str) -> None:
    first, second = Layers("first_ms", 0, combine), Layers("second_ms", 1)
    rows = SPACE.sample(np.random.default_rng(0), 20_000)
    a, b = first.predict(rows), second.predict(rows)
    bound = first.decompose().minimum().value * 1.05
    least = least_within(second.decompose(), first.decompose(), bound)
    assert second.decompose().minimum().value * 1.01 < least <= b[a <= bound].min(initial=np.inf) * (1 + 1e-9)
    check_reachable([Constraint(first, bound, "first"), Constraint(second, least * 1.0001, "second")])
    between = 0.5 * (second.decompose().minimum().value + least)
    for order in (1, -1):
        constraints = [Constraint(first, bound, "first"), Constraint(second, between, "second")][::order]
        with pytest.raises(InfeasibleConstraint, match="Two bounds contradict each other: with") as raised:
            check_reachable(constraints)
        for name in ("constraints.first_ms", "constraints.second_ms"):
            assert name in str(raised.value)
