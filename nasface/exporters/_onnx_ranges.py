"""The range of every value of a network, from running it in ONNX Runtime on examples."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import onnxruntime

from nasface.errors import ExportError
from nasface.exporters._base import INPUT_NAME
from nasface.exporters._integers import Range
from nasface.exporters._onnx import OnnxLowering
from nasface.netspec import INPUT, NetSpec, Weights


def value_ranges(spec: NetSpec, weights: Weights, inputs: npt.NDArray[np.float32]) -> dict[str, Range]:
    """Lowest and highest number of the input and of every operation's output on any of the examples, by name.

    Args:
        spec: The network.
        weights: Its weights.
        inputs: float32[n, height, width, channels], as the network takes them.

    Raises:
        ExportError: A value is not finite.
    """
    names = {f"value.{number}": op.name for number, op in enumerate(spec.ops)}
    model = OnnxLowering(spec, weights).model(names)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    lows, highs = np.full(len(names), np.inf), np.full(len(names), -np.inf)
    for image in inputs.transpose(0, 3, 1, 2):
        values = session.run(list(names), {INPUT_NAME: np.ascontiguousarray(image[None])})
        lows = np.minimum(lows, [value.min() for value in values])
        highs = np.maximum(highs, [value.max() for value in values])
    if not (np.isfinite(lows).all() and np.isfinite(highs).all()):
        raise ExportError(f"{spec.name} is not finite on the images given; re-calibrate it, or check the images.")
    ranges = dict(zip(names.values(), zip(lows.tolist(), highs.tolist(), strict=True), strict=True))
    return {INPUT: (float(inputs.min()), float(inputs.max()))} | ranges
