"""`task=merge_tables accuracy.table=mine.csv`: join the files of a table's shards, or any tables that fit together."""

from __future__ import annotations

from collections import Counter

from nasface.accuracy.shards import join, related
from nasface.accuracy.table import held_table, write_table
from nasface.errors import InvalidInput
from nasface.jobs import Outcome, Run
from nasface.runs import Json
from nasface.tasks.following import following


def run(run: Run) -> Outcome:
    """Write the distinct rows of all files to `accuracy.table`; the files are left as they are.

    Without `accuracy.parts`, the files are the table itself, if it is there, and those of its shards beside it.
    """
    settings = run.settings.accuracy
    if settings.table is None:
        raise InvalidInput("task=merge_tables needs accuracy.table=FILE.csv, the table to write.")
    path = run.path(settings.table)
    files = related(path) if settings.parts is None else [run.path(part) for part in settings.parts]
    source, space = run.workbench.source, run.workbench.space
    with held_table(path):  # rows that another process added after they were read here would be lost
        table = join(files, space)
        if source.trained:
            table.check(supernet=source.fingerprint(space), resolution=space.resolution, name=str(files[0]))
        write_table(table, path, space)
    origins = dict(Counter(table.notes["origin"]))
    drawn = ", ".join(f"{count} {origin or 'of unknown origin'}" for origin, count in origins.items())
    run.console.print(f"{len(table)} subnets ({drawn}) of {len(files)} files in {run.shown(path)}", soft_wrap=True)
    run.console.print(f"metrics: {', '.join(table.metrics)}", soft_wrap=True)
    decision: dict[str, Json] = {"table": str(path), "subnets": len(table), "origins": origins}
    return Outcome(decision | {"files": [str(f) for f in files]}, next=following(run, "search"))
