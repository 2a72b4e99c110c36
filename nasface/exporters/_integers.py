"""Numbers as 8-bit integers: scales of weights by channel, and of values by their range."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from nasface.errors import ExportError
from nasface.exporters._graph import Quantization

LOWEST, HIGHEST = -128, 127
_STEPS: Final = HIGHEST - LOWEST
_ROUNDING: Final = 2.0**-10
"""Ranges are widened to multiples of about this share of their width: sums in another order give the same file."""

_BIAS_LIMIT: Final = 2.0**30

HARD_SWISH_FLOOR: Final = -3.0
"""h_swish gives zero for every number below."""

Float32 = npt.NDArray[np.float32]
Range = tuple[float, float]
"""Lowest and highest value."""


def value_quantization(low: float, high: float) -> Quantization:
    """Scale and zero point of values in a range, which is widened so that zero is one of the integers.

    Jacob et al., Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference
    (CVPR 2018), section 2.1.
    """
    low, high = rounded_range(min(low, 0.0), max(high, 0.0))
    scale = np.float32((high - low) / _STEPS)
    zero_point = int(np.clip(round(LOWEST - low / float(scale)), LOWEST, HIGHEST))
    return Quantization(np.array([scale], np.float32), np.array([zero_point], np.int64))


def rounded_range(low: float, high: float) -> Range:
    """The range, widened to round numbers; one of no width becomes one of width 1."""
    if high <= low:
        return 0.0, 1.0
    step = 2.0 ** math.floor(math.log2((high - low) * _ROUNDING))
    return math.floor(low / step) * step, math.ceil(high / step) * step


def integer_values(values: npt.NDArray[np.float32], quantization: Quantization) -> npt.NDArray[np.int8]:
    """Values as the integers that stand for them."""
    scaled = np.rint(values.astype(np.float64) / float(quantization.scales[0])) + quantization.zero_points[0]
    return np.asarray(np.clip(scaled, LOWEST, HIGHEST), np.int8)


def weight_scales(weights: Float32, axis: int, bias: Float32 | None = None, input_scale: float = 1.0) -> Float32:
    """Scales of weights, float32[channels]: the largest of a channel becomes 127, or as much more as its bias needs.

    Args:
        weights: In TFLite's layout.
        axis: Of the output channels.
        bias: float32[channels], to be an int32 in units of the weight's scale times `input_scale`.
        input_scale: Of the values that the weights multiply.
    """
    largest = np.abs(weights).max(axis=tuple(i for i in range(weights.ndim) if i != axis))
    scales = largest.astype(np.float64) / HIGHEST
    if bias is not None:
        scales = np.maximum(scales, np.abs(bias).astype(np.float64) / (input_scale * _BIAS_LIMIT))
    least = max(float(scales.max()) * 2.0**-20, float(np.finfo(np.float32).tiny))  # of channels without any weight
    return np.asarray(np.maximum(scales, least), np.float32)


def integer_weights(weights: Float32, scales: Float32, axis: int) -> npt.NDArray[np.int8]:
    """Weights as integers from -127 to 127."""
    shape = [1] * weights.ndim
    shape[axis] = -1
    return np.asarray(np.clip(np.rint(weights / scales.reshape(shape)), -HIGHEST, HIGHEST), np.int8)


def integer_bias(bias: Float32, scales: Float32, input_scale: float) -> tuple[npt.NDArray[np.int32], Float32]:
    """A bias in units of its weights' scales times that of the values they multiply; and these units."""
    products = (scales.astype(np.float64) * input_scale).astype(np.float32)
    return np.rint(bias / products.astype(np.float64)).astype(np.int32), products


def half_precision(name: str, value: Float32) -> npt.NDArray[np.float16]:
    """A weight as float16.

    Raises:
        ExportError: It is beyond float16's range.
    """
    with np.errstate(over="ignore"):
        half = value.astype(np.float16)
    if not np.isfinite(half).all():
        raise ExportError(f"{name} has values beyond float16's 65504; export with precision=float32.")
    return half
