"""Every component passes the kit of its kind, or does what only it can be asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from nasface.costs import Cost
from nasface.errors import CheckpointError, InvalidInput
from nasface.exporters import Exporter, weight_shapes
from nasface.spaces import SearchSpace
from nasface.supernets import SpecModule
from nasface.testing import CostConformance, ExporterConformance, SpaceConformance, TransportConformance
from nasface.timing.transports import Transport

from nasface_resnet import DepthCost, InProcess, Middle, NnzExporter, Resnet, ResnetSource, ResnetSupernetConfig, gini
from nasface_resnet.file_format import open_nnz
from nasface_resnet.measuring import DepthConfig
from nasface_resnet.space import HIGHEST


class TestResnet(SpaceConformance):
    @pytest.fixture
    def space(self) -> SearchSpace:
        return Resnet()


class TestDepth(CostConformance):
    @pytest.fixture
    def cost(self) -> Cost:
        return DepthCost(DepthConfig(), space=Resnet())


class TestNnz(ExporterConformance):
    suffix = ".nnz"

    @pytest.fixture
    def exporter(self) -> Exporter:
        return NnzExporter()


class TestInProcess(TransportConformance):
    @pytest.fixture
    def transport(self) -> Transport:
        return InProcess()


@pytest.fixture(scope="module")
def source() -> ResnetSource:
    return ResnetSource(ResnetSupernetConfig(), cwd=Path.cwd())


def test_the_supernet_cuts_networks_of_its_own_weights(source: ResnetSource) -> None:
    import torch

    space = Resnet()
    supernet = source.load(space)
    largest, small = supernet.extract(HIGHEST), supernet.extract(np.ones_like(HIGHEST))
    assert isinstance(small, SpecModule)
    own = small.state_dict()["stages.1.0.conv1.weight"]
    assert torch.equal(own, largest.state_dict()["stages.1.0.conv1.weight"][: len(own)])
    assert supernet.trained
    assert supernet.fingerprint == source.fingerprint(space)


def test_weights_of_another_space_are_refused(source: ResnetSource, tmp_path: Path) -> None:
    from nasface.testing.synthetic import face_space

    with pytest.raises(CheckpointError, match="add space=resnet_small"):
        source.load(face_space())
    (tmp_path / "damaged").write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match="cannot be read"):
        ResnetSource(ResnetSupernetConfig(weights="damaged"), cwd=tmp_path).load(Resnet())


def test_an_exported_file_gives_the_networks_descriptors(tmp_path: Path) -> None:
    import torch

    spec = Resnet().build(HIGHEST)
    rng = np.random.default_rng(0)
    weights = {name: rng.normal(0, 0.2, shape).astype(np.float32) for name, shape in weight_shapes(spec).items()}
    NnzExporter().export(spec, weights, tmp_path / "model.nnz", {})
    images = rng.standard_normal((2, 32, 32, 3), np.float32)
    with torch.no_grad():
        expected = SpecModule.from_weights(spec, weights)(torch.from_numpy(images).permute(0, 3, 1, 2)).numpy()
    np.testing.assert_allclose(open_nnz(tmp_path / "model.nnz").embed(images), expected, rtol=1e-4, atol=1e-5)
    (tmp_path / "model.nnz").write_bytes(b"no zip")
    with pytest.raises(InvalidInput, match="export it again"):
        open_nnz(tmp_path / "model.nnz")


def test_the_middle_of_a_photo() -> None:
    (face,) = Middle().detect(np.zeros((50, 100, 3), np.uint8))
    assert face.box == (30.0, 5.0, 70.0, 45.0)


def test_gini_is_better_the_higher() -> None:
    assert (gini().name, gini().direction) == ("gini", "max")
