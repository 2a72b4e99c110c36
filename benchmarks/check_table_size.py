"""What a search takes with a large accuracy table: `python benchmarks/check_table_size.py [--rows N] [PREDICTOR ...]`.

Each predictor serves one whole command, from the table to the checked model file, in a process of its own with no
cached fit. The table is made up: random networks of the face space with a synthetic accuracy.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from _sizes import size

from nasface.accuracy.table import UNIFORM, AccuracyTable, write_table
from nasface.spaces import OfaMbv3, OfaMbv3FaceConfig, distinct_rows
from nasface.testing.synthetic import accuracies

ROWS = size(100_000, 400)
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def write_made_up_table(path: Path, rows: int) -> None:
    space, rng = OfaMbv3(OfaMbv3FaceConfig(resolution=112)), np.random.default_rng(0)
    networks = distinct_rows(space.sample(rng, rows))
    shared = {"space": space.fingerprint(), "resolution": str(space.resolution), "supernet": "", "data": ""}
    notes = {"seed": "0", "calibration": "", "origin": UNIFORM}
    metrics = {"auc": accuracies(space, networks, rng)}
    everyone = {name: (text,) * len(networks) for name, text in notes.items()}
    write_table(AccuracyTable(networks, metrics, shared, everyone), path, space)


def measure(predictor: str, table: Path, folder: Path) -> tuple[float, float, float]:
    """Processor seconds, wall seconds and the resident peak in megabytes of one command."""
    options = ["search", f"accuracy.table={table}", f"predictor={predictor}", f"hydra.run.dir={folder / predictor}"]
    environment = {**os.environ, **ONE_THREAD, "NASFACE_CACHE": str(folder / f"cache-{predictor}")}
    started = time.perf_counter()
    with (folder / f"{predictor}.log").open("w") as log:
        child = subprocess.Popen([sys.executable, "-m", "nasface", *options], env=environment, stdout=log, stderr=log)
        _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit((folder / f"{predictor}.log").read_text())
    return used.ru_utime + used.ru_stime, time.perf_counter() - started, used.ru_maxrss * 1024 / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("predictors", nargs="*", default=["ridge"])
    parser.add_argument("--rows", type=int, default=ROWS)
    given = parser.parse_args()
    print("| predictor | rows | processor seconds | wall seconds | resident peak, MB |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "table.csv"
        write_made_up_table(table, given.rows)
        for predictor in given.predictors:
            cpu, wall, peak = measure(predictor, table, Path(folder))
            print(f"| {predictor} | {given.rows:,} | {cpu:.1f} | {wall:.1f} | {peak:.0f} |", flush=True)


if __name__ == "__main__":
    main()
