"""How long writing a `.tflite` file takes, and how fast the files are: `pytest benchmarks/bench_export.py`.

Inference is timed interleaved: one run of every candidate in turn, many rounds, so that a busy machine disturbs all
alike; and in processor time, which on one thread is what a quiet machine's clock would show. Medians, quartiles and
ratios to the default exporter stand in each benchmark's `extra_info`; pytest-benchmark's columns are wall-clock time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from _sizes import size

from nasface.exporters import (
    OnnxConfig,
    OnnxExporter,
    TFLiteConfig,
    TFLiteExporter,
    TFLiteKerasConfig,
    TFLiteKerasExporter,
)
from nasface.netspec import NetBuilder, NetSpec, Weights, random_weights
from nasface.runtimes import open_model
from nasface.runtimes.tflite import open_tflite
from nasface.spaces import OfaMbv3, OfaMbv3FaceConfig

GENOTYPES = {
    "smallest": {"ks": [3] * 20, "e": [3] * 20, "d": [2] * 5},
    "middle": {"ks": [5] * 20, "e": [4] * 20, "d": [3] * 5},
    "largest": {"ks": [7] * 20, "e": [6] * 20, "d": [4] * 5},
}
NAMES = size(tuple(GENOTYPES), ("smallest",))
RESOLUTIONS = size((112, 224), (112,))
ROUNDS = size(30, 1)


def face_net(name: str, resolution: int) -> tuple[NetSpec, Weights]:
    """One network of the face space with random weights."""
    space = OfaMbv3(OfaMbv3FaceConfig(resolution=resolution))
    spec = space.build(space.from_dict(GENOTYPES[name]))
    return spec, random_weights(spec, np.random.default_rng(0))


def tflite_runner(path: Path) -> Callable[[], None]:
    """A function that runs the file once, one thread."""
    interpreter = open_tflite(path, threads=1)
    details = interpreter.get_input_details()[0]
    image = np.random.default_rng(0).standard_normal(details["shape"], np.float32)
    interpreter.set_tensor(details["index"], image)
    return interpreter.invoke  # type: ignore[no-any-return]


def torch_runner(spec: NetSpec, weights: Weights) -> Callable[[], None]:
    """A function that runs the network in eager torch once, channels last, one thread."""
    torch = pytest.importorskip("torch")
    from nasface.supernets.module import SpecModule

    torch.set_num_threads(1)
    module = SpecModule.from_weights(spec, weights)
    image = torch.randn(1, 3, *spec.input_shape[:2]).to(memory_format=torch.channels_last)

    def run() -> None:
        with torch.inference_mode():
            module(image)

    return run


def interleave(runners: Mapping[str, Callable[[], None]], rounds: int = ROUNDS) -> dict[str, npt.NDArray[np.float64]]:
    """Milliseconds of processor time of every run of every candidate, [rounds] each, after two rounds of warming up."""
    times = {name: np.empty(rounds) for name in runners}
    for number in range(-2, rounds):
        for name, run in runners.items():
            start = time.process_time()
            run()
            if number >= 0:
                times[name][number] = 1e3 * (time.process_time() - start)
    return times


def summary(times: Mapping[str, npt.NDArray[np.float64]], base: str) -> dict[str, str]:
    """Per candidate: median and quartiles in ms, and the median over rounds of its time divided by that of `base`."""
    return {
        name: "{:.2f} ms [{:.2f}, {:.2f}], {:.2f} x {}".format(
            *np.percentile(values, [50, 25, 75]), np.median(values / times[base]), base
        )
        for name, values in times.items()
    }


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_writing_the_largest_network(benchmark, tmp_path, precision):
    spec, weights = face_net("largest", 224)
    exporter = TFLiteExporter(TFLiteConfig(precision=precision))
    exported = benchmark(lambda: exporter.export(spec, weights, tmp_path / "net.tflite", {}))
    benchmark.extra_info["megabytes"] = exported.bytes / 1e6


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("resolution", RESOLUTIONS)
@pytest.mark.parametrize("name", NAMES)
def test_inference(benchmark, tmp_path, name, resolution):
    pytest.importorskip("tensorflow")
    spec, weights = face_net(name, resolution)
    exporters = {
        "tflite": TFLiteExporter(TFLiteConfig()),
        "tflite float16": TFLiteExporter(TFLiteConfig(precision="float16")),
        "tflite whole 7x7": TFLiteExporter(TFLiteConfig(split_depthwise=False)),
        "tflite_keras": TFLiteKerasExporter(TFLiteKerasConfig()),
    }
    paths = {name: exporter.export(spec, weights, tmp_path / name, {}).path for name, exporter in exporters.items()}
    runners = {name: tflite_runner(path) for name, path in paths.items()} | {"torch": torch_runner(spec, weights)}
    benchmark.extra_info |= summary(interleave(runners), "tflite")
    benchmark(runners["tflite"])


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("shape", [(112, 112, 144), (28, 28, 192), (14, 14, 816), (7, 7, 1152)], ids=str)
def test_large_depthwise_kernel(benchmark, tmp_path, shape, stride):
    """A 7x7 depthwise layer alone: whole, and as the sum of three."""
    net = NetBuilder("depthwise", shape)
    with net.layer("Layer"):
        x = net.conv("input", "c", channels=shape[2], kernel=7, stride=stride, groups=shape[2], norm="bn")
        net.activation(x, "relu")
    spec = net.build()
    weights = random_weights(spec, np.random.default_rng(0))
    runners = {
        name: tflite_runner(
            TFLiteExporter(TFLiteConfig(split_depthwise=split)).export(spec, weights, tmp_path / name, {}).path
        )
        for name, split in (("split", True), ("whole", False))
    }
    benchmark.extra_info |= summary(interleave(runners), "split")
    benchmark(runners["split"])


@pytest.mark.parametrize("name", GENOTYPES)
def test_precisions(benchmark, tmp_path, name):
    """Files of every precision at 112 pixels, interleaved, and ONNX Runtime's beside them."""
    pytest.importorskip("onnxruntime")
    spec, weights = face_net(name, 112)
    examples = np.random.default_rng(1).standard_normal((8, *spec.input_shape), np.float32)
    configs = {
        "float32": TFLiteConfig(),
        "float16": TFLiteConfig(precision="float16"),
        "int8": TFLiteConfig(precision="int8"),
        "int8 integer": TFLiteConfig(precision="int8", hard_swish="integer"),
        "int8_weights": TFLiteConfig(precision="int8_weights"),
    }
    runners = {}
    for label, config in configs.items():
        path = TFLiteExporter(config).export(spec, weights, tmp_path / f"{label}.tflite", {}, examples).path
        benchmark.extra_info[f"{label} MB"] = path.stat().st_size / 1e6
        runners[label] = tflite_runner(path)
    for precision in OnnxExporter.precisions:
        exporter = OnnxExporter(OnnxConfig(precision=precision))
        model = open_model(exporter.export(spec, weights, tmp_path / f"{precision}.onnx", {}, examples).path)
        runners[f"onnx {precision}"] = lambda model=model: model.embed(examples[:1])
    benchmark.extra_info |= summary(interleave(runners), "float32")
    benchmark(runners["int8"])
