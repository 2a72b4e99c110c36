"""`task=compare_predictors`: every predictor on the same networks of one table: learning curves with intervals."""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from rich.progress import Progress

from nasface import composition
from nasface.accuracy.table import AccuracyTable
from nasface.composition import SupernetSource
from nasface.errors import InvalidInput, TableError, UnknownName
from nasface.predictors import Targets
from nasface.predictors.trial import judge_floor, judge_predictor, split
from nasface.registry import REGISTRY, build
from nasface.reports.predictor_table import (
    ALL,
    METRICS,
    Row,
    paired_differences,
    print_comparison,
    summarise,
    write_comparison,
)
from nasface.search.constraints import REFERENCE
from nasface.spaces import Population, SearchSpace
from nasface.tasks._run import Outcome, Run

NEAR: Final = 0.05
FLOORS: Final = {"macs_only": "macs_m", "params_only": "params_m"}
KEYS: Final = ("table", "predictor", "size", "seed", "region")
Regions = dict[str, npt.NDArray[np.bool_]]


def run(run: Run) -> Outcome:
    """Run the trials that the results file lacks, then show and write the comparison."""
    settings, options = run.settings, run.settings.compare
    source = SupernetSource.of(settings.supernet, run.cwd)
    space = composition.build_space(settings.space, source)
    table, _ = composition.open_table(settings.accuracy.table, source, space, run.cwd)
    targets, names = table.target(settings.accuracy.metric), _predictors(options.predictors)
    sizes = _sizes(options.sizes, len(table), options.held_out)
    regions = _regions(run, space, table.genotypes)
    path = run.folder / "compare.csv" if options.results is None else run.path(options.results)
    identity = _identity(table)
    rows = _read(path, identity)
    done = {(row["predictor"], row["size"], row["seed"]) for row in rows}
    jobs = [(seed, size, name) for seed in range(options.seeds) for size in sizes for name in (*names, *FLOORS)]
    trials = Trials(space, table.genotypes, targets, regions, options.held_out)
    with Progress(console=run.console, transient=True) as bar:
        shown = bar.add_task("trials", total=len(jobs))
        for seed, size, name in jobs:
            bar.update(shown, description=f"{name}, {size} networks, seed {seed}")
            if (name, size, seed) not in done:
                new = [{"table": identity, **row} for row in trials.run(name, size, seed)]
                _append(path, new)
                rows += new
            bar.advance(shown)
    wanted = {(name, size, seed) for seed, size, name in jobs}
    rows = [row for row in rows if (row["predictor"], row["size"], row["seed"]) in wanted]
    summaries = summarise(rows)
    differences = paired_differences(rows, settings.predictor["name"], max(sizes))
    baseline = settings.predictor["name"]
    print_comparison(run.console, summaries, differences, max(sizes), baseline)
    title = f"{len(table)} measured subnets, {options.seeds} splits; mean ± 95 % interval"
    write_comparison(run.folder / "report.html", summaries, differences, baseline, title)
    run.console.print(f"results: {run.shown(path)}, report: {run.shown(run.folder / 'report.html')}", soft_wrap=True)
    tau = {s.predictor: s.mean["kendall_tau"] for s in summaries if s.region == ALL and s.size == max(sizes)}
    return Outcome({"subnets": len(table), "sizes": sizes, "kendall_tau": tau})


@dataclass(frozen=True)
class Trials:
    """Fits and judgements on one table; a split depends on the seed alone, so that comparisons are paired."""

    space: SearchSpace
    genotypes: Population
    targets: Targets
    regions: dict[str, npt.NDArray[np.bool_]]
    held_out: float

    def run(self, name: str, size: int, seed: int) -> list[Row]:
        """One row per region."""
        learn, judged = split(len(self.targets), size, self.held_out, np.random.default_rng(seed))
        regions = {region: mask & judged for region, mask in self.regions.items()}
        found = self._floor(name, regions) if name in FLOORS else self._predictor(name, learn, regions, seed)
        key = {"predictor": name, "size": size, "seed": seed}
        return [{**key, "region": region, **values} for region, values in found.items()]

    def _floor(self, name: str, regions: Regions) -> dict[str, Row]:
        values = composition.counts(self.space)[FLOORS[name]].predict(self.genotypes)
        return judge_floor(values, self.targets, regions)

    def _predictor(self, name: str, learn: npt.NDArray[np.intp], regions: Regions, seed: int) -> dict[str, Row]:
        rng = np.random.default_rng([seed, len(learn)])
        make = partial(build, "predictor", {"name": name})
        return judge_predictor(self.space, make, self.genotypes, self.targets, learn, regions, rng)


def _predictors(names: Sequence[str] | None) -> list[str]:
    """The chosen ones, by default all that are installed."""
    known = [component.name for component in REGISTRY if component.kind == "predictor"]
    for name in names or ():
        if name not in known:
            raise UnknownName("predictor", name, known)
    return list(names or known)


def _sizes(sizes: Sequence[int], n: int, held_out: float) -> list[int]:
    """The sizes that the table has networks for, and all of them that are not held out."""
    if not 0 < held_out < 1:
        raise InvalidInput(f"compare.held_out is {held_out}; give a share between 0 and 1.")
    most = n - max(round(n * held_out), 1)
    kept = sorted({size for size in sizes if 2 <= size < most} | {most})
    if most < 10:
        raise InvalidInput(f"A table of {n} sub-networks is too small for a comparison; measure more of them.")
    return kept


def _regions(run: Run, space: Any, genotypes: Any) -> dict[str, npt.NDArray[np.bool_]]:
    """Everywhere, and within 5 % of each budget on each device."""
    settings = run.settings
    regions = {ALL: np.ones(len(genotypes), bool)}
    for entry in composition.build_devices(settings.device, settings.latency, space):
        reference, values = entry.latency.reference(REFERENCE)[0], entry.latency.predict(genotypes)
        for ratio in settings.compare.ratios:
            name = f"{entry.device.name} at {ratio:g}"
            regions[name] = np.abs(values / (ratio * reference) - 1) <= NEAR
    return regions


def _identity(table: AccuracyTable) -> str:
    """Short hash of the networks and their accuracies."""
    digest = hashlib.sha256(table.genotypes.tobytes())
    for name in sorted(table.metrics):
        digest.update(np.asarray(table.metrics[name], np.float64).tobytes())
    return digest.hexdigest()[:12]


def _read(path: Path, identity: str) -> list[Row]:
    """Trials that are done.

    Raises:
        TableError: They are of another accuracy table.
    """
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(_parsed(csv.DictReader(file)))
    if any(row["table"] != identity for row in rows):
        raise TableError(f"{path} holds trials on another accuracy table; give another file with compare.results.")
    return rows


def _parsed(reader: csv.DictReader[str]) -> Iterator[Row]:
    for row in reader:
        values: Mapping[str, str | None] = row
        numbers = {metric: float(text) for metric in METRICS if (text := values.get(metric))}
        yield {
            "table": row["table"],
            "predictor": row["predictor"],
            "size": int(row["size"]),
            "seed": int(row["seed"]),
            "region": row["region"],
            **numbers,
        }


def _append(path: Path, rows: Sequence[Row]) -> None:
    """One trial at a time, synced, so that the same command goes on after an interruption."""
    new = not path.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [*KEYS, *METRICS], lineterminator="\n", extrasaction="ignore")
        if new:
            writer.writeheader()
        writer.writerows(rows)
        file.flush()
        os.fsync(file.fileno())
