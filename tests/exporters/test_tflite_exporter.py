"""The tflite exporter against torch: every operation, every padding; bytes, metadata, refusals."""

from __future__ import annotations

import errno
import hashlib
import itertools
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from nasface.errors import ExportError, UnknownName
from nasface.exporters import TFLiteConfig, TFLiteExporter, read_metadata
from nasface.netspec import ACTIVATIONS, INPUT, NetBuilder, random_weights
from nasface.runtimes import run_tflite
from nasface.runtimes.tflite import open_tflite

pytest.importorskip("ai_edge_litert")


def export(spec, weights, path, metadata=None, **config):
    return TFLiteExporter(TFLiteConfig(**config)).export(spec, weights, path, metadata or {})


def difference(outputs, expected):
    return np.abs(outputs - expected).max() / np.linalg.norm(expected, axis=1).min()


def single(build, shape=(9, 8, 6)):
    """A network of one layer that `build` fills."""
    net = NetBuilder("single", shape)
    with net.layer("Layer"):
        build(net, INPUT)
    return net.build()


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_mobile_net_equals_torch(mobile, images, reference, tmp_path, precision):
    spec, weights = mobile
    x = images(spec)
    exported = export(spec, weights, tmp_path / "net.tflite", precision=precision)
    allowed = {"float32": 1e-6, "float16": 2e-3}[precision]
    assert difference(run_tflite(exported.path, x), reference(spec, weights, x)) < allowed


