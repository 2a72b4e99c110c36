"""`task=import_lut lut.name=my_phone lut.file=FILE`: a latency table measured elsewhere becomes `device=my_phone`."""

from __future__ import annotations

from typing import cast

from nasface.composition import SupernetSource, build_space
from nasface.costs import LayerCost
from nasface.devices import Provenance, user_folder, write_lut
from nasface.devices.importers import import_lut
from nasface.devices.lut import Kind
from nasface.errors import InvalidInput
from nasface.tasks._run import Outcome, Run


def run(run: Run) -> Outcome:
    """Read the file in whatever format it has and write it into the user's table folder."""
    lut = run.settings.lut
    if lut.name is None or lut.file is None:
        raise InvalidInput("task=import_lut needs lut.name=NAME and lut.file=FILE (perf lines, OFA's YAML or CSV).")
    space = build_space(run.settings.space, SupernetSource.of(run.settings.supernet, run.cwd))
    provenance = Provenance(
        kind=cast(Kind, lut.kind),
        device=lut.name,
        runtime=lut.runtime,
        threads=lut.threads,
        created="nasface task=import_lut",
        method=f"imported from {run.path(lut.file).name}",
    )
    listed = None if lut.arch2info is None else run.path(lut.arch2info)
    table = import_lut(run.path(lut.file), [space], name=lut.name, provenance=provenance, arch2info=listed)
    path = user_folder() / f"{lut.name}.json"
    write_lut(table, path)
    run.console.print(
        f"{lut.name}: {len(space.layers())} layers at {space.resolution} x {space.resolution}, written to {path}",
        soft_wrap=True,
    )
    extremes = LayerCost(space, table.values(space.layers(), space.resolution)).decompose()
    if extremes is not None:
        fastest, slowest = extremes.minimum()[0], extremes.maximum()[0]
        run.console.print(f"networks of {space.name} need {fastest:.2f} to {slowest:.2f} ms there")
    run.console.print(
        f"next: python -m nasface device={lut.name} constraints.latency_ms.max=MILLISECONDS", soft_wrap=True
    )
    return Outcome({"path": str(path), "name": lut.name, "resolution": space.resolution})
