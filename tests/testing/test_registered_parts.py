"""Registered components of the kinds around a search pass the kit of their kind; later ones join by registering."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nasface.testing
from nasface.data import FaceData, load_data
from nasface.data.packing import Encoding, pack
from nasface.errors import MissingDependency
from nasface.experiments import Experiment
from nasface.exporters import Exporter
from nasface.jobs import Run
from nasface.metrics import Metric, all_metrics
from nasface.netspec import NetSpec, random_weights
from nasface.recognition.classifiers import Classifier
from nasface.recognition.detectors import Detector
from nasface.registry import KINDS, REGISTRY, build
from nasface.runtimes import Runtime
from nasface.spaces import OfaMbv3, OfaMbv3Config, SearchSpace
from nasface.supernets import SupernetSource
from nasface.supernets.source import open_source
from nasface.tasks.experiment import built, split_options
from nasface.testing import (
    ClassifierConformance,
    DataConformance,
    DetectorConformance,
    ExperimentConformance,
    LossConformance,
    MetricConformance,
    RuntimeConformance,
    SupernetConformance,
    TaskConformance,
    TeacherConformance,
)
from nasface.testing.synthetic import small_space


def test_every_kind_has_a_kit() -> None:
    kits = {name.removesuffix("Conformance").lower() for name in nasface.testing.__all__}
    assert set(KINDS) - {"latency"} == kits, "costs and latency models have one kit"


SMALL = OfaMbv3Config(name="small", width=0.25, resolution=32, depths=[1], descriptor=16)
"""A space of small networks."""


def small_network() -> tuple[NetSpec, dict[str, Any]]:
    """One of them, and random weights."""
    space = OfaMbv3(SMALL)
    spec = space.build(space.sample(np.random.default_rng(0), 1)[0])
    return spec, dict(random_weights(spec, np.random.default_rng(1)))


class TestDemoSupernet(SupernetConformance):
    @pytest.fixture
    def source(self) -> SupernetSource:
        return open_source({"name": "lfw112"}, Path.cwd())

    @pytest.fixture
    def space(self) -> SearchSpace:
        return build("space", {"name": "ofa_mbv3_face", "resolution": 112})

    @pytest.fixture
    def other(self) -> SearchSpace:
        return small_space()


class TestRandomSupernet(SupernetConformance):
    @pytest.fixture
    def source(self) -> SupernetSource:
        return open_source({"name": "random"}, Path.cwd())

    @pytest.fixture
    def space(self) -> SearchSpace:
        return small_space()


class TestData(DataConformance):
    @pytest.fixture(params=REGISTRY.names("data"))
    def load(self, request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], FaceData]:
        drawn = load_data({"name": "procedural", "people": 16, "photos": 4})
        settings: dict[str, object] = {"name": request.param, "root": str(tmp_path / "photos")}
        if request.param == "procedural":
            settings = {"name": "procedural", "people": 16, "photos": 4}
        elif request.param == "recordio":
            pack(drawn, tmp_path / "photos", Encoding(32, "png"), lambda done, total: None)
        else:
            write_photos(drawn, tmp_path / "photos", vggface2=request.param == "vggface2")
        return lambda: load_data(settings)


def write_photos(data: FaceData, root: Path, *, vggface2: bool) -> None:
    """The drawn photos as files, in a folder a person."""
    image = pytest.importorskip("PIL.Image")
    faces = data.everything
    assert faces is not None
    for name, picture in zip(faces.names, faces.load(size=32).images, strict=True):
        person, _, file = name.partition("/")
        folder = root / ("train" if vggface2 else "") / (f"n{person[-4:]:0>6}" if vggface2 else person)
        folder.mkdir(parents=True, exist_ok=True)
        number = file.removesuffix(".png").split("_")[1]
        stem = f"{number}_01" if vggface2 else f"{person}_{int(number) + 1:04d}"
        image.fromarray(picture).save(folder / f"{stem}.jpg")


class TestLosses(LossConformance):
    @pytest.fixture(params=REGISTRY.names("loss"))
    def loss(self, request: pytest.FixtureRequest) -> Any:
        return build("loss", {"name": request.param})


class TestFileTeacher(TeacherConformance):
    @pytest.fixture
    def make(self) -> Any:
        from nasface.training.teachers import FileTeacher

        rng = np.random.default_rng(0)
        return lambda classes, side: FileTeacher(
            lambda x: x.reshape(len(x), -1)[:, :classes] * rng.integers(1, 2), side, classes, Path("teacher.onnx")
        )


class TestMetrics(MetricConformance):
    @pytest.fixture(params=all_metrics(), ids=lambda metric: metric.name)
    def metric(self, request: pytest.FixtureRequest) -> Metric:
        return request.param


OTHERWISE = {".pt2": "torch_export", ".mlpackage": "coreml"}
"""Exporters that are called otherwise than the suffix of their files."""


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")  # its files are still about
class TestRuntimes(RuntimeConformance):
    @pytest.fixture(params=REGISTRY.names("runtime"))
    def runtime(self, request: pytest.FixtureRequest) -> Runtime:
        return build("runtime", {"name": request.param})

    @pytest.fixture
    def file(self, runtime: Runtime, tmp_path: Path) -> Path:
        spec, weights = small_network()
        path = tmp_path / f"model{runtime.suffixes[0]}"
        if ".pt" in runtime.suffixes:
            return write_torchscript(spec, weights, path)
        exporter: Exporter = build("exporter", {"name": OTHERWISE.get(path.suffix, path.suffix[1:])})
        try:
            return exporter.export(spec, weights, path, {}).path
        except MissingDependency as error:
            pytest.skip(str(error))


def write_torchscript(spec: NetSpec, weights: dict[str, Any], path: Path) -> Path:
    """As users trace their own."""
    torch = pytest.importorskip("torch")
    from nasface.supernets import SpecModule

    module = SpecModule.from_weights(spec, weights)
    torch.jit.trace(module, torch.zeros(1, 3, *spec.input_shape[:2]), check_trace=False).save(path)
    return path


class TestDetectors(DetectorConformance):
    name = "drawn.png"

    @pytest.fixture(params=REGISTRY.names("detector"))
    def detector(self, request: pytest.FixtureRequest, tmp_path: Path) -> Detector:
        settings = {"name": request.param}
        if request.param == "mtcnn" and importlib.util.find_spec("mtcnn") is None:
            pytest.skip("needs the package mtcnn (extra [mtcnn])")
        if request.param == "boxes":
            (tmp_path / "boxes.csv").write_text("photo,left,top,right,bottom\ndrawn.png,10,20,200,210\n")
            settings["file"] = str(tmp_path / "boxes.csv")
        return build("detector", settings)


class TestClassifiers(ClassifierConformance):
    @pytest.fixture(params=REGISTRY.names("classifier"))
    def make(self, request: pytest.FixtureRequest) -> Callable[[], Classifier]:
        return lambda: build("classifier", {"name": request.param})


class TestProfileTask(TaskConformance):
    name = "profile"
    options = ("space=ofa_mbv3", "space.depths=[1]", "space.kernels=[3]", "space.resolution=64", "latency=analytic")


class TestOptimalityGap(ExperimentConformance):
    options = (
        "experiment=optimality_gap",
        "experiment.repeats=1",
        "experiment.ratios=[0.6]",
        "~experiment.searches",
        "+experiment.searches={random:{samples:50}}",
    )

    @pytest.fixture
    def make(self) -> Callable[[Run], Experiment[Any]]:
        return lambda run: built("optimality_gap", run, split_options(run.settings.experiment).own)
