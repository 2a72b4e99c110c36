"""A cost and a metric."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from nasface import register
from nasface.costs import LayerCost
from nasface.metrics import Direction, Metric, curve_metric
from nasface.spaces import SearchSpace


@dataclass
class DepthConfig:
    """Parameters of the cost.

    Attributes:
        of: Kind of layer that is counted.
    """

    name: str = "depth"
    of: str = "basic_block"


@register("cost", "depth", config=DepthConfig)
class DepthCost(LayerCost):
    """Number of blocks: what a budget of kernel starts looks like."""

    name, unit, quantity = "depth", "blocks", "depth"

    def __init__(self, config: DepthConfig, *, space: SearchSpace) -> None:
        super().__init__(space, np.array([layer.kind == config.of for layer in space.layers()], np.float64))


@register("metric", "gini")
def gini() -> Metric:
    """Twice the area under the curve of all pairs, minus one."""
    return curve_metric("gini", Direction.MAX, lambda roc: 2.0 * roc.auc - 1.0)
