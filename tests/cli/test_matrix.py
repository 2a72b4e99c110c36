"""Every two registered components work together through the real command line; new ones join by being registered."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
import yaml
from hydra.core.config_store import ConfigStore
from networks import every_operation
from omegaconf import OmegaConf

from nasface.costs import LATENCY, network_costs
from nasface.devices.device import embedded_luts
from nasface.exporters import TFLiteExporter
from nasface.netspec import random_weights
from nasface.options import config_directory, register_options
from nasface.reading import read_contents
from nasface.registry import KINDS, REGISTRY, build
from nasface.runtimes import TOLERANCES, cosines, open_model, runtimes
from nasface.spaces.ofa_mbv3 import OfaMbv3, OfaMbv3FaceConfig
from nasface.testing.runs import make_run
from nasface.testing.synthetic import tiny_space, write_made_up_measurements

from ._command import Command

SMALL = {"n_pairs": 200, "trees": 10, "steps": 10, "hidden": 16, "generations": 2, "population": 8, "samples": 50}
"""What makes components small, by name of the parameter, whatever component has it."""

NEEDS = {("space", "ofa_mbv3"): {"width": 1.2}}
"""What an option needs beyond its defaults: the embedded latency tables are of width 1.2."""

FACTORS: dict[str, list[str]] = {
    **{kind: REGISTRY.names(kind) for kind in ("space", "latency", "predictor", "selector", "search")},
    "exporter": ["none", *REGISTRY.names("exporter")],
    "precision": list(TFLiteExporter.precisions),
    "supernet": REGISTRY.names("supernet")[::-1],
    "device": sorted(embedded_luts()),
    "data": ["none", "procedural"],
    "metric": ["auc", "eer"],  # one of each direction: the search sees columns of numbers
    "cost": ["none", *sorted(network_costs(tiny_space()))],
    **{kind: REGISTRY.names(kind) for kind in ("detector", "classifier", "loss", "teacher", "transport")},
}
"""Options by group, the quickest first: it fills the rows up. Those of the last line can be chosen beside the others;
what they do is seen where their tasks are tested."""

ELSEWHERE: Final = ("metric", "cost", "precision")
"""What is named in other options than a group of its own."""

IMPLIED: Final = {
    "operation": "spaces build networks of them, and nothing but exporters and runtimes sees which",
    "runtime": "it is that of the suffix of the exporter, whose files it checks in every row",
    "task": "it decides what is done with the parts, and changes none of them, unless it says so and is outweighed",
    "experiment": "likewise",
}
"""Kinds that are no factors, and why their pairs with the others are those of the rows; tested below."""

Row = dict[str, str]


def pairwise(factors: Mapping[str, Sequence[str]]) -> list[Row]:
    """Few rows that hold every pair of values of every two factors (greedy)."""
    pairs = list(itertools.combinations(factors, 2))
    missing = {(a, x, b, y) for a, b in pairs for x in factors[a] for y in factors[b]}
    rows: list[Row] = []
    while missing:
        a, x, b, y = min(missing)  # a row begins with one missing pair, so that the loop ends
        row = {a: x, b: y}
        for name in factors:
            if name not in row:
                row[name] = max(factors[name], key=lambda value: len(_gain(row | {name: value}, missing)))
        missing -= _gain(row, missing)
        rows.append({name: row[name] for name in factors})
    return rows


def _gain(row: Row, missing: set[tuple[str, str, str, str]]) -> set[tuple[str, str, str, str]]:
    return {(a, x, b, y) for a, b in itertools.permutations(row, 2) if (a, x := row[a], b, y := row[b]) in missing}


LONG = ("tflite_keras", "torch_export", "coreml")


def cases() -> list[Any]:
    """Rows in which every component stands once, but for exporters of seconds; marked slow, those of all pairs."""
    seen: set[tuple[str, str]] = set()
    found = []
    for row in pairwise(FACTORS):
        adds = row["exporter"] not in LONG and not set(row.items()) <= seen
        seen |= set(row.items()) if adds else set()
        found.append(pytest.param(row, id="-".join(row.values()), marks=[] if adds else [pytest.mark.slow]))
    return found


def overrides(row: Row) -> list[str]:
    """`kind=name` for the whole row, and what keeps each component small."""
    chosen = [f"{kind}={name}" for kind, name in row.items() if kind not in ELSEWHERE]
    chosen += [f"accuracy.metric={row['metric']}"]
    chosen += [] if row["cost"] == "none" else [f"constraints.{row['cost']}.ratio=5"]
    chosen += [] if _written(row) == "float32" else [f"exporter.precision={_written(row)}"]
    for kind, name in row.items():
        known = _parameters(kind, name)
        values = {key: value for key, value in SMALL.items() if key in known} | NEEDS.get((kind, name), {})
        chosen += [f"{kind}.{key}={value}" for key, value in values.items()]
    return chosen


def _written(row: Row) -> str:
    """The precision of the row's file: its own where the exporter has it, else float32."""
    known = () if row["exporter"] == "none" else REGISTRY.get("exporter", row["exporter"]).factory.precisions
    return row["precision"] if row["precision"] in known else "float32"


