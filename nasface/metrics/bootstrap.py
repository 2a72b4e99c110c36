"""How sure a verification result is: bootstrap over people.

Pairs that share a person are not independent, so people are drawn with replacement, not pairs (the vertex bootstrap of
Snijders and Borgatti 1999). With person p drawn m_p times, an impostor pair of p and q weighs m_p m_q, a genuine pair
of p weighs m_p; pairs between two copies of one person are left out. Weighted curves over the sorted distances are
exact: nothing is binned. Intervals are Student's, with the deviation of the resamples (`student_interval`) and degrees
of freedom that follow from leaving people out: percentiles of 40 or 120 people cover less than they say
(docs/results/people_intervals.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from nasface.errors import InvalidInput
from nasface.metrics._checks import check_far
from nasface.metrics.all_pairs import by_person, count_pairs, distances_of_all_pairs, person_ends
from nasface.metrics.metric import stated_metrics
from nasface.metrics.resampling import Interval, student_interval
from nasface.metrics.roc import PairDistances, Roc

Draw = npt.NDArray[np.int64]
"""(people,): how often each person is drawn."""

Statistics = dict[str, float]
"""Metrics that follow from the curve of all pairs, by their label."""

_LEAST_PEOPLE = 10
_LEAST_COUNTING = 2
"""Of `PeoplePairs.effective_people`: a single person has no deviation."""

MOST_PARTS: Final = 120
"""Parts of the people, each of which is left out once to see what decides a figure; more would take as long as the
resamples do."""


def bootstrap_people(
    descriptors: npt.ArrayLike,
    labels: npt.ArrayLike,
    rng: np.random.Generator,
    *,
    fars: Sequence[float] = (1e-3,),
    resamples: int = 200,
    level: float = 0.95,
) -> dict[str, Interval]:
    """Intervals for the metrics of the curve of all pairs: "auc", "eer", "tar@{rate}" for every rate in `fars`, ...

    Args:
        descriptors: (n, d), scaled to unit length here.
        labels: (n,) person of every photo.
        rng: Draws the people.
        fars: False accept rates, each at least ten over the number of impostor pairs.
        resamples: Number of resamples, at least 2.
        level: Coverage of the interval.

    Raises:
        InvalidInput: As `evaluate_all_pairs`; fewer than ten people with two photos, or nearly all genuine pairs of one
            of them; bad `resamples` or `level`.
    """
    [pairs], draws = _sets_and_draws([descriptors], labels, rng, fars, resamples, level)
    return _intervals(lambda draw: pairs.statistics(draw, fars), draws, pairs, level, share=True)


def bootstrap_difference(
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    labels: npt.ArrayLike,
    rng: np.random.Generator,
    *,
    fars: Sequence[float] = (1e-3,),
    resamples: int = 200,
    level: float = 0.95,
) -> dict[str, Interval]:
    """Intervals for first minus second, two sets of descriptors of the same photos, each resample serving both.

    Arguments, keys and errors as in `bootstrap_people`.
    """
    (one, two), draws = _sets_and_draws([first, second], labels, rng, fars, resamples, level)

    def difference(draw: Draw | None) -> Statistics:
        subtracted = two.statistics(draw, fars)
        return {name: value - subtracted[name] for name, value in one.statistics(draw, fars).items()}

    return _intervals(difference, draws, one, level, share=False)


class PeoplePairs:
    """Sorted distances of all pairs together with the people they belong to.

    Args:
        descriptors: (n, d), scaled to unit length here.
        labels: (n,) person of every photo; people are numbered in ascending order.

    Attributes:
        pairs: The distances.
        effective_people: How many people with equally many genuine pairs would count as much as these do (Kish 1965):
            few, where a few people have most of the pairs.
    """

    def __init__(self, descriptors: npt.ArrayLike, labels: npt.ArrayLike) -> None:
        rows, codes = by_person(descriptors, labels)
        genuine, impostor = distances_of_all_pairs(rows, codes)
        person, pair = _people_of_pairs(codes)
        by_genuine, by_impostor = np.argsort(genuine), np.argsort(impostor)
        self._people = int(codes[-1]) + 1
        self._genuine_person, self._impostor_pair = person[by_genuine], pair[by_impostor]
        self.pairs = PairDistances(genuine[by_genuine], impostor[by_impostor], presorted=True)
        shares = np.bincount(person) / len(person)
        self.effective_people = 1.0 / float((shares**2).sum())

    def statistics(self, draw: Draw | None, fars: Sequence[float]) -> Statistics:
        """Every metric that follows from the curve, with every person counted `draw` times, by default once."""
        roc = self.pairs.roc() if draw is None else self._weighted(draw)
        return {metric.label: metric.curve(roc) for metric in stated_metrics(fars) if metric.curve is not None}

    def parts(self) -> Iterator[Draw]:
        """Everybody but one, in turn; of more than `MOST_PARTS` people all but a group. Some genuine pair is left."""
        parts = min(self._people, MOST_PARTS)
        for part in range(parts):
            draw = (np.arange(self._people) % parts != part).astype(np.int64)
            if draw[self._genuine_person].any():
                yield draw

    def _weighted(self, draw: Draw) -> Roc:
        narrow = draw.astype(np.int32)  # a table of products that stays in the cache
        products = np.multiply.outer(narrow, narrow).ravel()
        return self.pairs.roc(draw[self._genuine_person], np.take(products, self._impostor_pair))


def _people_of_pairs(codes: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Person of every genuine pair, and p * people + q of every impostor pair, in `distances_of_all_pairs`' order."""
    ends, people, n = person_ends(codes), int(codes[-1]) + 1, len(codes)
    person = np.repeat(codes, ends - np.arange(n) - 1)
    other = np.concatenate([codes[end:] for end in ends])
    return person, np.repeat(codes * people, n - ends) + other


