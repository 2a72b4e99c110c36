"""Predicted peak of activations against what a process takes: `python benchmarks/check_memory.py`.

A process's memory also holds weights, packed weights and the runtime. These do not depend on the resolution, so growing
the input isolates the activations: growth of the resident peak against growth of the prediction.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from _sizes import size

from nasface.costs.memory import peak_megabytes
from nasface.exporters.tflite import TFLiteConfig, TFLiteExporter
from nasface.netspec import NetSpec, random_weights
from nasface.spaces import OfaMbv3, OfaMbv3FaceConfig
from nasface.spaces.references import REFERENCES

RESOLUTIONS = size((112, 224, 448), (32, 64))
NETWORKS = {
    "smallest": {"ks": 3, "e": 3, "d": 2},
    "middle": {"ks": 5, "e": 4, "d": 3},
    "largest": {"ks": 7, "e": 6, "d": 4},
    "efficientnet_b0": None,
}
CHILD = """
import sys, numpy as np
from ai_edge_litert.interpreter import Interpreter
def memory(name):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(name))
before = memory("VmRSS")
interpreter = Interpreter(sys.argv[1], num_threads=1)
interpreter.allocate_tensors()
entry = interpreter.get_input_details()[0]
interpreter.set_tensor(entry["index"], np.ones(entry["shape"], np.float32))
for _ in range(2):
    interpreter.invoke()
print(memory("VmHWM") - before)
"""


def build(description: dict[str, int] | None, resolution: int) -> NetSpec:
    if description is None:
        return REFERENCES["efficientnet_b0"](resolution)
    space = OfaMbv3(OfaMbv3FaceConfig(resolution=resolution))
    return space.build(space.from_dict(description))


def resident_megabytes(spec: NetSpec) -> float:
    """Growth of a fresh process's resident peak by loading and running the exported network."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tflite"
        TFLiteExporter(TFLiteConfig()).export(spec, random_weights(spec, np.random.default_rng(0)), path, {})
        command = [sys.executable, "-c", CHILD, str(path)]
        runs = [subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(3)]
    return min(int(run.stdout) for run in runs) * 1024 / 1e6


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    print("| network | resolutions | measured growth, MB | predicted growth, MB | error |\n|---|---|---|---|---|")
    for name, description in size(NETWORKS, {"smallest": NETWORKS["smallest"]}).items():
        specs = [build(description, resolution) for resolution in RESOLUTIONS]
        measured = np.diff([resident_megabytes(spec) for spec in specs])
        predicted = np.diff([max(map(peak_megabytes, spec.layers)) for spec in specs])
        for i, (a, b) in enumerate(zip(measured, predicted, strict=True)):
            sizes = f"{RESOLUTIONS[i]} to {RESOLUTIONS[i + 1]}"
            print(f"| {name} | {sizes} | {a:.2f} | {b:.2f} | {b / a - 1:+.0%} |")


if __name__ == "__main__":
    main()