def _parameters(kind: str, name: str) -> set[str]:
    if (kind, name) not in {(component.kind, component.name) for component in REGISTRY}:
        return set()
    return {field.name for field in dataclasses.fields(REGISTRY.get(kind, name).config or NoParameters)}


@dataclasses.dataclass
class NoParameters:
    """What a component without parameters has."""


def test_the_cover_is_complete_and_small() -> None:
    rows = pairwise(FACTORS)
    for a, b in itertools.combinations(FACTORS, 2):
        assert {(row[a], row[b]) for row in rows} == set(itertools.product(FACTORS[a], FACTORS[b]))
    widest = sorted(len(values) for values in FACTORS.values())[-2:]
    assert len(rows) <= 2 * widest[0] * widest[1]


def test_every_kind_is_a_factor_or_implied_by_one() -> None:
    assert set(KINDS) == (set(FACTORS) | set(IMPLIED)) - {"precision", "device"}


def test_every_exporter_has_one_runtime_and_every_runtime_an_exporter_but_one() -> None:
    suffixes = {REGISTRY.get("exporter", name).factory.suffix for name in REGISTRY.names("exporter")}
    assert suffixes < set(runtimes())
    alone = [
        name for name in REGISTRY.names("runtime") if not suffixes & set(build("runtime", {"name": name}).suffixes)
    ]
    assert alone == ["torchscript"], "other people's files, which are read and not written"


def test_every_operation_is_tried() -> None:
    known = [c for c in REGISTRY if (c.kind, c.origin) == ("operation", "nasface")]
    assert {type(op) for op in every_operation().ops} == {component.factory for component in known}


FILES: Final = [
    pytest.param(name, precision, marks=[pytest.mark.slow] if name in LONG else [])
    for name in REGISTRY.names("exporter")
    for precision in REGISTRY.get("exporter", name).factory.precisions
]


def _settings(exporter: str, precision: str) -> dict[str, str]:
    return {"name": exporter} | ({} if precision == "float32" else {"precision": precision})


@pytest.mark.parametrize(("exporter", "precision"), FILES)
def test_every_operation_in_every_file(
    exporter: str, precision: str, reference: Callable[..., Any], rng: np.random.Generator, tmp_path: Path
) -> None:
    spec = every_operation((16, 16, 3))
    weights, images = random_weights(spec, rng), rng.standard_normal((6, 16, 16, 3), np.float32)
    writer = build("exporter", _settings(exporter, precision))
    path = writer.export(spec, weights, tmp_path / f"model{writer.suffix}", {}, images).path
    found, expected = open_model(path).embed(images), reference(spec, weights, images)
    assert cosines(found, expected).min() > (0.9 if "int8" in precision else 0.9999)


