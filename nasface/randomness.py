"""Randomness of a run: one seed, one generator per part, no global generator."""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Part(IntEnum):
    """Parts of a run that draw numbers; results depend on the values, so that a new part takes the next free one."""

    PREDICTOR = 0
    SEARCH = 1
    QUALITY = 2
    CALIBRATION = 3
    INPUTS = 4
    BOOTSTRAP = 5
    SUBNETS = 6
    TRAINING = 7
    TIMING = 8
    CHECK = 9


def generator(seed: int, part: Part) -> np.random.Generator:
    """The generator of one part; parts do not influence each other."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(int(part),)))
