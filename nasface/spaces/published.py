"""The eight sub-networks that the paper's authors published (Savchenko et al. 2023, section 4 and their repository)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from nasface.assets import asset
from nasface.errors import InvalidGenotype
from nasface.spaces._base import SearchSpace

FILE: Final = "published_subnets.json"


@dataclass(frozen=True)
class PublishedSubnet:
    """One of them.

    Attributes:
        name: As the authors call it.
        device: What it was searched for.
        task: Face or expression recognition.
        vggface2_accuracy_percent: As published, or None.
        latency_limit_ms: Bound of its search.
        measured_tflite_cpu_ms: As published, or None.
        genotype: `{"ks", "e", "d"}`.
    """

    name: str
    device: str
    task: str
    vggface2_accuracy_percent: float | None
    latency_limit_ms: float
    measured_tflite_cpu_ms: float | None
    genotype: Mapping[str, Sequence[int]]


def published_subnets() -> list[PublishedSubnet]:
    """All of them, in the file's order."""
    return [PublishedSubnet(**entry) for entry in json.loads(asset(FILE).read_text(encoding="utf-8"))]


def published_genotypes(space: SearchSpace) -> dict[str, npt.NDArray[np.int8]]:
    """Those that exist in this space, by name."""
    found = {}
    for net in published_subnets():
        try:
            found[net.name] = space.from_dict(net.genotype)
        except InvalidGenotype:
            continue
    return found
