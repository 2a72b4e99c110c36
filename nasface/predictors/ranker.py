"""`Ranker`: a predictor bound to a space and a table, asked about genotypes; and the cache of fitted states."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.metadata
import json
import logging
import os
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from nasface.costs import StageTables
from nasface.errors import ComponentError, InvalidInput, NasfaceError
from nasface.metrics import Direction
from nasface.predictors._base import Comparator, Digests, Scorer, Targets
from nasface.predictors._isotonic import Isotonic, fit_isotonic
from nasface.predictors._strangeness import Strangeness
from nasface.spaces import Population, SearchSpace, number_rows

Values = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

logger = logging.getLogger(__name__)

_SAMPLES: Final = 50
"""Random networks on which a predictor's word that it is additive is checked."""

_ROUNDING: Final = 1e-5
"""Of the scores' spread; what single precision may make of a sum."""

_OPPONENTS: Final = 100
"""Networks of the table against which a comparator's win rates are taken."""


class Contest:
    """One population whose rows are compared again and again: every network is encoded and digested once.

    Equal networks tie without asking. Where a population has equal rows, a batch that names one pair of networks
    several times asks about it once.
    """

    def __init__(self, ranker: Ranker, population: Population) -> None:
        self._ranker = ranker
        first, self._number = number_rows(population)
        self._distinct = len(first) == len(population)
        self._digests = ranker.digest(population[first])

    def compare(self, a: npt.ArrayLike, b: npt.ArrayLike) -> Values:
        """P(row a[i] of the population is better than row b[i]), float64[n]; one call of the predictor at most.

        One of the two may be a single index, for all of the other.
        """
        first, second = np.array(a, ndmin=1, copy=None), np.array(b, ndmin=1, copy=None)
        if self._distinct and (first != second).all():
            return self._ranker.ask(self._digests.take(first, axis=0), self._digests.take(second, axis=0))
        first, second = np.broadcast_arrays(self._number[first], self._number[second])
        pairs, inverse = np.unique(first * len(self._digests) + second, return_inverse=True)
        first, second = np.divmod(pairs, len(self._digests))
        answers, ask = np.full(len(pairs), 0.5), first != second
        if ask.any():
            answers[ask] = self._ranker.ask(self._digests[first[ask]], self._digests[second[ask]])
        return np.asarray(answers[inverse])


