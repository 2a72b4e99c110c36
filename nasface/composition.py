"""From settings to parts: a `Workbench` makes each once, when it is asked for. Tasks, experiments and API share it."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from nasface.accuracy.candidates import CostFunction, Plan
from nasface.accuracy.plan import make_plan
from nasface.accuracy.table import AccuracyTable, read_table
from nasface.costs import COSTS, LATENCY, Cost, Macs, network_costs
from nasface.devices import FLOAT32, Device, load_device
from nasface.errors import InvalidInput, LookupTableError, TableError, UnknownName
from nasface.exporters import Exporter
from nasface.exporters.metadata import READERS, read_metadata
from nasface.metrics import Direction, direction_of
from nasface.predictors import Comparator, Ranker, Targets, fit_ranker
from nasface.randomness import Part, generator
from nasface.registry import REGISTRY, build
from nasface.settings import Bound, Constraints, Settings, Timing
from nasface.spaces import Population, SearchSpace
from nasface.spaces.genotype_file import read_genotype
from nasface.spaces.published import published_genotypes
from nasface.strategies import Constraint, Problem, Progress, SearchResult, SearchStrategy, extremes, no_progress
from nasface.strategies.constraints import build_constraints, check_reachable
from nasface.supernets.options import DEMO
from nasface.supernets.source import SupernetSource, open_source

if TYPE_CHECKING:
    from nasface.timing.protocol import TimingOptions

log = logging.getLogger(__name__)

SMALLEST, LARGEST = "smallest", "largest"
"""Names of the extreme networks of a space."""

RESULT = "result.json"
"""What every run leaves in its folder."""

_GENES = re.compile(r"\d+( \d+)+")
"""A genotype as it stands in tables and fronts."""

LEAST_SUBNETS = 30
"""Rows of an accuracy table below which nothing can be fitted and judged."""


@dataclass(frozen=True)
class DeviceCosts:
    """One device and the latency model bound to it."""

    device: Device
    latency: Cost


@dataclass(frozen=True)
class Workbench:
    """The parts that settings name, each made when it is first asked for.

    Attributes:
        settings: Checked options of a run, or what `nasface.api` makes of its arguments.
        cwd: What relative paths in the options are relative to.
    """

    settings: Settings
    cwd: Path

    def on(self, *, checkpoint: str | None = None, table: str | None = None) -> Workbench:
        """The same with another supernet or accuracy table; None keeps what the settings say."""
        settings = self.settings
        if checkpoint is not None:
            kept = settings.supernet if settings.supernet["name"] == DEMO else {"name": DEMO}
            settings = replace(settings, supernet=kept | {"checkpoint": checkpoint})
        if table is not None:
            settings = replace(settings, accuracy=replace(settings.accuracy, table=table))
        return Workbench(settings, self.cwd)

    @cached_property
    def source(self) -> SupernetSource:
        """Where the supernet comes from."""
        return open_source(self.settings.supernet, self.cwd, self.settings.seed)

    @cached_property
    def space(self) -> SearchSpace:
        """The space at the supernet's resolution unless the settings say another."""
        return self.space_at(self.source.resolution(self.settings.space))

    def space_at(self, resolution: int) -> SearchSpace:
        """The space at a resolution in pixels."""
        space: SearchSpace = build("space", self.settings.space | {"resolution": resolution})
        return space

    @cached_property
    def devices(self) -> tuple[DeviceCosts, ...]:
        """A latency model for every chosen device."""
        chosen = [load_device(name, settings, self.computes) for name, settings in self.settings.device.items()]
        for table in [device.lut for device in chosen if device.lut is not None]:
            if table.provenance.precision != self.computes:
                log.warning(
                    "The latency table %s is of %s files, and the file will compute in %s: its times are others, and "
                    "so is the order of networks by them. Measure them: nasface build_lut lut.name=%s_%s "
                    "exporter.precision=%s.",
                    *(table.name, table.provenance.precision, self.computes, table.name, self.computes, self.computes),
                )
        return tuple(DeviceCosts(device, self._latency_of(device)) for device in chosen)

    def _latency_of(self, device: Device) -> Cost:
        """The latency model of a device.

        Raises:
            InvalidInput: It calls itself otherwise, so that no bound would reach it.
        """
        model: Cost = build("latency", self.settings.latency, space=self.space, device=device)
        if model.name != LATENCY:
            name = self.settings.latency["name"]
            raise InvalidInput(
                f"The latency model {name} of {REGISTRY.get('latency', name).origin} calls itself '{model.name}', not "
                f"'{LATENCY}', so that constraints.{LATENCY} would be ignored; set its attribute name."
            )
        return model

    def device(self, name: str) -> DeviceCosts:
        """One of the devices by its name."""
        return next(entry for entry in self.devices if entry.device.name == name)

    def build_exporter(self) -> Exporter:
        """The exporter, which writes 7x7 layers as they stood in the files that the devices' tables were measured on.

        What was chosen otherwise stays, and is said: the tables are then of other files.
        """
        settings = dict(self.settings.exporter)
        tables = [load_device(name, given, self.computes).lut for name, given in self.settings.device.items()]
        lowerings = {table.name: table.provenance.lowering for table in tables if table and table.provenance.lowering}
        if settings.get("split_depthwise", False) is None and len(set(lowerings.values())) == 1:
            settings["split_depthwise"] = "split" in lowerings.values()
        exporter: Exporter = build("exporter", settings)
        written = "split" if exporter.splits_depthwise else "whole"
        for name, lowering in lowerings.items():
            if lowering != written:
                log.warning(
                    "The latency table %s is of files with %s 7x7 layers, and the exporter writes %s ones: its times "
                    "are of other files, and so is the order of networks by them.",
                    name,
                    lowering,
                    written,
                )
        return exporter

    def in_precision(self, precision: str) -> Workbench:
        """The same for files of another precision; raises `UnknownName` where the exporter has none such."""
        return Workbench(replace(self.settings, exporter=self.settings.exporter | {"precision": precision}), self.cwd)

    @property
    def costs(self) -> tuple[Cost, ...]:
        """All that searches may trade accuracy against: latency on every device, counts, plug-ins' costs."""
        return (*(entry.latency for entry in self.devices), *self.counts.values(), *self.foreign_costs.values())

    @property
    def precision(self) -> str:
        """Of the weights in the file that will be written; the plain one where none is."""
        return Exporter.precision if self._exporter is None else self._exporter.precision

    @property
    def computes(self) -> str:
        """What that file computes in, see `Exporter.computes`."""
        return FLOAT32 if self._exporter is None else self._exporter.computes

    @cached_property
    def _exporter(self) -> Exporter | None:
        settings = self.settings.exporter
        return None if settings["name"] == "none" else build("exporter", settings)

    @cached_property
    def counts(self) -> Mapping[str, Cost]:
        """The costs that need no device, by name, at the precision of the exported weights."""
        return network_costs(self.space, self.precision)

    @cached_property
    def foreign_costs(self) -> Mapping[str, Cost]:
        """The costs of plug-ins that `cost=` names, by name.

        Raises:
            InvalidInput: One is called otherwise than it was registered, so that no bound would reach it.
        """
        found: dict[str, Cost] = {}
        for name, given in self.settings.cost.items():
            found[name] = build("cost", {**given, "name": name}, space=self.space)
            if found[name].name != name:
                origin = REGISTRY.get("cost", name).origin
                raise InvalidInput(
                    f"The cost {name} of {origin} calls itself '{found[name].name}', so that constraints.{name} would "
                    "be ignored; both names must be one."
                )
        return found

    def known_on(self, device: Device) -> tuple[Cost, ...]:
        """What is known of networks on a device beside latency: energy, where somebody measured it."""
        return tuple(
            kind.of_device(self.space, device)
            for kind in COSTS.values()
            if kind.of_device is not None and kind.known_on(device, self.space.resolution)
        )

    @cached_property
    def constraints(self) -> tuple[Constraint, ...]:
        """The bounds of the settings; raises `InfeasibleConstraint` if one cannot be met."""
        return self.within(self.settings.constraints)

    def within(self, bounds: Constraints, devices: Sequence[DeviceCosts] | None = None) -> tuple[Constraint, ...]:
        """Bounds as constraints, those of devices on each; raises `InfeasibleConstraint` if one cannot be met."""
        devices = self.devices if devices is None else devices
        costs = [*(entry.latency for entry in devices), *self.counts.values(), *self.foreign_costs.values()]
        for name, kind in COSTS.items():
            if kind.of_device is not None and bounds.bound(name).given:
                costs += [kind.of_device(self.space, entry.device) for entry in devices]
        constraints = build_constraints(bounds.by_cost, costs, {LATENCY: bounds.default_latency_ratio})
        check_reachable(constraints)
        return tuple(constraints)

    @cached_property
    def budgets(self) -> tuple[Constraint, ...]:
        """What dense draws of an accuracy table stay near: the bounds of the search, or every ratio on every device.

        Raises:
            InvalidInput: There are none.
        """
        ratios, given = self.settings.accuracy.ratios, self.settings.constraints
        chosen = [given] if ratios is None else [given.with_bound(LATENCY, Bound(ratio=r)) for r in ratios]
        found = tuple(constraint for bounds in chosen for constraint in self.within(bounds))
        if not found:
            raise InvalidInput("accuracy.sampling=dense needs budgets: set accuracy.ratios=[0.6], or constraints.")
        return found

    def sampling_plan(self) -> Plan:
        """Which networks an accuracy table is to hold."""
        options = self.settings.accuracy
        spread = self._latency() if options.sampling != "dense" and options.stratify_by == "latency" else None
        near = [(c.cost.predict, c.bound) for c in self.budgets] if options.sampling == "dense" else []
        return make_plan(options, self.space, spread, near)

    def _latency(self) -> CostFunction | None:
        """The first device's latency, or None where its table has none at this resolution."""
        try:
            return self.devices[0].latency.predict
        except LookupTableError as error:
            log.warning("spreading subnets over MACs instead of latency: %s", error)
            return None

    @property
    def table_path(self) -> Path:
        """The file of the accuracy table.

        Raises:
            TableError: There is none for this supernet.
        """
        given, own = self.settings.accuracy.table, self.source.table
        if given is not None:
            return self.cwd / Path(given).expanduser()
        if own is None and not self.source.trained:
            raise TableError(
                "Random weights have no accuracies worth measuring: search with supernet=lfw112, the demo, or with "
                "supernet.checkpoint=FILE of your own, or give accuracy.table=FILE.csv of networks of this space."
            )
        if own is None:
            raise TableError(
                f"There is no accuracy table for {self.source.name}: measure one with task=estimate_accuracy "
                "accuracy.table=mine.csv data=..., then add accuracy.table=mine.csv."
            )
        return own

    @cached_property
    def table(self) -> AccuracyTable:
        """The accuracy table, checked against the space, the supernet and the resolution.

        Raises:
            TableError: It does not fit, or there is none for this supernet.
        """
        file, space, source = self.table_path, self.space, self.source
        table = read_table(file, space).check(resolution=space.resolution)
        if len(table) < LEAST_SUBNETS:
            raise TableError(
                f"{file} holds {len(table)} sub-networks; predictors need {LEAST_SUBNETS} at the very least and some "
                "hundred to be worth something: continue it with task=estimate_accuracy."
            )
        return table if not source.trained else table.check(supernet=source.fingerprint(space))

    @cached_property
    def targets(self) -> Targets:
        """float64[n], what predictors learn from, higher being better: the metric, or its negative."""
        learned = self.table.learnable(self.settings.accuracy.metric)
        return self.direction.sign * learned

    @cached_property
    def direction(self) -> Direction:
        """Which values of the metric are better; see `direction_of`."""
        return direction_of(self.settings.accuracy.metric, self.settings.accuracy.direction)

    @cached_property
    def strategy(self) -> SearchStrategy:
        """The search with its selector."""
        settings = self.settings
        strategy: SearchStrategy = build("search", settings.search, selector=build("selector", settings.selector))
        return strategy

    def check(self) -> None:
        """Make every part of a search, so that what cannot work is refused before anything slow starts."""
        self._check_space()
        _ = self.constraints, self.targets, self.strategy, self.warm_start

    def _check_space(self) -> None:
        """Raise `InvalidInput` where the supernet is known to be of another space."""
        said = self.source.signature
        if said is not None and said != dict(self.space.fingerprinted()):
            raise InvalidInput(
                f"The supernet {self.source.name} is of another space than {self.space.name} with these choices "
                f"({self.space.fingerprint()}): give supernet.checkpoint=FILE of one of this space (nasface "
                "train_supernet makes one), or leave out the options of space."
            )

    def fit(self) -> Ranker:
        """The predictor fitted on the table; the same seed gives the same ranker."""
        return self.fit_with(build("predictor", self.settings.predictor), generator(self.settings.seed, Part.PREDICTOR))

    def fit_on(self, networks: Population, targets: Targets) -> Ranker:
        """A new predictor fitted on other networks than the table's, higher targets being better; by the same seed."""
        rng = generator(self.settings.seed, Part.PREDICTOR)
        predictor = build("predictor", self.settings.predictor)
        return fit_ranker(self.space, predictor, networks, targets, rng, direction=self.direction)

    def fit_with(self, predictor: Comparator, rng: np.random.Generator) -> Ranker:
        """Any predictor fitted on the table."""
        return fit_ranker(self.space, predictor, self.table.genotypes, self.targets, rng, direction=self.direction)

    def search(
        self, ranker: Ranker, progress: Progress = no_progress, constraints: Sequence[Constraint] | None = None
    ) -> SearchResult:
        """Run the strategy; the same seed, ranker and constraints (by default the settings') give the same result."""
        bounds = self.constraints if constraints is None else constraints
        problem = Problem(self.space, ranker, list(bounds), progress, self.warm_start, list(self.costs))
        return self.strategy.run(problem, generator(self.settings.seed, Part.SEARCH))

    @cached_property
    def warm_start(self) -> Population:
        """The genotypes of `refine.warm_start`, int8[n, n_genes]; see `genotype`."""
        rows = [self.genotype(given)[1] for given in self.settings.refine.warm_start]
        return np.array(rows, np.int8).reshape(len(rows), self.space.n_genes)

    def genotype(self, given: str) -> tuple[str, npt.NDArray[np.int8]]:
        """A network as a user names it, and its genotype, int8[n_genes].

        Args:
            given: "smallest", "largest", the name of a published network ("subnet1_865" will do), genes as they stand
                in tables and fronts, or a path: of a run folder, a model file that nasface exported, or a file that
                `read_genotype` reads.

        Raises:
            UnknownName: Neither such a name nor a file.
            InvalidInput: The file cannot be read.
            InvalidGenotype: It holds no network of this space.
        """
        path = self.cwd / Path(given).expanduser()
        if path.exists():
            return path.stem, read_network(path, self.space)
        named = named_genotypes(self.space)
        chosen = {_slug(name): name for name in named}.get(_slug(given))
        if chosen is not None:
            return chosen, named[chosen]
        if _GENES.fullmatch(given):
            return "genes", self.space.from_text(given)
        if not path.suffix:
            typed = [_typed(name) for name in named]
            raise UnknownName("network", given, typed, "Or give a run folder, a model file or a genotype file.")
        return path.stem, read_network(path, self.space)

    def fingerprint(self, *others: object) -> str:
        """Of the networks, their accuracies and whatever else results depend on (JSON values)."""
        digest = hashlib.sha256(self.table.genotypes.tobytes())
        for name in sorted(self.table.metrics):
            digest.update(np.asarray(self.table.metrics[name], np.float64).tobytes())
        digest.update(json.dumps(others, sort_keys=True, default=str).encode())
        return digest.hexdigest()[:12]


