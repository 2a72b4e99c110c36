"""The photos that an accuracy table is measured with, from a data set and the options of the table."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from nasface.accuracy.calibration_note import PHOTOS, CalibrationNote
from nasface.accuracy.estimator import Faces
from nasface.accuracy.protocol import tabled
from nasface.accuracy.runner import open_accelerator
from nasface.data import FaceData, FaceSet, Pairs, read_pairs
from nasface.errors import DataError, InvalidInput
from nasface.metrics import ListedPairs, PhotoSet
from nasface.settings import Accuracy

log = logging.getLogger(__name__)


def open_faces(data: FaceData, options: Accuracy, resolution: int, rng: np.random.Generator, cwd: Path) -> Faces:
    """Validation people to measure on, training people to calibrate on; of a closed set, other photos of the latter.

    Args:
        data: The data set.
        options: `metric`, `pairs`, `calibration_photos` and `accelerator` are used.
        resolution: Pixels.
        rng: Draws the calibration photos.
        cwd: What the path of the pairs is relative to.

    Raises:
        DataError: There are too few photos for `metric`, or none of the people needed.
        InvalidInput: Pairs are given for a closed set.
    """
    if data.closed_set:
        return _known_faces(data, options, resolution, rng)
    validation = data.require("validation")
    listed = None if options.pairs is None else _listed_pairs(cwd / Path(options.pairs).expanduser(), validation)
    _check_enough(PhotoSet.of(validation.labels, listed), options.metric)  # before anything slow is begun
    photos = validation.load(size=resolution)
    pairs = None if listed is None else _of_those_read(listed, photos.indices, len(validation))
    _say_left_out(PhotoSet.of(photos.labels, pairs))
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


def _check_enough(photos: PhotoSet, wanted: str) -> None:
    for metric in tabled():
        if metric.name == wanted and (lacking := metric.lacks(photos)):
            raise DataError(
                f"The photos of validation people do not suffice for accuracy.metric={wanted}: {lacking}. Give more "
                "photos or people, or another metric."
            )


def _say_left_out(photos: PhotoSet) -> None:
    for metric in tabled():
        if lacking := metric.lacks(photos):
            log.warning("The table has no column %s: %s.", metric.name, lacking)


def _listed_pairs(path: Path, validation: FaceSet) -> ListedPairs:
    """Pairs of a file as rows of the validation photos."""
    listed = Pairs.of(read_pairs(path, validation.names), validation, str(path))
    row = validation.positions(listed.photos.names)
    return ListedPairs(row[listed.first], row[listed.second], listed.same, listed.folds)


def _of_those_read(pairs: ListedPairs, rows: npt.NDArray[np.int64], n: int) -> ListedPairs:
    """Pairs of n photos as pairs of those of them that could be read."""
    place = np.full(n, -1, np.int64)
    place[rows] = np.arange(len(rows))
    first, second = place[pairs.first], place[pairs.second]
    usable = (first >= 0) & (second >= 0)
    return ListedPairs(first[usable], second[usable], pairs.same[usable], pairs.folds[usable])
