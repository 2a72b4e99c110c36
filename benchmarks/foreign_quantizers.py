"""Our int8 files beside those of other quantizers: `python benchmarks/foreign_quantizers.py --google PYTHON`.

Google's ai-edge-quantizer makes static int8 of our float32 `.tflite`, ONNX Runtime's quantizer of our float32 `.onnx`,
from the same images, each by its own Python (an environment of its own; one without the package is said and left out).
All files are then run here by the same runtimes, interleaved, one thread, in processor time. Networks are the demo's,
on its synthetic images: half of them give the ranges, cosines to float32's descriptors are of the other half.

    python3 -m venv google && google/bin/pip install ai-edge-quantizer
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from _sizes import size
from bench_export import GENOTYPES, interleave

import nasface
from nasface.deploy import cut_out
from nasface.exporters import OnnxConfig, OnnxExporter, TFLiteConfig, TFLiteExporter, network_inputs
from nasface.runtimes import cosines, open_model
from nasface.runtimes._base import quantised as quantised_values
from nasface.runtimes.tflite import open_tflite

NAMES = size(tuple(GENOTYPES), ("smallest",))
IMAGES = size(96, 4)

GOOGLE = """
import sys
import numpy as np
from ai_edge_litert.interpreter import Interpreter
from ai_edge_quantizer import quantizer, recipe
source, images, target = sys.argv[1:]
tool = quantizer.Quantizer(source, recipe.static_wi8_ai8())
(key, ends), = Interpreter(source).get_signature_list().items() or [(None, None)]
data = [{ends["inputs"][0]: image[None]} for image in np.load(images)]
tool.quantize(tool.calibrate({key: data})).export_model(target, overwrite=True)
"""
ONNX = """
import sys
import numpy as np
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
source, images, target = sys.argv[1:]
class Reader(CalibrationDataReader):
    def __init__(self):
        self.rest = iter(np.load(images).transpose(0, 3, 1, 2))
    def get_next(self):
        image = next(self.rest, None)
        return None if image is None else {"input": np.ascontiguousarray(image[None])}
quantize_static(
    source, target, Reader(), quant_format=QuantFormat.QDQ, per_channel=True,
    activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
)
"""


def quantised(python: str, program: str, *arguments: Path) -> str | None:
    """Run a quantizer by its own Python; why it gave no file, or None."""
    done = subprocess.run([python, "-c", program, *map(str, arguments)], capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else (done.stderr.strip().splitlines() or ["it failed"])[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--google", default=sys.executable, metavar="PYTHON", help="has ai-edge-quantizer")
    parser.add_argument("--onnx", default=sys.executable, metavar="PYTHON", help="has onnx and onnxruntime")
    parser.add_argument("--networks", nargs="+", default=NAMES, choices=tuple(GENOTYPES))
    options = parser.parse_args()
    print("| network | file | MB | time / float32 | quartiles | cosine mean / least |\n|---|---|---|---|---|---|")
    for name in options.networks:
        with tempfile.TemporaryDirectory() as folder:
            compare(name, Path(folder), options.google, options.onnx)


def compare(name: str, folder: Path, google: str, onnx: str) -> None:
    """The rows of one network."""
    bench = nasface.open_workbench()
    photos = bench.source.calibration_images()
    network = cut_out(bench.source.load(bench.space), bench.space.from_dict(GENOTYPES[name]), photos, "synthetic")
    spec, weights = network.spec, network.weights
    images = network_inputs(spec, photos[:IMAGES])
    seen, others, file = images[::2], images[1::2], folder / "images.npy"
    np.save(file, seen)
    paths = {}
    for precision in ("float32", "int8"):
        configs = TFLiteConfig(precision=precision), OnnxConfig(precision=precision)
        for exporter in (TFLiteExporter(configs[0]), OnnxExporter(configs[1])):
            path = folder / f"{precision}{exporter.suffix}"
            paths[f"{exporter.suffix} {precision}"] = exporter.export(spec, weights, path, {}, seen).path
    for label, python, program, base, suffix in (
        ("Google's quantizer, static int8", google, GOOGLE, ".tflite float32", ".tflite"),
        ("ONNX Runtime's quantizer, static int8", onnx, ONNX, ".onnx float32", ".onnx"),
    ):
        target = folder / f"{suffix[1:]}_theirs{suffix}"
        why = quantised(python, program, paths[base], file, target)
        if why is None:
            paths[label] = target
        else:
            print(f"left out: {label}: {why}", file=sys.stderr)
    times = interleave({label: runner(path, seen) for label, path in paths.items()})
    expected = open_model(paths[".tflite float32"]).embed(others)
    for label, path in paths.items():
        ratio = np.percentile(times[label] / times[".tflite float32"], [50, 25, 75])
        alike = cosines(open_model(path).embed(others), expected)
        shown = "{:.2f} | {:.2f} to {:.2f}".format(*ratio) + f" | {alike.mean():.4f} / {alike.min():.3f}"
        print(f"| {name} | {label} | {path.stat().st_size / 1e6:.2f} | {shown} |", flush=True)


def runner(path: Path, images: np.ndarray) -> Callable[[], object]:
    """A function that runs a file once, one thread; Google's take int8, which is made of the image beforehand."""
    if path.suffix == ".tflite":
        interpreter = open_tflite(path, threads=1)
        details = interpreter.get_input_details()[0]
        scale, zero = details["quantization"]
        image = quantised_values(images[:1], details["dtype"], scale, zero)
        interpreter.set_tensor(details["index"], image)
        return interpreter.invoke  # type: ignore[no-any-return]
    model = open_model(path)
    return lambda: model.embed(images[:1])


if __name__ == "__main__":
    main()
