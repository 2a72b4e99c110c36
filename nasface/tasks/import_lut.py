"""`task=import_lut lut.name=my_phone lut.file=FILE`: a latency table measured elsewhere becomes `device=my_phone`."""

from __future__ import annotations

from typing import cast

from nasface.devices import Provenance, replaceable_lut, write_lut
from nasface.devices.importers import import_lut
from nasface.devices.lut import Kind, Lowering
from nasface.errors import InvalidInput
from nasface.jobs import Outcome, Run
from nasface.runs import Json
from nasface.tasks._measuring import show_range
from nasface.tasks.following import following


def run(run: Run) -> Outcome:
    """Read the file in whatever format it has and write it into the user's table folder."""
    lut = run.settings.lut
    if lut.name is None or lut.file is None:
        raise InvalidInput("task=import_lut needs lut.name=NAME and lut.file=FILE (perf lines, OFA's YAML or CSV).")
    path = replaceable_lut(lut.name, lut.replace)
    space = run.workbench.space
    provenance = Provenance(
        kind=cast(Kind, lut.kind),
        device=lut.name,
        runtime=lut.runtime,
        threads=lut.file_threads,
        created="nasface task=import_lut",
        lowering=cast(Lowering, lut.lowering),
        precision=lut.precision,
        method=f"imported from {run.path(lut.file).name}",
    )
    listed = None if lut.arch2info is None else run.path(lut.arch2info)
    file = run.path(lut.file)
    table = import_lut(file, [space], name=lut.name, provenance=provenance, arch2info=listed, unit=lut.unit)
    write_lut(table, path)
    run.console.print(
        f"{lut.name}: {len(space.layers())} layers at {space.resolution} x {space.resolution}, written to {path}",
        soft_wrap=True,
    )
    written = "true" if lut.lowering == "split" else "false"
    run.console.print(
        f"its 7x7 layers are taken as {lut.lowering} (lut.lowering), so device={lut.name} exports with "
        f"exporter.split_depthwise={written}",
        soft_wrap=True,
    )
    show_range(run, table, space)
    decision: dict[str, Json] = {"path": str(path), "name": lut.name, "resolution": space.resolution}
    return Outcome(decision, next=following(run, "profile", {"device": lut.name}))