def extreme_genotypes(space: SearchSpace) -> dict[str, npt.NDArray[np.int8]]:
    """Smallest and largest network by multiply-accumulates; of a space without stages, what a short search finds."""
    found = extremes(Macs(space))
    return {SMALLEST: found.smallest, LARGEST: found.largest}


def extremes_note(space: SearchSpace) -> tuple[str, ...]:
    """What is to be said where smallest and largest are not certain: nothing, or a sentence."""
    if space.stage_choices() is not None:
        return ()
    return (
        f"{SMALLEST} and {LARGEST} are the networks of fewest and most multiply-accumulates that a short search found, "
        "because the space has no stages.",
    )


def read_network(path: Path, space: SearchSpace) -> npt.NDArray[np.int8]:
    """The genotype of a run folder, of a model file that nasface exported, or of a file of genotypes, int8[n_genes].

    Raises:
        InvalidInput: It cannot be read, or is the folder of something else.
        ExportError: A model that was not written by nasface.
        InvalidGenotype: It holds no network of this space.
    """
    if path.suffix in READERS:
        genotype = read_metadata(path).get("genotype")
        if genotype is None:
            raise InvalidInput(f"The description in {path} names no genotype; give a model that task=search exported.")
        return space.from_dict(genotype)
    if path.is_dir() and not (path / RESULT).is_file():
        raise InvalidInput(f"{path} is no run folder (it has no {RESULT}); give that of a search.")
    return read_genotype(path / RESULT if path.is_dir() else path, space)


def named_genotypes(space: SearchSpace) -> dict[str, npt.NDArray[np.int8]]:
    """Networks that can be asked for by name."""
    return extreme_genotypes(space) | published_genotypes(space)


def _typed(name: str) -> str:
    """A name as a shell takes it, e.g. "subnet1_865"."""
    return name.lower().replace(", ", "_").replace(" ", "")


def _slug(name: str) -> str:
    """Letters and digits alone, so that subnet1_865 means "Subnet 1, 865"."""
    return "".join(character for character in name.lower() if character.isalnum())


def timing_options(timing: Timing) -> TimingOptions:
    """The protocol of measurements; raises `InvalidInput`."""
    from nasface.timing.protocol import TimingOptions  # with all transports, which no search needs

    return TimingOptions(**{f.name: getattr(timing, f.name) for f in fields(TimingOptions)})
