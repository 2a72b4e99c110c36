"""How often 95 % intervals over people hold the true value: `python benchmarks/interval_coverage.py [WORLD ...]`.

Descriptors of made-up people whose figures without end of photos are known, drawn again and again. Each time the
intervals that nasface states (`student_interval`) and, of the same resamples, those with as many degrees of freedom as
people and percentiles are asked whether they hold them: AUC, EER and TAR.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
from _sizes import size

from nasface.metrics import Interval
from nasface.metrics.bootstrap import PeoplePairs, Statistics
from nasface.metrics.resampling import percentile_intervals, student_interval

FARS: Final = (0.01,)
TRIALS, RESAMPLES, PARTS = size(400, 2), size(200, 20), size(48, 1)
FEATURES: Final = 16


def even(people: int, rng: np.random.Generator) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Three photos of everybody, all alike."""
    return np.full(people, 3), np.ones(people)


def uneven(people: int, rng: np.random.Generator) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """2 to 12 photos, few have many; some people are harder than others."""
    return np.minimum(1 + rng.geometric(0.5, people), 12), np.exp(0.2 * rng.normal(size=people))


def good(people: int, rng: np.random.Generator) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """2 to 4 photos by a good network; some people are harder than others."""
    return rng.integers(2, 5, people), 0.65 * np.exp(0.2 * rng.normal(size=people))


WORLDS: Final = {world.__name__: world for world in (even, uneven, good)}


def draw_pairs(world: str, people: int, rng: np.random.Generator) -> PeoplePairs:
    """All pairs of the photos of some people."""
    sizes, noise = WORLDS[world](people, rng)
    labels = np.repeat(np.arange(people), sizes)
    rows = rng.normal(size=(people, FEATURES))[labels] + noise[labels, None] * rng.normal(size=(len(labels), FEATURES))
    return PeoplePairs(rows, labels)


def intervals(pairs: PeoplePairs, people: int, rng: np.random.Generator) -> Iterator[tuple[str, str, Interval]]:
    """(kind of interval, figure, interval) of one set of people."""
    whole = pairs.statistics(None, FARS)
    draws = rng.multinomial(people, np.full(people, 1.0 / people), size=RESAMPLES)
    drawn = np.array([list(pairs.statistics(draw, FARS).values()) for draw in draws])
    without = np.array([list(pairs.statistics(part, FARS).values()) for part in pairs.parts()])
    for i, (name, value) in enumerate(whole.items()):
        yield "stated", name, student_interval(value, drawn[:, i], pairs.effective_people, without=without[:, i])
        yield "all degrees", name, student_interval(value, drawn[:, i], pairs.effective_people)
    for name, interval in percentile_intervals(whole, drawn).items():
        yield "percentiles", name, interval


def truth(world: str) -> Statistics:
    """The figures of 24,000 people, in parts that can be compared all with all."""
    rng = np.random.default_rng(99)
    found = [draw_pairs(world, 500, rng).statistics(None, FARS) for _ in range(PARTS)]
    return {name: float(np.mean([one[name] for one in found])) for name in found[0]}


def main() -> None:
    """Print one row for every figure and number of people."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("worlds", nargs="*", default=list(WORLDS))
    parser.add_argument("--people", type=int, nargs="*", default=[40, 120])
    parser.add_argument("--trials", type=int, default=TRIALS)
    given = parser.parse_args()
    print(
        "| people | world | figure | true value | covered | n - 1 degrees would | percentiles would |\n"
        "|---|---|---|---|---|---|---|",
        flush=True,
    )
    for world in given.worlds:
        known = truth(world)
        for people in given.people:
            rng, held = np.random.default_rng(people), defaultdict[tuple[str, str], int](int)
            for _ in range(given.trials):
                for kind, name, interval in intervals(draw_pairs(world, people, rng), people, rng):
                    held[kind, name] += interval.low <= known[name] <= interval.high
            for name, value in known.items():
                shares = (f"{held[kind, name] / given.trials:.3f}" for kind in ("stated", "all degrees", "percentiles"))
                print(f"| {people} | {world} | {name} | {value:.4f} | {' | '.join(shares)} |", flush=True)


if __name__ == "__main__":
    main()
