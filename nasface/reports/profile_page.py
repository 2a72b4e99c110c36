"""What is reachable in a space, on the terminal and as a page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from rich.table import Table

from nasface.analysis.profile import CostProfile, SpaceProfile, share_text
from nasface.jobs import Run
from nasface.reports.cells import cell_text
from nasface.reports.page import Page
from nasface.reports.svg import Limit, Series, chart


def print_profile(run: Run, found: SpaceProfile) -> None:
    """The table of costs, what the bounds leave, remarks."""
    space = found.space
    title = f"{space.name} at {space.resolution} x {space.resolution}, {space.size():.3g} networks"
    title += f", sampled {found.samples:,} times"
    table = Table("", *found.costs[0].figures(), title=title)
    for entry in found.costs:
        table.add_row(entry.label, *map(cell_text, entry.figures().values()))
    run.console.print(table)
    lines = []
    for share in found.shares:
        c = share.constraint
        bound = f"{c.label} <= {c.cost.text(c.bound)}  {c.basis}".rstrip()
        lines.append(f"{bound}: {share_text(share.within, found.samples)}")
    if found.within_all is not None:
        lines.append(f"all: {share_text(found.within_all, found.samples)}")
    for line in lines:
        run.console.print(line, soft_wrap=True)
    for remark in found.remarks:
        run.console.note("note:", remark)


def write_profile(path: Path, found: SpaceProfile, command: str) -> None:
    """Write the page; `command` made it."""
    space = found.space
    page = Page("What is reachable", f"{space.name} at {space.resolution} px, {space.size():.3g} networks", command)
    for remark in found.remarks:
        page.text(remark, "note")
    page.heading("Costs")
    rows = [[entry.label, *entry.figures().values()] for entry in found.costs]
    page.table(["", *found.costs[0].figures()], rows)
    page.text(
        f"Minimum and maximum are exact where a cost is a sum or a maximum over stages, else found by a short search; "
        f"the rest is of {found.samples:,} sampled networks, drawn with every gene uniform.",
        "note",
    )
    _constraints(page, found)
    page.heading("Distributions")
    for entry in found.costs:
        page.picture(_distribution(entry, found.bound(entry.cost)), entry.label)
    page.heading("Networks at the extremes")
    for entry in found.costs:
        page.facts({f"{end} {entry.cost.label}": network for end, network in entry.networks().items()})
    page.write(path)


def _constraints(page: Page, found: SpaceProfile) -> None:
    if not found.shares:
        return
    rows: list[list[object]] = [
        [s.constraint.label, s.constraint.bound, s.constraint.cost.unit, s.constraint.basis, s.within, s.without]
        for s in found.shares
    ]
    if found.within_all is not None:
        rows.append(["all", None, None, None, found.within_all, None])
    page.heading("Constraints")
    page.table(["constraint", "bound", "unit", "basis", "share within", "share without it"], rows)


def _distribution(entry: CostProfile, bound: float | None) -> str:
    """Share of the sampled networks per bin, as a line."""
    counts, edges = np.histogram(entry.values, bins=60)
    points = list(zip(((edges[1:] + edges[:-1]) / 2).tolist(), (counts / len(entry.values)).tolist(), strict=True))
    limits = () if bound is None else (Limit(bound, entry.cost.text(bound)),)
    return chart([Series("sampled networks", points, "other", line=True)], entry.label, "share", limits)
