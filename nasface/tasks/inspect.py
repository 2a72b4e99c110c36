"""`task=inspect`: one network layer by layer (`genotype=`), or what a model file says of itself (`model=`)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.table import Column, Table

from nasface.composition import DeviceCosts
from nasface.costs import Cost, LayerCost
from nasface.errors import InvalidInput, LookupTableError
from nasface.exporters.coreml import PROGRAM, SUFFIX, coreml_operations
from nasface.exporters.metadata import READERS, Description, read_metadata
from nasface.jobs import Outcome, Run
from nasface.netspec import Layer, NetSpec, shape_text
from nasface.reading import read_bytes
from nasface.reports.use_of_model import IN_WORDS, threshold_lines, thresholds, use_rows
from nasface.runs import Json
from nasface.spaces import SearchSpace
from nasface.spaces.genotype_file import read_genotype
from nasface.tasks._networks import in_stated_space, one_network_folder, space_of
from nasface.tasks.following import following, helped, timed
from nasface.tasks.measure_latency import FILES


@dataclass(frozen=True)
class LayerRow:
    """One layer in `result.json`; a latency for each device, None where its table does not go by layers."""

    key: str
    stage: int | None
    output: str
    params: int
    macs: int
    latency_ms: tuple[float | None, ...]


def run(run: Run) -> Outcome:
    """The description inside a model file, or a network's layers, or both."""
    given, model = run.settings.genotype, _model(run)
    folder = one_network_folder(run)
    if folder is not None:
        run = in_stated_space(run, folder)
        space = space_of(run, folder)
        shown = _show_network(run, space, read_genotype(folder / "net.config", space))
        return Outcome(shown, next=following(run, "measure_latency", {"network": run.settings.network}))
    if given is None and model is None:
        raise InvalidInput(
            "task=inspect needs genotype=: smallest, largest, a published network (subnet1_865), a run folder, a model "
            "file, a genotype JSON ({'ks','e','d'}), a net.config or a result.json; model=FILE; or network=FOLDER."
        )
    if isinstance(given, list):
        raise InvalidInput("task=inspect shows one network; give genotype=FILE, not a list.")
    decision: dict[str, Json] = {} if model is None else {"metadata": _show_metadata(run, model)}
    if given is None:
        return Outcome(decision, next=_use(run, model))
    goes_on = following(run, "measure_latency", {"model": None})
    run = in_stated_space(run, run.path(str(given)))
    decision |= _show_network(run, run.workbench.space, run.workbench.genotype(str(given))[1])
    return Outcome(decision, next=goes_on)


def _use(run: Run, model: Path | None) -> str:
    """What can be done with a file without photos, or what needs them."""
    return timed(run, [model]) if model is not None and model.suffix in FILES else helped(run, "evaluate")


def _model(run: Run) -> Path | None:
    """The model file to describe: `model=`, or `genotype=` where that is one."""
    model, genotype = run.settings.model, run.settings.genotype
    if isinstance(model, list):
        raise InvalidInput("task=inspect shows one model; give model=FILE, not a list.")
    if model is not None:
        return run.path(str(model))
    path = None if genotype is None else run.path(str(genotype))
    return path if path is not None and path.suffix in READERS else None


def _show_metadata(run: Run, path: Path) -> Description:
    """How the model is used, its thresholds, and what else its description says."""
    metadata = read_metadata(path)
    lines = [f"{path.name}: {metadata.get('network')}, {metadata.get('precision')}"]
    lines += [f"{name}: {text}" for name, text in use_rows(metadata)] + threshold_lines(thresholds(metadata))
    rest = {name: value for name, value in metadata.items() if name not in {*IN_WORDS, "network", "precision"}}
    lines += [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in rest.items()]
    if path.suffix == SUFFIX:  # nothing here runs it, so what it holds is said
        counts = coreml_operations(read_bytes(path / PROGRAM))
        lines.append("operations: " + ", ".join(f"{count} {kind}" for kind, count in counts.items()))
    for line in lines:
        run.console.print(line, soft_wrap=True)
    return metadata


def _show_network(run: Run, space: SearchSpace, genotype: npt.NDArray[np.int8]) -> dict[str, Json]:
    """Layers, shapes, parameters, MACs, and latency per layer on every chosen device."""
    spec = space.build(genotype)
    devices = _devices(run)
    latencies = [_per_layer(entry.latency, genotype) for entry in devices]
    rows = _rows(spec, latencies)
    run.console.print(_table(spec, rows, devices))
    milliseconds = {entry.device.name: float(entry.latency.predict(genotype[None])[0]) for entry in devices}
    totals: dict[str, Json] = {
        "parameters": spec.params,
        "macs": spec.macs,
        "deployed_weights": spec.deployed_weights,
        "latency_ms": milliseconds,
    }
    run.console.print(
        f"{spec.params:,} parameters, {spec.macs / 1e6:.2f} M multiply-accumulates "
        f"at {space.resolution} x {space.resolution}"
    )
    for entry in devices:
        mark = "estimated" if entry.latency.estimated else "from measured layers"
        run.console.print(f"{milliseconds[entry.device.name]:.2f} ms on {entry.device.name} ({mark})")
    return {
        "genotype": space.to_dict(genotype),
        "layers": [asdict(row) for row in rows],
        "totals": totals,
        "resolution": space.resolution,
    }


def _latency_header(entry: DeviceCosts) -> str:
    return f"{entry.device.name} ms" + ("\n(estimated)" if entry.latency.estimated else "")


def _devices(run: Run) -> Sequence[DeviceCosts]:
    """The chosen devices, or none where their tables do not know this resolution: the counts are exact without them."""
    try:
        return run.workbench.devices
    except LookupTableError as error:
        run.console.note("no latency:", str(error))
        return []


def _per_layer(latency: Cost, genotype: npt.NDArray[np.int8]) -> list[float] | None:
    if not isinstance(latency, LayerCost):
        return None
    indices = latency.space.layer_indices(genotype[None])[0]
    return [float(latency.values[i]) for i in indices if i >= 0]


def _rows(spec: NetSpec, latencies: list[list[float] | None]) -> list[LayerRow]:
    return [
        LayerRow(
            layer.key,
            None if layer.stage is None else layer.stage + 1,
            shape_text(layer.output_shape),
            layer.params,
            layer.macs,
            tuple(values[i] if values else None for values in latencies),
        )
        for i, layer in enumerate(spec.layers)
    ]


def _layer_text(layer: Layer) -> str:
    """E.g. "MBConv e192 k7 se": expanded channels, kernel size, squeeze-and-excitation."""
    parts = [f"{short}{value}" for short, value in (("e", layer.expand), ("k", layer.kernel)) if value is not None]
    return " ".join(["MBConv" if layer.kind == "expanded_conv" else layer.kind, *parts, *(["se"] if layer.se else [])])


def _table(spec: NetSpec, rows: list[LayerRow], devices: Sequence[DeviceCosts]) -> Table:
    table = Table("", Column("layer", no_wrap=True), "output", title=f"{spec.name} at {shape_text(spec.input_shape)}")
    for name in ("parameters", "MACs", *[_latency_header(entry) for entry in devices]):
        table.add_column(name, justify="right")
    for row, layer in zip(rows, spec.layers, strict=True):
        times = ["-" if value is None else f"{value:.3f}" for value in row.latency_ms]
        table.add_row(
            str(row.stage or ""),
            _layer_text(layer),
            row.output,
            f"{layer.params:,}",
            f"{layer.macs:,}",
            *times,
        )
    return table
