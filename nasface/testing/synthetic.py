"""Known truths for tests: an accuracy that is a simple function of the genotype, and predictors that know it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from nasface.costs import COSTS, Cost, network_costs
from nasface.devices import LookupTable
from nasface.devices.device import Device
from nasface.devices.lut import Provenance, Row
from nasface.devices.measurements import Measurement, write_measurements
from nasface.predictors import Comparator, Groups, Ranker, Scorer, Targets
from nasface.spaces import Features, OfaMbv3, OfaMbv3Config, OfaMbv3FaceConfig, Population, SearchSpace


def face_space() -> OfaMbv3:
    """The face space, 7371^5 networks."""
    return OfaMbv3(OfaMbv3FaceConfig())


def tiny_space() -> OfaMbv3:
    """A space of 32 networks: one block a stage, two expand ratios."""
    return OfaMbv3(OfaMbv3Config(name="tiny", kernels=[3], expands=[3, 6], depths=[1]))


class Stageless(OfaMbv3):
    """A space of `OfaMbv3` that says nothing of stages."""

    stage_operators = SearchSpace.stage_operators
    stage_choices = SearchSpace.stage_choices  # type: ignore[assignment]
    stage_indices = SearchSpace.stage_indices  # type: ignore[assignment]


_SMALL = OfaMbv3Config(name="small", width=0.25, resolution=32, kernels=[3, 5], expands=[3, 6])


def small_space() -> OfaMbv3:
    """Small networks, 336 choices a stage."""
    return OfaMbv3(_SMALL)


def stageless_space() -> Stageless:
    """The same networks, no stages."""
    return Stageless(_SMALL)


def truth(x: Features) -> npt.NDArray[np.float64]:
    """Accuracy by ordinal features: a fixed weight of every gene, float64[n] around 0.9.

    The weights are irrational multiples, so that different networks practically never tie.
    """
    weights = np.modf(np.sqrt(np.arange(x.shape[1]) + 2.0))[0] + 0.1
    return np.asarray(0.9 + 0.0005 * np.sum(x.astype(np.float64) * weights, axis=1))


def accuracies(space: SearchSpace, population: Population, rng: np.random.Generator, noise: float = 0.001) -> Targets:
    """`truth` as if measured: plus Gaussian noise."""
    return truth(space.encode(population)) + rng.normal(0.0, noise, len(population))


def every_cost(space: SearchSpace) -> dict[str, Cost]:
    """The costs of `nasface.costs.COSTS` but latency, by name, on a phone whose every layer needs 2 mJ."""
    rows = {layer.key: Row(1.0, energy_mj=2.0) for layer in space.layers()}
    table = LookupTable("phone", Provenance("measured", "a phone"), {space.resolution: rows})
    kinds = {name: kind.of_device for name, kind in COSTS.items()}
    on_phone = {name: make(space, Device("phone", table)) for name, make in kinds.items() if make is not None}
    return network_costs(space) | on_phone


def write_made_up_measurements(path: Path, space: SearchSpace, n: int = 30) -> Path:
    """A file of n measured networks: 2 ms and 0.03 ms per million multiply-accumulates, with 2 % noise."""
    rng = np.random.default_rng(0)
    nets = space.sample(rng, n)
    macs = np.array([space.build(net).macs for net in nets]) / 1e6
    times = (2.0 + 0.03 * macs) * np.exp(0.02 * rng.standard_normal(n))
    rows = [
        Measurement(space.to_text(net), "", space.resolution, "tflite", 2, "made up", ms, ms, 0.0, 1, ms, ms)
        for net, ms in zip(nets, times.tolist(), strict=True)
    ]
    write_measurements(path, rows)
    return path


@dataclass
class OracleConfig:
    """Oracles have no parameters."""

    name: str = "oracle"


class OracleComparator(Comparator):
    """Knows the truth, answers 1, 0.5 or 0, and only about pairs."""

    def __init__(self, config: OracleConfig | None = None) -> None:
        self.config = config or OracleConfig()

    def fit(self, x: Features, y: Targets, groups: Groups, rng: np.random.Generator) -> Self:
        """Nothing to learn."""
        return self

    def compare(self, a: Features, b: Features) -> npt.NDArray[np.float64]:
        """From the truth."""
        return np.asarray(0.5 + 0.5 * np.sign(truth(a) - truth(b)))

    def save(self, path: Path) -> None:
        """An empty file."""
        path.touch()

    def load(self, path: Path) -> Self:
        """Nothing to read."""
        return self


class OracleScorer(OracleComparator, Scorer):
    """Knows the truth, and says it."""

    regressor = True

    def score(self, x: Features) -> npt.NDArray[np.float64]:
        """The truth."""
        return truth(x)


class Rotating(OracleComparator):
    """Not transitive: every network beats the third of all that follow it on a circle."""

    def compare(self, a: Features, b: Features) -> npt.NDArray[np.float64]:
        """From the angle between the two."""
        turn = 1e4 * (truth(a) - truth(b))
        return np.asarray(0.5 + 0.4 * np.sign(np.round(np.sin(turn), 9)))


def oracle(space: SearchSpace, predictor: type[OracleComparator], rng: np.random.Generator) -> Ranker:
    """A ranker that knows the truth, on a table of 50 networks."""
    table = space.sample(rng, 50)
    return Ranker(space, predictor(), table, truth(space.encode(table)))
