"""Ask and tell: which networks to measure next, for whoever measures.

A `Study` knows what was asked and told, and nothing of how networks are measured: on a phone, by a colleague, in the
main job's rounds (`refine.rounds`). Its file holds these facts alone, so that a study goes on with other bounds,
another predictor or another search. Names are Optuna's (Akiba et al., Optuna, KDD 2019) where it has them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nasface.errors import InvalidInput
from nasface.metrics import Direction
from nasface.predictors import Ranker, Targets
from nasface.predictors.acquisition import Acquisition, acquire
from nasface.runs import Json
from nasface.spaces import Population, SearchSpace
from nasface.strategies.candidates import Candidates
from nasface.strategies.study_file import StudyFile, Values, finite

Genotype = Mapping[str, Json] | npt.NDArray[np.int8]
"""One network, as `Study.ask` gives it or as a row int8[n_genes]."""

Fit = Callable[[Population, Targets], Ranker]
"""Gives a ranker of measured networks, int8[n, n_genes], and their values, higher being better."""


@dataclass(frozen=True)
class Trial:
    """A network of a study.

    Attributes:
        genotype: As a dictionary, for `Supernet.extract`.
        value: What it measured, in the metric's own direction; None as long as nobody has told.
    """

    genotype: dict[str, list[int]]
    value: float | None


class Study:
    """What was asked and told, and what to ask next; `nasface.create_study` makes one of names and bounds.

    Several processes may share a file: each call reads it anew, and holds it for as long as it takes.

    Args:
        candidates: What may be asked about.
        fit: Learns from what was told.
        acquisition: What is worth measuring; random networks need no fit.
        n_startup: Values that have to be told before networks are asked for by a fit; until then random ones are.
        seed: Of the random draws.
        direction: Which values are better.
        file: Keeps the study; None for memory alone.

    Raises:
        InvalidInput: `n_startup` is negative, or the file is no study or of another space, metric or direction.
    """

    def __init__(
        self,
        candidates: Candidates,
        fit: Fit,
        *,
        acquisition: Acquisition = Acquisition.GREEDY,
        n_startup: int = 10,
        seed: int = 0,
        direction: Direction = Direction.MAX,
        file: StudyFile | None = None,
    ) -> None:
        if not _count(n_startup, 0):
            raise InvalidInput(f"n_startup is {n_startup!r}; give a whole number, 0 or more.")
        self._candidates, self._fit, self._acquisition = candidates, fit, acquisition
        self._n_startup, self._seed, self._direction, self._file = n_startup, seed, direction, file
        self._values: Values = {}
        self._read()

    def ask(self, n: int = 1) -> list[dict[str, list[int]]]:
        """Networks to measure, of which none was asked or told before; all meet the bounds.

        Args:
            n: How many; the same study asked for the same numbers gives the same networks.

        Returns:
            Up to n genotypes, the most worthwhile first; fewer only where (nearly) all that meet the bounds are known.

        Raises:
            InvalidInput: n is no whole number of 1 or more, or the acquisition asks how sure the predictor is, and too
                little was told.
            InfeasibleConstraint: No network meets the bounds.
        """
        if not _count(n, 1):
            raise InvalidInput(f"{n!r} networks were asked for; ask for a whole number, 1 or more.")
        with self._changing():
            rows = self._propose(n, np.random.default_rng([self._seed, len(self._values)]))
            self._values |= dict.fromkeys(map(self._space.to_text, rows))
        return [self._space.to_dict(row) for row in rows]

    def tell(self, genotype: Genotype, value: float) -> None:
        """What a network measured; one that nobody asked about is welcome, whether it meets the bounds or not.

        Args:
            genotype: As `ask` gave it, or any other of the space.
            value: A finite number, in the metric's own direction.

        Raises:
            InvalidGenotype: It is no network of the space.
            InvalidInput: The value is no finite number, or one was told already.
        """
        self.tell_many(self._row(genotype)[None], [value])

    def tell_many(self, networks: Population, values: Sequence[float] | npt.NDArray[np.float64]) -> None:
        """`tell` of several at once, int8[n, n_genes] and n numbers; none is taken if one is refused."""
        told = [self._space.to_text(row) for row in self._space.canonical(networks)]
        if len(values) != len(told):
            raise InvalidInput(f"{len(values)} values were told of {len(told)} networks; give one each.")
        numbers = [_number(value, text) for text, value in zip(told, values, strict=True)]
        with self._changing():
            for text, value in zip(told, numbers, strict=True):
                if (before := self._values.get(text)) is not None:
                    raise InvalidInput(
                        f"The network {text} was told already, with {before:g}; a study keeps one value per network: "
                        "tell each once, e.g. the mean of several measurements."
                    )
                self._values[text] = value

    @property
    def trials(self) -> list[Trial]:
        """All networks that were asked or told, in that order."""
        self._read()
        return [self._trial(text, value) for text, value in self._values.items()]

    @property
    def pending(self) -> list[dict[str, list[int]]]:
        """Genotypes that were asked and not told yet, e.g. because a measurement was interrupted."""
        return [trial.genotype for trial in self.trials if trial.value is None]

    @property
    def best(self) -> Trial:
        """The best of what was told and meets the bounds; of equal ones that asked first.

        Raises:
            InvalidInput: There is none yet.
        """
        self._read()
        networks, targets = self._told()
        ok = self._candidates.feasible(networks)
        if not ok.any():
            raise InvalidInput(
                f"None of the {len(networks)} networks that the study was told meets the bounds; ask and tell first."
            )
        row = np.flatnonzero(ok)[np.argmax(targets[ok])]
        return Trial(self._space.to_dict(networks[row]), float(self._direction.sign * targets[row]))

    def _propose(self, n: int, rng: np.random.Generator) -> Population:
        known, (networks, targets) = self._population(self._values), self._told()
        if self._acquisition is Acquisition.RANDOM or len(networks) < self._n_startup:
            return self._candidates.draw(n, known, rng)
        ranker = self._fit(networks, targets)
        ok = self._candidates.feasible(ranker.table)
        wanted = acquire(ranker, self._acquisition, ranker.table[ok] if ok.any() else ranker.table)
        return self._candidates.best(wanted, n, known, rng)

    def _told(self) -> tuple[Population, Targets]:
        """Networks int8[n, n_genes] and their values, higher being better, float64[n]."""
        told = {text: value for text, value in self._values.items() if value is not None}
        return self._population(told), self._direction.sign * np.array(list(told.values()), np.float64)

    def _population(self, texts: Mapping[str, float | None]) -> Population:
        rows = [self._space.from_text(text) for text in texts]
        return np.array(rows, np.int8).reshape(len(rows), self._space.n_genes)

    def _row(self, genotype: Genotype) -> npt.NDArray[np.int8]:
        return self._space.from_dict(genotype) if isinstance(genotype, Mapping) else np.asarray(genotype)

    def _trial(self, text: str, value: float | None) -> Trial:
        return Trial(self._space.to_dict(self._space.from_text(text)), value)

    @property
    def _space(self) -> SearchSpace:
        return self._candidates.space

    def _read(self) -> None:
        if self._file is not None:
            self._values = self._file.read()

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Within the block nobody else changes the study; what it became is kept, unless an error ends the block."""
        before = dict(self._values)
        try:
            with nullcontext() if self._file is None else self._file.held():
                self._read()
                yield
                if self._file is not None:
                    self._file.write(self._values)
        except BaseException:
            self._values = before
            raise


def _count(given: object, least: int) -> bool:
    """Whether it is a whole number of at least so much."""
    return isinstance(given, int | np.integer) and not isinstance(given, bool) and bool(given >= least)


def _number(value: object, network: str) -> float:
    found = finite(value)
    if found is None:
        raise InvalidInput(
            f"The value {value!r:.60} was told of the network {network}; give a finite number, as a float or an int, "
            "and leave out what could not be measured: it is not asked again."
        )
    return found
