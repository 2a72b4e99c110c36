"""Windows of convolutions and pools: which padding TFLite needs, and how a 7x7 depthwise convolution is taken apart.

XNNPACK, the CPU back end of TFLite, has depthwise kernels for up to 25 taps; a larger filter falls back to a grouped
general convolution. With ai-edge-litert 2.3.0 on x86 a 7x7 layer then takes 4 to 8 times as long as the sum of three
depthwise convolutions of at most 25 taps (benchmarks/bench_export.py). XNNPACK's sources name the same sizes for ARM.
"""

from __future__ import annotations

from typing import Final

from nasface.netspec import Shape

Pads = tuple[tuple[int, int], tuple[int, int]]
"""Rows before and after, columns before and after."""

Taps = tuple[range, range]
"""Rows and columns of a filter that a part of it covers: arithmetic sequences, whose step is the dilation."""

SEVEN_BY_SEVEN: Final[tuple[Taps, ...]] = (
    (range(1, 6, 2), range(7)),
    (range(0, 7, 2), range(1, 6)),
    (range(0, 7, 2), range(0, 7, 6)),
)
"""A partition of 7x7 into 21 + 20 + 8 taps. Every part is symmetric about the centre: none needs negative padding."""


def depthwise_parts(kernel: int, padding: int) -> tuple[Taps, ...]:
    """The parts whose sum is a depthwise convolution too large for XNNPACK's kernels; empty where it is left whole."""
    return SEVEN_BY_SEVEN if kernel == 7 and padding == kernel // 2 else ()


def needed_padding(shape: Shape, out: Shape, taps: Taps, stride: int, padding: int) -> Pads:
    """Pixels that (a part of) a window reads beyond the input.

    Args:
        shape: Shape of the input.
        out: Shape of the output.
        taps: The part of the window.
        stride: Step between windows.
        padding: The whole window's symmetric padding (torch's convention), at least the first row and column of `taps`.
    """
    rows, columns = (
        (padding - tap[0], max((count - 1) * stride + tap[-1] + 1 - padding - size, 0))
        for size, count, tap in zip(shape, out, taps, strict=False)
    )
    return rows, columns


def same_padding(shape: Shape, taps: Taps, stride: int) -> Pads:
    """Pixels that TFLite's SAME adds: as few as give ceil(size / stride) outputs, the odd one after."""
    rows, columns = (
        max((-(-size // stride) - 1) * stride + tap[-1] - tap[0] + 1 - size, 0)
        for size, tap in zip(shape, taps, strict=False)
    )
    return (rows // 2, rows - rows // 2), (columns // 2, columns - columns // 2)
