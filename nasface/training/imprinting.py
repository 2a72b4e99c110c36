"""A classifier for people that a given supernet was not trained on."""

from __future__ import annotations

import logging

import numpy as np
import numpy.typing as npt
import torch

from nasface.accuracy.estimator import describe
from nasface.data import FaceSet
from nasface.supernets.calibration import calibrate
from nasface.training.networks import Trainable

logger = logging.getLogger(__name__)

PHOTOS = 4
"""Of a person, at most: a mean that training improves on at once need not be exact."""

CHUNK = 1024
"""Photos in memory at a time."""

Images = npt.NDArray[np.uint8]


@torch.no_grad()
def imprint(network: Trainable, faces: FaceSet, calibration: Images, device: torch.device) -> None:
    """Begin every person's row of the classifier as the direction of their mean descriptor, the biases as 0.

    The network, of a supernet the largest, describes the photos (Qi, Brown, Lowe 2018, "Low-Shot Learning with
    Imprinted Weights", section 3.2). From random rows, the first steps would pull a good network towards random
    directions. The row of a person without a photo that can be read stays as it was.

    Args:
        network: Its classifier has as many outputs as `faces` has people; changed in place.
        faces: Training photos.
        calibration: uint8[m, side, side, 3], for the statistics of batch normalisation.
        device: Where the photos are described.
    """
    head = network.head
    module = calibrate(network.cut(network.largest).to(device), calibration).fold()
    sums = np.zeros((len(faces.people), network.whole.output_shape[2]))
    rows = first_of_each(faces.labels, PHOTOS)
    for start in range(0, len(rows), CHUNK):
        photos = faces.load(rows[start : start + CHUNK], size=network.resolution)
        descriptors = describe(module, photos.images)
        np.add.at(sums, photos.labels, descriptors / np.linalg.norm(descriptors, axis=1, keepdims=True))
    known = np.flatnonzero(sums.any(axis=1))
    means = sums[known] / np.linalg.norm(sums[known], axis=1, keepdims=True)
    head.weight[torch.from_numpy(known)] = torch.from_numpy(means).to(head.weight.dtype)
    head.bias.zero_()
    logger.info("the classifier begins with the mean descriptors of %d people (%d photos)", len(known), len(rows))


def first_of_each(labels: npt.NDArray[np.integer], n: int) -> npt.NDArray[np.int64]:
    """Rows of the first n of every label, ascending."""
    order = np.argsort(labels, kind="stable")
    starts = np.searchsorted(labels[order], labels[order])
    chosen: npt.NDArray[np.int64] = np.sort(order[np.arange(len(order)) - starts < n])
    return chosen
