"""int8 files against the network in float32: every operation, ends, one delegate, names, bytes, refusals."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from nasface.costs import PeakMemoryMB
from nasface.errors import ExportError, UnknownName
from nasface.exporters import TFLiteConfig, TFLiteExporter, read_metadata
from nasface.netspec import ACTIVATIONS, INPUT, Activation, NetBuilder, random_weights
from nasface.runtimes.tflite import open_tflite, run_tflite
from nasface.spaces import OfaMbv3, OfaMbv3FaceConfig

pytest.importorskip("ai_edge_litert")

FILES = [("int8", "float"), ("int8", "integer"), ("int8_weights", "float")]


def export(spec, weights, path, examples=None, **config):
    return TFLiteExporter(TFLiteConfig(**config)).export(spec, weights, path, {}, examples)


def noise_ratio(outputs, expected):
    """Power of the signal over that of the error, in dB."""
    return 10 * np.log10((expected**2).sum() / ((outputs - expected) ** 2).sum())


def single(build, shape=(9, 8, 6)):
    net = NetBuilder("single", shape)
    with net.layer("Layer"):
        build(net, net.conv(INPUT, "first", channels=6, kernel=3, bias=True))
    return net.build()


OPERATIONS = {
    **{name: lambda net, x, name=name: net.activation(x, name, "act") for name in ACTIVATIONS},
    "depthwise": lambda net, x: net.conv(x, "c", channels=6, kernel=5, stride=2, groups=6, bias=True),
    "split depthwise": lambda net, x: net.conv(x, "c", channels=6, kernel=7, groups=6, bias=True),
    "multiplied depthwise": lambda net, x: net.conv(x, "c", channels=12, kernel=3, groups=6, bias=True),
    "grouped": lambda net, x: net.conv(x, "c", channels=12, kernel=3, groups=2, bias=True),
    "explicit padding": lambda net, x: net.conv(x, "c", channels=4, kernel=3, stride=2, bias=True),
    "linear": lambda net, x: net.linear(net.global_avg_pool(x, "pool"), "fc", features=10),
    "flatten": lambda net, x: net.linear(net.flatten(x, "flat"), "fc", features=10),
    "max pool": lambda net, x: net.max_pool(x, "pool", kernel=3, stride=2, padding=1),
    "average pool": lambda net, x: net.avg_pool(x, "pool", kernel=3, stride=2, padding=1),
    "add of two scales": lambda net, x: net.add(x, net.conv(x, "c", channels=6, kernel=7, bias=True), "sum"),
    "gate": lambda net, x: net.multiply(x, net.activation(net.global_avg_pool(x, "pool"), "sigmoid"), "gated"),
    "concat": lambda net, x: net.concat([x, net.conv(x, "c", channels=4, kernel=7, bias=True)], "joined"),
    "concat of a sigmoid": lambda net, x: net.concat([x, net.activation(x, "sigmoid")], "joined"),
    "upsample": lambda net, x: net.upsample(x, "up", factor=2),
}


@pytest.mark.parametrize(("precision", "hard_swish"), FILES)
@pytest.mark.parametrize("build", OPERATIONS.values(), ids=list(OPERATIONS))
def test_every_operation(build, precision, hard_swish, images, reference, rng, tmp_path):
    spec = single(build)
    weights, x = random_weights(spec, rng), 2 * images(spec, 8)
    exported = export(spec, weights, tmp_path / "net.tflite", x, precision=precision, hard_swish=hard_swish)
    assert noise_ratio(run_tflite(exported.path, x), reference(spec, weights, x)) > 28


@pytest.mark.parametrize(("precision", "hard_swish"), FILES)
def test_a_network_is_one_delegate_and_near_to_float(precision, hard_swish, mobile, images, reference, tmp_path):
    spec, weights = mobile
    x = images(spec, 16)
    exported = export(spec, weights, tmp_path / "net.tflite", x, precision=precision, hard_swish=hard_swish)
    assert noise_ratio(run_tflite(exported.path, x), reference(spec, weights, x)) > 20
    interpreter = open_tflite(exported.path)
    assert Counter(op["op_name"] for op in interpreter._get_ops_details())["DELEGATE"] == 1
    (source,), (target,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert (source["name"], source["dtype"], target["name"], target["dtype"]) == (
        "input",
        np.float32,
        "descriptor",
        np.float32,
    )


def test_integer_files_hold_no_operator_in_float(mobile, images, tmp_path):
    spec, weights = mobile
    h_swishes = sum(isinstance(op, Activation) and op.function == "h_swish" for op in spec.ops)
    for hard_swish, swishes in (("float", h_swishes), ("integer", 0)):
        exported = export(spec, weights, tmp_path / "net.tflite", images(spec), precision="int8", hard_swish=hard_swish)
        found = Counter(operators(exported.path))
        assert found["HARD_SWISH"] == swishes
        assert found["QUANTIZE"] + found["DEQUANTIZE"] <= 2 + 2 * swishes
        metadata = read_metadata(exported.path)
        assert metadata["hard_swish"] == hard_swish
        assert metadata["float_operators"] == (["HARD_SWISH"] if swishes else [])


def test_enlarging_stays_in_integers(images, rng, tmp_path):
    spec = single(OPERATIONS["upsample"])
    path = export(spec, random_weights(spec, rng), tmp_path / "net.tflite", images(spec), precision="int8").path
    assert _flatbuffer_types(path)["DEPTH_TO_SPACE"] == {"INT8"}
    assert read_metadata(path)["float_operators"] == []


def test_operators_can_be_left_in_float(mobile, images, tmp_path):
    spec, weights = mobile
    options = {"precision": "int8", "float_operators": ["CONV_2D"]}
    found = _flatbuffer_types(export(spec, weights, tmp_path / "net.tflite", images(spec), **options).path)
    assert found["CONV_2D"] == {"FLOAT32"}
    assert found["DEPTHWISE_CONV_2D"] == {"INT8"}


def _flatbuffer_types(path):
    """Types of the outputs of every kind of operator."""
    from ai_edge_litert import schema_py_generated as tfl

    from nasface.exporters import _flatbuffer

    types = {value: name for name, value in vars(tfl.TensorType).items() if isinstance(value, int)}
    graph = _flatbuffer.unpack(path.read_bytes()).subgraphs[0]
    found = {}
    for name, operator in zip(operators(path), graph.operators, strict=True):
        found.setdefault(name, set()).add(types[graph.tensors[operator.outputs[0]].type])
    return found


def operators(path):
    from ai_edge_litert import schema_py_generated as tfl

    from nasface.exporters import _flatbuffer

    names = {value: name for name, value in vars(tfl.BuiltinOperator).items() if isinstance(value, int)}
    model = _flatbuffer.unpack(path.read_bytes())
    return [names[model.operatorCodes[op.opcodeIndex].builtinCode] for op in model.subgraphs[0].operators]


def test_what_h_swish_does_not_see_widens_no_range(images, reference, rng, tmp_path):
    """A value of -74 in front of an h_swish must cost nothing."""

    def build(net, x):
        net.conv(net.activation(net.conv(x, "wide", channels=6, bias=True), "h_swish"), "c", channels=6)

    spec = single(build)
    weights = random_weights(spec, rng)
    weights["wide.bias"][0] = -74
    x = images(spec, 8)
    exported = export(spec, weights, tmp_path / "net.tflite", x, precision="int8")
    assert noise_ratio(run_tflite(exported.path, x), reference(spec, weights, x)) > 30


def test_channels_without_weights_and_with_large_biases(images, reference, rng, tmp_path):
    spec = single(lambda net, x: net.conv(x, "c", channels=6, kernel=3, bias=True))
    weights = random_weights(spec, rng)
    weights["c.weight"][0], weights["c.weight"][1], weights["c.bias"][1] = 0, 1e-9, 5
    x = images(spec, 8)
    exported = export(spec, weights, tmp_path / "net.tflite", x, precision="int8")
    assert noise_ratio(run_tflite(exported.path, x), reference(spec, weights, x)) > 28


@pytest.mark.parametrize("precision", ["float32", "float16", "int8", "int8_weights"])
@pytest.mark.parametrize("split", [True, False])
def test_every_tensor_has_a_name_of_its_own(precision, split, mobile, images, tmp_path):
    from nasface.exporters import _flatbuffer

    spec, weights = mobile
    exported = export(spec, weights, tmp_path / "net.tflite", images(spec), precision=precision, split_depthwise=split)
    names = [tensor.name for tensor in _flatbuffer.unpack(exported.path.read_bytes()).subgraphs[0].tensors]
    assert all(names)
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("precision", ["float32", "float16", "int8", "int8_weights"])
def test_a_batch_equals_its_images(precision, mobile, images, tmp_path):
    spec, weights = mobile
    x = images(spec, 4)
    exported = export(spec, weights, tmp_path / "net.tflite", x, precision=precision)
    interpreter = open_tflite(exported.path)
    (source,), (target,) = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.resize_tensor_input(source["index"], x.shape, strict=True)
    interpreter.allocate_tensors()
    interpreter.set_tensor(source["index"], x)
    interpreter.invoke()
    np.testing.assert_allclose(
        interpreter.get_tensor(target["index"]), run_tflite(exported.path, x), rtol=1e-4, atol=1e-5
    )


def test_examples_may_be_photos_or_inputs(mobile, rng, tmp_path):
    from nasface.preprocessing import Preprocessing

    spec, weights = mobile
    photos = rng.integers(0, 256, (8, *spec.input_shape), np.uint8)
    prepared = Preprocessing(spec.input_shape[0]).normalise(photos)
    files = [export(spec, weights, tmp_path / "net.tflite", x, precision="int8").sha256 for x in (photos, prepared)]
    assert files[0] == files[1]
    assert files[0] != export(spec, weights, tmp_path / "net.tflite", prepared / 2, precision="int8").sha256


def test_ranges_need_examples_of_the_right_kind(mobile, images, tmp_path):
    spec, weights = mobile
    x = images(spec)
    with pytest.raises(ExportError, match="some hundred photos"):
        export(spec, weights, tmp_path / "net.tflite", precision="int8")
    for wrong in (x[:, 1:], x.astype(np.float64), x[:0]):
        with pytest.raises(ExportError):
            export(spec, weights, tmp_path / "net.tflite", wrong, precision="int8")
    with pytest.raises(ExportError, match="not finite"):
        export(spec, weights, tmp_path / "net.tflite", np.full_like(x, np.nan), precision="int8")
    assert not list(tmp_path.iterdir())


def test_unknown_words_are_refused(mobile, images, tmp_path):
    with pytest.raises(UnknownName, match="int8_weights"):
        TFLiteExporter(TFLiteConfig(precision="int4"))
    with pytest.raises(UnknownName, match="CONV_2D"):
        export(*mobile, tmp_path / "net.tflite", images(mobile[0]), precision="int8", float_operators=["CONV"])
    with pytest.raises(UnknownName, match="integer"):
        TFLiteExporter(TFLiteConfig(precision="int8", hard_swish="fast"))


@pytest.mark.parametrize("depth", [2, 4])
def test_integers_peak_where_the_files_tensors_do(depth, rng):
    """Within a tenth of the tensors alive at one time in the graph that the exporter writes."""
    from nasface.exporters._lowering import Lowering
    from nasface.exporters._quantize import NO_INTEGER_KERNEL, quantise
    from nasface.exporters._ranges import measure_ranges

    space = OfaMbv3(OfaMbv3FaceConfig(resolution=112))
    genotype = space.from_dict({"ks": 5, "e": 6, "d": depth})
    spec = space.build(genotype)
    lowered = Lowering(spec, random_weights(spec, rng), split=False, hard_swish=True).graph()
    graph = quantise(
        lowered, measure_ranges(lowered, rng.standard_normal((1, *spec.input_shape), np.float32)), NO_INTEGER_KERNEL
    )
    last = {index: position for position, op in enumerate(graph.operators) for index in op.inputs}
    alive, peak = set(), 0
    for position, op in enumerate(graph.operators):
        alive |= {op.output, *(index for index in op.inputs if graph.tensors[index].value is None)}
        sizes = (np.prod(graph.tensors[i].shape) * np.dtype(graph.tensors[i].dtype).itemsize for i in alive)
        peak = max(peak, int(sum(sizes)))
        alive = {index for index in alive if last.get(index, -1) > position}
    assert PeakMemoryMB(space, "int8").predict(genotype[None])[0] == pytest.approx(peak / 1e6, rel=0.1)
