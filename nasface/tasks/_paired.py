"""Two networks on the same photos: whether more than the draw of people tells them apart."""

from __future__ import annotations

import numpy as np

from nasface.data import FaceData
from nasface.errors import InvalidInput
from nasface.jobs import Run
from nasface.metrics import Interval, bootstrap_difference, supported_rates
from nasface.randomness import Part
from nasface.recognition import Embedded


def paired_difference(run: Run, one: Embedded, other: Embedded, data: FaceData) -> dict[str, Interval]:
    """Intervals of the figures of one minus those of the other on all pairs of report people, who are drawn for both.

    Empty without report people, without `evaluation.bootstrap`, and, with a note, where there are too few people.
    """
    faces, options = data.photos_to_judge, run.settings.evaluation
    if data.report is None or not options.bootstrap:
        return {}
    both, *places = np.intersect1d(one.rows, other.rows, assume_unique=True, return_indices=True)
    mine = np.isin([faces.names[row] for row in both], data.report.names)
    labels, rng = faces.labels[both][mine], run.rng(Part.BOOTSTRAP)
    fars = options.far or supported_rates(labels)
    first, second = (each.descriptors[place[mine]] for each, place in zip((one, other), places, strict=True))
    try:
        return bootstrap_difference(first, second, labels, rng, fars=fars, resamples=options.bootstrap)
    except InvalidInput as error:
        run.console.note("left out:", str(error))
        return {}
