"""An operation that a plug-in registers counts, computes and is written like those of the core."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
import pytest

from nasface.errors import ComponentError, ExportError, InvalidInput
from nasface.exporters import (
    OnnxConfig,
    OnnxExporter,
    TFLiteConfig,
    TFLiteExporter,
    TFLiteKerasConfig,
    TFLiteKerasExporter,
    TorchExportConfig,
    TorchExportExporter,
    check_weights,
)
from nasface.netspec import INPUT, NetBuilder, PluginOp, random_weights
from nasface.registry import Registry
from nasface.runtimes import run_tflite
from nasface.supernets import SpecModule, deployed_weights

torch = pytest.importorskip("torch")


@dataclass(frozen=True, slots=True)
class Shuffle(PluginOp):
    """Channels of all groups in turn (Zhang et al., ShuffleNet, 2018)."""

    groups: int

    def torch(self, inputs, weights):
        (x,) = inputs
        n, channels, height, width = x.shape
        return x.reshape(n, self.groups, channels // self.groups, height, width).transpose(1, 2).reshape(x.shape)

    def tflite(self, graph, inputs, weights):
        from ai_edge_litert import schema_py_generated as tfl

        height, width, channels = self.shape
        parted = (1, height, width, self.groups, channels // self.groups)
        steps = [
            (tfl.BuiltinOperator.RESHAPE, (-1, *parted[1:]), parted, tfl.ReshapeOptionsT),
            (tfl.BuiltinOperator.TRANSPOSE, (0, 1, 2, 4, 3), (*parted[:3], *parted[:2:-1]), tfl.TransposeOptionsT),
            (tfl.BuiltinOperator.RESHAPE, (-1, *self.shape), (1, *self.shape), tfl.ReshapeOptionsT),
        ]
        (made,) = inputs
        for number, (code, how, shape, options) in enumerate(steps):
            source, made = made, graph.tensor(f"{self.name}.{number}", shape)
            graph.operator(code, [source, graph.shared_constant("how", np.array(how, np.int32))], made, options())
        return made

    def onnx(self, graph, inputs, weights):
        height, width, channels = self.shape
        parted, whole = (
            graph.constant(f"{self.name}.{name}", np.array(shape, np.int64))
            for name, shape in (
                ("parted", (0, self.groups, channels // self.groups, height, width)),
                ("whole", (0, channels, height, width)),
            )
        )
        x = graph.node("Reshape", f"{self.name}.groups", [*inputs, parted])
        x = graph.node("Transpose", f"{self.name}.turned", [x], perm=[0, 2, 1, 3, 4])
        return graph.node("Reshape", self.name, [x, whole])

    def keras(self, inputs, weights):
        import tensorflow as tf

        height, width, channels = self.shape
        x = tf.keras.layers.Reshape((height, width, self.groups, channels // self.groups))(inputs[0])
        return tf.keras.layers.Reshape(self.shape)(tf.keras.layers.Permute((1, 2, 4, 3))(x))


@dataclass(frozen=True, slots=True)
class Scale(PluginOp):
    """A learned factor for every channel."""

    def weight_shapes(self):
        return {"factor": (self.shape[2],)}

    def macs(self):
        return int(np.prod(self.shape))

    def torch(self, inputs, weights):
        return inputs[0] * weights["factor"][:, None, None]

    def tflite(self, graph, inputs, weights):
        from ai_edge_litert import schema_py_generated as tfl

        made = graph.tensor(self.name, (1, *self.shape))
        factor = graph.constant(f"{self.name}.factor", weights["factor"])
        graph.operator(tfl.BuiltinOperator.MUL, [*inputs, factor], made, tfl.MulOptionsT())
        return made

    def onnx(self, graph, inputs, weights):
        return graph.node(
            "Mul", self.name, [*inputs, graph.constant(f"{self.name}.factor", weights["factor"][:, None, None])]
        )

    def keras(self, inputs, weights):
        import tensorflow as tf

        return tf.keras.layers.Lambda(lambda x: x * weights["factor"])(inputs[0])


@dataclass(frozen=True, slots=True)
class Bare(PluginOp):
    """Has no rules."""


@dataclass(frozen=True, slots=True)
class Halving(PluginOp):
    """Gives another shape than it says."""

    def torch(self, inputs, weights):
        return inputs[0][:, :, ::2]

    def tflite(self, graph, inputs, weights):
        return graph.tensor(self.name, (1, 2, 2, 2))

    def onnx(self, graph, inputs, weights):
        return weights["absent"]


@dataclass(frozen=True, slots=True)
class Forgetful(PluginOp):
    """Gives nothing."""

    def torch(self, inputs, weights):
        return None

    tflite = onnx = lambda self, graph, inputs, weights: None


@dataclass(frozen=True, slots=True)
class Foreign(Forgetful):
    """Gives the name of something else, and a number beyond all tensors."""

    def tflite(self, graph, inputs, weights):
        return 10**6

    def onnx(self, graph, inputs, weights):
        return "of another graph"


@pytest.fixture(autouse=True)
def registry(monkeypatch):
    """With the operations of a plug-in."""
    made = Registry()

    def load():
        for kind in (Shuffle, Scale, Bare, Halving, Forgetful, Foreign):
            made.register("operation", kind.__name__.lower())(kind)

    made.load_plugin("nasface-foreign", load)
    monkeypatch.setattr("nasface.netspec.plugin_op.REGISTRY", made)
    return made


def network(*added):
    """Operations between two convolutions; `added` are (class, its parameters)."""
    net = NetBuilder("plugged", (6, 5, 3))
    with net.layer("Plugged"):
        x = net.activation(net.conv(INPUT, "first", channels=8, kernel=3, bias=True), "relu")
        for number, (kind, *parameters) in enumerate(added):
            x = net.operation(kind(f"added.{number}", (x,), net.shape(x), *parameters))
        net.flatten(net.conv(net.activation(x, "relu6"), "last", channels=4), "flat")
    spec = net.build()
    return spec, random_weights(spec, np.random.default_rng(0))


EXPORTERS = {
    ".tflite": TFLiteExporter(TFLiteConfig()),
    ".onnx": OnnxExporter(OnnxConfig()),
    ".pt2": TorchExportExporter(TorchExportConfig()),
}


@pytest.mark.parametrize("suffix", EXPORTERS)
def test_every_exporter_writes_what_torch_computes(suffix, images, tmp_path):
    spec, weights = network((Shuffle, 2), (Scale,))
    x = images(spec, 3)
    exported = EXPORTERS[suffix].export(spec, weights, tmp_path / f"model{suffix}", {})
    np.testing.assert_allclose(descriptors(exported.path, x), expected(spec, weights, x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "exporter", [TFLiteExporter(TFLiteConfig(precision="int8")), OnnxExporter(OnnxConfig(precision="int8"))]
)
def test_integer_files_hold_it_too(exporter, images, tmp_path):
    spec, weights = network((Shuffle, 2), (Scale,))
    x = images(spec, 20)
    path = exporter.export(spec, weights, tmp_path / f"model{exporter.suffix}", {}, x).path
    wanted = expected(spec, weights, x)
    assert np.abs(descriptors(path, x) - wanted).max() < 0.05 * np.abs(wanted).max()


@pytest.mark.slow
@pytest.mark.skipif(find_spec("tensorflow") is None, reason="not installed: tensorflow")
def test_keras_writes_it(images, tmp_path):
    spec, weights = network((Shuffle, 2), (Scale,))
    x = images(spec, 1)
    path = TFLiteKerasExporter(TFLiteKerasConfig()).export(spec, weights, tmp_path / "model.tflite", {}).path
    np.testing.assert_allclose(descriptors(path, x), expected(spec, weights, x), rtol=1e-4, atol=1e-5)


def descriptors(path, x):
    if path.suffix == ".tflite":
        return run_tflite(path, x)
    if path.suffix == ".onnx":
        session = pytest.importorskip("onnxruntime").InferenceSession(path.read_bytes())
        return session.run(None, {"input": np.ascontiguousarray(x.transpose(0, 3, 1, 2))})[0]
    return torch.export.load(path).module()(torch.from_numpy(x).permute(0, 3, 1, 2)).detach().numpy()


def expected(spec, weights, x):
    with torch.no_grad():
        return SpecModule.from_weights(spec, weights)(torch.from_numpy(x).permute(0, 3, 1, 2)).numpy()


def test_shuffling_is_what_it_says():
    op = Shuffle("shuffle", ("x",), (1, 1, 6), 2)
    assert op.torch([torch.arange(6.0).reshape(1, 6, 1, 1)], {}).flatten().tolist() == [0, 3, 1, 4, 2, 5]


def test_it_counts_and_has_weights():
    spec, weights = network((Shuffle, 2), (Scale,))
    plain, _ = network()
    assert spec.params - plain.params == spec.deployed_weights - plain.deployed_weights == 8
    assert spec.macs - plain.macs == 6 * 5 * 8
    assert weights["added.1.factor"].shape == (8,)
    check_weights(spec, weights)
    with pytest.raises(ExportError, match=r"added\.1\.factor"):
        check_weights(spec, {name: value for name, value in weights.items() if name != "added.1.factor"})


def test_its_weights_are_learned():
    spec, _ = network((Scale,))
    module = SpecModule(spec)
    assert "added.0.factor" in dict(module.named_parameters())
    assert set(deployed_weights(module.state_dict(), spec)) == {*random_weights(spec, np.random.default_rng(0))}


@pytest.mark.parametrize(
    ("suffix", "message"),
    [
        (".tflite", "exporter=tflite cannot write Bare, which has no rule tflite; give it that method"),
        (".onnx", "exporter=onnx cannot write Bare, which has no rule onnx"),
        (".pt2", "torch cannot compute Bare, which has no rule torch"),
    ],
)
def test_an_exporter_without_a_rule_refuses(suffix, message, tmp_path):
    spec, weights = network((Bare,))
    with pytest.raises(ExportError, match=message):
        EXPORTERS[suffix].export(spec, weights, tmp_path / f"model{suffix}", {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("kind", "suffix", "message"),
    [
        (Halving, ".tflite", r"broke the rules of tflite: added\.0 is \[1, 2, 2, 2\], not \[1, 6, 5, 8\]"),
        (Halving, ".onnx", r"failed in onnx \(KeyError"),
        (Halving, ".pt2", r"broke the rules of torch: added\.0 is \[8, 3, 5\], not \[8, 6, 5\]"),
        (Forgetful, ".tflite", "broke the rules of tflite: it gave a NoneType for added.0; the number of a tensor"),
        (Forgetful, ".onnx", "broke the rules of onnx: it gave a NoneType for added.0; the name of a value"),
        (Forgetful, ".pt2", "broke the rules of torch: it gave a NoneType for added.0; a tensor is asked for"),
        (Foreign, ".tflite", "broke the rules of tflite: it gave a int for added.0"),
        (Foreign, ".onnx", "broke the rules of onnx: it gave 'of another graph' for added.0"),
    ],
)
def test_a_wrong_rule_names_the_plugin(kind, suffix, message, tmp_path):
    spec, weights = network((kind,))
    with pytest.raises(ComponentError, match=f"The operation {kind.__name__.lower()} of nasface-foreign {message}"):
        EXPORTERS[suffix].export(spec, weights, tmp_path / f"model{suffix}", {})


def test_an_operation_that_is_not_registered():
    @dataclass(frozen=True, slots=True)
    class Unknown(PluginOp):
        """Was forgotten."""

    with pytest.raises(InvalidInput, match='Unknown is not registered; put @register\\("operation", NAME\\)'):
        network((Unknown,))
