"""The main job with measurements in it: the finalists are measured, the measured best wins, the predictor learns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from nasface.accuracy.calibration_note import PHOTOS, CalibrationNote
from nasface.accuracy.table import VERIFIED, AccuracyTable, merge_tables
from nasface.analysis import VerifiedNetwork
from nasface.composition import Workbench
from nasface.data import FaceData
from nasface.errors import DataError, InvalidInput, TableError
from nasface.jobs import Run
from nasface.metrics import Direction
from nasface.predictors import Acquisition, Intervals, Ranker, Targets
from nasface.randomness import Part
from nasface.settings import Refine
from nasface.spaces import Population
from nasface.strategies import N_FINALISTS, Region, Searcher, SearchResult, Study

FILE = "verified.csv"


def check_options(run: Run) -> Refine:
    """The group `refine`.

    Raises:
        InvalidInput: A number is out of range, or rounds without measurements.
        UnknownName: There is no such acquisition.
        DataError: There are no photos to measure with.
    """
    options = run.settings.refine
    if not 0 <= options.verify_top <= N_FINALISTS or options.rounds < 1:
        raise InvalidInput(
            f"refine.verify_top is {options.verify_top} and refine.rounds {options.rounds}; give 0 to {N_FINALISTS}, "
            "and 1 or more."
        )
    Acquisition.of(options.acquisition)
    if options.rounds > 1 and not options.verify_top:
        raise InvalidInput(
            f"refine.rounds is {options.rounds}, but nothing is measured in a round; add refine.verify_top=16."
        )
    if options.verify_top and run.settings.data["name"] == "none":
        raise DataError(
            f"refine.verify_top={options.verify_top} measures networks and needs photos; add data=lfw data.root=FOLDER "
            "or data=image_folder data.root=FOLDER."
        )
    return options


@dataclass(frozen=True)
class Searched:
    """What a strategy found, and the seconds it took."""

    result: SearchResult
    seconds: float


@dataclass(frozen=True)
class Verified:
    """What came of it.

    Attributes:
        result: The winner is the measured best; the measured finalists come first, best first.
        ranker: Fitted on all rows that joined the table.
        networks: That were measured.
        remarks: For the user.
        seconds: Of the searches alone.
    """

    result: SearchResult
    ranker: Ranker
    networks: tuple[VerifiedNetwork, ...] = ()
    remarks: tuple[str, ...] = ()
    seconds: float = 0.0


Search = Callable[[Ranker], Searched]


def search_and_measure(
    run: Run,
    bench: Workbench,
    data: FaceData | None,
    ranker: Ranker,
    intervals: Intervals,
    search: Search,
) -> Verified:
    """Search; measure the best; fit again and repeat; the measured best within the bounds wins.

    Args:
        run: Settings, folder, terminal.
        bench: Supernet, space, table.
        data: Photos to measure with.
        ranker: Fitted on the table.
        intervals: Of what the ranker's predictor expects.
        search: Searches by a ranker.

    Raises:
        DataError: Something is to be measured, and there are no photos.
        TableError: Rounds are asked for, and the photos are not those of the table, so that rows cannot join it.
        InvalidInput: The acquisition asks how sure the predictor is, and the table is too small to learn that.
    """
    options = check_options(run)
    if not options.verify_top:
        searched = search(ranker)
        return Verified(searched.result, ranker, seconds=searched.seconds)
    loop = _Loop(bench, ranker, search)
    study = Study(
        Searcher(Region(bench.space, bench.constraints), loop.search),
        loop.fit,
        acquisition=Acquisition.of(options.acquisition),
        n_startup=0,
        seed=run.settings.seed,
        direction=bench.direction,
    )
    networks: list[VerifiedNetwork] = []
    measure, metric = _measurer(run, bench, data, options), run.settings.accuracy.metric
    for number in range(1, options.rounds + 1):
        asked = np.array([bench.space.from_dict(genotype) for genotype in study.ask(options.verify_top)], np.int8)
        if not len(asked):  # all that meet the bounds are measured
            break
        measured = measure(asked)
        if number < options.rounds:
            _check_joins(bench, measured, metric)
        study.tell_many(asked, measured.target(metric))
        said, halves = loop.ranker.predicted_accuracy(asked), intervals.reach * loop.ranker.doubts(asked)
        columns = (said.tolist(), halves.tolist(), measured.target(metric).tolist())
        networks += [
            VerifiedNetwork(number, bench.space.to_text(genotype), *values)
            for genotype, *values in zip(asked, *columns, strict=True)
        ]
    best_first, remarks = _best_first(bench, loop.result, networks), _remarks(networks, metric, bench.direction)
    return Verified(best_first, loop.ranker, tuple(networks), remarks, sum(searched.seconds for searched in loop.found))


class _Loop:
    """What a study asks of the main job: fits on the table and what was told, searches with the bar on the terminal.

    Attributes:
        ranker: The last fit.
        found: By every search.
    """

    def __init__(self, bench: Workbench, ranker: Ranker, search: Search) -> None:
        self._bench, self._search = bench, search
        self.ranker, self.found = ranker, list[Searched]()

    @property
    def result(self) -> SearchResult:
        """Of the last search; by the last fit where only random networks were asked for."""
        if not self.found:
            self.search(self.ranker)
        return self.found[-1].result

    def search(self, ranker: Ranker) -> Population:
        """The finalists by a ranker."""
        self.found.append(self._search(ranker))
        return self.found[-1].result.finalists

    def fit(self, networks: Population, targets: Targets) -> Ranker:
        """The predictor on the table and what was told; on the table alone it is fitted already."""
        bench = self._bench
        if len(networks):
            known = np.concatenate([bench.table.genotypes, networks])
            self.ranker = bench.fit_on(known, np.concatenate([bench.targets, targets]))
        return self.ranker


def _measurer(
    run: Run, bench: Workbench, data: FaceData | None, options: Refine
) -> Callable[[Population], AccuracyTable]:
    """A function that gives the rows of networks, from the file or measured now."""
    from nasface.accuracy.estimator import measure_networks
    from nasface.accuracy.faces import open_faces

    if data is None:
        raise DataError("refine.verify_top needs photos; add data=lfw data.root=FOLDER.")
    data.require("validation")  # a closed set, which has no strangers to verify, is refused
    supernet = bench.source.load(bench.space)
    photos = replace(run.settings.accuracy, calibration_photos=_calibration_photos(run, bench.table))
    faces = open_faces(data, photos, bench.space.resolution, run.rng(Part.CALIBRATION), run.cwd)
    path = run.folder / FILE if options.verified is None else run.path(options.verified)

    def measure(networks: Population) -> AccuracyTable:
        with run.console.status(f"measuring {len(networks)} finalists") as status:
            return measure_networks(
                supernet,
                faces,
                networks,
                VERIFIED,
                run.settings.seed,
                path,
                lambda done, total, _: status.update(f"measuring finalists: {done} of {total}"),
            )

    return measure


def _calibration_photos(run: Run, table: AccuracyTable) -> int:
    """As many as the table's rows were calibrated on, where it says so, for rows that can be compared."""
    notes = {CalibrationNote.of(text) for text in set(table.notes["calibration"])}
    found = {note.images for note in notes if note.source == PHOTOS and note.images is not None}
    return found.pop() if len(found) == 1 else run.settings.accuracy.calibration_photos


