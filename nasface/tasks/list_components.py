"""`task=list`: what can be chosen; with `show=KIND` or `show=KIND=NAME`, the parameters with their meanings."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra import compose
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from rich.table import Column, Table
from rich.text import Text

from nasface.devices import embedded_luts, read_lut, user_luts
from nasface.errors import LookupTableError, UnknownName
from nasface.jobs import Outcome, Run
from nasface.options import explain, yaml_files
from nasface.registry import REGISTRY
from nasface.runs import Json
from nasface.tasks.catalogue import all_tasks
from nasface.tasks.following import following, helped


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of the table, and of `result.json`."""

    kind: str
    name: str
    origin: str
    summary: str
    parameters: dict[str, Json]


def run(run: Run) -> Outcome:
    """Print names and what they are, or parameters; everything goes into `result.json`."""
    rows = components()
    kind, _, name = (run.settings.show or "").partition("=")
    if kind:
        for row in _chosen(rows, kind, name):
            _print_parameters(run, row)
    else:
        _print_names(run, rows)
    for origin, reason in REGISTRY.failures.items():
        run.console.note(f"plug-in {origin} could not be loaded:", reason, "red")
    return Outcome(
        decision={
            "components": [dataclasses.asdict(row) for row in rows],
            "tasks": all_tasks(),
            "failed_plugins": dict(REGISTRY.failures),
        },
        next=helped(run, "search") if kind else following(run, "list", {"show": "predictor"}),
    )


def components() -> list[Row]:
    """Every option of every group; tasks are listed apart."""
    rows = [
        Row(c.kind, c.name, c.origin, c.summary, {k: v for k, v in c.defaults().items() if k != "name"})
        for c in REGISTRY
        if c.kind != "task" and not (c.kind in ("loss", "teacher") and c.name in yaml_files(c.kind))
    ]
    rows += [_composed(group, name) for group in ("training", "loss", "teacher") for name in yaml_files(group)]
    return rows + [_device(name, path) for name, path in (embedded_luts() | user_luts()).items()]


def _chosen(rows: Sequence[Row], kind: str, name: str) -> Sequence[Row]:
    of_kind = [row for row in rows if row.kind == kind]
    if not of_kind:
        raise UnknownName("kind of component", kind, dict.fromkeys(row.kind for row in rows))
    found = [row for row in of_kind if not name or row.name == name]
    if not found:
        raise UnknownName(kind, name, [row.name for row in of_kind], REGISTRY.failure_hint())
    return found


def _print_names(run: Run, rows: Sequence[Row]) -> None:
    for kind in dict.fromkeys(row.kind for row in rows):
        listed = [(row.name, _brought(row)) for row in rows if row.kind == kind]
        run.console.print(_columns(f"{kind}=", listed))
    run.console.print(_columns("task=", list(all_tasks().items())))
    run.console.print("parameters: nasface list KIND or KIND=NAME, e.g. nasface list predictor=ridge", soft_wrap=True)


def _brought(row: Row) -> str:
    """What it is, and who brought it where that is not nasface."""
    return row.summary + ("" if row.origin == "nasface" else f" [{row.origin}]")


def _print_parameters(run: Run, row: Row) -> None:
    run.console.print(f"{row.kind}={row.name}: {_brought(row)}", soft_wrap=True, style="bold")
    meanings = _meanings(row.kind, row.name)
    values = [(f"{row.kind}.{name}={text}", meanings.get(name, "")) for name, text in _flat(row.parameters)]
    if values:
        run.console.print(_columns("", values))


def _columns(title: str, rows: Sequence[tuple[str, str]]) -> Table:
    """Names, never cut, beside what is said of them."""
    table = Table(
        Column(title, no_wrap=True, overflow="fold"), Column(overflow="fold"), box=None, show_header=bool(title)
    )
    for name, text in rows:
        table.add_row(Text(name), Text(text))
    return table


def _meanings(kind: str, name: str) -> dict[str, str]:
    """What the docstring of a config dataclass and of its bases says of each parameter."""
    found: dict[str, str] = {}
    config = next((c.config for c in REGISTRY if (c.kind, c.name) == (kind, name)), None)
    for cls in reversed((config or object).__mro__):
        _, _, attributes = (inspect.cleandoc(cls.__doc__ or "")).partition("Attributes:\n")
        for match in re.finditer(r"^ +(\w+): (.*(?:\n {8,}.*)*)", attributes, re.MULTILINE):
            found[match[1]] = " ".join(match[2].split())
    return found


def _composed(group: str, name: str) -> Row:
    """A YAML option with all its values; its summary is the comment it begins with.

    One that chooses an option of another group is composed among all the others, which takes longer. One that cannot
    be composed says why.
    """
    file, origin = yaml_files(group)[name]
    alone = "override " not in file.read_text(encoding="utf-8")
    try:
        made = compose(overrides=[f"+{group}={name}"]) if alone else compose("config", overrides=[f"{group}={name}"])
        values: Any = OmegaConf.to_container(made)
    except (HydraException, OmegaConfBaseException) as error:
        return Row(group, name, origin, f"cannot be chosen: {explain(error)}", {})
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


def _flat(values: Mapping[str, Json], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Names with dots, and values; of those in groups only what is set."""
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{prefix}{name}.")
        elif value is not None or not prefix:
            yield f"{prefix}{name}", "null" if value is None else str(value)