@pytest.mark.parametrize("groups", [1, 2, 6], ids=["dense", "grouped", "depthwise"])
@pytest.mark.parametrize("kernel", [1, 2, 3, 5, 7])
def test_convolutions_of_every_size_and_stride(kernel, groups, images, reference, rng, tmp_path):
    shapes = ((9, 8, 6), (8, 8, 6), (7, 7, 6), (1, 2, 6), (2, 1, 6))
    for shape, stride, padding in itertools.product(shapes, (1, 2, 3), {0, kernel // 2}):
        if min(shape[:2]) + 2 * padding < kernel:
            continue
        options = {"channels": 12, "kernel": kernel, "stride": stride, "padding": padding, "groups": groups}
        spec = single(lambda net, x, options=options: net.conv(x, "c", bias=True, **options), shape)
        weights, x = random_weights(spec, rng), images(spec)
        exported = export(spec, weights, tmp_path / "net.tflite")
        error = difference(run_tflite(exported.path, x), reference(spec, weights, x))
        assert error < 1e-5, (shape, stride, padding)


@pytest.mark.parametrize("split", [True, False])
@pytest.mark.parametrize("function", ["relu", "relu6", "h_swish", "h_sigmoid"])
def test_large_depthwise_kernels_are_split_exactly(split, function, images, reference, rng, tmp_path):
    def build(net, x):
        net.activation(net.conv(x, "c", channels=6, kernel=7, stride=2, groups=6, norm="bn"), function)

    spec = single(build, (15, 12, 6))
    weights, x = random_weights(spec, rng), images(spec)
    exported = export(spec, weights, tmp_path / "net.tflite", split_depthwise=split)
    assert difference(run_tflite(exported.path, x), reference(spec, weights, x)) < 1e-5
    assert operators(exported.path)["DEPTHWISE_CONV_2D"] == (3 if split else 1)


@pytest.mark.parametrize("before", ["input", "conv", "linear", "add"])
@pytest.mark.parametrize("function", ACTIVATIONS)
def test_activations_after_anything(function, before, images, reference, rng, tmp_path):
    def build(net, x):
        if before == "conv":
            x = net.conv(x, "c", channels=6, kernel=3, bias=True)
        elif before == "linear":
            x = net.linear(net.global_avg_pool(x, "pool"), "fc", features=10)
        elif before == "add":
            x = net.add(x, net.conv(x, "c", channels=6), "sum")
        net.activation(x, function, "act")

    spec = single(build)
    weights, x = random_weights(spec, rng), 3 * images(spec)
    exported = export(spec, weights, tmp_path / "net.tflite")
    assert difference(run_tflite(exported.path, x), reference(spec, weights, x)) < 1e-5


def test_a_value_read_twice_is_not_fused_away(images, reference, rng, tmp_path):
    def build(net, x):
        y = net.conv(x, "c", channels=6, kernel=3, bias=True)
        net.add(y, net.activation(y, "relu"), "sum")

    spec = single(build)
    weights, x = random_weights(spec, rng), images(spec)
    exported = export(spec, weights, tmp_path / "net.tflite")
    assert difference(run_tflite(exported.path, x), reference(spec, weights, x)) < 1e-5


@pytest.mark.parametrize("rectified", [True, False])
@pytest.mark.parametrize(("kernel", "stride", "padding"), [(3, 2, 1), (2, 2, 0), (3, 1, 1)])
def test_max_pool_pads_with_nothing(kernel, stride, padding, rectified, images, reference, rng, tmp_path):
    def build(net, x):
        x = net.activation(x, "relu") if rectified else x
        net.max_pool(x, "pool", kernel=kernel, stride=stride, padding=padding)

    spec = single(build, (8, 9, 6))
    x = images(spec) - 3  # negative, so that a zero from the border would show
    exported = export(spec, {}, tmp_path / "net.tflite")
    np.testing.assert_array_equal(run_tflite(exported.path, x), reference(spec, {}, x))


@pytest.mark.parametrize(("kernel", "stride", "padding"), [(3, 2, 1), (2, 2, 0), (3, 1, 1)])
def test_avg_pool_counts_the_zeros_of_the_border(kernel, stride, padding, images, reference, tmp_path):
    spec = single(lambda net, x: net.avg_pool(x, "pool", kernel=kernel, stride=stride, padding=padding), (8, 9, 6))
    x = images(spec) - 3
    exported = export(spec, {}, tmp_path / "net.tflite")
    assert difference(run_tflite(exported.path, x), reference(spec, {}, x)) < 1e-6


def test_flatten_is_in_the_order_of_torch(images, reference, rng, tmp_path):
    spec = single(lambda net, x: net.linear(net.flatten(x, "flat"), "fc", features=5), (3, 4, 6))
    weights, x = random_weights(spec, rng), images(spec)
    exported = export(spec, weights, tmp_path / "net.tflite")
    assert difference(run_tflite(exported.path, x), reference(spec, weights, x)) < 1e-6


def test_several_outputs_are_maps_under_their_names(pyramid, images, reference_maps, tmp_path):
    spec, weights = pyramid
    x = images(spec, 1)
    interpreter = open_tflite(export(spec, weights, tmp_path / "net.tflite").path)
    outputs = interpreter.get_signature_runner()(input=x)
    expected = reference_maps(spec, weights, x)
    assert [end["name"] for end in interpreter.get_output_details()] == list(expected) == list(spec.outputs)
    for name, value in expected.items():
        np.testing.assert_allclose(outputs[name], value, rtol=1e-5, atol=1e-6)
    described = read_metadata(tmp_path / "net.tflite")["outputs"]
    assert [(end["name"], end["shape"]) for end in described] == [(n, list(v.shape)) for n, v in expected.items()]


def test_multiplication_broadcasts(images, reference, rng, tmp_path):
    spec = single(lambda net, x: net.multiply(x, net.global_avg_pool(x, "pool"), "scaled"))
    x = images(spec)
    exported = export(spec, {}, tmp_path / "net.tflite")
    assert difference(run_tflite(exported.path, x), reference(spec, {}, x)) < 1e-6


def test_xnnpack_takes_the_whole_network(mobile, tmp_path):
    interpreter = open_tflite(export(*mobile, tmp_path / "net.tflite").path)
    details = interpreter._get_ops_details()
    (delegate,) = [op for op in details if op["op_name"] == "DELEGATE"]
    assert delegate["outputs"].tolist() == [interpreter.get_output_details()[0]["index"]]


def test_ends_are_named(mobile, tmp_path):
    interpreter = open_tflite(export(*mobile, tmp_path / "net.tflite").path)
    (source,), (target,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert (source["name"], list(source["shape"]), source["dtype"]) == ("input", [1, 40, 40, 3], np.float32)
    assert (target["name"], list(target["shape"]), target["dtype"]) == ("descriptor", [1, 64], np.float32)
    assert interpreter.get_signature_list() == {"serving_default": {"inputs": ["input"], "outputs": ["descriptor"]}}


def test_equal_networks_give_equal_bytes(mobile, tmp_path):
    first, second = (export(*mobile, tmp_path / name, {"a": 1}) for name in ("a.tflite", "b.tflite"))
    data = first.path.read_bytes()
    assert data == second.path.read_bytes()
    assert (first.bytes, first.sha256) == (len(data), hashlib.sha256(data).hexdigest())


def test_metadata_comes_back(mobile, tmp_path):
    given = {
        "thresholds": [{"far": 0.001, "tar": 0.9, "squared_l2": 0.42, "cosine": 0.79}],
        "genotype": {"ks": [3, 5]},
        "network": "ours",
        "name": "né",
    }
    exported = export(*mobile, tmp_path / "net.tflite", given, precision="float16")
    found = read_metadata(exported.path)
    assert found | given == found
    assert found["precision"] == "float16"
    assert found["input"] == {"name": "input", "shape": [1, 40, 40, 3], "layout": "NHWC", "type": "float32"}
    assert found["output"] == {"name": "descriptor", "shape": [1, 64], "type": "float32"}
    assert found["preprocessing"]["resize"]["height"] == 40
    assert found["preprocessing"]["mean"] == [0.485, 0.456, 0.406]


def test_size_is_that_of_the_deployed_weights(rng, tmp_path):
    from nasface.spaces import OfaMbv3, OfaMbv3FaceConfig

    space = OfaMbv3(OfaMbv3FaceConfig())
    spec = space.build(space.sample(rng, 1)[0])
    weights = random_weights(spec, rng)
    for precision, width in (("float32", 4), ("float16", 2)):
        size = export(spec, weights, tmp_path / "net.tflite", precision=precision).bytes
        assert size == pytest.approx(width * spec.deployed_weights, rel=0.01)


def test_weights_stand_where_a_mapped_file_can_be_used_in_place(mobile, tmp_path):
    from ai_edge_litert import schema_py_generated as tfl

    data = export(*mobile, tmp_path / "net.tflite").path.read_bytes()
    model = tfl.Model.GetRootAs(data, 0)
    vectors = [model.Buffers(i)._tab for i in range(model.BuffersLength()) if model.Buffers(i).DataLength()]
    assert vectors
    assert all(tab.Vector(tab.Offset(4)) % 16 == 0 for tab in vectors)


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda w: w.pop("stem.bias"), "stem.bias"),
        (lambda w: w.update({"stem.weight": np.zeros((8, 3, 5, 5), np.float32)}), r"\(8, 3, 3, 3\)"),
        (lambda w: w.update({"stem.bias": np.full(8, np.nan, np.float32)}), "NaN"),
    ],
    ids=["missing", "misshapen", "nan"],
)
def test_wrong_weights_are_refused(mobile, tmp_path, break_it, message):
    spec, weights = mobile
    broken = dict(weights)
    break_it(broken)
    with pytest.raises(ExportError, match=message):
        export(spec, broken, tmp_path / "net.tflite")
    assert not list(tmp_path.iterdir())


