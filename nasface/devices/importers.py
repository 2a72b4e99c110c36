"""Latency tables measured elsewhere, brought into nasface's format: `import_lut` recognises the format by the content.

* Lines `KEY ATTEMPTS MEAN STD` in ms, as the paper's authors' scripts append them; KEY may be a .tflite file's name.
* OFA's YAML: KEY -> {count, mean, var | std} in ms, the keys being `Layer.key`.
* nsganetv2's YAML: the same with other keys, see `nsganet_key`; its final_expand_layer includes the global pooling.
* CSV with the header `key,mean_ms[,std_ms][,energy_mj]`.

YAML entries and CSV may have `energy_mj`, the energy of one run in millijoules.
"""

from __future__ import annotations

import csv
import logging
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, NamedTuple

from nasface.devices.lut import LookupTable, Provenance, Row
from nasface.errors import LookupTableError, listing
from nasface.netspec import Layer, shape_text
from nasface.spaces import SearchSpace

log = logging.getLogger(__name__)

_PERF_LINE: Final = re.compile(r"(\S+)\s+(\d+)\s+(\S+)\s+(\S+)")
_NSGANET: Final = ("MBConv-", "first_conv-", "final_expand_layer-", "feature_mix_layer-")
_NSGANET_KINDS: Final = {"Conv": "first_conv", "Conv_1": "final_expand_layer", "Conv_2": "feature_mix_layer"}


@dataclass(frozen=True)
class Times:
    """What a file says.

    Attributes:
        rows: By the file's own keys.
        repeated: How many keys stood there more than once (the last one counts).
    """

    rows: Mapping[str, Row]
    repeated: int = 0


def import_lut(
    file: Path, spaces: Sequence[SearchSpace], *, name: str, provenance: Provenance, arch2info: Path | None = None
) -> LookupTable:
    """The rows that the spaces need, from a file in one of the formats above.

    Args:
        file: The measurements.
        spaces: One per resolution wanted; each contributes the rows of its `layers()`.
        name: The table's name.
        provenance: What is known; a note on repeated lines is added to its method.
        arch2info: The authors' list `KEY FILE.tflite`, for measurements that name files differently.

    Raises:
        LookupTableError: The file cannot be read, is of no known format, or lacks rows.
    """
    times = read_times(file, _file_names(arch2info))
    if times.repeated:
        note = f"{times.repeated} keys stood more than once in {file.name}; the last line counts."
        log.warning("%s", note)
        provenance = replace(provenance, method=f"{provenance.method} {note}".strip())
    nsganet = any(key.startswith(_NSGANET) for key in times.rows)
    pick = _pick_nsganet if nsganet else _pick_plain
    return LookupTable(name, provenance, {space.resolution: pick(file, times.rows, space) for space in spaces})


