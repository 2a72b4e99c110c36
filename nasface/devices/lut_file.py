"""The file format of latency tables, `nasface-lut/1`: one JSON file per device, one line per row, named NAME.json.

```
{"format": "nasface-lut/1",
 "provenance": {"kind": "measured", "device": "Pixel 8", "runtime": "TFLite CPU", "threads": 4, "runs": 100,
                "method": "...", "sources": [], "created": "...", "licence": null, "loo_errors": {}},
 "references": {"224": {"efficientnet_b0": {"ms": 22.0, "std": 2.0, "kind": "measured", "source": "..."}}},
 "checks": {"224": {"errors": [-0.02, 0.01], "mape": 0.015, "kendall_tau": 1.0, "threads": 4, ...}},
 "rows": {"224": {"Conv-input:224x224x3-output:112x112x24": {"mean_ms": 0.3, "std_ms": 0.01, "runs": 100}, ...}}}
```
Only `format`, `provenance.kind`, `rows` and each row's `mean_ms` are required. Rows of no network of the space, such as
the authors' classifier row (Logits), may stand in the file and are never used. The file's name is the table's name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, Final

from nasface.devices.lut import FLOAT32, Check, LookupTable, Provenance, Reference, Row
from nasface.errors import LookupTableError
from nasface.reading import read_json
from nasface.runs import Json, locked, write_text

FORMAT: Final = "nasface-lut/1"

_WHERE_MEASURED: Final = ("date", "lowering", "system", "steps")
_USUAL: Final = {"precision": FLOAT32}
"""Left out where a table has them."""


def read_lut(path: Path) -> LookupTable:
    """The table in a file.

    Raises:
        LookupTableError: The file cannot be read, is no such table, or holds times that cannot be.
    """
    try:
        content = read_json(path)
    except OSError as error:
        raise LookupTableError(f"Cannot read the latency table {path}: {error.strerror}.") from None
    except ValueError as error:
        raise LookupTableError(
            f"{path} is not a latency table in JSON ({error}); bring other formats in with task=import_lut."
        ) from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise LookupTableError(
            f'{path} is not a latency table: "format" must be "{FORMAT}"; use task=import_lut for others.'
        )
    try:
        return _parse(path.stem, content)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        what = f"the field {error} is missing" if isinstance(error, KeyError) else str(error)
        raise LookupTableError(
            f"Latency table {path} is malformed: {what}; see the format in nasface/devices/lut_file.py."
        ) from None


def write_lut(table: LookupTable, path: Path) -> None:
    """Write the table, atomically; equal tables give equal bytes."""
    write_text(path, dump(table))


def keep_check(checked: LookupTable, resolution: int, check: Check, path: Path) -> None:
    """Write a check into the file of the table that was checked, or into a new file; other checks there are kept.

    Raises:
        LookupTableError: The file holds other times than were checked.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with locked(path.with_name(f".{path.name}.lock")):
        table = read_lut(path) if path.exists() else checked
        if table.rows != checked.rows:
            raise LookupTableError(
                f"{path} holds other times than the table that was checked, so the check is not kept; run "
                "task=check_latency again, or remove the file if it is an old copy."
            )
        write_lut(replace(table, checks=dict(table.checks) | {resolution: check}), path)


def dump(table: LookupTable) -> str:
    """The file's text: sorted keys, one line per row, numbers rounded to a nanosecond."""
    head = {
        "format": FORMAT,
        "provenance": {
            key: value
            for key, value in asdict(table.provenance).items()
            if (value or key not in _WHERE_MEASURED) and value != _USUAL.get(key)
        },
        "references": {
            str(size): {name: _plain(reference) for name, reference in sorted(table.references[size].items())}
            for size in sorted(table.references)
        },
    }
    if table.checks:
        head["checks"] = {str(size): _plain(table.checks[size]) for size in sorted(table.checks)}
    sections = [_section(size, table.rows[size]) for size in sorted(table.rows)]
    text = json.dumps(head, indent=1, ensure_ascii=False, allow_nan=False, default=dict)
    return text.removesuffix("\n}") + ',\n "rows": {\n' + ",\n".join(sections) + "\n }\n}\n"


def _section(resolution: int, rows: Mapping[str, Row]) -> str:
    lines = [f"   {json.dumps(key)}: {json.dumps(_plain(rows[key]))}" for key in sorted(rows)]
    return f'  "{resolution}": {{\n' + ",\n".join(lines) + "\n  }"


def _plain(value: Row | Reference | Check) -> Mapping[str, Json]:
    items = asdict(value).items()
    return {key: round(v, 6) if isinstance(v, float) else v for key, v in items if v is not None}


def _parse(name: str, content: Mapping[str, Any]) -> LookupTable:
    known = {f.name for f in fields(Provenance)}
    provenance = {key: value for key, value in content["provenance"].items() if key in known}
    provenance["sources"] = tuple(provenance.get("sources") or ())
    provenance.setdefault("device", name)
    provenance["loo_errors"] = {key: float(value) for key, value in (provenance.get("loo_errors") or {}).items()}
    if "kind" not in provenance:
        raise KeyError("provenance.kind")
    rows = {_pixels(size): {key: _row(row) for key, row in part.items()} for size, part in content["rows"].items()}
    references = {
        _pixels(size): {network: _reference(entry) for network, entry in part.items()}
        for size, part in content.get("references", {}).items()
    }
    checks = {_pixels(size): _check(entry) for size, entry in content.get("checks", {}).items()}
    return LookupTable(name, Provenance(**provenance), rows, references, checks)


def _pixels(text: str) -> int:
    if not text.isdecimal():
        raise ValueError(f"'{text}' is not a resolution in pixels")
    return int(text)


def _row(entry: Mapping[str, Any]) -> Row:
    runs = entry.get("runs")
    return Row(
        float(entry["mean_ms"]),
        _number(entry.get("std_ms")),
        None if runs is None else int(runs),
        entry.get("contained_in"),
        _number(entry.get("energy_mj")),
        _number(entry.get("fast_ms")),
    )


def _reference(entry: Mapping[str, Any]) -> Reference:
    source, energy = str(entry.get("source", "")), _number(entry.get("energy_mj"))
    return Reference(float(entry["ms"]), _number(entry.get("std")), entry["kind"], source, energy)


def _check(entry: Mapping[str, Any]) -> Check:
    errors = tuple(sorted(float(error) for error in entry["errors"]))
    device, engine, created = (str(entry.get(name, "")) for name in ("device", "engine", "created"))
    threads = int(entry.get("threads", 0))
    return Check(errors, float(entry["mape"]), float(entry["kendall_tau"]), device, engine, threads, created)


def _number(value: object) -> float | None:
    return None if value is None else float(str(value))
