"""The table of costs is what options, API and searches go by."""

from __future__ import annotations

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from omegaconf.errors import ValidationError

from nasface.costs import COSTS, LATENCY
from nasface.errors import UnknownName
from nasface.options import config_directory, register_options
from nasface.registry import REGISTRY
from nasface.settings import Bound, Constraints
from nasface.testing.synthetic import every_cost, face_space
from nasface.usage import usage


def test_a_cost_has_the_name_of_its_entry() -> None:
    assert {name: cost.name for name, cost in every_cost(face_space()).items()} == {n: n for n in COSTS if n != LATENCY}


def test_every_cost_is_listed_and_the_other_way_round() -> None:
    assert {c.name for c in REGISTRY if c.kind == "cost" and c.origin == "nasface"} == set(COSTS) - {LATENCY}


def test_every_cost_can_be_bounded_on_the_command_line_and_by_default_is_not() -> None:
    register_options()
    with initialize_config_dir(str(config_directory()), version_base="1.3"):
        options = compose("config").constraints
    assert set(options) - {"default_latency_ratio"} == set(COSTS)
    assert all(f"\n  {name}: {{ max: null, ratio: null" in usage("search") for name in COSTS)
    bounds = Constraints.of(OmegaConf.to_container(options))
    assert bounds.default_latency_ratio == 0.6
    assert all(bounds.bound(name) == Bound() for name in COSTS)


def test_bounds_of_the_wrong_type_or_on_nothing_known_are_refused_under_their_option() -> None:
    with pytest.raises(ValidationError) as caught:
        Constraints.of({"params_m": {"max": "many"}, "default_latency_ratio": None})
    assert caught.value.full_key == "constraints.params_m.max"
    with pytest.raises(UnknownName, match=r"constraint 'param_m'.*mean 'params_m'"):
        Constraints.of({"param_m": {"max": 3}, "default_latency_ratio": None})
