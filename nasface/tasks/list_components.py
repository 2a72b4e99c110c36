"""`task=list`: every component with its kind, name, origin and parameters, and the plug-ins that failed to load."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hydra import compose
from omegaconf import OmegaConf
from rich.table import Table

from nasface.devices import embedded_luts, read_lut, user_luts
from nasface.errors import LookupTableError
from nasface.jobs import Outcome, Run
from nasface.options import yaml_files
from nasface.registry import REGISTRY
from nasface.runs import Json
from nasface.tasks._execute import all_tasks


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of the table, and of `result.json`."""

    kind: str
    name: str
    origin: str
    summary: str
    parameters: dict[str, Json]


def run(run: Run) -> Outcome:
    """Print the tables; the same content goes into `result.json`."""
    rows = [
        Row(c.kind, c.name, c.origin, c.summary, {k: v for k, v in c.defaults().items() if k != "name"})
        for c in REGISTRY
        if c.kind != "task" and not (c.kind in ("loss", "teacher") and c.name in yaml_files(c.kind))
    ]
    rows += [_composed(group, name) for group in ("training", "loss", "teacher") for name in yaml_files(group)]
    rows += [_device(name, path) for name, path in (embedded_luts() | user_luts()).items()]
    table = Table(
        "kind", "name", "origin", "parameters", "what it is", title="components: kind=name, kind.parameter=value"
    )
    for row in rows:
        table.add_row(row.kind, row.name, row.origin, _text(row.parameters), row.summary)
    run.console.print(table)
    tasks = Table("task", "what it does")
    for name, summary in all_tasks().items():
        tasks.add_row(name, summary)
    run.console.print(tasks)
    for origin, reason in REGISTRY.failures.items():
        run.console.note(f"plug-in {origin} could not be loaded:", reason, "red")
    components = [dataclasses.asdict(row) for row in rows]
    return Outcome({"components": components, "tasks": all_tasks(), "failed_plugins": dict(REGISTRY.failures)})


def _composed(group: str, name: str) -> Row:
    """A YAML option with all its values; its summary is the comment it begins with.

    It is composed among all the others, as it may choose an option of another group.
    """
    file, origin = yaml_files(group)[name]
    values: Any = OmegaConf.to_container(compose("config", overrides=[f"{group}={name}"]))
    parameters = {key: value for key, value in values[group].items() if key != "name"}
    first, _, _ = file.read_text(encoding="utf-8").partition("\n")
    summary = first.removeprefix("# ") if first.startswith("# ") else ""
    return Row(group, name, origin, summary, parameters)


def _device(name: str, path: Path) -> Row:
    """A device is its table; one that cannot be read is shown with the reason."""
    origin = "nasface" if embedded_luts().get(name) == path else str(path)
    try:
        table = read_lut(path)
    except LookupTableError as error:
        return Row("device", name, origin, str(error), {"lut": name})
    made_for = ", ".join(map(str, sorted(table.rows)))
    summary = f"{table.provenance.device}, {table.provenance.kind}, at {made_for} px"
    return Row("device", name, origin, summary, {"lut": name})


def _text(values: Mapping[str, Json], prefix: str = "") -> str:
    """A line for every value; of those in groups only what is set."""
    lines = []
    for name, value in values.items():
        if isinstance(value, dict) and value:
            lines.append(_text(value, f"{prefix}{name}."))
        elif value is not None or not prefix:
            lines.append(f"{prefix}{name}={'null' if value is None else value}")
    return "\n".join(lines)
