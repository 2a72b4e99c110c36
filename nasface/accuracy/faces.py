"""The photos that an accuracy table is measured with, from a data set and the options of the table."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from nasface.accuracy.calibration_note import PHOTOS, CalibrationNote
from nasface.accuracy.estimator import Faces
from nasface.accuracy.runner import open_accelerator
from nasface.data import FaceData, Pairs, read_pairs
from nasface.errors import DataError, InvalidInput
from nasface.metrics import TABLE_RATES, ListedPairs, supported_rates
from nasface.settings import Accuracy

log = logging.getLogger(__name__)


def open_faces(data: FaceData, options: Accuracy, resolution: int, rng: np.random.Generator, cwd: Path) -> Faces:
    """Validation people to measure on, training people to calibrate on; of a closed set, other photos of the latter.

    Args:
        data: The data set.
        options: `pairs`, `calibration_photos` and `accelerator` are used.
        resolution: Pixels.
        rng: Draws the calibration photos.
        cwd: What the path of the pairs is relative to.

    Raises:
        DataError: There are too few photos, or none of the people needed.
        InvalidInput: Pairs are given for a closed set.
    """
    if data.closed_set:
        return _known_faces(data, options, resolution, rng)
    _check_enough(data)
    photos = data.require("validation").load(size=resolution)
    pairs = None
    if options.pairs is not None:
        pairs = _listed_pairs(cwd / Path(options.pairs).expanduser(), data, photos.indices)
    calibration, name = training_photos(data, resolution, options.calibration_photos, rng)
    device = open_accelerator(options.accelerator)
    return Faces(calibration, photos.images, photos.labels, name, pairs, device=device)


class CalibrationPhotos(NamedTuple):
    """Photos of training people, uint8[n, size, size, 3], and how tables and model files name them: "photos:512"."""

    images: npt.NDArray[np.uint8]
    name: str


def training_photos(data: FaceData, resolution: int, n: int, rng: np.random.Generator) -> CalibrationPhotos:
    """Photos of training people for batch normalisation: `n` of them, drawn by `rng`, or all if there are fewer."""
    training = data.require("training")
    if n > len(training):
        log.warning(
            "accuracy.calibration_photos=%d and there are %d photos of training people: all are used.", n, len(training)
        )
    chosen = np.sort(rng.choice(len(training), min(n, len(training)), replace=False))
    images = training.load(chosen, size=resolution).images
    return CalibrationPhotos(images, str(CalibrationNote(PHOTOS, len(images))))


def _known_faces(data: FaceData, options: Accuracy, resolution: int, rng: np.random.Generator) -> Faces:
    if options.pairs is not None:
        raise InvalidInput("accuracy.pairs are pairs of strangers, and data.split=image has none; give one of the two.")
    people, validation = data.require("training").people, data.require("validation", closed_set=True)
    photos = validation.load(size=resolution)
    labels = validation.labels_in(people)[photos.indices]
    calibration, name = training_photos(data, resolution, options.calibration_photos, rng)
    device = open_accelerator(options.accelerator)
    return Faces(calibration, photos.images, labels, name, known=len(people), device=device)


def _check_enough(data: FaceData) -> None:
    """Refuse too few photos for a column of the table before anything slow is begun."""
    validation = data.require("validation")
    if min(TABLE_RATES) not in supported_rates(validation.labels):
        raise DataError(
            f"{len(validation)} photos of {len(validation.people)} validation people have too few impostor pairs for "
            f"an accuracy table, whose lowest false accept rate is {min(TABLE_RATES):g}: "
            "give about 150 photos or more of many people."
        )


def _listed_pairs(path: Path, data: FaceData, rows: npt.NDArray[np.int64]) -> ListedPairs:
    """Pairs of a file as rows of the photos that could be read."""
    validation = data.require("validation")
    listed = Pairs.of(read_pairs(path, validation.names), validation, str(path))
    place = np.full(len(validation), -1, np.int64)
    place[rows] = np.arange(len(rows))
    of_photo = place[validation.positions(listed.photos.names)]
    first, second = of_photo[listed.first], of_photo[listed.second]
    usable = (first >= 0) & (second >= 0)
    return ListedPairs(first[usable], second[usable], listed.same[usable], listed.folds[usable])
