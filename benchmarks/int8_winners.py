"""Does a search for an int8 file find another network with int8 latencies? `python benchmarks/int8_winners.py`.

Latency tables of this machine for float32 and int8 files, from the models and by the steps of task=build_lut, but
timed in processor time, which a busy machine disturbs less than its clock; blocks of both precisions are interleaved.
Then the same search with each table under the same bounds relative to EfficientNet-B0.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np
from _sizes import size

import nasface
from nasface.costs import sum_of_rows
from nasface.devices import LookupTable, Provenance, user_folder, write_lut
from nasface.devices.measurements import Timed
from nasface.errors import InfeasibleConstraint
from nasface.exporters import TFLiteConfig, TFLiteExporter
from nasface.runtimes.tflite import open_tflite
from nasface.spaces import OfaMbv3, OfaMbv3FaceConfig
from nasface.timing.layer_bench import write_models
from nasface.timing.lut_builder import TablePlan, build_rows
from nasface.timing.protocol import summarise
from nasface.timing.transports import Sample

PRECISIONS = ("float32", "int8")
BLOCKS, RUNS, NETS = size(5, 2), size(8, 1), size(16, 5)
RATIOS = (0.4, 0.5, 0.6, 0.7, 0.8)


def timed(plan: TablePlan, folder: Path) -> dict[str, dict[str, Timed]]:
    """Figures by precision and model, in milliseconds of processor time of one thread."""
    paths: dict[tuple[str, str], Path] = {}
    for precision in PRECISIONS:
        exporter = TFLiteExporter(TFLiteConfig(precision=precision))
        written = write_models(plan.models, folder / precision, exporter)
        paths |= {(precision, name): path for name, path in written.items()}
    samples: dict[tuple[str, str], list[Sample]] = {key: [] for key in paths}
    rng, keys = np.random.default_rng(0), list(paths)
    for _ in range(BLOCKS):
        for at in rng.permutation(len(keys)).tolist():
            samples[keys[at]].append(block(paths[keys[at]]))
    found: dict[str, dict[str, Timed]] = {precision: {} for precision in PRECISIONS}
    for (precision, name), blocks in samples.items():
        found[precision][name] = summarise(blocks, 0.02)
    return found


def block(path: Path) -> Sample:
    """Some runs after two that warm up."""
    interpreter = open_tflite(path, threads=1)
    details = interpreter.get_input_details()[0]
    interpreter.set_tensor(details["index"], np.ones(details["shape"], np.float32))
    times = []
    for _ in range(RUNS + 2):
        started = time.process_time_ns()
        interpreter.invoke()
        times.append((time.process_time_ns() - started) / 1e6)
    return Sample(tuple(max(ms, 1e-4) for ms in times[2:]), RUNS)


def main() -> None:
    """Print a table of winners."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    space = OfaMbv3(OfaMbv3FaceConfig(resolution=112))
    plan = TablePlan(space, space.sample(np.random.default_rng(0), NETS), chains=size(True, False))
    with tempfile.TemporaryDirectory() as folder:
        os.environ["NASFACE_HOME"] = folder
        figures = timed(plan, Path(folder))
        tables = {precision: kept(plan, precision, figures[precision]) for precision in PRECISIONS}
        ratios = [figures["int8"][name].median_ms / figures["float32"][name].median_ms for name in plan.net_models]
        print(f"int8 / float32 of {len(ratios)} random networks: {min(ratios):.3f} to {max(ratios):.3f}")
        winners(space, tables)


def kept(plan: TablePlan, precision: str, figures: dict[str, Timed]) -> LookupTable:
    """The table of one precision, in the user's folder."""
    built, side = build_rows(plan, figures, np.random.default_rng(1)), plan.space.resolution
    errors = {step: error["mape"] for step, error in built.steps.items()}
    print(f"{precision}: mean error of the sum of rows on networks it was not fitted on, by step: {errors}")
    provenance = Provenance("measured", "this machine", method="processor time", precision=precision)
    table = LookupTable(f"here_{precision}", provenance, {side: built.rows}, {side: built.references})
    write_lut(table, user_folder() / f"{table.name}.json")
    return table


def winners(space: OfaMbv3, tables: dict[str, LookupTable]) -> None:
    """Under a budget relative to EfficientNet-B0: the winner by either table, and what it needs in int8."""
    int8 = sum_of_rows(tables["int8"], space)
    titles = [f"{what} by {name} times" for name in PRECISIONS for what in ("predicted AUC", "int8 time / budget")]
    print("|", " | ".join(["budget, ratio", *titles, "genes that differ"]), "|")
    print("|---" * 6 + "|")
    for ratio in RATIOS:
        budget = ratio * tables["int8"].reference("efficientnet_b0", space.resolution).ms
        cells, rows = [f"{ratio}"], []
        for precision in PRECISIONS:
            try:
                found = nasface.search(device=f"here_{precision}", latency_ratio=ratio, strategy="exact")
            except InfeasibleConstraint:
                cells += ["no network", "no network"]
                continue
            rows.append(space.from_dict(found.genotype))
            cells += [f"{found.predicted:.5f}", f"{int8.predict(rows[-1][None])[0] / budget:.3f}"]
        cells.append(str(int((rows[0] != rows[1]).sum())) if len(rows) == len(PRECISIONS) else "–")
        print("|", " | ".join(cells), "|")


if __name__ == "__main__":
    main()
