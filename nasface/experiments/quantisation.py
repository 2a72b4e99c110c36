"""What 8 bits cost: files of several recipes against the network in float32, on validation and on report people."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, ClassVar, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from nasface.accuracy.faces import training_photos
from nasface.analysis import Row, Value
from nasface.analysis.summaries import numbers
from nasface.composition import extreme_genotypes
from nasface.data import Photos
from nasface.deploy import RANGE_IMAGES, Network, cut_out
from nasface.errors import UnknownName
from nasface.experiments._base import Cell, Experiment, Report
from nasface.exporters import Exporter
from nasface.jobs import Run
from nasface.metrics import bootstrap_difference, evaluate_all_pairs, kendall_tau
from nasface.preprocessing import Preprocessing
from nasface.randomness import Part
from nasface.registry import build as build_component
from nasface.reports import markdown
from nasface.runtimes import cosines, open_model
from nasface.settings import typed
from nasface.spaces import OfaMbv3, SearchSpace
from nasface.supernets import Supernet

VALIDATION: Final = "validation"
REPORT: Final = "report"
RANDOM: Final = "random"
FAR: Final = 1e-3
BATCH: Final = 64


@dataclass
class QuantisationOptions:
    """See conf/experiment/quantisation.yaml.

    Attributes:
        networks: Names: smallest, found, middle, largest.
        random: How many random networks beside them.
        bootstrap: Resamples over people.
        reported: Recipes measured on report people.
        compared: Recipes measured on validation people.
        recipes: QuantisationOptions of exporter=tflite by label.
    """

    networks: list[str]
    random: int
    bootstrap: int
    reported: list[str]
    compared: list[str]
    recipes: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class FileTrial(Cell):
    """One file on one set of people."""

    network: str
    people: str
    recipe: str


class _Subject(NamedTuple):
    """A network, the photos of one set of people, and its descriptors of them in float32."""

    network: Network
    photos: Photos
    descriptors: npt.NDArray[np.float32]


class Quantisation(Experiment[FileTrial]):
    """AUC, TAR, cosines and size of files beside the same network in float32.

    Random networks show whether 8 bits change the order of networks, recipes what each part costs: both on validation
    people. What is reported, on report people, with an interval of the difference over people, was not chosen on them.
    """

    name: ClassVar[str] = "quantisation"
    cell: ClassVar[type[Cell]] = FileTrial

    def __init__(self, run: Run, options: QuantisationOptions) -> None:
        self._run, self._options, self._bench = run, options, run.workbench
        unknown = {*options.reported, *options.compared} - set(options.recipes)
        if unknown:
            raise UnknownName("experiment.recipes", min(unknown), options.recipes)
        self._data = run.open_data()
        settings = run.settings
        images = training_photos(
            self._data, self._bench.space.resolution, settings.accuracy.calibration_photos, run.rng(Part.CALIBRATION)
        )
        self._images, self._calibration = images
        self._subject = lru_cache(1)(self._describe)
        self.fingerprint = hashlib.sha256(
            json.dumps(
                [
                    self._bench.source.fingerprint(self._bench.space),
                    self._data.fingerprint,
                    self._calibration,
                    settings.seed,
                    options.recipes,
                    options.bootstrap,
                ]
            ).encode()
        ).hexdigest()[:16]

    def cells(self) -> list[FileTrial]:
        """What is reported, on report people; named networks with all recipes and random ones, on validation people."""
        options = self._options
        return [
            *(FileTrial(net, REPORT, recipe) for net in options.networks for recipe in options.reported),
            *(FileTrial(f"{RANDOM} {i}", VALIDATION, "int8") for i in range(options.random)),
            *(FileTrial(net, VALIDATION, recipe) for net in options.networks for recipe in options.compared),
        ]

    def measure(self, cell: FileTrial) -> list[Row]:
        """One file."""
        subject = self._subject(cell.network, cell.people)
        exporter: Exporter = build_component("exporter", {"name": "tflite"} | self._options.recipes[cell.recipe])
        spec, weights = subject.network.spec, subject.network.weights
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"net{exporter.suffix}"
            size = exporter.export(spec, weights, path, {}, self._images[:RANGE_IMAGES]).bytes
            found = _embedded(path, subject.photos.images)
        row: dict[str, Value] = {"mb": size / 1e6, **_likeness(subject.descriptors, found)}
        for ending, descriptors in (("float", subject.descriptors), ("file", found)):
            pairs = evaluate_all_pairs(descriptors, subject.photos.labels, [FAR])
            row |= {f"auc_{ending}": pairs.auc, f"tar_{ending}": pairs.points[0].tar}
        if cell.people == REPORT:
            row |= self._intervals(subject, found)
        return [row]

    def _intervals(self, subject: _Subject, found: npt.NDArray[np.float32]) -> Row:
        """Of file minus float, over people."""
        rng, resamples = self._run.rng(Part.BOOTSTRAP), self._options.bootstrap
        labels = subject.photos.labels
        ends = bootstrap_difference(found, subject.descriptors, labels, rng, fars=[FAR], resamples=resamples)
        auc, tar = ends["auc"], ends[f"tar@{FAR:g}"]
        return {"auc_low": auc.low, "auc_high": auc.high, "tar_low": tar.low, "tar_high": tar.high}

    def _describe(self, network: str, people: str) -> _Subject:
        from nasface.accuracy.estimator import describe

        cut = cut_out(self._supernet, self._genotype(network), self._images, self._calibration)
        photos = self._data.require(people).load(size=self._bench.space.resolution)
        return _Subject(cut, photos, describe(cut.folded(), photos.images))

    @cached_property
    def _supernet(self) -> Supernet:
        return self._bench.source.load(self._bench.space)

    @cached_property
    def _found(self) -> npt.NDArray[np.int8]:
        return self._bench.search(self._bench.fit()).best

    def _genotype(self, network: str) -> npt.NDArray[np.int8]:
        space = self._bench.space
        if network.startswith(RANDOM):
            drawn = space.sample(np.random.default_rng([self._run.settings.seed, 1]), self._options.random)
            return np.asarray(drawn[int(network.split()[1])])
        if network == "found":
            return self._found
        return named_network(space, network)

    def report(self, rows: Sequence[Row]) -> Report:
        """Three tables: report people, recipes, random networks."""
        parts = [self._introduction()]
        reported = [row for row in rows if row["people"] == REPORT]
        if reported:
            parts.append("## Report people\n\n" + _reported(reported))
        compared = [row for row in rows if row["people"] == VALIDATION and not str(row["network"]).startswith(RANDOM)]
        if compared:
            parts.append("## Recipes, validation people\n\n" + _compared(compared))
        drawn = [row for row in rows if str(row["network"]).startswith(RANDOM)]
        if len(drawn) > 2:
            parts.append("## Random networks, validation people\n\n" + _ordered(drawn))
        return Report("What 8 bits cost", "\n\n".join(parts))

    def _introduction(self) -> str:
        return (
            f"Networks of {self._bench.source.name}, calibrated on {self._calibration}; ranges from the first "
            f"{RANGE_IMAGES} of these photos. A file is compared with the same network in float32 (torch). Relative "
            f"differences are file / float - 1; intervals are 95 % over people, paired, {self._options.bootstrap} "
            "resamples. SQNR is that of the descriptors before normalisation. Data "
            f"{self._data.fingerprint[:12]}."
        )


def named_network(space: SearchSpace, name: str) -> npt.NDArray[np.int8]:
    """Smallest, middle or largest network of a space.

    Raises:
        UnknownName: Another name.
    """
    known = extreme_genotypes(space)
    if isinstance(space, OfaMbv3):
        ks, e, d = (choices[len(choices) // 2] for choices in (space.kernels, space.expands, space.depths))
        known["middle"] = space.from_dict({"ks": ks, "e": e, "d": d})
    if name not in known:
        raise UnknownName("experiment.networks", name, [*known, "found"])
    return known[name]


def _embedded(path: Path, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Descriptors by the file of photos, prepared as it says."""
    model = open_model(path)
    prepare = Preprocessing(model.size).normalise
    return np.concatenate([model.embed(prepare(images[i : i + BATCH])) for i in range(0, len(images), BATCH)])