@pytest.mark.parametrize("task", [name for name in REGISTRY.names("task") if name != "train_network"])
def test_a_task_changes_no_other_option(task: str) -> None:
    register_options()
    node = ConfigStore.instance().load(f"task/{task}.yaml")
    assert (node.package, OmegaConf.to_container(node.node)) == ("_global_", {"task": task})


PRESETS: Final = sorted([*config_directory().glob("task/*.yaml"), *config_directory().glob("experiment/*.yaml")])
OUTWEIGHING: Final = {
    "training": "progressive_shrinking",
    "teacher": "none",
    "search": "local",
    "predictor": "ridge",
    "device": "sd765",
}
"""For each group that a task or an experiment chooses of, another choice."""


@pytest.mark.parametrize("file", PRESETS, ids=lambda file: file.stem)
def test_what_a_task_or_experiment_chooses_is_outweighed(file: Path, tmp_path: Path) -> None:
    content = yaml.safe_load(file.read_text())
    chosen = {key.removeprefix("override /") for entry in content.get("defaults", ()) for key in entry} - {"task"}
    own = {"defaults", "task", "experiment", "compare"}
    assert set(content) - own <= chosen, "it sets parameters of a part that it does not choose"
    if not chosen:
        return
    others = {group: OUTWEIGHING[group] for group in chosen}
    settings = make_run(tmp_path, f"{file.parent.name}={file.stem}", *(f"{g}={n}" for g, n in others.items())).settings
    for group, name in others.items():
        found = getattr(settings, group)
        assert name in found if group == "device" else found["name"] == name


@pytest.mark.parametrize("row", cases())
def test_runs(
    cli: Command, make_table: Callable[..., Path], row: Row, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nasface.runtimes.parity.LEAST_MEAN_COSINE", 0.9)  # made-up faces are none the demo knows
    monkeypatch.setattr("nasface.deploy.LEAST_COSINE", dict.fromkeys(("photos", "synthetic", "none"), 0.5))
    metrics = tuple(dict.fromkeys(("auc", row["metric"])))
    table = make_table(row["space"], row["supernet"], metrics=metrics, **NEEDS.get(("space", row["space"]), {}))
    inputs = ["data.people=12", "data.photos=4"] if row["data"] == "procedural" else []
    if row["latency"] == "learned":
        file = write_made_up_measurements(tmp_path / "measurements.csv", OfaMbv3(OfaMbv3FaceConfig(resolution=112)))
        inputs = [*inputs, f"latency.measurements={file}"]
    done = cli(
        *overrides(row),
        *inputs,
        f"accuracy.table={table}",
        "space.resolution=112",
        "accuracy.calibration_photos=4",
        "evaluation.bootstrap=0",
        "measure.runs=2",
        "evaluation.beside=[]",
    )
    assert done.code == 0, done.err
    result = done.result
    assert result["status"] == "ok"
    used = set(result["components"]) - {"device"}
    assert {kind: result["components"][kind] for kind in used} == {kind: row[kind] for kind in used}
    assert result["components"]["device"] == [row["device"]]
    decision = result["decision"]
    bounds = {constraint["cost"]: constraint["bound"] for constraint in decision["constraints"]}
    assert set(bounds) == {LATENCY, row["cost"]} - {"none"}
    assert decision["summary"][f"latency {row['device']}"] <= bounds[LATENCY]
    assert (done.folder / "report.html").stat().st_size > 1000
    if row["exporter"] != "none":
        assert len(read_contents(done.folder / decision["model"]["file"])) == decision["model"]["bytes"]
        checks = result["measurements"]["parity"].values()
        assert checks, "the runtime of the exporter's suffix has checked the file"
        if _written(row) == "int8":
            assert all(figures["mean_cosine"] > 0.9 for figures in checks)
        else:
            tolerance = TOLERANCES[build("exporter", _settings(row["exporter"], _written(row))).tolerated]
            assert all(figures["max_difference_relative"] <= tolerance for figures in checks)
