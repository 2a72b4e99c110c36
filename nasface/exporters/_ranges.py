"""The range of every value of a graph, from running it in float32 on examples."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

from nasface.errors import ExportError
from nasface.exporters._flatbuffer import build_model, pack
from nasface.exporters._graph import Graph
from nasface.exporters._integers import Range
from nasface.terminal import without_notices


def measure_ranges(graph: Graph, inputs: npt.NDArray[np.float32]) -> dict[int, Range]:
    """Lowest and highest number that every computed tensor holds on any of the examples, by tensor; the input's too.

    Extremes, not percentiles: what exceeds a range is cut off, and on face networks that costs more than a finer step
    gains (docs/results/quantisation.md).

    Args:
        graph: In float32.
        inputs: float32[n, height, width, channels], as the network takes them.

    Raises:
        ExportError: A value is not finite.
    """
    computed = [operator.output for operator in graph.operators]
    probe = replace(graph, outputs={str(index): index for index in computed})
    with without_notices():
        interpreter = Interpreter(model_content=bytes(pack(build_model(probe, "ranges"))), num_threads=1)
        interpreter.allocate_tensors()
    (source,) = graph.inputs.values()
    lows, highs = np.full(len(computed), np.inf), np.full(len(computed), -np.inf)
    for image in inputs:
        interpreter.set_tensor(source, image[None])
        interpreter.invoke()
        for place, index in enumerate(computed):
            values = interpreter.tensor(index)
            lows[place] = min(lows[place], values().min())
            highs[place] = max(highs[place], values().max())
    if not (np.isfinite(lows).all() and np.isfinite(highs).all()):
        bad = graph.tensors[computed[int(np.argmin(np.isfinite(lows) & np.isfinite(highs)))]].name
        raise ExportError(f"{bad} is not finite on the images given; re-calibrate the network, or check the images.")
    found = dict(zip(computed, zip(lows.tolist(), highs.tolist(), strict=True), strict=True))
    return {source: (float(inputs.min()), float(inputs.max()))} | found
