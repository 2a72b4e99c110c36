"""What every operation of a plug-in must do."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from nasface.errors import MissingDependency
from nasface.exporters import (
    CoreMLConfig,
    CoreMLExporter,
    Exporter,
    OnnxConfig,
    OnnxExporter,
    TFLiteConfig,
    TFLiteExporter,
)
from nasface.netspec import INPUT, NetBuilder, NetSpec, PluginOp, Shape, Weights, random_weights, to_dict
from nasface.netspec.plugin_op import registered
from nasface.runtimes import open_model

EXPORTERS: Final[dict[str, Callable[[], Exporter]]] = {
    "tflite": lambda: TFLiteExporter(TFLiteConfig()),
    "onnx": lambda: OnnxExporter(OnnxConfig()),
    "coreml": lambda: CoreMLExporter(CoreMLConfig()),
}
"""By the rule that they ask for."""

NAME: Final = "added"


class OperationConformance:
    """Give the fixture `make`: from name, inputs and the shape of the first input to the operation.

    `inputs` says how many values it reads, all of one shape, and `input_shape` which (height, width, channels).
    """

    inputs = 1
    input_shape: Shape = (6, 6, 8)

    @pytest.fixture
    def make(self) -> Callable[[str, tuple[str, ...], Shape], PluginOp]:
        raise NotImplementedError("give the fixture `make`")

    @pytest.fixture
    def operation(self, make: Callable[[str, tuple[str, ...], Shape], PluginOp]) -> PluginOp:
        return make(NAME, tuple(f"in{number}" for number in range(self.inputs)), self.input_shape)

    @pytest.fixture
    def spec(self, make: Callable[[str, tuple[str, ...], Shape], PluginOp]) -> NetSpec:
        """A convolution for each of its inputs, the operation, and a descriptor."""
        height, width, channels = self.input_shape
        net = NetBuilder("conformance", (height, width, 3))
        with net.layer("Conformance"):
            read = [net.conv(INPUT, f"in{number}", channels=channels, kernel=3) for number in range(self.inputs)]
            x = net.operation(make(NAME, tuple(read), net.shape(read[0])))
            x = net.global_avg_pool(net.conv(x, "mixed", channels=8), "pool")
            net.linear(x, "head", features=4)
        return net.build()

    def test_it_is_a_value(self, operation: PluginOp) -> None:
        registered(type(operation))
        assert (operation.name, len(operation.inputs)) == (NAME, self.inputs)
        assert operation == dataclasses.replace(operation), "equal operations must be equal"
        assert isinstance(hash(operation), int)

    def test_counts(self, operation: PluginOp) -> None:
        assert isinstance(operation.macs(), int)
        assert operation.macs() >= 0
        for name, shape in operation.weight_shapes().items():
            assert name.isidentifier()
            assert shape
            assert all(isinstance(side, int) and side > 0 for side in shape)

    def test_networks_with_it_are_described(self, spec: NetSpec) -> None:
        assert json.loads(json.dumps(to_dict(spec))), "its parameters must be numbers, texts or tuples of them"

    def test_torch(self, operation: PluginOp) -> None:
        torch = pytest.importorskip("torch")
        height, width, channels = self.input_shape
        rng = torch.Generator().manual_seed(0)
        given = [torch.randn(3, channels, height, width, generator=rng) for _ in range(self.inputs)]
        kept = [value.clone() for value in given]
        weights = {
            name: torch.randn(shape, generator=rng, requires_grad=True)
            for name, shape in operation.weight_shapes().items()
        }
        found = operation.torch(given, weights)
        height, width, channels = operation.shape
        assert found.shape == (3, channels, height, width), "it computes another shape than it says"
        assert found.isfinite().all()
        assert all(torch.equal(*both) for both in zip(given, kept, strict=True)), "it changed its inputs"
        alone = operation.torch([value[:1] for value in given], weights)
        assert torch.allclose(alone, found[:1], atol=1e-5), "a value depends on others of the batch"
        if weights:
            assert found.requires_grad, "no gradient reaches a weight"
            found.square().sum().backward()  # type: ignore[no-untyped-call]
            assert all(weight.grad is not None for weight in weights.values()), "no gradient reaches a weight"

    @pytest.mark.parametrize("rule", EXPORTERS)
    def test_files_compute_what_torch_computes(self, spec: NetSpec, rule: str, tmp_path: Path) -> None:
        torch = pytest.importorskip("torch")
        from nasface.supernets import SpecModule

        (operation,) = (op for op in spec.ops if op.name == NAME)
        if getattr(type(operation), rule) is getattr(PluginOp, rule):
            pytest.skip(f"it has no rule {rule}")
        weights: Weights = random_weights(spec, np.random.default_rng(1))
        exporter = EXPORTERS[rule]()
        path = tmp_path / f"model{exporter.suffix}"
        images = np.random.default_rng(2).standard_normal((3, *spec.input_shape), np.float32)
        with torch.no_grad():
            expected = SpecModule.from_weights(spec, weights)(torch.from_numpy(images).permute(0, 3, 1, 2)).numpy()
        try:
            exporter.export(spec, weights, path, {})
            found = open_model(path).embed(images)
        except MissingDependency as error:
            pytest.skip(str(error))
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)
