"""Costs: what a network needs, in one number per genotype. Latency is one of them.

Protocol. `predict` is vectorised over a population and deterministic. Costs that are sums (or maxima) over the stages
of the space return `StageTables` from `decompose`, from which exact extremes, feasible sampling and exact search
follow; others return None and are used through `predict` alone. A registered latency model is constructed as
`cls(config, space=..., device=...)` with a `nasface.devices.Device`, or `device=None` if it was given none.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from nasface.errors import InvalidInput
from nasface.spaces import Population, SearchSpace

Values = npt.NDArray[np.float64]
"""float64[n], one value per genotype."""


def significant(value: float) -> str:
    """Four significant digits, and all of those before the point: 0.001235, 12.35, 123457."""
    return f"{value:.4g}" if abs(value) < 1e4 else f"{value:.0f}"


class Extreme(NamedTuple):
    """The least or greatest value over a space, and the stage choices that reach it, int16[n_stages]."""

    value: float
    choices: npt.NDArray[np.int16]


class ReferenceCost(NamedTuple):
    """The cost of a reference network, and whether it is an estimate."""

    value: float
    estimated: bool


@dataclass(frozen=True)
class StageTables:
    """A function of the genotype that decomposes over the stages: constant + one entry per stage, summed or maximised.

    Attributes:
        constant: Part that every network has.
        tables: Per stage, float64[n_choices], in the order of `SearchSpace.stage_choices`.
        combine: "sum", or "max" for costs such as peak memory (the constant then takes part in the maximum).
    """

    constant: float
    tables: tuple[Values, ...]
    combine: Literal["sum", "max"] = "sum"

    def predict(self, indices: npt.NDArray[np.int16]) -> Values:
        """float64[n] for int16[n, n_stages] from `SearchSpace.stage_indices`."""
        tables, starts = self._joined
        parts = tables.take(indices.T + starts)
        if self.combine == "max":
            return np.asarray(np.maximum(parts.max(axis=0), self.constant))
        return np.asarray(parts.sum(axis=0) + self.constant)

    @cached_property
    def _joined(self) -> tuple[Values, npt.NDArray[np.intp]]:
        """All tables in one array; where each of them begins, intp[n_stages, 1]."""
        return np.concatenate(self.tables), np.cumsum([0, *map(len, self.tables)])[:-1, None]

    def minimum(self) -> Extreme:
        """Exact, over the space."""
        return self._extreme(np.argmin)

    def maximum(self) -> Extreme:
        """Exact, over the space."""
        return self._extreme(np.argmax)

    def _extreme(self, pick: Callable[[Values], np.intp]) -> Extreme:
        choices = np.array([pick(table) for table in self.tables], np.int16)
        return Extreme(float(self.predict(choices[None, :])[0]), choices)


class Cost(ABC):
    """What a network needs.

    Attributes:
        name: Key in `constraints` and in results, e.g. "latency_ms".
        unit: For people, e.g. "ms"; empty for a cost without one, such as a number of layers.
        quantity: What is bounded, for people, e.g. "latency"; empty: the name.
        estimated: Whether the numbers rest on anything but measurement or exact counting; users then see "estimated".
    """

    name: str
    unit: str
    quantity: str = ""
    estimated: bool = False

    def __init__(self, space: SearchSpace) -> None:
        self.space = space

    @abstractmethod
    def predict(self, population: Population) -> Values:
        """float64[n], in `unit`."""

    def decompose(self) -> StageTables | None:
        """The cost as one table per stage, or None if it is not a sum or a maximum over stages."""
        return None

    @property
    def place(self) -> str:
        """Where that is so, for people, e.g. "on sd865"; empty where it is so everywhere."""
        return ""

    @property
    def label(self) -> str:
        """Quantity and place, for people, e.g. "latency on sd865"."""
        return f"{self.quantity or self.name} {self.place}".rstrip()

    @property
    def title(self) -> str:
        """What stands above such numbers, e.g. "latency on sd865, ms (estimated)"."""
        return ", ".join(filter(None, (self.label, self.unit))) + (" (estimated)" if self.estimated else "")

    def text(self, value: float | str) -> str:
        """A value and its unit, if there is one; numbers get four digits, e.g. "12.35 ms"."""
        return f"{value if isinstance(value, str) else significant(value)} {self.unit}".rstrip()

    def reference(self, network: str = "efficientnet_b0") -> ReferenceCost:
        """Cost of a reference network at the space's resolution.

        Args:
            network: A key of `nasface.spaces.references.REFERENCES`.

        Raises:
            InvalidInput: This cost knows none, so that bounds on it must be absolute.
        """
        raise InvalidInput(f"No {self.label} of {network} is known; give constraints.{self.name}.max, not a ratio.")

    def margin(self, confidence: float) -> float:
        """The m such that networks need more than (1 + m) times the prediction with a chance of at most 1 - confidence.

        Raises:
            InvalidInput: Nobody compared this cost with measurements, or too few networks were.
        """
        raise InvalidInput(
            f"How far the {self.label} is off is not known here; leave out constraints.{self.name}.confidence."
        )


class LayerCost(Cost):
    """A cost that is the sum, or the maximum, of one value per layer.

    Args:
        space: The space whose `layers()` the values belong to.
        values: float64[len(space.layers())], not negative.
    """

    combine: Literal["sum", "max"] = "sum"

    def __init__(self, space: SearchSpace, values: Values) -> None:
        super().__init__(space)
        self.values = values

    def predict(self, population: Population) -> Values:
        """Sum or maximum over the layers of each network."""
        return self._combined(self.space.layer_indices(population))

    def decompose(self) -> StageTables | None:
        """Exact, wherever the space has stages."""
        return self._tables

    @cached_property
    def _tables(self) -> StageTables | None:
        choices = self.space.stage_choices()
        if choices is None:
            return None
        base: npt.NDArray[np.int8] = np.sum([stage[0] for stage in choices], axis=0, dtype=np.int8)
        alone = [(base - stage[0] + stage).astype(np.int8) for stage in choices]
        layers = self.space.layer_indices(np.concatenate([base[None], *alone]))  # at once: columns mean the same
        fixed, tables = layers[:1], []
        for rows in np.split(layers[1:], np.cumsum([len(stage) for stage in choices])[:-1]):
            of_stage = (rows != rows[0]).any(axis=0)
            fixed = np.where(of_stage, -1, fixed)
            tables.append(self._combined(rows[:, of_stage]))
        return StageTables(float(self._combined(fixed)[0]), tuple(tables), self.combine)

    def _combined(self, layers: npt.NDArray[np.int16]) -> Values:
        """float64[n] of layer indices int16[n, m]; -1 stands for no layer."""
        parts = np.append(self.values, 0.0)[layers]
        return np.asarray(parts.sum(axis=1) if self.combine == "sum" else parts.max(axis=1, initial=0.0))
