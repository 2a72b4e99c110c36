"""The paper's Table 5: which supernet and which predictor give the better network, measured on the report people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from nasface.analysis import Row, Summary, Value, summarise
from nasface.composition import Workbench
from nasface.costs import LATENCY
from nasface.data import FaceData
from nasface.deploy import cut_out
from nasface.errors import InvalidInput
from nasface.experiments._base import Cell, Experiment, Report
from nasface.experiments.published import TABLE5, TABLE5_HEADER
from nasface.jobs import Run
from nasface.predictors import Ranker, Ridge
from nasface.randomness import Part
from nasface.registry import build as build_component
from nasface.reports import markdown
from nasface.reports.cells import mean_text
from nasface.reports.svg import Series, picture
from nasface.settings import Bound, Constraints, typed
from nasface.strategies import Constraint, Problem
from nasface.strategies.feasible import feasible_start

if TYPE_CHECKING:
    from nasface.supernets import Supernet

ANY: Final = "any"
"""Stands in for a predictor: a random network within the budget, the floor."""

_DRAWN: Final = 50
"""Feasible networks of which one is taken for `any`: the first of a start may be the same for every seed."""

MEASURED: Final = {
    "pairs_accuracy": "verification accuracy, listed pairs",
    "auc": "AUC, all pairs",
    "tar": "TAR at FAR 1e-3, all pairs",
    "identification": "identification, random gallery",
    "predicted": "predicted (estimated)",
    "latency_ms": "ms",
}


@dataclass
class SupernetEntry:
    """One supernet of the comparison.

    Attributes:
        name: For the table, e.g. the loss it was trained with.
        checkpoint: Its file; None takes the run's `supernet`.
        table: Its accuracy table; None takes the run's `accuracy.table`.
    """

    name: str
    checkpoint: str | None = None
    table: str | None = None


@dataclass
class Table5Options:
    """See conf/experiment/paper_table5.yaml."""

    supernets: list[SupernetEntry]
    predictors: list[str]
    ratios: list[float]
    repeats: int


@dataclass(frozen=True)
class Table5Trial(Cell):
    """One network: found, or drawn where the predictor is `ANY`."""

    supernet: str
    predictor: str
    device: str
    ratio: float
    seed: int


class Candidate(NamedTuple):
    """A network, int8[n_genes], and who recommends it."""

    ranker: Ranker
    genotype: npt.NDArray[np.int8]


class Source(NamedTuple):
    """What networks are cut out of, and calibrated on: uint8[n, size, size, 3] and what they are."""

    supernet: Supernet
    images: npt.NDArray[np.uint8]
    calibration: str


class PaperTable5(Experiment[Table5Trial]):
    """Search, cut out, calibrate, measure: for every supernet, predictor, device, budget and seed."""

    name: ClassVar[str] = "paper_table5"
    cell: ClassVar[type[Cell]] = Table5Trial

    def __init__(self, run: Run, options: Table5Options) -> None:
        self._run, self._options = run, options
        self._benches = {e.name: run.workbench.on(checkpoint=e.checkpoint, table=e.table) for e in options.supernets}
        if len(self._benches) < len(options.supernets):
            raise InvalidInput("experiment.supernets has a name twice; give every supernet a name of its own.")
        self._data: FaceData = run.open_data()
        self._data.require("report")
        settings, tables = run.settings, {name: bench.fingerprint() for name, bench in self._benches.items()}
        self.fingerprint = next(iter(self._benches.values())).fingerprint(
            tables, settings.accuracy.metric, settings.search, settings.selector, settings.seed, self._data.fingerprint
        )
        self._measured: dict[tuple[str, bytes], dict[str, Value]] = {}

    def cells(self) -> list[Table5Trial]:
        """The grid; seeds are the outermost loop, so that an interrupted run has all of one seed."""
        options = self._options
        devices = [entry.device.name for entry in next(iter(self._benches.values())).devices]
        return [
            Table5Trial(supernet, predictor, device, ratio, seed)
            for seed in range(options.repeats)
            for supernet in self._benches
            for device in devices
            for ratio in options.ratios
            for predictor in options.predictors
        ]

    def measure(self, cell: Table5Trial) -> list[Row]:
        """Find the network, then measure it on the report people."""
        bench = self._benches[cell.supernet]
        entry = bench.device(cell.device)
        bounds = Constraints({LATENCY: Bound(ratio=cell.ratio)})
        constraints = bench.within(bounds, [entry])
        ranker, best = self._find(bench, cell, constraints)
        row = {
            "predicted": None if cell.predictor == ANY else float(ranker.predicted_accuracy(best[None])[0]),
            "latency_ms": float(entry.latency.predict(best[None])[0]),
            "budget_ms": constraints[0].bound,
        }
        return [row | self._quality(cell.supernet, best) | {"genes": bench.space.to_text(best)}]

    def report(self, rows: Sequence[Row]) -> Report:
        """The table beside the published one, and a picture."""
        grid = summarise(rows, ("supernet", "device", "ratio", "predictor"), [*MEASURED, "auc_people"])
        cells = [
            [*entry.at.values(), *(mean_text(entry, name) for name in (*MEASURED, "auc_people"))] for entry in grid
        ]
        header = ["supernet", "device", "x EfficientNet-B0", "predictor", *MEASURED.values(), "AUC ± over people"]
        parts = [
            f"{self._options.repeats} searches per row, learned from {self._run.settings.accuracy.metric}; mean ± 95 % "
            "interval over searches. The last column is half the 95 % interval of one network's AUC over the people "
            "(bootstrap): what these people can tell apart at all. Identification is the paper's protocol (one random "
            f"photo per person as gallery, ten draws). `{ANY}` is a random network within the budget.",
            f"{self._data.summary}",
            markdown.table(header, cells),
            markdown.image(self.name, "auc", "AUC by predictor"),
            "## Published (Table 5, LFW, supernets trained on VGGFace2 at 224 pixels)",
            markdown.table(TABLE5_HEADER, TABLE5),
        ]
        return Report("Supernet, predictor, device, budget (Table 5)", "\n\n".join(parts), {"auc": _picture(grid)})

    def _find(self, bench: Workbench, cell: Table5Trial, constraints: Sequence[Constraint]) -> Candidate:
        fit_rng, rng = (np.random.default_rng([self._run.settings.seed, cell.seed, part]) for part in (0, 1))
        name = cell.predictor
        predictor = Ridge() if name == ANY else build_component("predictor", {"name": name})
        ranker = bench.fit_with(predictor, fit_rng)
        problem = Problem(bench.space, ranker, constraints)
        if name == ANY:
            networks = feasible_start(problem, rng, _DRAWN)
            return Candidate(ranker, networks[rng.integers(len(networks))])
        settings = self._run.settings
        search = build_component("search", settings.search, selector=build_component("selector", settings.selector))
        return Candidate(ranker, search.run(problem, rng).best)

    def _quality(self, supernet: str, genotype: npt.NDArray[np.int8]) -> dict[str, Value]:
        """Figures on the report people; equal networks are measured once."""
        key = (supernet, genotype.tobytes())
        if key not in self._measured:
            self._measured[key] = self._judge(self._parts[supernet], genotype)
        return self._measured[key]

    @cached_property
    def _parts(self) -> dict[str, Source]:
        """Supernet and calibration images of every bench."""
        from nasface.accuracy.faces import training_photos

        wanted, found = self._run.settings.accuracy.calibration_photos, {}
        for name, bench in self._benches.items():
            images, note = training_photos(self._data, bench.space.resolution, wanted, self._run.rng(Part.CALIBRATION))
            found[name] = Source(bench.source.load(bench.space), images, note)
        return found

    def _judge(self, source: Source, genotype: npt.NDArray[np.int8]) -> dict[str, Value]:
        from nasface.accuracy.estimator import describe
        from nasface.metrics import random_gallery
        from nasface.recognition import Embedded, judge

        faces, network = (
            self._data.photos_to_judge,
            cut_out(source.supernet, genotype, source.images, source.calibration),
        )
        module = network.folded()
        embedded = Embedded.by(lambda images: describe(module, images), faces, network.spec.input_shape[0])
        resamples = self._run.settings.evaluation.bootstrap
        judged = judge(embedded, faces, self._data, None, resamples, self._run.rng(Part.BOOTSTRAP))
        row, pairs, interval = judged.row(), judged.pairs, judged.intervals.get("auc")
        several = _people_with_several(self._data, [faces.names[i] for i in embedded.rows])
        gallery = random_gallery(embedded.descriptors[several], faces.labels[embedded.rows][several])
        return {
            "pairs_accuracy": None if pairs is None else pairs.accuracy,
            "pairs_std": None if pairs is None else pairs.accuracy_std,
            "auc": row["auc"],
            "auc_people": None if interval is None else (interval.high - interval.low) / 2,
            "tar": row.get("tar@0.001"),
            "rank1": row["rank1"],
            "identification": gallery.micro,
            "identification_std": gallery.micro_std,
        }


def build(run: Run, options: Mapping[str, object]) -> PaperTable5:
    """The experiment from the options of conf/experiment/paper_table5.yaml."""
    return PaperTable5(run, typed(Table5Options, options))


def _people_with_several(data: FaceData, names: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Which of the photos are of report people with two photos or more."""
    report = data.require("report")
    labels = dict(zip(report.names, report.labels.tolist(), strict=True))
    mine = np.array([labels.get(name, -1) for name in names])
    return np.asarray((mine >= 0) & (np.bincount(mine + 1)[mine + 1] > 1))


def _picture(grid: Sequence[Summary]) -> str:
    """AUC of every row by latency, one series per predictor."""
    names = list(dict.fromkeys(str(entry.at["predictor"]) for entry in grid))
    styles = ("found", "other", "reference", "cloud")
    series = [
        Series(
            name,
            [(e.mean["latency_ms"], e.mean["auc"]) for e in grid if e.at["predictor"] == name],
            styles[i % len(styles)],
        )
        for i, name in enumerate(names)
    ]
    return picture(series, "latency, ms", "AUC on report people")
