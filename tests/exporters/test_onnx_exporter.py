"""The onnx and torch_export exporters against torch: every operation, precisions, batches, metadata, refusals."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from networks import every_operation

from nasface.errors import ExportError, UnknownName
from nasface.exporters import (
    OnnxConfig,
    OnnxExporter,
    TFLiteConfig,
    TFLiteExporter,
    TorchExportConfig,
    TorchExportExporter,
    read_metadata,
)
from nasface.netspec import random_weights
from nasface.runtimes import cosines, open_model, run_tflite

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")


def export(spec, weights, path, examples=None, **config):
    return OnnxExporter(OnnxConfig(**config)).export(spec, weights, path, {}, examples)


def outputs(path, images):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    values = session.run(None, {"input": np.ascontiguousarray(images.transpose(0, 3, 1, 2))})
    return dict(zip([end.name for end in session.get_outputs()], values, strict=True))


@pytest.mark.parametrize("precision", OnnxExporter.precisions)
def test_every_operation_and_batches(precision, images, reference, rng, tmp_path):
    spec = every_operation()
    weights, x = random_weights(spec, rng), images(spec, 4)
    path = export(spec, weights, tmp_path / "net.onnx", x, precision=precision).path
    onnx.checker.check_model(str(path), full_check=True)
    [(name, found)] = outputs(path, x).items()
    assert (name, found.shape) == ("descriptor", (4, 10))
    np.testing.assert_allclose(np.concatenate([outputs(path, x[i : i + 1])[name] for i in range(4)]), found, atol=1e-5)
    expected = reference(spec, weights, x)
    error = np.sqrt(((found - expected) ** 2).sum() / (expected**2).sum())
    assert error < {"float32": 1e-6, "float16": 2e-3, "int8": 0.08}[precision]


def test_several_outputs(pyramid, images, reference_maps, tmp_path):
    spec, weights = pyramid
    x = images(spec, 2)
    found = outputs(export(spec, weights, tmp_path / "net.onnx").path, x)
    for name, value in reference_maps(spec, weights, x).items():
        np.testing.assert_allclose(found[name].transpose(0, 2, 3, 1), value, rtol=1e-5, atol=1e-6)


def test_integers_are_those_of_tflite(mobile, images, reference, tmp_path):
    """The same ranges: both files are equally near to float, and as near to each other."""
    pytest.importorskip("ai_edge_litert")
    spec, weights = mobile
    x = images(spec, 16)
    ours = outputs(export(spec, weights, tmp_path / "net.onnx", x, precision="int8").path, x)["descriptor"]
    config = TFLiteConfig(precision="int8", split_depthwise=False)
    theirs = run_tflite(TFLiteExporter(config).export(spec, weights, tmp_path / "net.tflite", {}, x).path, x)
    assert cosines(ours, theirs).min() > 0.995
    assert cosines(ours, reference(spec, weights, x)).min() > 0.995


def test_integer_operators_are_fused(mobile, images, tmp_path):
    """ONNX Runtime computes every convolution in integers."""
    spec, weights = mobile
    path = export(spec, weights, tmp_path / "net.onnx", images(spec), precision="int8").path
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    options.log_severity_level = 3
    onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    kinds = {node.op_type for node in onnx.load(str(tmp_path / "optimised.onnx")).graph.node}
    assert "QLinearConv" in kinds
    assert not kinds & {"Conv", "FusedConv"}


def test_metadata_and_equal_bytes(mobile, images, tmp_path):
    spec, weights = mobile
    x = images(spec)
    first, second = (export(spec, weights, tmp_path / name, x, precision="int8") for name in "ab")
    assert first.sha256 == second.sha256
    found = read_metadata(export(spec, weights, tmp_path / "net.onnx").path)
    assert found["input"] == {"name": "input", "shape": [1, 3, 40, 40], "layout": "NCHW", "type": "float32"}
    assert found["output"]["shape"] == [1, 64]


def test_refusals(mobile, tmp_path):
    spec, weights = mobile
    with pytest.raises(UnknownName, match="float16"):
        OnnxExporter(OnnxConfig(precision="int8_weights"))
    with pytest.raises(ExportError, match="some hundred photos"):
        export(spec, weights, tmp_path / "net.onnx", precision="int8")
    large = dict(weights) | {"stem.bias": np.full(8, 1e5, np.float32)}
    with pytest.raises(ExportError, match="precision=float32"):
        export(spec, large, tmp_path / "net.onnx", precision="float16")
    (tmp_path / "bad.onnx").write_bytes(b"not a model at all")
    with pytest.raises(ExportError, match="damaged"):
        read_metadata(tmp_path / "bad.onnx")


def test_torch_export_computes_the_network_for_any_number_of_images(mobile, images, reference, tmp_path):
    pytest.importorskip("torch")
    spec, weights = mobile
    path = TorchExportExporter(TorchExportConfig()).export(spec, weights, tmp_path / "net.pt2", {}).path
    x = images(spec, 4)
    model = open_model(path)
    for count in (1, 4):
        np.testing.assert_allclose(model.embed(x[:count]), reference(spec, weights, x[:count]), rtol=1e-4, atol=1e-5)
    assert model.size == 40
    assert read_metadata(path)["precision"] == "float32"
    assert b"site-packages" not in path.read_bytes(), "no names of files on this machine"


def test_torch_export_writes_every_operation_and_several_outputs(pyramid, images, reference_maps, rng, tmp_path):
    torch = pytest.importorskip("torch")
    every = every_operation()
    for name, (spec, weights) in {"one": (every, random_weights(every, rng)), "maps": pyramid}.items():
        path = TorchExportExporter(TorchExportConfig()).export(spec, weights, tmp_path / f"{name}.pt2", {}).path
        x = images(spec, 3)
        given = torch.export.load(path).module()(torch.from_numpy(x).permute(0, 3, 1, 2))
        found = given if isinstance(given, dict) else {spec.output: given[:, :, None, None]}
        for output, value in reference_maps(spec, weights, x).items():
            computed = found[output].detach().permute(0, 2, 3, 1)
            np.testing.assert_allclose(computed, value, rtol=1e-4, atol=1e-4)


def test_loading_the_exporters_imports_nothing_heavy():
    code = "import sys, nasface.exporters; print({'onnx', 'onnxruntime', 'torch', 'tensorflow'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
