"""What every supernet must do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from nasface.accuracy.table import read_table
from nasface.errors import CheckpointError, InvalidGenotype
from nasface.exporters import check_weights
from nasface.spaces import SearchSpace
from nasface.supernets import SupernetSource

if TYPE_CHECKING:
    from nasface.supernets import Supernet

CLASSES = 3
"""Training people of a supernet that is elastic."""


class SupernetConformance:
    """Give the fixtures `source` and `space`; `other`, a space of other networks, unless the weights fit every space.

    For an elastic one also `opened`: from a file that `save` wrote to the source whose options name that file.
    """

    @pytest.fixture
    def source(self) -> SupernetSource:
        raise NotImplementedError("give the fixture `source`")

    @pytest.fixture
    def space(self) -> SearchSpace:
        raise NotImplementedError("give the fixture `space`")

    @pytest.fixture
    def other(self) -> SearchSpace | None:
        return None

    @pytest.fixture
    def opened(self) -> Callable[[Path], SupernetSource] | None:
        return None

    @pytest.fixture
    def supernet(self, source: SupernetSource, space: SearchSpace) -> Supernet:
        return source.load(space)

    def test_the_space_says_its_resolution_first(self, source: SupernetSource) -> None:
        assert source.resolution({"resolution": 96}) == 96
        assert isinstance(source.resolution({"resolution": 96}), int)

    def test_it_is_the_supernet_that_it_says(
        self, source: SupernetSource, supernet: Supernet, space: SearchSpace
    ) -> None:
        assert source.name
        assert supernet.name
        assert supernet.trained == source.trained, "source and supernet must agree on whether it is trained"
        assert supernet.space.fingerprint() == space.fingerprint(), "it must be of the space it is loaded for"
        assert isinstance(supernet.fingerprint, str)
        assert source.fingerprint(space) == supernet.fingerprint == source.load(space).fingerprint

    def test_networks_are_cut_as_the_space_builds_them(self, supernet: Supernet, space: SearchSpace) -> None:
        for row in space.sample(np.random.default_rng(0), 3):
            module, spec = supernet.extract(row), space.build(row)
            assert module.spec == spec, "extract gave another network"
            assert not module.training, "extract must give a module in eval mode"
            check_weights(spec, supernet.weights(row))

    def test_a_network_may_be_named_by_its_description(self, supernet: Supernet, space: SearchSpace) -> None:
        row = space.sample(np.random.default_rng(0), 1)[0]
        _equal(supernet.weights(row), supernet.weights(space.to_dict(row)), "a description is another network")

    def test_what_is_no_network_is_refused(self, supernet: Supernet, space: SearchSpace) -> None:
        with pytest.raises(InvalidGenotype):
            supernet.extract(np.full(space.n_genes, 101, np.int8))

    def test_weights_are_copies_and_repeat(self, supernet: Supernet, space: SearchSpace) -> None:
        import torch

        row = space.sample(np.random.default_rng(0), 1)[0]
        before, cut = supernet.weights(row), supernet.extract(row)
        with torch.no_grad():
            for parameter in cut.parameters():
                parameter.zero_()
        _equal(before, supernet.weights(row), "a network that was cut shares its weights with the supernet")

    def test_weights_are_those_of_the_module(self, supernet: Supernet, space: SearchSpace) -> None:
        import torch

        from nasface.supernets import SpecModule

        row = space.sample(np.random.default_rng(1), 1)[0]
        module, spec = supernet.extract(row), space.build(row)
        x = torch.from_numpy(np.random.default_rng(2).standard_normal((2, 3, *spec.input_shape[:2]), np.float32))
        with torch.no_grad():
            found = SpecModule.from_weights(spec, supernet.weights(row))(x).numpy()
            expected = module(x).numpy()
        scale = max(float(np.abs(expected).max()), 1e-6)
        np.testing.assert_allclose(found / scale, expected / scale, atol=1e-3, err_msg="weights() is another network")

    def test_weights_of_another_space_are_refused(self, source: SupernetSource, other: SearchSpace | None) -> None:
        if other is None:
            pytest.skip("it fits every space")
        with pytest.raises(CheckpointError):
            source.load(other)

    def test_its_table_is_of_its_networks(self, source: SupernetSource, space: SearchSpace) -> None:
        if source.table is None:
            pytest.skip("no accuracy table comes with it")
        table = read_table(source.table, space)
        assert table.supernet == source.fingerprint(space), "the accuracy table is of other weights"

    def test_calibration_images(self, source: SupernetSource) -> None:
        images = source.calibration_images()
        if images is None:
            pytest.skip("no images come with it")
        assert images.dtype == np.uint8
        assert images.ndim == 4
        assert images.shape[1] == images.shape[2], "images are square"
        assert images.shape[3] == 3

    def test_what_was_trained_is_read_again(
        self,
        source: SupernetSource,
        space: SearchSpace,
        opened: Callable[[Path], SupernetSource] | None,
        tmp_path: Path,
    ) -> None:
        if not source.elastic:
            pytest.skip("it is not trained")
        if opened is None:
            pytest.fail("give the fixture `opened`: an elastic supernet reads what it saved")
        network, path = source.trainable(space, CLASSES), tmp_path / "trained.safetensors"
        source.save(network, path)
        row = space.sample(np.random.default_rng(0), 1)[0]
        trained = opened(path)
        assert trained.fingerprint(space) != source.fingerprint(space), "other weights must have another fingerprint"
        assert trained.table is None, "no table is known of weights that somebody trained"
        check_weights(space.build(row), trained.load(space).weights(row))


def _equal(first: dict[str, np.ndarray], second: dict[str, np.ndarray], message: str) -> None:
    assert first.keys() == second.keys()
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name], message)