class Ranker:
    """Answers which of two networks is more accurate, how good networks are, and counts how often it was asked.

    Args:
        space: Encodes genotypes the way the predictor wants.
        predictor: Fitted.
        table: int8[n, n_genes], the networks it was fitted on.
        targets: float64[n], their accuracies, higher being better: of a metric that is better low, its negative.
        direction: Of the metric as people state it.

    Attributes:
        calls: Batches that the comparator was asked so far.
        pairs: Pairs of different networks in them; both stay 0 for a scorer.
    """

    def __init__(
        self,
        space: SearchSpace,
        predictor: Comparator,
        table: Population,
        targets: Targets,
        direction: Direction = Direction.MAX,
    ) -> None:
        self.space, self.predictor, self.table, self.targets = space, predictor, table, targets
        self.direction = direction
        self.calls = self.pairs = 0
        self._check_space()

    def compare(self, a: Population, b: Population) -> Values:
        """P(row of a is better than row of b), float64[n], for two int8[n, n_genes]; equal rows give 0.5."""
        n = len(a)
        return self.contest(np.concatenate([a, b])).compare(np.arange(n), np.arange(n, 2 * n))

    def contest(self, population: Population) -> Contest:
        """Prepare many comparisons within one population."""
        return Contest(self, population)

    def scores(self, population: Population) -> Values | None:
        """float64[n], higher is better, or None if the predictor only compares; equal rows get equal scores."""
        if not isinstance(self.predictor, Scorer):
            return None
        first, number = number_rows(population)
        return np.asarray(self.predictor.score(self._encode(population[first]))[number])

    def strengths(self, population: Population) -> Values:
        """One number per row, higher is better, float64[n], whatever the predictor; not counted as comparisons.

        Scores, or for a comparator the mean probability to beat 100 networks spread evenly over the table's accuracies.
        """
        scores = self.scores(population)
        return self._win_rates(population) if scores is None else scores

    @property
    def sure(self) -> bool:
        """Whether the predictor itself knows how sure it is, so that doubts are in the unit of its scores."""
        return isinstance(self.predictor, Scorer) and self.predictor.deviation(self._encode(self.table[:1])) is not None

    def doubts(self, population: Population) -> Values:
        """How unsure the predictor is of each network, float64[n].

        Its own deviation. Of predictors that know of none, how unlike the table's networks they are, in a unit that
        `Intervals` learns: the deviation that a ridge regression on the one-hot code would have, noise being 1.
        """
        first, number = number_rows(population)
        networks, predictor = population[first], self.predictor
        own = predictor.deviation(self._encode(networks)) if isinstance(predictor, Scorer) else None
        return np.asarray((self._strangeness(networks) if own is None else own)[number])

    @property
    def guide(self) -> Ranker:
        """Whose scores by stage, if any, a search begins with."""
        return self

    def decompose(self) -> StageTables | None:
        """The scores as a constant plus one entry per stage; None if predictor or space do not allow it.

        Raises:
            ComponentError: The predictor says that it is additive, and is not on random networks.
        """
        choices = self.space.stage_choices()
        if choices is None or not isinstance(self.predictor, Scorer) or not self.predictor.additive:
            return None
        base: Population = np.sum([stage[0] for stage in choices], axis=0, dtype=np.int8)
        constant = float(self.predictor.score(self._encode(base[None]))[0])
        alone = ((base - stage[0] + stage).astype(np.int8) for stage in choices)
        tables = StageTables(constant, tuple(self.predictor.score(self._encode(rows)) - constant for rows in alone))
        self._check_additive(tables, self.predictor)
        return tables

    def _check_additive(self, tables: StageTables, predictor: Scorer) -> None:
        """Compare sums and scores of some networks, so that `search=exact` calls nothing an optimum that is none."""
        networks = self.space.sample(np.random.default_rng(0), _SAMPLES)
        indices = self.space.stage_indices(networks)
        if indices is None:
            return
        scores = predictor.score(self._encode(networks))
        error = float(np.abs(tables.predict(indices) - scores).max())
        if error > _ROUNDING * max(float(np.ptp(scores)), float(np.abs(scores).max()) * 1e-3):
            raise ComponentError(
                f"The predictor {predictor.config.name} says that its scores are sums over the stages (additive), but "
                f"scores of random networks of {self.space.name} differ from the sums by up to {error:.3g}; no optimum "
                "can be proven with it."
            )

    def predicted_accuracy(self, population: Population) -> Values:
        """What accuracy to expect, float64[n], as the table states it. Always an estimate.

        A regressor says it. Of other predictors the `strengths` are mapped by isotonic regression over the table. The
        map is fitted on networks that the predictor has seen, and never leaves the table's range.
        """
        return self.expected(self.strengths(population))

    def expected(self, strengths: Values) -> Values:
        """`predicted_accuracy` of networks of these strengths, float64[n]."""
        return self.direction.sign * (strengths if self.predictor.regressor else self._isotonic(strengths))

    def digest(self, population: Population) -> Digests:
        """What `ask` needs of each row; see `Comparator.digest`."""
        return self.predictor.digest(self._encode(population))

    def ask(self, a: Digests, b: Digests) -> Values:
        """Ask the predictor about pairs of digests, float64[n], and count; see `Comparator.compare_digests`."""
        self.calls += 1
        self.pairs += max(len(a), len(b))
        return self.predictor.compare_digests(a, b)

    def _check_space(self) -> None:
        """Refuse a predictor that was fitted on the features of another space; libraries fail in many ways then."""
        x = self._encode(self.table[:1])
        try:
            self.predictor.compare(x, x)
        except NasfaceError:
            raise
        except Exception as error:
            raise InvalidInput(
                f"Predictor {self.predictor.config.name} cannot read the {x.shape[1]} features of space "
                f"{self.space.name} ({type(error).__name__}); fit it on a table of this space."
            ) from error

    def _encode(self, population: Population) -> npt.NDArray[np.float32]:
        return self.space.encode(population, self.predictor.encoding)

    def _win_rates(self, population: Population) -> Values:
        opponents = self._opponents
        first, number = number_rows(population)
        wins = [
            self.predictor.compare_digests(row[None], opponents).mean()
            for row in self.predictor.digest(self._encode(population[first]))
        ]
        return np.array(wins, np.float64)[number]

    @cached_property
    def _opponents(self) -> Digests:
        return self.predictor.digest(self._encode(self.table[spread(self.targets, _OPPONENTS)]))

    @cached_property
    def _strangeness(self) -> Strangeness:
        return Strangeness(self.space, self.table)

    @cached_property
    def _isotonic(self) -> Isotonic:
        return fit_isotonic(self.strengths(self.table), self.targets)


