"""The paper's Tables 2 to 4 on photos with known faces: does it matter how a face is cut out?

The paper finds its networks robust to plain crops of a detector's box. Here, photos of report people are put on
backgrounds (`composed`), found again by the detector, cut out in every way, and judged: verification over all pairs,
identification by one photo a person (the paper's protocol), and with strangers among the probes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np
import numpy.typing as npt

from nasface.analysis import Row
from nasface.composition import named_genotypes
from nasface.data import FaceSet
from nasface.errors import InvalidInput, UnknownName
from nasface.experiments._base import Cell, Experiment, Report
from nasface.experiments.composed import ALIGNED, ORIGINAL, ROLL, SIDES, WAYS, ComposedFaces
from nasface.jobs import Run
from nasface.metrics import Interval, bootstrap_difference, bootstrap_people, open_set, random_gallery, unit_rows
from nasface.randomness import Part
from nasface.recognition import read_descriptors
from nasface.reports import markdown
from nasface.settings import typed

if TYPE_CHECKING:
    from nasface.supernets import SpecModule, Supernet

FAR: Final = 1e-3
FPIR: Final = 0.1
FOUND: Final = "found"


@dataclass
class Options:
    """See conf/experiment/paper_crops.yaml.

    Attributes:
        networks: smallest, found (the search's), largest, or names of published networks.
        photos: Report photos at most; null for all.
        photos_a_person: Of one person at most; null for all. Pairs grow with the square of them, and intervals over
            people are wide where a few people have most pairs.
        resamples: Bootstrap resamples over people.
        descriptors: File of descriptors of the photos by another network, a teacher's for instance, as `task=evaluate`
            reads it: what the same faces are worth to it uncut; null for none.
    """

    networks: list[str]
    photos: int | None
    photos_a_person: int | None
    resamples: int
    descriptors: str | None


@dataclass(frozen=True)
class Crop(Cell):
    """A way of cutting out faces, judged by one network."""

    network: str
    way: str


class PaperCrops(Experiment[Crop]):
    """Figures of every network for every way of cutting out the same faces."""

    name: ClassVar[str] = "paper_crops"
    cell: ClassVar[type[Cell]] = Crop

    def __init__(self, run: Run, options: Options) -> None:
        self._run, self._options, self._bench = run, options, run.workbench
        template = self._bench.source.template
        if template is None or not run.detector.gives_points:
            raise InvalidInput("experiment=paper_crops needs a detector with points, and supernet.template=.")
        self._template = template
        data = run.open_data()
        self._training, self._report = data.require("training"), data.require("report")
        seed, photos = run.settings.seed, [options.photos, options.photos_a_person]
        others, faces = options.descriptors, self._chosen
        self._others = None if others is None else read_descriptors(run.path(others), faces.names)
        self.fingerprint = self._bench.fingerprint(data.fingerprint, photos, seed, self._template.to_dict())
        self._descriptors: dict[Crop, npt.NDArray[np.float32]] = {}
        self._networks: dict[str, SpecModule] = {}

    def cells(self) -> list[Crop]:
        """Every network and way; of descriptors that somebody brought, what they are."""
        cells = [Crop(network, way) for network in self._options.networks for way in WAYS]
        return cells if self._others is None else [*cells, Crop(self._brought, ORIGINAL)]

    @cached_property
    def _brought(self) -> str:
        """What the descriptors are called; their fingerprint, so that others of that name get rows of their own."""
        content = b"" if self._others is None else self._others.tobytes()
        return f"{Path(str(self._options.descriptors)).name} {hashlib.sha256(content).hexdigest()[:8]}"

    def measure(self, cell: Crop) -> list[Row]:
        """One network on one way's pictures; differences are to the aligned ones, of the same people."""
        seed, resamples = self._run.settings.seed, self._options.resamples
        mine, labels = self._describe(cell), self._composed.labels
        intervals = bootstrap_people(mine, labels, np.random.default_rng(seed), fars=(FAR,), resamples=resamples)
        difference: Row = {"auc_difference": None, "auc_difference_low": None, "auc_difference_high": None}
        if cell.network in self._options.networks:
            other, rng = self._describe(Crop(cell.network, ALIGNED)), np.random.default_rng(seed)
            found = bootstrap_difference(mine, other, labels, rng, fars=(FAR,), resamples=resamples)
            difference = _named("auc_difference", found["auc"])
        known = np.bincount(labels)[labels] > 1
        gallery = random_gallery(mine[known], labels[known])
        opened = open_set(mine, labels, np.random.default_rng(seed), fpirs=(FPIR,), resamples=resamples)
        return [
            {
                "faces": len(labels),
                "people": len(np.unique(labels)),
                "people_with_two": int((np.bincount(labels) > 1).sum()),
                "found": self._composed.found,
                **_named("auc", intervals["auc"]),
                **_named("tar", intervals[f"tar@{FAR:g}"]),
                **difference,
                "rank1": gallery.micro,
                "rank1_std": gallery.micro_std,
                "rank5": gallery.rank5,
                **_named("dir", opened.dir[FPIR]),
            }
        ]

    def report(self, rows: Sequence[Row]) -> Report:
        """A table a network: ways by verification, identification, strangers."""
        parts = [self._introduction(rows)]
        header = [
            "faces cut out as",
            "AUC (95 %)",
            "AUC minus aligned (95 %)",
            f"TAR at FAR {FAR:g}",
            "rank-1, one photo a person",
            f"DIR at FPIR {FPIR:g} (95 %)",
        ]
        for network in dict.fromkeys(row["network"] for row in rows):
            cells = [_line(row) for row in rows if row["network"] == network]
            parts.append(f"## {network}\n\n{markdown.table(header, cells)}")
        return Report("How faces are cut out: the paper's Tables 2 to 4 on composed photos", "\n\n".join(parts))

    def _introduction(self, rows: Sequence[Row]) -> str:
        ways = "\n".join(f"- {way}: {text}." for way, text in WAYS.items())
        first = rows[0]
        return (
            f"{first['faces']} faces of {first['people']} report people, of whom {first['people_with_two']} have two "
            "or more, that the detector found on composed photos "
            f"({float(str(first['found'])):.1%} of them; face photos of {SIDES[0]} to {SIDES[1]} pixels, turned by "
            f"{ROLL:g} degrees (sd), brighter or darker, four on a background of blurred colours). All ways have the "
            f"same faces. Networks are cut out of {self._bench.source.name} and calibrated on training photos, not on "
            "crops. Intervals are 95 %, over people. Rank-1 is the paper's protocol (ten draws of one gallery photo a "
            "person); DIR is of a gallery of half of the people with two photos, all others being strangers.\n\n"
        ) + ways

    @property
    def _chosen(self) -> FaceSet:
        """The report photos that are composed."""
        most, own = self._options.photos, self._options.photos_a_person
        labels = self._report.labels
        rows = np.concatenate([np.flatnonzero(labels == person)[:own] for person in np.unique(labels)])
        return self._report.select(np.sort(rows)[:most])

    @cached_property
    def _composed(self) -> ComposedFaces:
        photos = self._chosen.load(size=self._bench.space.resolution)
        return ComposedFaces(photos, self._run.detector, self._run.settings.seed)

    def _describe(self, cell: Crop) -> npt.NDArray[np.float32]:
        """Unit descriptors of all faces; kept, as every way is compared with one of them."""
        if self._others is not None and cell.network == self._brought:
            return unit_rows(self._others[self._composed.rows])
        if cell not in self._descriptors:
            from nasface.accuracy.estimator import describe

            pictures = self._composed.cut(cell.way, self._template, self._bench.space.resolution)
            self._descriptors[cell] = unit_rows(describe(self._network(cell.network), pictures))
        return self._descriptors[cell]

    def _network(self, name: str) -> SpecModule:
        from nasface.accuracy.estimator import measured_network

        if name not in self._networks:
            self._networks[name] = measured_network(self._supernet, self._genotype(name), self._calibration)
        return self._networks[name]

    @cached_property
    def _supernet(self) -> Supernet:
        return self._bench.source.load(self._bench.space)

    @cached_property
    def _calibration(self) -> npt.NDArray[np.uint8]:
        """Training photos, not crops: as the networks are exported."""
        rng, count = self._run.rng(Part.CALIBRATION), self._run.settings.accuracy.calibration_photos
        rows = np.sort(rng.choice(len(self._training), min(count, len(self._training)), replace=False))
        return self._training.load(rows, size=self._bench.space.resolution).images

    def _genotype(self, name: str) -> npt.NDArray[np.int8]:
        if name == FOUND:
            return np.asarray(self._bench.search(self._bench.fit()).best)
        known = named_genotypes(self._bench.space)
        if name not in known:
            raise UnknownName("network", name, [FOUND, *known])
        return known[name]


def _named(name: str, interval: Interval) -> Row:
    return {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}


def _line(row: Row) -> list[str]:
    difference = (
        "–"
        if row["way"] == ALIGNED or row["auc_difference"] in (None, "")
        else _interval(row, "auc_difference", ".4f", sign=True)
    )
    rank1 = f"{float(str(row['rank1'])):.3f} ± {float(str(row['rank1_std'])):.3f}"
    tar = _interval(row, "tar", ".3f")
    return [str(row["way"]), _interval(row, "auc", ".4f"), difference, tar, rank1, _interval(row, "dir", ".3f")]


def _interval(row: Row, name: str, form: str, *, sign: bool = False) -> str:
    value, low, high = (float(str(row[key])) for key in (name, f"{name}_low", f"{name}_high"))
    first = f"{value:+{form}}" if sign else f"{value:{form}}"
    return f"{first} ({low:{form}} to {high:{form}})"


def build(run: Run, options: Mapping[str, object]) -> PaperCrops:
    """The experiment of these options."""
    return PaperCrops(run, typed(Options, options))
