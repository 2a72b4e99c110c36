"""TensorFlow's converter as the oracle of the schema writer: the same operators, the same outputs."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from importlib.util import find_spec

import numpy as np
import pytest
from networks import every_operation

from nasface.exporters import (
    TFLiteConfig,
    TFLiteExporter,
    TFLiteKerasConfig,
    TFLiteKerasExporter,
    read_metadata,
)
from nasface.netspec import random_weights
from nasface.runtimes.tflite import open_tflite, run_tflite

missing = [name for name in ("tensorflow", "ai_edge_litert") if find_spec(name) is None]  # an import takes seconds
pytestmark = [
    pytest.mark.skipif(bool(missing), reason=f"not installed: {missing}"),
    pytest.mark.filterwarnings("ignore"),  # TensorFlow's own
]


def both(spec, weights, folder, precision="float32"):
    """The files of the schema writer, nothing split, and of the converter."""
    ours = TFLiteExporter(TFLiteConfig(precision=precision, split_depthwise=False))
    keras = TFLiteKerasExporter(TFLiteKerasConfig(precision=precision))
    names = {"ours.tflite": ours, "keras.tflite": keras}
    return [exporter.export(spec, weights, folder / name, {}) for name, exporter in names.items()]


def operators(path):
    from ai_edge_litert import schema_py_generated as tfl

    from nasface.exporters import _flatbuffer

    names = {value: name for name, value in vars(tfl.BuiltinOperator).items() if isinstance(value, int)}
    model = _flatbuffer.unpack(path.read_bytes())
    codes = [model.operatorCodes[op.opcodeIndex] for op in model.subgraphs[0].operators]
    return Counter(f"{names[code.builtinCode]} {code.version}" for code in codes)


def test_same_operators_outputs_ends_and_metadata(mobile, images, tmp_path):
    spec, weights = mobile
    ours, keras = both(spec, weights, tmp_path)
    x = images(spec)
    np.testing.assert_allclose(run_tflite(ours.path, x), run_tflite(keras.path, x), rtol=1e-5, atol=1e-5)
    assert operators(ours.path) == operators(keras.path)
    assert ends(ours.path) == ends(keras.path)
    assert read_metadata(ours.path) == read_metadata(keras.path)


def ends(path):
    interpreter = open_tflite(path)
    details = (*interpreter.get_input_details(), *interpreter.get_output_details())
    return [(end["name"], end["shape"].tolist(), end["dtype"]) for end in details]


@pytest.mark.slow
def test_float16_differs_in_the_constant_sixth_only(mobile, images, tmp_path):
    spec, weights = mobile
    ours, keras = both(spec, weights, tmp_path, "float16")
    extra = operators(keras.path) - operators(ours.path)
    assert operators(ours.path) - operators(keras.path) == Counter()
    # the converter also rounds the 1/6 of h_sigmoid and the zero bias of the mixing layer to float16; we keep them
    assert extra == Counter({"DEQUANTIZE 3": 2})
    x = images(spec)
    outputs = run_tflite(keras.path, x)
    assert np.abs(run_tflite(ours.path, x) - outputs).max() < 2e-3 * np.linalg.norm(outputs, axis=1).min()


@pytest.mark.slow
def test_every_operation(images, reference, rng, tmp_path):
    spec = every_operation()
    weights, x = random_weights(spec, rng), images(spec)
    ours, keras = both(spec, weights, tmp_path)
    expected = reference(spec, weights, x)
    for exported in (ours, keras):
        np.testing.assert_allclose(run_tflite(exported.path, x), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_several_outputs(pyramid, images, reference_maps, tmp_path):
    spec, weights = pyramid
    ours, keras = both(spec, weights, tmp_path)
    x = images(spec, 1)
    assert ends(ours.path) == ends(keras.path)
    outputs = open_tflite(keras.path).get_signature_runner()(input=x)
    for name, value in reference_maps(spec, weights, x).items():
        np.testing.assert_allclose(outputs[name], value, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_bytes_are_the_same_in_another_process(tmp_path):
    code = (
        "import sys, numpy as np; from pathlib import Path\n"
        "from nasface.exporters import *; from nasface.netspec import *\n"
        "net = NetBuilder('n', (8, 8, 3))\n"
        "with net.layer('L'): net.activation(net.conv(INPUT, 'c', channels=4, kernel=3, norm='bn'), 'h_swish')\n"
        "spec = net.build(); weights = random_weights(spec, np.random.default_rng(0))\n"
        "print(TFLiteKerasExporter(TFLiteKerasConfig()).export(spec, weights, Path(sys.argv[1]), {}).sha256)"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / f"{run}.tflite")], capture_output=True, text=True, check=True
        )
        for run in range(2)
    ]
    assert runs[0].stdout == runs[1].stdout
    assert len(runs[0].stdout) == 65  # a hash and nothing else: the converter's chatter is kept away