def spread(targets: Targets, most: int) -> Indices:
    """Indices of at most `most` networks, spread evenly over the ranks of `targets`."""
    order = np.argsort(targets, kind="stable")
    return order[np.unique(np.linspace(0, len(order) - 1, min(most, len(order))).round().astype(np.intp))]


def fit_ranker(
    space: SearchSpace,
    predictor: Comparator,
    table: Population,
    targets: Targets,
    rng: np.random.Generator,
    cache_dir: Path | None = None,
    direction: Direction = Direction.MAX,
) -> Ranker:
    """Fit a predictor on an accuracy table, or read the same fit from the cache.

    A fitted state is kept under a hash of all that determines it: table, space, encoding, predictor and its parameters,
    seed, library versions. The same number of draws is taken from `rng` either way. A damaged cache file is fitted
    anew; a cache that cannot be written is logged.

    Args:
        space: Space of the table.
        predictor: Not fitted yet; fitted or loaded in place.
        table: int8[n, n_genes].
        targets: float64[n], higher being better, see `Ranker`.
        rng: Gives the seed of the fit.
        cache_dir: Default: `$NASFACE_CACHE`, else `~/.cache/nasface`.
        direction: Of the metric as people state it.

    Raises:
        InvalidInput: Lengths differ, or fewer than two networks.
    """
    targets = np.asarray(targets, np.float64)
    if len(table) != len(targets) or len(table) < 2 or not np.isfinite(targets).all():
        raise InvalidInput(
            f"A predictor needs two or more networks with one finite accuracy each, not {len(table)} networks and "
            f"{len(targets)} accuracies."
        )
    seed = rng.integers(2**63, size=2)
    path = _cache_file(cache_dir or default_cache_dir(), space, predictor, table, targets, seed.tolist())
    if not _load(predictor, path):
        x = space.encode(table, predictor.encoding)
        predictor.fit(x, targets, space.groups(predictor.encoding), np.random.default_rng(seed))
        _save(predictor, path)
    return Ranker(space, predictor, table, targets, direction)


def default_cache_dir() -> Path:
    """`$NASFACE_CACHE`, else `~/.cache/nasface`."""
    given = os.environ.get("NASFACE_CACHE")
    return Path(given) if given else Path.home() / ".cache" / "nasface"


def _cache_file(
    folder: Path, space: SearchSpace, predictor: Comparator, table: Population, targets: Targets, seed: list[int]
) -> Path:
    kind = type(predictor)
    identity = {
        "space": dict(space.fingerprinted()),
        "predictor": f"{kind.__module__}.{kind.__qualname__}",
        "encoding": predictor.encoding,
        "config": dataclasses.asdict(predictor.config),
        "seed": seed,
        "versions": {name: _version(name) for name in sorted({"nasface", "numpy", *predictor.libraries})},
    }
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True, default=repr).encode())
    digest.update(np.ascontiguousarray(table).tobytes())
    digest.update(np.ascontiguousarray(targets).tobytes())
    return folder / "predictors" / f"{predictor.config.name}-{digest.hexdigest()[:32]}"


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _load(predictor: Comparator, path: Path) -> bool:
    if not path.exists():
        return False
    try:
        predictor.load(path)
    except Exception as error:  # whatever a damaged file does to a library, fitting again is the cure
        logger.warning("The cached predictor %s cannot be read (%s); fitting again.", path, error)
        return False
    return True


def _save(predictor: Comparator, path: Path) -> None:
    try:
        predictor.save(path)
    except OSError as error:
        logger.warning("The fitted predictor cannot be kept in the cache (%s); going on without.", error)
