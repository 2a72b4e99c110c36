from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from nasface.errors import InvalidInput
from nasface.spaces import SearchSpace
from nasface.testing import PredictorConformance

from nasface_example import KnnScorer, KnnScorerConfig, TinyResnet


def knn_scorer() -> KnnScorer:
    return KnnScorer(KnnScorerConfig(neighbours=5))


class TestKnnScorer(PredictorConformance):
    """On nasface's face space, which the kit brings."""

    @pytest.fixture
    def make(self) -> Callable[[], KnnScorer]:
        return knn_scorer


class TestKnnScorerOnTinyResnet(TestKnnScorer):
    """A predictor should work on every space; here on our own."""

    @pytest.fixture
    def space(self) -> SearchSpace:
        return TinyResnet()


def test_one_neighbour_repeats_the_table() -> None:
    x, y = np.array([[1, 1], [2, 4], [4, 2]], np.float32), np.array([0.7, 0.8, 0.9])
    predictor = KnnScorer(KnnScorerConfig(neighbours=1)).fit(x, y, [[0, 1]], np.random.default_rng(0))
    np.testing.assert_array_equal(predictor.score(x), y)


def test_weights_fall_with_the_distance() -> None:
    x, y = np.array([[1.0], [4.0]], np.float32), np.array([0.0, 1.0])
    predictor = KnnScorer(KnnScorerConfig(neighbours=2)).fit(x, y, [[0]], np.random.default_rng(0))
    near, far = 1 / (1 + 1), 1 / (1 + 4)  # one gene away from the first, two from the second
    np.testing.assert_allclose(predictor.score(np.array([[2.0]], np.float32)), far / (near + far))


@pytest.mark.parametrize("neighbours", [0, 4])
def test_impossible_numbers_of_neighbours_are_refused(neighbours: int) -> None:
    with pytest.raises(InvalidInput, match="give 1 to 3"):
        KnnScorer(KnnScorerConfig(neighbours=neighbours)).fit(
            np.ones((3, 2), np.float32), np.ones(3), [[0, 1]], np.random.default_rng(0)
        )


def test_files_of_others_are_refused(tmp_path: Path) -> None:
    (tmp_path / "state").write_text('{"format": "other"}')
    with pytest.raises(InvalidInput, match="its format is other"):
        knn_scorer().load(tmp_path / "state")