def read_times(file: Path, file_names: Mapping[str, str] | None = None) -> Times:
    """All rows of a file, by its own keys; `file_names` maps names of .tflite files to keys."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LookupTableError(f"Cannot read {file}: {getattr(error, 'strerror', None) or 'it is not text'}.") from None
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    reader = next(known.read for known in FORMATS if known.matches(first))
    return reader(file, text, file_names or {})


def nsganet_key(layer: Layer) -> str | None:
    """The layer's key in nsganetv2's grammar: blocks carry the expand *ratio*, no activation; None for the pooling."""
    ends = f"-input:{shape_text(layer.input_shape)}-output:{shape_text(layer.output_shape)}"
    if layer.kind != "expanded_conv":
        return f"{_NSGANET_KINDS[layer.kind]}{ends}" if layer.kind in _NSGANET_KINDS else None
    traits = layer.traits
    traits["expand"] = round(traits["expand"] / layer.input_shape[2])
    return f"MBConv{ends}" + "".join(f"-{key}:{traits[key]}" for key in ("expand", "kernel", "stride", "idskip", "se"))


def _pick_plain(file: Path, rows: Mapping[str, Row], space: SearchSpace) -> dict[str, Row]:
    return _pick(file, rows, space, {layer.key: layer.key for layer in space.layers()})


def _pick_nsganet(file: Path, rows: Mapping[str, Row], space: SearchSpace) -> dict[str, Row]:
    names = {layer.key: nsganet_key(layer) for layer in space.layers()}
    picked = _pick(file, rows, space, {key: name for key, name in names.items() if name is not None})
    tail = next((key for key in names if key.startswith("Conv_1-")), None)
    energy = 0.0 if any(row.energy_mj is not None for row in picked.values()) else None
    contained = Row(0.0, contained_in=tail, energy_mj=energy)
    return picked | {key: contained for key, name in names.items() if name is None}


def _pick(file: Path, rows: Mapping[str, Row], space: SearchSpace, names: Mapping[str, str]) -> dict[str, Row]:
    missing = [name for name in names.values() if name not in rows]
    if missing:
        raise LookupTableError(
            f"{file} lacks {len(missing)} of the {len(names)} rows that {space.name} needs at {space.resolution} "
            f"pixels: {listing(missing)}; measure them, or import at a resolution and width that the file was made for."
        )
    return {key: rows[name] for key, name in names.items()}


def _read_lines(file: Path, text: str, file_names: Mapping[str, str]) -> Times:
    rows, repeated = {}, set()
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        match = _PERF_LINE.fullmatch(line.strip())
        if match is None:
            raise LookupTableError(
                f"{file}, line {number}: '{line[:80]}' is not 'KEY ATTEMPTS MEAN STD'; remove or complete it."
            )
        key = file_names.get(match[1], match[1].removesuffix(".tflite").replace("_colon_", ":"))
        if key in rows:
            repeated.add(key)
        place = f"{file}, line {number}"
        rows[key] = _checked(place, Row(_number(place, match[3]), _number(place, match[4]), int(match[2])))
    return Times(rows, len(repeated))


def _read_csv(file: Path, text: str, file_names: Mapping[str, str]) -> Times:
    rows, repeated = {}, set()
    reader = csv.DictReader(text.splitlines())
    if "mean_ms" not in (reader.fieldnames or ()):
        raise LookupTableError(f"{file} has no column mean_ms; the header is key,mean_ms or key,mean_ms,std_ms.")
    for entry in reader:
        key, place = entry["key"], f"{file}, line {reader.line_num}"
        if key in rows:
            repeated.add(key)
        std, energy = (_number(place, entry[name]) if entry.get(name) else None for name in ("std_ms", "energy_mj"))
        rows[key] = _checked(place, Row(_number(place, entry["mean_ms"]), std, energy_mj=energy))
    return Times(rows, len(repeated))


def _refuse_list(file: Path, text: str, file_names: Mapping[str, str]) -> Times:
    raise LookupTableError(f"{file} lists layers, not times; give the file of lines 'KEY ATTEMPTS MEAN STD' instead.")


def _read_yaml(file: Path, text: str, file_names: Mapping[str, str]) -> Times:
    import yaml  # comes with omegaconf

    try:
        content = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # both are the safe loader
    except yaml.YAMLError as error:
        raise LookupTableError(
            f"{file} is not a latency table in a known format: {' '.join(str(error).split())[:160]}."
        ) from None
    if (
        not isinstance(content, dict)
        or not all(isinstance(v, dict) and "mean" in v for v in content.values())
        or not content
    ):
        raise LookupTableError(
            f"{file} is in no known format; give YAML 'KEY: {{mean, var | std}}', lines 'KEY ATTEMPTS MEAN STD', "
            "or CSV with the header key,mean_ms."
        )
    return Times({str(key): _yaml_row(f"{file}, {key}", entry) for key, entry in content.items()})


def _yaml_row(place: str, entry: Mapping[str, object]) -> Row:
    count = entry.get("count")
    std = _number(place, entry["std"]) if "std" in entry else None
    if std is None and "var" in entry:
        variance = _number(place, entry["var"])
        std = math.sqrt(variance) if variance >= 0 else variance
    energy = _number(place, entry["energy_mj"]) if "energy_mj" in entry else None
    runs = None if count is None else round(_number(place, count))
    return _checked(place, Row(_number(place, entry["mean"]), std, runs, energy_mj=energy))


def _number(place: str, value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        raise LookupTableError(
            f"{place}: '{value}' is not a number of milliseconds; measure this layer again."
        ) from None


def _checked(place: str, row: Row) -> Row:
    if not row.valid:
        raise LookupTableError(
            f"{place}: {row.mean_ms} ms, {row.energy_mj} mJ: times and energies are positive; measure this layer again."
            if row.energy_mj is not None
            else f"{place}: {row.mean_ms} is not a positive number of milliseconds; measure this layer again."
        )
    return row


def _file_names(arch2info: Path | None) -> dict[str, str]:
    if arch2info is None:
        return {}
    try:
        lines = [line.split() for line in arch2info.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise LookupTableError(
            f"Cannot read {arch2info}: {getattr(error, 'strerror', None) or 'it is not text'}."
        ) from None
    if any(len(words) != 2 for words in lines):
        raise LookupTableError(f"{arch2info} must consist of lines 'KEY FILE.tflite'.")
    return {file: key for key, file in lines} | {file.replace(":", "_colon_"): key for key, file in lines}


class Format(NamedTuple):
    """A format of latency measurements.

    Attributes:
        matches: Whether a file is of it, by its first line that is not empty.
        read: The rows, from the file, its text, and keys by names of .tflite files; raises `LookupTableError`.
    """

    matches: Callable[[str], bool]
    read: Callable[[Path, str, Mapping[str, str]], Times]


FORMATS: Final = (
    Format(lambda first: first.startswith("key,"), _read_csv),
    Format(lambda first: _PERF_LINE.fullmatch(first) is not None, _read_lines),
    Format(lambda first: first.endswith(".tflite"), _refuse_list),
    Format(lambda first: True, _read_yaml),
)
"""The first that matches reads a file; the last one matches any."""
