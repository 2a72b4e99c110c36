"""Photos that a training is judged by: what they are too few for is refused at once, or left out."""

from __future__ import annotations

import numpy as np
import pytest

from nasface.errors import InvalidInput
from nasface.training.validation import Judges


@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 1, 2], []])
def test_photos_without_pairs_are_refused_before_a_training_begins(labels: list[int]) -> None:
    images = np.zeros((len(labels), 4, 4, 3), np.uint8)
    with pytest.raises(InvalidInput, match=r"judged by pairs of validation photos, and .*give photos of more people"):
        Judges(images, images, np.array(labels, np.int64))
