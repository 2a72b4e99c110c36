"""A synthetic accuracy table of `tiny_resnet`: a formula with noise, so that a search has something to learn from.

Nobody measured these figures. `python -m nasface_example.synthetic_table` writes `tiny_resnet.csv` again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from nasface import AccuracyTable, SearchSpace
from nasface.accuracy.table import write_table
from nasface.spaces import Population

from nasface_example.tiny_resnet import TinyResnet

FILE: Final = Path(__file__).with_name("tiny_resnet.csv")
NETWORKS: Final = 300
NOISE: Final = 0.0005


def synthetic_auc(population: Population) -> npt.NDArray[np.float64]:
    """float64[n] below 0.99: deeper and wider is better with diminishing returns, and later stages matter more."""
    depths, widths = population[:, ::2].astype(np.float64), population[:, 1::2].astype(np.float64)
    gain = (np.log(depths) + 0.7 * np.log(widths)) @ np.array([0.2, 0.4, 0.6])
    return np.asarray(0.99 - 0.06 * np.exp(-gain))


def synthetic_table(space: SearchSpace, seed: int = 0) -> AccuracyTable:
    """The table of `NETWORKS` distinct random networks."""
    rng = np.random.default_rng(seed)
    rows = rng.permutation(np.unique(space.sample(rng, 2 * NETWORKS), axis=0))[:NETWORKS]
    auc = synthetic_auc(rows) + rng.normal(0.0, NOISE, len(rows))
    shared = {
        "space": space.fingerprint(),
        "resolution": str(space.resolution),
        "supernet": "synthetic",
        "data": "synthetic",
    }
    notes = {"seed": str(seed), "calibration": "none", "origin": "uniform"}
    return AccuracyTable(rows, {"auc": auc}, shared, {name: (text,) * len(rows) for name, text in notes.items()})


if __name__ == "__main__":
    write_table(synthetic_table(TinyResnet()), FILE, TinyResnet())
