"""Files read by runtimes that share no code with TFLite: the same descriptors, or the files are at fault."""

from __future__ import annotations

import numpy as np
import pytest

from nasface.exporters import (
    OnnxConfig,
    OnnxExporter,
    TFLiteConfig,
    TFLiteExporter,
    TFLiteKerasConfig,
    TFLiteKerasExporter,
)
from nasface.runtimes import cosines, open_model, run_tflite

pytestmark = pytest.mark.slow

EXPORTERS = {
    f"tflite {precision} split={split} hard_swish={hard_swish}": TFLiteExporter(
        TFLiteConfig(precision=precision, split_depthwise=split, hard_swish=hard_swish)
    )
    for precision in TFLiteExporter.precisions
    for split in (True, False)
    for hard_swish in (("float", "integer") if precision == "int8" else ("float",))
}


def by_openvino(path, images):
    openvino = pytest.importorskip("openvino", reason="OpenVINO is not installed (pip install openvino)")
    compiled = openvino.Core().compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return np.concatenate([compiled(image[None])[0] for image in images])


@pytest.mark.parametrize("exporter", EXPORTERS.values(), ids=list(EXPORTERS))
def test_openvino_agrees(exporter, mobile, images, tmp_path):
    spec, weights = mobile
    x = images(spec, 8)
    path = exporter.export(spec, weights, tmp_path / "net.tflite", {}, x).path
    assert cosines(by_openvino(path, x), run_tflite(path, x)).min() > (0.99 if exporter.precision == "int8" else 0.9999)


@pytest.mark.parametrize("precision", OnnxExporter.precisions)
def test_openvino_agrees_with_onnx_runtime(precision, mobile, images, tmp_path):
    pytest.importorskip("onnxruntime")
    spec, weights = mobile
    x = images(spec, 8)
    path = OnnxExporter(OnnxConfig(precision=precision)).export(spec, weights, tmp_path / "net.onnx", {}, x).path
    found = by_openvino(path, x.transpose(0, 3, 1, 2))
    assert cosines(found, open_model(path).embed(x)).min() > (0.99 if precision == "int8" else 0.9999)


@pytest.mark.parametrize("precision", TFLiteKerasExporter.precisions)
@pytest.mark.filterwarnings("ignore")
def test_openvino_agrees_on_converted_files(precision, mobile, images, tmp_path):
    pytest.importorskip("tensorflow")
    spec, weights = mobile
    x = images(spec, 4)
    exporter = TFLiteKerasExporter(TFLiteKerasConfig(precision=precision))
    path = exporter.export(spec, weights, tmp_path / "net.tflite", {}).path
    assert cosines(by_openvino(path, x), run_tflite(path, x)).min() > 0.9999
