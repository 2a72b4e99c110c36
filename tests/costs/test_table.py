"""The table of costs is what options, API and searches go by."""

from __future__ import annotations

from pathlib import Path

import pytest
from omegaconf import OmegaConf
from omegaconf.errors import ValidationError

from nasface.costs import COSTS, LATENCY, Cost, network_costs
from nasface.devices import LookupTable
from nasface.devices.device import Device
from nasface.devices.lut import Provenance, Row
from nasface.errors import UnknownName
from nasface.options import config_directory
from nasface.registry import REGISTRY
from nasface.settings import Bound, Constraints
from nasface.testing.synthetic import face_space


def made() -> dict[str, Cost]:
    """Every cost that the table makes."""
    space = face_space()
    rows = {layer.key: Row(1.0, energy_mj=2.0) for layer in space.layers()}
    table = LookupTable("phone", Provenance("measured", "a phone"), {space.resolution: rows})
    on_phone = {n: k.of_device(space, Device("phone", table)) for n, k in COSTS.items() if k.of_device is not None}
    return network_costs(space) | on_phone


def test_a_cost_has_the_name_and_the_unit_of_its_entry() -> None:
    assert {name: cost.name for name, cost in made().items()} == {name: name for name in made()}
    assert {name: cost.unit for name, cost in made().items()} == {name: COSTS[name].unit for name in made()}


def test_every_cost_is_listed_and_the_other_way_round() -> None:
    assert {c.name for c in REGISTRY if c.kind == "cost" and c.origin == "nasface"} == set(COSTS) - {LATENCY}


def test_every_cost_can_be_bounded_on_the_command_line_and_by_default_is_not() -> None:
    options = OmegaConf.load(Path(config_directory()) / "config.yaml")["constraints"]
    assert set(options) - {"default_latency_ratio"} == set(COSTS)
    bounds = Constraints.of(OmegaConf.to_container(options))
    assert bounds.default_latency_ratio == 0.6
    assert all(bounds.bound(name) == Bound() for name in COSTS)


def test_bounds_of_the_wrong_type_or_on_nothing_known_are_refused_under_their_option() -> None:
    with pytest.raises(ValidationError) as caught:
        Constraints.of({"params_m": {"max": "many"}, "default_latency_ratio": None})
    assert caught.value.full_key == "constraints.params_m.max"
    with pytest.raises(UnknownName, match=r"constraint 'param_m'.*mean 'params_m'"):
        Constraints.of({"param_m": {"max": 3}, "default_latency_ratio": None})
