"""`task=profile`: what is reachable on a device, before any search; needs no accuracy table and no weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from rich.table import Table

from nasface.costs import Cost
from nasface.jobs import Outcome, Run
from nasface.randomness import Part
from nasface.reports import Page
from nasface.reports.cells import cell_text
from nasface.reports.svg import Limit, Series, chart
from nasface.spaces import Population, SearchSpace, join_stages
from nasface.strategies import Constraint
from nasface.strategies.constraints import notes

SAMPLES: Final = 100_000
"""Networks that shares and quartiles are taken from, drawn with every gene uniform."""

QUANTILES: Final = {"1 %": 0.01, "25 %": 0.25, "median": 0.5, "75 %": 0.75}


@dataclass(frozen=True)
class Profile:
    """One cost over the space.

    Attributes:
        cost: Which.
        values: float64[SAMPLES], of sampled networks.
        smallest: Genotype of least cost: exact where the cost decomposes over stages, else among the samples.
        largest: Genotype of highest cost, likewise.
        exact: Whether the two are exact.
    """

    cost: Cost
    values: npt.NDArray[np.float64]
    smallest: npt.NDArray[np.int8]
    largest: npt.NDArray[np.int8]
    exact: bool

    @property
    def column(self) -> str:
        """Heading, e.g. "latency on sd865, ms (estimated)"."""
        return f"{self.cost.label}, {self.cost.unit}{' (estimated)' if self.cost.estimated else ''}"

    def extremes(self) -> tuple[float, float]:
        """Least and highest cost."""
        low, high = self.cost.predict(np.stack([self.smallest, self.largest])).tolist()
        return low, high


def run(run: Run) -> Outcome:
    """Minimum, quartiles and maximum of every cost, and the share of the space within the constraints."""
    bench = run.workbench
    space, constraints = bench.space, bench.constraints
    population = space.sample(run.rng(Part.SUBNETS), SAMPLES)
    costs = [*(entry.latency for entry in bench.devices), *bench.energies, *bench.counts.values()]
    indices = space.stage_indices(population)
    profiles = [profile(cost, population, indices) for cost in costs]
    shares = share_rows(constraints, population, indices)
    remarks = [*notes(constraints), *_binding(shares)]
    _show(run, space, profiles, shares, remarks)
    _write(run, space, profiles, shares, remarks, constraints)
    rows = {entry.column: _figures(entry) | _networks(space, entry) for entry in profiles}
    return Outcome({"costs": rows, "constraints": shares, "notes": remarks, "samples": SAMPLES})


def profile(cost: Cost, population: Population, indices: npt.NDArray[np.int16] | None) -> Profile:
    """One cost over sampled networks, with its extremes; `indices` are their `stage_indices`."""
    values = _values(cost, population, indices)
    tables, choices = cost.decompose(), cost.space.stage_choices()
    if tables is None or choices is None:
        return Profile(cost, values, population[values.argmin()], population[values.argmax()], exact=False)
    smallest, largest = (join_stages(choices, end.choices) for end in (tables.minimum(), tables.maximum()))
    return Profile(cost, values, smallest, largest, exact=True)


def _values(cost: Cost, population: Population, indices: npt.NDArray[np.int16] | None) -> npt.NDArray[np.float64]:
    """float64[n]; from the stage tables, many times faster, where there are some."""
    tables = cost.decompose()
    return cost.predict(population) if tables is None or indices is None else tables.predict(indices)


def share_rows(
    constraints: Sequence[Constraint], population: Population, indices: npt.NDArray[np.int16] | None
) -> list[dict[str, Any]]:
    """Share of the networks within every constraint, within the others without it, and within all."""
    meets = {c.label: _values(c.cost, population, indices) <= c.bound for c in constraints}
    everything = np.ones(len(population), bool)
    rows = []
    for c in constraints:
        others = np.all([ok for label, ok in meets.items() if label != c.label] or [everything], axis=0)
        bound = {"constraint": c.label, "bound": c.bound, "unit": c.cost.unit, "basis": c.basis}
        rows.append(bound | {"share": float(meets[c.label].mean()), "without it": float(others.mean())})
    if len(rows) > 1:
        rows.append({"constraint": "all", "share": float(np.all(list(meets.values()), axis=0).mean())})
    return rows


def _binding(shares: Sequence[dict[str, Any]]) -> list[str]:
    """Which of several constraints costs most of the space: the one without which most networks are left."""
    single = [row for row in shares if "without it" in row]
    if len(single) < 2:
        return []
    binds = max(single, key=lambda row: row["without it"])
    return [f"The bound on {binds['constraint']} binds most: without it {_percent(binds['without it'])} would be left."]


def _percent(share: float) -> str:
    return f"{share:.2%} of the networks" if share else f"fewer than 1 in {SAMPLES:,} networks"


def _figures(entry: Profile) -> dict[str, Any]:
    low, high = entry.extremes()
    quantiles = np.quantile(entry.values, list(QUANTILES.values())).tolist()
    return {"minimum": low, **dict(zip(QUANTILES, quantiles, strict=True)), "maximum": high, "exact": entry.exact}


def _networks(space: SearchSpace, entry: Profile) -> dict[str, Any]:
    return {"smallest": space.to_dict(entry.smallest), "largest": space.to_dict(entry.largest)}


def _show(
    run: Run, space: SearchSpace, profiles: Sequence[Profile], shares: Sequence[dict[str, Any]], remarks: Sequence[str]
) -> None:
    title = f"{space.name} at {space.resolution} x {space.resolution}, {space.size():.3g} networks"
    table = Table("", *(name for name in _figures(profiles[0]) if name != "exact"), title=title)
    for entry in profiles:
        figures = _figures(entry)
        table.add_row(entry.column, *(cell_text(figures[name]) for name in figures if name != "exact"))
    run.console.print(table)
    for row in shares:
        limit = f" <= {row['bound']:.4g} {row['unit']}  {row['basis']}" if "bound" in row else ""
        run.console.print(f"{row['constraint']}{limit.rstrip()}: {_percent(row['share'])}", soft_wrap=True)
    for remark in remarks:
        run.console.print(f"[yellow]note:[/yellow] {remark}", soft_wrap=True)
    run.console.print(f"report: {run.shown(run.folder / 'report.html')}", soft_wrap=True)


def _write(
    run: Run,
    space: SearchSpace,
    profiles: Sequence[Profile],
    shares: Sequence[dict[str, Any]],
    remarks: Sequence[str],
    constraints: Sequence[Constraint],
) -> None:
    page = Page("What is reachable", f"{space.name} at {space.resolution} px, {space.size():.3g} networks")
    for remark in remarks:
        page.text(remark, "note")
    page.heading("Costs")
    header = [name for name in _figures(profiles[0]) if name != "exact"]
    page.table(["", *header], [[entry.column, *[_figures(entry)[name] for name in header]] for entry in profiles])
    page.text(
        f"Extremes are exact where a cost is a sum or a maximum over stages; the rest is of {SAMPLES:,} networks "
        "drawn with every gene uniform.",
        "note",
    )
    if shares:
        page.heading("Constraints")
        page.table(
            ["constraint", "bound", "unit", "basis", "share within", "share without it"],
            [
                [
                    row["constraint"],
                    row.get("bound"),
                    row.get("unit"),
                    row.get("basis"),
                    row["share"],
                    row.get("without it"),
                ]
                for row in shares
            ],
        )
    page.heading("Distributions")
    bounds = {c.label: c for c in constraints}
    for entry in profiles:
        page.picture(_distribution(entry, bounds.get(entry.cost.label)), entry.column)
    page.heading("Networks at the extremes")
    for entry in profiles:
        page.facts({f"{end} {entry.cost.label}": text for end, text in _networks(space, entry).items()})
    page.write(run.folder / "report.html")


def _distribution(entry: Profile, constraint: Constraint | None) -> str:
    """Share of the sampled networks per bin, as a line."""
    counts, edges = np.histogram(entry.values, bins=60)
    points = list(zip(((edges[1:] + edges[:-1]) / 2).tolist(), (counts / len(entry.values)).tolist(), strict=True))
    limit = None if constraint is None else Limit(constraint.bound, f"{constraint.bound:.4g} {entry.cost.unit}")
    return chart([Series("sampled networks", points, "other", line=True)], entry.column, "share", limit)
