"""Top-1 of a supernet's own classifier on other photos of the people it was trained on (a closed set).

It says how well known people are told apart, and nothing about strangers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from nasface.accuracy.protocol import TOP1, halves
from nasface.errors import InvalidInput
from nasface.supernets.supernet import ElasticSupernet, Supernet

Floats = npt.NDArray[np.float32]


class ClosedSet:
    """Judges descriptors of fixed photos, as `Protocol` does.

    Args:
        labels: (n,) person of every photo, as an output of the classifier.
        weight: float32[people, d] of the classifier.
        bias: float32[people].

    Attributes:
        names: What `measure` returns: top1, and the same of the halves.
    """

    def __init__(self, labels: npt.NDArray[np.generic], weight: Floats, bias: Floats) -> None:
        self._labels, self._weight, self._bias = labels, weight, bias
        parts = {"": np.arange(len(labels))} | {
            f"_{name}": rows for name, rows in halves(np.asarray(labels, np.int64)).items()
        }
        self._parts = {suffix: rows for suffix, rows in parts.items() if len(rows)}
        self.names = [TOP1 + suffix for suffix in self._parts]

    def measure(self, descriptors: Floats) -> dict[str, float]:
        """Shares of photos whose person has the largest output."""
        hits = (descriptors @ self._weight.T + self._bias).argmax(1) == self._labels
        return {TOP1 + suffix: float(hits[rows].mean()) for suffix, rows in self._parts.items()}


def open_closed_set(supernet: Supernet, labels: npt.NDArray[np.generic], people: int) -> ClosedSet:
    """The judge of a supernet with its classifier.

    Args:
        supernet: Trained by nasface (its file says which loss made the classifier), or by OFA.
        labels: (n,) person of every photo, a place among the training people.
        people: How many training people there are.

    Raises:
        InvalidInput: It is stored without a classifier, or with one of other people.
    """
    classes = supernet.network.classes if isinstance(supernet, ElasticSupernet) else None
    if not isinstance(supernet, ElasticSupernet) or classes is None:
        raise InvalidInput(
            f"Supernet {supernet.name} is stored without its classifier, and photos of known people (data.split=image) "
            "are judged by it; give the supernet.checkpoint of the training, or data.split=identity."
        )
    if classes != people:
        raise InvalidInput(
            f"The classifier of supernet {supernet.name} knows {classes} people, and these photos show {people}; "
            "give the photos and the split that it was trained with."
        )
    state = supernet.network.state_dict()
    weight, bias = (state[f"classifier.linear.{part}"].float().numpy() for part in ("weight", "bias"))
    if _is_of_cosines(supernet.provenance):
        weight, bias = weight / np.linalg.norm(weight, axis=1, keepdims=True), np.zeros_like(bias)
    return ClosedSet(labels, weight, bias)


def _is_of_cosines(provenance: Mapping[str, Any]) -> bool:
    """Whether a margin loss made the classifier; it then gives cosines, without the bias."""
    loss = provenance.get("options", {}).get("loss", {})
    return loss.get("name") in ("arcface", "cosface")
