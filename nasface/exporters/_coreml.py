"""NetSpec to an ML program of Core ML: one rule per operation, through coremltools' builder; no torch, no tracing.

Images are NCHW here, as Core ML has them, one at a time: an open number of images keeps networks off the Neural Engine.
"""

from __future__ import annotations

import contextlib
import io
import logging
import sys
import tempfile
import warnings
from collections.abc import Iterator
from functools import singledispatchmethod
from pathlib import Path
from types import ModuleType
from typing import Final

import numpy as np

from nasface.errors import ExportError, requires
from nasface.exporters._base import OUTPUT_NAME
from nasface.exporters._integers import half_precision
from nasface.netspec import (
    INPUT,
    Activation,
    Add,
    AvgPool,
    Concat,
    Conv,
    Flatten,
    GlobalAvgPool,
    Linear,
    MaxPool,
    Multiply,
    NetSpec,
    Op,
    PluginOp,
    Upsample,
    Weights,
)
from nasface.netspec.plugin_op import MILBuilder, check_rule, own_weights, registered
from nasface.reading import read_bytes
from nasface.trust import blaming

_CONVERTS: Final = ("tensorflow", "sklearn", "xgboost")
"""Packages that coremltools imports where it finds them, to convert from them: seconds, and their own log handlers."""


@contextlib.contextmanager
def coremltools(purpose: str) -> Iterator[ModuleType]:
    """The package, loaded without what it can convert from, and silent: no progress bars, no advice on other systems.

    Raises:
        MissingDependency: It is not installed.
    """
    log = logging.getLogger("coremltools")
    level, log.level = log.level, logging.ERROR
    try:
        with _without(_CONVERTS), contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with requires("coremltools", "coreml", purpose):
                import coremltools as ct
            yield ct
    finally:
        log.level = level


@contextlib.contextmanager
def _without(packages: tuple[str, ...]) -> Iterator[None]:
    """As if these were not installed; nothing that is loaded is lost."""
    loaded = {name: sys.modules.get(name) for name in packages}
    sys.modules.update(dict.fromkeys(packages))  # type: ignore[arg-type]  # an import of None fails
    try:
        yield
    finally:
        for name, module in loaded.items():
            del sys.modules[name]
            if module is not None:
                sys.modules[name] = module


def lowered(spec: NetSpec, weights: Weights, *, half: bool, ct: ModuleType) -> tuple[bytes, bytes]:
    """The network as an ML program for iOS 15 and macOS 12, the first that have such: its bytes, and its weights'.

    Args:
        spec: The network.
        weights: Its weights, complete and of the right shapes.
        half: Store weights and compute in float16.
        ct: The package.

    Raises:
        ExportError: An operation has no form in Core ML, or a weight is beyond float16.
    """
    if half:
        for name, value in weights.items():
            half_precision(name, value)
    height, width, channels = spec.input_shape
    mb = ct.converters.mil.Builder
    source = mb.TensorSpec(shape=(1, channels, height, width))

    @mb.program(input_specs=[source], opset_version=ct.target.iOS15)  # type: ignore[untyped-decorator]
    def program(input: object) -> object:  # its name is INPUT_NAME
        return _Lowering(spec, weights, mb).outputs(input)

    with tempfile.TemporaryDirectory() as folder:
        model = ct.convert(
            program,
            convert_to="mlprogram",
            minimum_deployment_target=ct.target.iOS15,
            compute_precision=ct.precision.FLOAT16 if half else ct.precision.FLOAT32,
            skip_model_load=True,
            package_dir=f"{folder}/model.mlpackage",
        )
        return model.get_spec().SerializeToString(), read_bytes(Path(model.weights_dir) / "weight.bin")


def output_name(name: str) -> str:
    """What Core ML calls an output: its names are identifiers."""
    return "".join(letter if letter.isalnum() else "_" for letter in name)