def _check_joins(bench: Workbench, measured: AccuracyTable, metric: str) -> None:
    """Raise `TableError` unless the rows are of the table's photos and agree with it, so that both can be learned."""
    tables, names = [bench.table, measured], ["the accuracy table", "the measured finalists"]
    try:
        merge_tables([table.only([metric]) for table in tables], names)
    except TableError as error:
        raise TableError(
            f"A second round learns from what the first measured, beside the table. {error} Give refine.rounds=1, or "
            "with data= the photos that the table was measured on."
        ) from error


def _best_first(bench: Workbench, result: SearchResult, networks: Sequence[VerifiedNetwork]) -> SearchResult:
    """The result with the measured networks in front, the best of them first; of equal ones that measured first."""
    ordered = sorted(networks, key=lambda network: -bench.direction.sign * network.measured)
    texts = dict.fromkeys(network.genes for network in ordered)
    population = np.array([bench.space.from_text(text) for text in texts], np.int8)
    return replace(result, best=population[0], finalists=population[:N_FINALISTS])


def _remarks(networks: Sequence[VerifiedNetwork], metric: str, direction: Direction) -> tuple[str, ...]:
    best, favourite = max(networks, key=lambda network: direction.sign * network.measured), networks[0]
    too_much = float(np.mean([network.predicted - network.measured for network in networks]))
    return (
        f"{len({network.genes for network in networks})} finalists were measured on validation people: the winner has "
        f"{metric} {best.measured:.4f} (predicted {best.predicted:.4f}), the predictor's first favourite "
        f"{favourite.measured:.4f}, a gain of {abs(best.measured - favourite.measured):.4f}; on average the predictor "
        f"promised {too_much:+.4f}, and {sum(network.within for network in networks)} of {len(networks)} lie within "
        "their intervals of 95 %.",
    )
