"""Latency tables measured elsewhere, brought into nasface's format: rows of a file of times by their keys.

The keys are `Layer.key`, names of .tflite files that a list translates, or those of nsganetv2, see `nsganet_key`, whose
final_expand_layer includes the global pooling.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from nasface.devices.lut import LookupTable, Provenance, Row
from nasface.devices.plausibility import check_rows
from nasface.devices.time_files import read_times
from nasface.errors import LookupTableError, listing
from nasface.netspec import Layer, shape_text
from nasface.reading import read_text
from nasface.spaces import SearchSpace

log = logging.getLogger(__name__)

_NSGANET: Final = ("MBConv-", "first_conv-", "final_expand_layer-", "feature_mix_layer-")
_NSGANET_KINDS: Final = {"Conv": "first_conv", "Conv_1": "final_expand_layer", "Conv_2": "feature_mix_layer"}


def import_lut(
    file: Path,
    spaces: Sequence[SearchSpace],
    *,
    name: str,
    provenance: Provenance,
    arch2info: Path | None = None,
    unit: str | None = None,
) -> LookupTable:
    """The rows that the spaces need, from a file in one of the formats of `time_files`.

    Args:
        file: The measurements.
        spaces: One per resolution wanted; each contributes the rows of its `layers()`.
        name: The table's name.
        provenance: What is known; a note on repeated lines is added to its method.
        arch2info: The authors' list `KEY FILE.tflite`, for measurements that name files differently.
        unit: Of the file's numbers: ms, us, s; None for what the file says of itself, or else for milliseconds as long
            as a phone can have such times.

    Raises:
        LookupTableError: The file cannot be read, is of no known format, lacks rows, or its rows cannot be times.
        UnknownName: There is no such unit.
    """
    times = read_times(file, _file_names(arch2info), unit)
    if times.repeated:
        note = f"{len(times.repeated)} keys stood more than once in {file.name}; the last line counts."
        log.warning("%s", note)
        provenance = replace(provenance, method=f"{provenance.method} {note}".strip())
    nsganet = any(key.startswith(_NSGANET) for key in times.rows)
    pick = _pick_nsganet if nsganet else _pick_plain
    table = LookupTable(name, provenance, {space.resolution: pick(file, times.rows, space) for space in spaces})
    for space in spaces:
        for warning in check_rows(str(file), space.layers(), table.rows[space.resolution], bool(unit or times.unit)):
            log.warning("%s", warning)
    return table


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


def _file_names(arch2info: Path | None) -> dict[str, str]:
    if arch2info is None:
        return {}
    try:
        lines = [line.split() for line in read_text(arch2info).splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise LookupTableError(
            f"Cannot read {arch2info}: {getattr(error, 'strerror', None) or 'it is not text'}."
        ) from None
    if any(len(words) != 2 for words in lines):
        raise LookupTableError(f"{arch2info} must consist of lines 'KEY FILE.tflite'.")
    return {file: key for key, file in lines} | {file.replace(":", "_colon_"): key for key, file in lines}