def _likeness(reference: npt.NDArray[np.float32], found: npt.NDArray[np.float32]) -> Row:
    similar = cosines(reference, found)
    noise = float(np.square(found - reference).sum())
    sqnr = 10 * np.log10(float(np.square(reference).sum()) / max(noise, 1e-30))
    return {"cosine_mean": float(similar.mean()), "cosine_least": float(similar.min()), "sqnr_db": float(sqnr)}


def _relative(row: Row, name: str, ending: str = "file") -> str:
    """E.g. "+0.03 %": a figure of the file relative to float's."""
    base = float(row[f"{name}_float"] or 0)
    value = float(row[f"{name}_{ending}"] or 0)
    change = value / base - 1 if ending == "file" else value / base
    return f"{100 * change:+.2f} %"


def _reported(rows: Sequence[Row]) -> str:
    header = ["network", "file", "MB", "AUC float", "AUC file", "difference", "interval"]
    lines = [
        [
            row["network"],
            row["recipe"],
            f"{row['mb']:.2f}",
            f"{row['auc_float']:.5f}",
            f"{row['auc_file']:.5f}",
            _relative(row, "auc"),
            f"{_relative(row, 'auc', 'low')} to {_relative(row, 'auc', 'high')}",
            _relative(row, "tar"),
            f"{_relative(row, 'tar', 'low')} to {_relative(row, 'tar', 'high')}",
            f"{row['cosine_mean']:.4f} / {row['cosine_least']:.3f}",
        ]
        for row in rows
    ]
    return markdown.table([*header, f"TAR at {FAR:g}, difference", "interval", "cosine mean / least"], lines)


def _compared(rows: Sequence[Row]) -> str:
    header = ["network", "recipe", "MB", "SQNR, dB", "cosine mean / least", "AUC, difference", f"TAR at {FAR:g}"]
    lines = [
        [
            row["network"],
            row["recipe"],
            f"{row['mb']:.2f}",
            f"{row['sqnr_db']:.1f}",
            f"{row['cosine_mean']:.4f} / {row['cosine_least']:.3f}",
            _relative(row, "auc"),
            _relative(row, "tar"),
        ]
        for row in rows
    ]
    return markdown.table(header, lines)


def _ordered(rows: Sequence[Row]) -> str:
    before, after = (np.array(numbers(rows, f"auc_{ending}")) for ending in ("float", "file"))
    effects = after - before
    least, mean = min(numbers(rows, "cosine_least")), float(np.mean(numbers(rows, "cosine_mean")))
    return (
        f"{len(rows)} networks drawn uniformly, as int8: Kendall tau between AUC in float and of the files "
        f"**{kendall_tau(before, after):.3f}**. The effect of 8 bits on AUC has mean {effects.mean():+.5f} and "
        f"standard deviation {effects.std(ddof=1):.5f}; between networks AUC has {before.std(ddof=1):.5f}. "
        f"Cosine: mean {mean:.4f}, least of any photo of any network {least:.3f}."
    )


def build(run: Run, options: Mapping[str, object]) -> Quantisation:
    """The experiment from the options of conf/experiment/quantisation.yaml."""
    return Quantisation(run, typed(QuantisationOptions, options))