def test_weights_too_large_for_float16_are_refused(mobile, tmp_path):
    spec, weights = mobile
    large = dict(weights) | {"stem.bias": np.full(8, 1e5, np.float32)}
    with pytest.raises(ExportError, match="precision=float32"):
        export(spec, large, tmp_path / "net.tflite", precision="float16")


def test_metadata_that_is_not_json_is_refused(mobile, tmp_path):
    for value in (float("nan"), object()):
        with pytest.raises(ExportError, match="not JSON"):
            export(*mobile, tmp_path / "net.tflite", {"x": value})


def test_unknown_precision_is_refused():
    with pytest.raises(UnknownName, match="float16"):
        TFLiteExporter(TFLiteConfig(precision="int4"))


def test_a_full_disk_leaves_nothing(mobile, tmp_path, monkeypatch):
    path = tmp_path / "net.tflite"
    path.write_bytes(b"the old file")

    def full(self, data):
        with self.open("wb") as file:
            file.write(bytes(data)[:100])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ExportError, match="No space left"):
        export(*mobile, path)
    assert path.read_bytes() == b"the old file"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_made_is_refused(mobile, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ExportError, match="choose a writable folder"):
        export(*mobile, tmp_path / "file" / "net.tflite")


@pytest.mark.parametrize("content", [None, b"", b"not a model at all", b"\x1c\0\0\0TFL3garbage"])
def test_metadata_of_something_else_is_refused(content, tmp_path):
    path = tmp_path / "net.tflite"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ExportError, match=r"net\.tflite"):
        read_metadata(path)


def test_importing_exporters_loads_nothing_heavy():
    heavy = "tensorflow", "ai_edge_litert", "torch"
    code = f"import sys, nasface.exporters; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def operators(path):
    """How often each operator occurs in a file."""
    from ai_edge_litert import schema_py_generated as tfl

    from nasface.exporters import _flatbuffer

    names = {value: name for name, value in vars(tfl.BuiltinOperator).items() if isinstance(value, int)}
    model = _flatbuffer.unpack(path.read_bytes())
    return Counter(names[model.operatorCodes[op.opcodeIndex].builtinCode] for op in model.subgraphs[0].operators)
