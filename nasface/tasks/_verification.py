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
from nasface.errors import DataError, InvalidInput
from nasface.jobs import Run
from nasface.metrics import Direction
from nasface.predictors import Ranker, fit_ranker
from nasface.randomness import Part
from nasface.registry import build
from nasface.settings import Refine
from nasface.spaces import Population
from nasface.strategies import N_FINALISTS, SearchResult

FILE = "verified.csv"


def check_options(run: Run) -> Refine:
    """The group `refine`.

    Raises:
        InvalidInput: A number is out of range, or rounds without measurements.
        DataError: There are no photos to measure with.
    """
    options = run.settings.refine
    if not 0 <= options.verify_top <= N_FINALISTS or options.rounds < 1:
        raise InvalidInput(
            f"refine.verify_top is {options.verify_top} and refine.rounds {options.rounds}; give 0 to {N_FINALISTS}, "
            "and 1 or more."
        )
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
    run: Run, bench: Workbench, data: FaceData | None, ranker: Ranker, options: Refine, search: Search
) -> Verified:
    """Search; measure the best; fit again and repeat; the measured best within the bounds wins.

    Args:
        run: Settings, folder, terminal.
        bench: Supernet, space, table.
        data: Photos to measure with.
        ranker: Fitted on the table.
        options: How many, how often, where to.
        search: Searches by a ranker.

    Raises:
        DataError: Something is to be measured, and there are no photos.
        TableError: Rounds are asked for, and the photos are not those of the table, so that rows cannot join it.
    """
    searched = search(ranker)
    result, seconds = searched.result, searched.seconds
    if not options.verify_top:
        return Verified(result, ranker, seconds=seconds)
    networks: list[VerifiedNetwork] = []
    measure, metric = _measurer(run, bench, data, options), run.settings.accuracy.metric
    for number in range(1, options.rounds + 1):
        known = {network.genes for network in networks}
        fresh = np.array([bench.space.to_text(genotype) not in known for genotype in result.finalists])
        chosen = result.finalists[fresh][: options.verify_top]
        if not len(chosen):  # the predictor recommends what is measured already
            break
        measured = measure(chosen)
        predicted = ranker.predicted_accuracy(chosen)
        networks += [
            VerifiedNetwork(number, bench.space.to_text(genotype), float(said), float(value))
            for genotype, said, value in zip(chosen, predicted, measured.target(metric), strict=True)
        ]
        if number < options.rounds:
            ranker = _fit_again(run, bench, ranker, measured)
            searched = search(ranker)
            result, seconds = searched.result, seconds + searched.seconds
    best_first = _best_first(bench, result, networks)
    return Verified(best_first, ranker, tuple(networks), _remarks(networks, metric, bench.direction), seconds)


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


def _fit_again(run: Run, bench: Workbench, ranker: Ranker, measured: AccuracyTable) -> Ranker:
    """The predictor fitted on all that is known, the new rows first added."""
    metric = run.settings.accuracy.metric
    known = AccuracyTable(
        ranker.table, {metric: ranker.direction.sign * ranker.targets}, bench.table.shared, _notes(bench.table, ranker)
    )
    joined = merge_tables([known, measured.only([metric])], ["the accuracy table", "the measured finalists"])
    predictor = build("predictor", run.settings.predictor)
    targets = bench.direction.sign * joined.target(metric)
    rng = run.rng(Part.PREDICTOR)
    return fit_ranker(bench.space, predictor, joined.genotypes, targets, rng, direction=bench.direction)


def _notes(table: AccuracyTable, ranker: Ranker) -> dict[str, tuple[str, ...]]:
    """Notes of the table's rows, and of those that joined it."""
    missing = len(ranker.table) - len(table)
    return {name: (*texts, *[VERIFIED] * missing) for name, texts in table.notes.items()}


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
        f"promised {too_much:+.4f}.",
    )