class _Lowering:
    """Writes one network with the builder `mb`; values are the builder's variables."""

    def __init__(self, spec: NetSpec, weights: Weights, mb: MILBuilder) -> None:
        self._spec, self._weights, self._mb = spec, weights, mb
        self._values: dict[str, object] = {}

    def outputs(self, source: object) -> object:
        """Lower all operations; the network's outputs."""
        self._values[INPUT] = source
        for op in self._spec.ops:
            self._values[op.name] = self._lower(op)
        if len(self._spec.outputs) > 1:
            return tuple(self._mb.identity(x=self._values[name], name=output_name(name)) for name in self._spec.outputs)
        flat = (1, int(np.prod(self._spec.output_shape)))
        return self._mb.reshape(x=self._values[self._spec.output], shape=flat, name=OUTPUT_NAME)

    @singledispatchmethod
    def _lower(self, op: Op) -> object:
        raise ExportError(f"{op.name}: an .mlpackage cannot hold the operation {type(op).__name__}.")

    @_lower.register
    def _plugin(self, op: PluginOp) -> object:
        with blaming(registered(type(op)), "coreml"):
            made = op.coreml(self._mb, self._inputs(op), own_weights(op, self._weights))
        check_rule(op, "coreml", hasattr(made, "op"), made, "a variable of the builder")
        return made

    @_lower.register
    def _conv(self, op: Conv) -> object:
        return self._convolved(op, strides=[op.stride] * 2, pad_type="custom", pad=[op.padding] * 4, groups=op.groups)

    @_lower.register
    def _linear(self, op: Linear) -> object:
        """A 1x1 convolution, whose weights have the same order."""
        return self._convolved(op)

    @_lower.register
    def _activation(self, op: Activation) -> object:
        (x,) = self._inputs(op)
        match op.function:
            case "h_sigmoid":
                return self._gate(x, op.name)
            case "h_swish":
                return self._mb.mul(x=x, y=self._gate(x, f"{op.name}.gate"), name=op.name)
            case "prelu":
                return self._mb.prelu(x=x, alpha=self._weights[f"{op.name}.weight"], name=op.name)
            case function:
                return getattr(self._mb, {"swish": "silu"}.get(function, function))(x=x, name=op.name)

    def _gate(self, x: object, name: str) -> object:
        return self._mb.sigmoid_hard(x=x, alpha=1 / 6, beta=0.5, name=name)

    @_lower.register
    def _global_avg_pool(self, op: GlobalAvgPool) -> object:
        return self._mb.reduce_mean(x=self._inputs(op)[0], axes=[2, 3], keep_dims=True, name=op.name)

    @_lower.register
    def _max_pool(self, op: MaxPool) -> object:
        return self._mb.max_pool(x=self._inputs(op)[0], **_window(op), name=op.name)

    @_lower.register
    def _avg_pool(self, op: AvgPool) -> object:
        window = _window(op) | {"exclude_padding_from_average": False}
        return self._mb.avg_pool(x=self._inputs(op)[0], **window, name=op.name)

    @_lower.register
    def _upsample(self, op: Upsample) -> object:
        scales = {f"scale_factor_{side}": float(op.factor) for side in ("height", "width")}
        return self._mb.upsample_nearest_neighbor(x=self._inputs(op)[0], **scales, name=op.name)

    @_lower.register
    def _concat(self, op: Concat) -> object:
        return self._mb.concat(values=self._inputs(op), axis=1, name=op.name)

    @_lower.register
    def _flatten(self, op: Flatten) -> object:
        return self._mb.reshape(x=self._inputs(op)[0], shape=[1, op.shape[2], 1, 1], name=op.name)

    @_lower.register
    def _add(self, op: Add) -> object:
        return self._both("add", op)

    @_lower.register
    def _multiply(self, op: Multiply) -> object:
        return self._both("mul", op)

    def _both(self, kind: str, op: Op) -> object:
        x, y = self._inputs(op)
        return getattr(self._mb, kind)(x=x, y=y, name=op.name)

    def _inputs(self, op: Op) -> list[object]:
        return [self._values[name] for name in op.inputs]

    def _convolved(self, op: Conv | Linear, **options: object) -> object:
        kernel, bias = self._weights[f"{op.name}.weight"], self._weights.get(f"{op.name}.bias")
        given = {"weight": kernel.reshape(kernel.shape if kernel.ndim == 4 else (*kernel.shape, 1, 1))}
        given |= {} if bias is None else {"bias": bias}
        return self._mb.conv(x=self._inputs(op)[0], **given, **options, name=op.name)


def _window(op: MaxPool | AvgPool) -> dict[str, object]:
    sides = {"kernel_sizes": [op.kernel] * 2, "strides": [op.stride] * 2}
    return {**sides, "pad_type": "custom", "pad": [op.padding] * 4}
