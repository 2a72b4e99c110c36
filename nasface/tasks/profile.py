"""`task=profile`: what is reachable on a device, before any search; needs no accuracy table and no weights."""

from __future__ import annotations

from nasface.analysis.profile import profile_space
from nasface.jobs import Outcome, Run
from nasface.randomness import Part
from nasface.reports.profile_page import print_profile, write_profile
from nasface.tasks.following import following, repeated


def run(run: Run) -> Outcome:
    """Minimum, quartiles and maximum of every cost, and the share of the space within the constraints."""
    bench = run.workbench
    of_devices = [cost for entry in bench.devices for cost in bench.known_on(entry.device)]
    costs = [*(entry.latency for entry in bench.devices), *of_devices, *bench.counts.values()]
    with run.console.progress(transient=True) as bar:
        shown = bar.add_task("sampled networks", total=None)
        found = profile_space(
            bench.space,
            costs,
            bench.constraints,
            run.rng(Part.SUBNETS),
            lambda done, total, note: bar.update(shown, completed=done, total=total, description=note),
        )
    print_profile(run, found)
    path = run.folder / "report.html"
    write_profile(path, found, repeated(run))
    run.console.print(f"report: {run.shown(path)}", soft_wrap=True)
    return Outcome(found.to_json(), next=following(run, "search"))
