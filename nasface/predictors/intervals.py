"""How far what networks measure lies from what a predictor expects: an interval for every predictor.

Split conformal prediction with scaled errors (Lei et al., Distribution-Free Predictive Inference for Regression, 2018,
section 5.2), here over the parts of a cross-fit: held-out networks tell how many times a predictor's doubt
(`Ranker.doubts`) the errors are. Whatever the predictor is, measured values of networks like those of the table lie
within `reach` doubts of the expected ones with the chance `LEVEL`. A network that a search has picked for its high
prediction is more likely to owe it to an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from nasface.errors import InvalidInput
from nasface.metrics import deal
from nasface.predictors._base import Comparator, Targets
from nasface.predictors.confidence import LEVEL
from nasface.predictors.ranker import Indices, Ranker, Values, fit_ranker
from nasface.spaces import Population, SearchSpace, relatives

FOLDS: Final = 5

_SUREST: Final = 1e-12
"""Doubt below which a predictor is not taken at its word."""


@dataclass(frozen=True)
class Intervals:
    """What held-out networks say of a predictor's doubts.

    Attributes:
        reach: Half of the interval of `LEVEL`, in doubts; of fewer than 19 networks that of all of them.
        deviation: Standard deviation of the errors, in doubts.
        slope: Accuracy per unit of strength (`Ranker.strengths`); 1 for a regressor.
        networks: Held-out networks that it was learned from.
        covered: Share of them within the interval that the other parts give.
    """

    reach: float
    deviation: float
    slope: float
    networks: int
    covered: float


class Errors(NamedTuple):
    """Of the held-out networks of one part, float64[n] each.

    Attributes:
        strengths: See `Ranker.strengths`.
        measured: What the predictor was to expect.
        doubted: Measured minus expected accuracy, in doubts.
    """

    strengths: Values
    measured: Targets
    doubted: Values


def held_out_errors(ranker: Ranker, networks: Population, measured: Targets) -> Errors:
    """What a ranker says of networks, int8[n, n_genes], that its predictor has not seen, and what is true of them."""
    strengths, doubts = ranker.strengths(networks), np.maximum(ranker.doubts(networks), _SUREST)
    expected = ranker.direction.sign * ranker.expected(strengths)
    return Errors(strengths, measured, (measured - expected) / doubts)


def fit_intervals(parts: Sequence[Errors], *, regressor: bool) -> Intervals:
    """Intervals from the errors of every part of a cross-fit; `regressor` as in `Comparator`."""
    errors = [np.abs(part.doubted) for part in parts]
    together = np.concatenate(errors)
    inside = [
        part <= _reach(np.concatenate([*errors[:number], *errors[number + 1 :]])) for number, part in enumerate(errors)
    ]
    return Intervals(
        _reach(together),
        float(np.sqrt(np.square(together).mean())),
        1.0 if regressor else _slope(parts),
        len(together),
        float(np.concatenate(inside).mean()),
    )


def learn_intervals(ranker: Ranker) -> Intervals:
    """Intervals of a ranker's predictor on the ranker's own table, by fitting it `FOLDS` more times.

    Raises:
        InvalidInput: The table has fewer than four networks.
    """
    n, predictor = len(ranker.table), ranker.predictor
    if n < 4:
        raise InvalidInput(
            f"How far the predictor {predictor.config.name} errs is learned from held-out networks, of which a table "
            f"of {n} has too few; give four or more."
        )

    def make() -> Comparator:
        return type(predictor)(predictor.config)  # type: ignore[call-arg]  # as the protocol says

    folds = cross_fit(ranker.space, make, ranker.table, ranker.targets, min(FOLDS, n // 2), np.random.default_rng(0))
    parts = [held_out_errors(fold.ranker, ranker.table[fold.rows], ranker.targets[fold.rows]) for fold in folds]
    return fit_intervals(parts, regressor=predictor.regressor)


class Fold(NamedTuple):
    """One part of a table.

    Attributes:
        ranker: Fitted on the other parts.
        rows: intp[n], the part's networks.
    """

    ranker: Ranker
    rows: Indices


def cross_fit(
    space: SearchSpace,
    make: Callable[[], Comparator],
    table: Population,
    targets: Targets,
    folds: int,
    rng: np.random.Generator,
    cache_dir: Path | None = None,
) -> Iterator[Fold]:
    """Fit a predictor on a table without one part after another; relatives (`nasface.spaces.relatives`) are one part.

    Args:
        space: Space of the table.
        make: Gives a predictor that is not fitted.
        table: int8[n, n_genes].
        targets: float64[n], higher being better.
        folds: Number of parts, 2 to n / 2; fewer are made of fewer than 2 `folds` families.
        rng: Cuts the parts, seeds the fits.
        cache_dir: Where the fits are kept, as in `fit_ranker`.

    Raises:
        InvalidInput: `folds` does not fit the table.
    """
    n = len(table)
    if not 2 <= folds <= n // 2:
        raise InvalidInput(f"A table of {n} networks cannot be cut into {folds} parts; give 2 to {n // 2}.")
    families = relatives(space, table)
    n_families = int(families.max()) + 1
    if n_families < 4:  # two parts need two each
        families, n_families = np.arange(n), n
    folds = min(folds, n_families // 2)
    parts = deal(n_families, folds, rng)[families]
    for part in range(folds):
        held_out = parts == part
        ranker = fit_ranker(space, make(), table[~held_out], targets[~held_out], rng, cache_dir)
        yield Fold(ranker, np.flatnonzero(held_out))


def _reach(errors: Values) -> float:
    """Conformal quantile of absolute errors."""
    place = int(np.ceil((len(errors) + 1) * LEVEL))
    return float(np.sort(errors)[min(place, len(errors)) - 1])


def _slope(parts: Sequence[Errors]) -> float:
    """Least squares, through the means; positive, as a higher strength is better."""
    strengths = np.concatenate([part.strengths for part in parts])
    measured = np.concatenate([part.measured for part in parts])
    away = strengths - strengths.mean()
    return max(float(away @ (measured - measured.mean())) / max(float(away @ away), _SUREST), _SUREST)