def _sets_and_draws(
    sets: Sequence[npt.ArrayLike],
    labels: npt.ArrayLike,
    rng: np.random.Generator,
    fars: Sequence[float],
    resamples: int,
    level: float,
) -> tuple[list[PeoplePairs], Iterator[Draw]]:
    if resamples < 2 or not 0.0 < level < 1.0:
        raise InvalidInput(f"A bootstrap needs 2 or more resamples and a level in (0, 1), not {resamples} and {level}.")
    sizes = np.unique(np.asarray(labels), return_counts=True)[1]
    several = int((sizes > 1).sum())
    if several < _LEAST_PEOPLE:
        raise InvalidInput(
            f"A bootstrap over people needs {_LEAST_PEOPLE} or more people with two photos; there are {several}: "
            "give more people, or evaluation.bootstrap=0."
        )
    impostors = count_pairs(np.repeat(np.arange(len(sizes)), sizes)).impostors
    for far in fars:
        check_far(far, impostors)
    pairs = [PeoplePairs(s, labels) for s in sets]
    if (counting := pairs[0].effective_people) < _LEAST_COUNTING:
        raise InvalidInput(
            f"Of {several} people with two photos a few have most of the genuine pairs, which count for {counting:.1f} "
            f"people, and a bootstrap needs {_LEAST_COUNTING}: take fewer photos of those, or evaluation.bootstrap=0."
        )
    return pairs, _draws(sizes, rng, resamples)


def _draws(sizes: npt.NDArray[np.int64], rng: np.random.Generator, resamples: int) -> Iterator[Draw]:
    """How often each person is drawn, (people,); a draw without any genuine pair (rarer than e^-10) is passed over."""
    people = len(sizes)
    for draw in rng.multinomial(people, np.full(people, 1.0 / people), size=resamples):
        if draw[sizes > 1].any():
            yield draw


def _intervals(
    statistics: Callable[[Draw | None], Statistics],
    draws: Iterator[Draw],
    sets: PeoplePairs,
    level: float,
    *,
    share: bool,
) -> dict[str, Interval]:
    """By label, for one set of descriptors as for the difference of two."""
    drawn, without = [statistics(draw) for draw in draws], [statistics(part) for part in sets.parts()]
    return {
        name: student_interval(
            value,
            np.array([found[name] for found in drawn]),
            sets.effective_people,
            level,
            share=share,
            without=np.array([found[name] for found in without]),
        )
        for name, value in statistics(None).items()
    }
