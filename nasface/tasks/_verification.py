"""The main job with measurements in it: the finalists are measured, the measured best wins, the predictor learns."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nasface.accuracy.table import AccuracyTable, merge_tables
from nasface.errors import DataError, InvalidInput
from nasface.jobs import Run
from nasface.predictors import Ranker, fit_ranker
from nasface.randomness import Part
from nasface.registry import build
from nasface.spaces import Population
from nasface.strategies import SearchResult
from nasface.strategies._finalists import N_FINALISTS

if TYPE_CHECKING:
    from nasface.tasks.search import Task

FILE = "verified.csv"
ORIGIN = "verified"


@dataclass(frozen=True)
class Options:
    """See `nasface.strategies.VerifiedConfig`; of searches without these options, nothing is measured."""

    top: int
    rounds: int
    table: str | None

    @classmethod
    def of(cls, run: Run) -> Options:
        """From the group `search`.

        Raises:
            InvalidInput: A number is out of range, or rounds without measurements.
            DataError: There are no photos to measure with.
        """
        given = run.settings.search
        options = cls(given.get("verify_top", 0), given.get("rounds", 1), given.get("verified"))
        if not 0 <= options.top <= N_FINALISTS or options.rounds < 1:
            raise InvalidInput(
                f"search.verify_top is {options.top} and search.rounds {options.rounds}; give 0 to {N_FINALISTS}, and "
                "1 or more."
            )
        if options.rounds > 1 and not options.top:
            raise InvalidInput(
                f"search.rounds is {options.rounds}, but nothing is measured in a round; add search.verify_top=16."
            )
        if options.top and run.settings.data["name"] == "none":
            raise DataError(
                f"search.verify_top={options.top} measures networks and needs photos; add data=lfw data.root=FOLDER or "
                "data=image_folder data.root=FOLDER."
            )
        return options


@dataclass(frozen=True)
class Verified:
    """What came of it.

    Attributes:
        result: The winner is the measured best; the measured finalists come first, best first.
        ranker: Fitted on all rows that joined the table.
        rows: One per measured network: round, genes, predicted when it was recommended, measured.
        remarks: For the user.
        seconds: Of the searches alone.
    """

    result: SearchResult
    ranker: Ranker
    rows: list[dict[str, Any]] = field(default_factory=list)
    remarks: tuple[str, ...] = ()
    seconds: float = 0.0


Search = Callable[[Ranker], tuple[SearchResult, float]]


def search_and_measure(run: Run, task: Task, ranker: Ranker, options: Options, search: Search) -> Verified:
    """Search; measure the best; fit again and repeat; the measured best within the bounds wins.

    Args:
        run: Settings, folder, terminal.
        task: Table, space, photos.
        ranker: Fitted on the table.
        options: How many, how often, where to.
        search: Searches by a ranker.

    Raises:
        TableError: Rounds are asked for, and the photos are not those of the table, so that rows cannot join it.
    """
    result, seconds = search(ranker)
    if not options.top:
        return Verified(result, ranker, seconds=seconds)
    rows: list[dict[str, Any]] = []
    measure, metric = _measurer(run, task, options), run.settings.accuracy.metric
    for number in range(1, options.rounds + 1):
        known = {row["genes"] for row in rows}
        fresh = np.array([task.bench.space.to_text(genes) not in known for genes in result.finalists])
        chosen = result.finalists[fresh][: options.top]
        if not len(chosen):  # the predictor recommends what is measured already
            break
        measured = measure(chosen)
        predicted = ranker.predicted_accuracy(chosen)
        rows += [
            {"round": number, "genes": task.bench.space.to_text(genes), "predicted": float(said), metric: float(found)}
            for genes, said, found in zip(chosen, predicted, measured.target(metric), strict=True)
        ]
        if number < options.rounds:
            ranker = _fit_again(run, task, ranker, measured)
            result, more = search(ranker)
            seconds += more
    return Verified(_deliver(task, result, rows, metric), ranker, rows, _remarks(rows, metric), seconds)


def _measurer(run: Run, task: Task, options: Options) -> Callable[[Population], AccuracyTable]:
    """A function that gives the rows of networks, from the file or measured now."""
    from nasface.accuracy.estimator import measure_networks
    from nasface.accuracy.faces import open_faces

    if task.data is None:
        raise DataError("search.verify_top needs photos; add data=lfw data.root=FOLDER.")
    bench = task.bench
    supernet = bench.source.load(bench.space)
    photos = replace(run.settings.accuracy, calibration_photos=_calibration_photos(run, bench.table))
    faces = open_faces(task.data, photos, bench.space.resolution, run.rng(Part.CALIBRATION), run.cwd)
    path = run.folder / FILE if options.table is None else run.path(options.table)

    def measure(networks: Population) -> AccuracyTable:
        with run.console.status(f"measuring {len(networks)} finalists") as status:
            return measure_networks(
                supernet,
                faces,
                networks,
                ORIGIN,
                run.settings.seed,
                path,
                lambda done, total, _: status.update(f"measuring finalists: {done} of {total}"),
            )

    return measure


def _calibration_photos(run: Run, table: AccuracyTable) -> int:
    """As many as the table's rows were calibrated on, where it says so, for rows that can be compared."""
    found = {match[1] for note in table.notes["calibration"] if (match := re.match(r"photos:(\d+)", note))}
    return int(found.pop()) if len(found) == 1 else run.settings.accuracy.calibration_photos


def _fit_again(run: Run, task: Task, ranker: Ranker, measured: AccuracyTable) -> Ranker:
    """The predictor fitted on all that is known, the new rows first added."""
    metric = run.settings.accuracy.metric
    known = AccuracyTable(
        ranker.table, {metric: ranker.targets}, task.bench.table.shared, _notes(task.bench.table, ranker)
    )
    joined = merge_tables([known, measured.only([metric])], ["the accuracy table", "the measured finalists"])
    predictor = build("predictor", run.settings.predictor)
    return fit_ranker(task.bench.space, predictor, joined.genotypes, joined.target(metric), run.rng(Part.PREDICTOR))


def _notes(table: AccuracyTable, ranker: Ranker) -> dict[str, tuple[str, ...]]:
    """Notes of the table's rows, and of those that joined it."""
    missing = len(ranker.table) - len(table)
    return {name: (*texts, *[ORIGIN] * missing) for name, texts in table.notes.items()}


def _deliver(task: Task, result: SearchResult, rows: list[dict[str, Any]], metric: str) -> SearchResult:
    """The result with the measured networks in front, the best of them first; of equal ones that measured first."""
    order = sorted(range(len(rows)), key=lambda i: -rows[i][metric])
    texts = list(dict.fromkeys(rows[i]["genes"] for i in order))
    population = np.array([task.bench.space.from_text(text) for text in texts], np.int8)
    return replace(result, best=population[0], finalists=population[:N_FINALISTS])


def _remarks(rows: list[dict[str, Any]], metric: str) -> tuple[str, ...]:
    best = max(rows, key=lambda row: row[metric])
    favourite = rows[0]
    too_much = float(np.mean([row["predicted"] - row[metric] for row in rows]))
    networks = len({row["genes"] for row in rows})
    gain = best[metric] - favourite[metric]
    return (
        f"{networks} finalists were measured on validation people: the winner has {metric} {best[metric]:.4f} "
        f"(predicted {best['predicted']:.4f}), the predictor's first favourite {favourite[metric]:.4f}, a gain of "
        f"{gain:.4f}; on average the predictor promised {too_much:+.4f}.",
    )
