from itertools import product

import numpy as np
import pytest
from nasface.accuracy.table import read_table
from nasface.costs import Macs
from nasface.errors import InvalidGenotype, InvalidInput
from nasface.spaces import SearchSpace
from nasface.testing import SpaceConformance

from nasface_example import TinyResnet, TinyResnetConfig
from nasface_example.synthetic_table import FILE, synthetic_auc, synthetic_table
from nasface_example.tiny_resnet import PAIRS


class TestTinyResnet(SpaceConformance):
    @pytest.fixture
    def space(self) -> SearchSpace:
        return TinyResnet()


class TestTinyResnetOfOtherSizes(SpaceConformance):
    @pytest.fixture
    def space(self) -> SearchSpace:
        return TinyResnet(TinyResnetConfig(resolution=33, descriptor=8))


def test_stages_are_independent_so_that_extremes_are_exact() -> None:
    tables = Macs(TinyResnet()).decompose()
    assert tables is not None
    everything = np.stack([np.concatenate(pairs) for pairs in product(PAIRS, repeat=3)])
    assert len(everything) == TinyResnet().size()
    values = Macs(TinyResnet()).predict(everything)
    assert (tables.minimum().value, tables.maximum().value) == pytest.approx((values.min(), values.max()))


def test_the_network() -> None:
    spec = TinyResnet().build(np.array([1, 2, 2, 2, 1, 2], np.int8))
    assert spec.input_shape == (64, 64, 3)
    assert spec.output_shape == (1, 1, 64)
    blocks = [layer.key for layer in spec.layers if layer.stage is not None]
    assert blocks[1:3] == [
        "basic_block-input:16x16x16-output:8x8x32-mid:32-stride:2-idskip:0",
        "basic_block-input:8x8x32-output:8x8x32-mid:32-stride:1-idskip:1",
    ]
    assert len(TinyResnet().layers()) == 27


@pytest.mark.parametrize(
    "wrong", [{"ks": [3], "e": [3], "d": [2]}, {"depths": [1, 1], "widths": [1]}, {"depths": 1, "widths": 1}]
)
def test_dictionaries_of_other_spaces_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidGenotype):
        TinyResnet().from_dict(wrong)


def test_impossible_sizes_are_refused() -> None:
    with pytest.raises(InvalidInput, match="resolution is 8"):
        TinyResnet(TinyResnetConfig(resolution=8))


def test_the_shipped_table_is_the_one_that_the_formula_gives() -> None:
    space = TinyResnet()
    shipped, made = read_table(FILE, space), synthetic_table(space)
    np.testing.assert_array_equal(shipped.genotypes, made.genotypes)
    np.testing.assert_allclose(shipped.target("auc"), made.target("auc"), atol=1e-7)
    assert np.abs(shipped.target("auc") - synthetic_auc(shipped.genotypes)).max() < 0.003
    assert shipped.shared["supernet"] == shipped.shared["data"] == "synthetic"
