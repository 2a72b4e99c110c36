"""Every component passes the kit of its kind, or does what only it can be asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nasface import SearchStrategy, Selector
from nasface.costs import Cost
from nasface.data import FaceData
from nasface.errors import CheckpointError, InvalidInput
from nasface.experiments import Experiment
from nasface.exporters import Exporter, weight_shapes
from nasface.jobs import Run
from nasface.metrics import Metric
from nasface.netspec import PluginOp, Shape, random_weights
from nasface.recognition.classifiers import Classifier
from nasface.recognition.detectors import Detector
from nasface.runtimes import Runtime
from nasface.spaces import SearchSpace
from nasface.supernets import SpecModule, SupernetSource
from nasface.testing import (
    ClassifierConformance,
    CostConformance,
    DataConformance,
    DetectorConformance,
    ExperimentConformance,
    ExporterConformance,
    LossConformance,
    MetricConformance,
    OperationConformance,
    RuntimeConformance,
    SearchConformance,
    SelectorConformance,
    SpaceConformance,
    SupernetConformance,
    TaskConformance,
    TeacherConformance,
    TransportConformance,
)
from nasface.testing.synthetic import face_space
from nasface.timing.transports import Transport

from nasface_resnet import (
    Curious,
    DepthCost,
    InProcess,
    LeakyRelu,
    MeanCosine,
    Middle,
    NnzExporter,
    NormFace,
    Resnet,
    ResnetSource,
    ResnetSupernetConfig,
    Shares,
    TwoSteps,
    gini,
    nnz,
    studio,
    uniform,
)
from nasface_resnet.asking import SharesConfig
from nasface_resnet.devices_and_photos import StudioConfig
from nasface_resnet.file_format import open_nnz
from nasface_resnet.measuring import DepthConfig
from nasface_resnet.searching import TwoStepsConfig
from nasface_resnet.space import HIGHEST, ResnetConfig
from nasface_resnet.training_parts import NormFaceConfig, UniformConfig

OWN = ("space=resnet_small", "supernet=resnet_small", "latency=analytic", "constraints.macs_m.ratio=0.5")
"""Overrides."""


class TestResnet(SpaceConformance):
    @pytest.fixture(params=[0.0, 0.1], ids=["plain", "with its operation"])
    def space(self, request: pytest.FixtureRequest) -> SearchSpace:
        return Resnet(ResnetConfig(slope=request.param))


class TestResnetSupernet(SupernetConformance):
    @pytest.fixture
    def source(self) -> SupernetSource:
        return ResnetSource(ResnetSupernetConfig(), cwd=Path.cwd())

    @pytest.fixture
    def space(self) -> SearchSpace:
        return Resnet()

    @pytest.fixture
    def other(self) -> SearchSpace:
        return face_space()

    @pytest.fixture
    def opened(self) -> Callable[[Path], SupernetSource]:
        return lambda path: ResnetSource(ResnetSupernetConfig(weights=str(path)), cwd=Path.cwd())


class TestLeakyRelu(OperationConformance):
    @pytest.fixture
    def make(self) -> Callable[[str, tuple[str, ...], Shape], PluginOp]:
        return lambda name, inputs, shape: LeakyRelu(name, inputs, shape, 0.1)


class TestCurious(SelectorConformance):
    @pytest.fixture
    def selector(self) -> Selector:
        return Curious()


class TestTwoSteps(SearchConformance):
    @pytest.fixture
    def make(self) -> Callable[[Selector], SearchStrategy]:
        return lambda selector: TwoSteps(TwoStepsConfig(samples=100), selector=selector)


class TestGini(MetricConformance):
    @pytest.fixture
    def metric(self) -> Metric:
        return gini()


class TestStudio(DataConformance):
    @pytest.fixture
    def load(self) -> Callable[[], FaceData]:
        return lambda: studio(StudioConfig())


class TestMiddle(DetectorConformance):
    @pytest.fixture
    def detector(self) -> Detector:
        return Middle()


class TestMeanCosine(ClassifierConformance):
    @pytest.fixture
    def make(self) -> Callable[[], Classifier]:
        return MeanCosine


class TestNormFace(LossConformance):
    @pytest.fixture
    def loss(self) -> NormFace:
        return NormFace(NormFaceConfig())


class TestUniform(TeacherConformance):
    @pytest.fixture
    def make(self) -> Callable[[int, int], Any]:
        return lambda classes, side: uniform(UniformConfig(), classes=classes, side=side)


class TestCensus(TaskConformance):
    name = "census"
    options = (*OWN, "census.networks=50")


class TestShares(ExperimentConformance):
    options = OWN

    @pytest.fixture
    def make(self) -> Callable[[Run], Experiment[Any]]:
        return lambda run: Shares(SharesConfig(), run=run)


class TestNnzRuntime(RuntimeConformance):
    @pytest.fixture
    def runtime(self) -> Runtime:
        return nnz()

    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        spec = Resnet().build(HIGHEST)
        return NnzExporter().export(spec, random_weights(spec, np.random.default_rng(0)), tmp_path / "m.nnz", {}).path


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
