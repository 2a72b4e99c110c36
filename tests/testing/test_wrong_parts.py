"""The kits of the kinds around a search catch what wrong components do."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from nasface.analysis import Row
from nasface.data import FaceData, load_data
from nasface.experiments import Cell, Experiment, Report
from nasface.jobs import Outcome, Run
from nasface.metrics import Direction, Metric, Similarities, curve_metric
from nasface.netspec import PluginOp, Shape
from nasface.recognition.classifiers import Nearest, NearestConfig
from nasface.recognition.detectors import NoDetector, NoDetectorConfig
from nasface.recognition.faces import Face
from nasface.registry import REGISTRY, Component
from nasface.runtimes import Model, Runtime
from nasface.spaces import SearchSpace
from nasface.supernets import RandomConfig
from nasface.supernets.source import RandomSource
from nasface.supernets.supernet import RandomSupernet
from nasface.testing import (
    ClassifierConformance,
    DataConformance,
    DetectorConformance,
    ExperimentConformance,
    LossConformance,
    MetricConformance,
    OperationConformance,
    RuntimeConformance,
    SupernetConformance,
    TaskConformance,
    TeacherConformance,
)
from nasface.testing.synthetic import small_space
from nasface.training.losses import SoftmaxLoss
from nasface.training.objectives import SoftmaxConfig
from nasface.training.teachers import Taught

from ._caught import caught


class Altered(RandomSource):
    """Random weights, of a supernet that is altered."""

    def __init__(self, alter: Callable[[RandomSupernet], None]) -> None:
        super().__init__(RandomConfig(), cwd=Path.cwd())
        self._alter = alter

    def load(self, space: SearchSpace) -> RandomSupernet:
        supernet = RandomSupernet(space)
        self._alter(supernet)
        return supernet


def wrong_supernet(check: str, alter: Callable[[RandomSupernet], None], source: type[Altered] = Altered) -> type:
    space, made = small_space(), source(alter)
    return caught(SupernetConformance, check, source=made, space=space, supernet=made.load(space), other=small_space())


def boasting(supernet: RandomSupernet) -> None:
    supernet.trained = True


def anonymous(supernet: RandomSupernet) -> None:
    supernet.fingerprint = os.urandom(8).hex()


def sharing(supernet: RandomSupernet) -> None:
    """Gives the same module again, which its users change."""
    extract, kept = RandomSupernet(supernet.space).extract, {}

    def cut(genotype):
        row = supernet.canonical(genotype)
        return kept.setdefault(row.tobytes(), extract(row))

    supernet.extract = cut
    supernet.weights = lambda genotype: {n: v.numpy(force=True).copy() for n, v in cut(genotype).state_dict().items()}


def training(supernet: RandomSupernet) -> None:
    extract = supernet.extract
    supernet.extract = lambda genotype: extract(genotype).train()


def constant(supernet: RandomSupernet) -> None:
    """Cuts the same network, whatever is asked for."""
    extract, row = supernet.extract, supernet.space.sample(np.random.default_rng(99), 1)[0]
    supernet.extract = lambda genotype: extract(row)


def diverging(supernet: RandomSupernet) -> None:
    weights = supernet.weights
    supernet.weights = lambda genotype: {name: value * 2 for name, value in weights(genotype).items()}
    extract = RandomSupernet(supernet.space).extract
    supernet.extract = extract


TestUntrained = wrong_supernet("test_it_is_the_supernet_that_it_says", boasting)
TestAnotherFingerprintEveryTime = wrong_supernet("test_it_is_the_supernet_that_it_says", anonymous)
TestSharedWeights = wrong_supernet("test_weights_are_copies_and_repeat", sharing)
TestModuleInTraining = wrong_supernet("test_networks_are_cut_as_the_space_builds_them", training)
TestAlwaysOneNetwork = wrong_supernet("test_networks_are_cut_as_the_space_builds_them", constant)
TestWeightsOfAnotherNetwork = wrong_supernet("test_weights_are_those_of_the_module", diverging)
TestTakesEverySpace = wrong_supernet("test_weights_of_another_space_are_refused", lambda supernet: None)


class Deaf(Altered):
    """Does not ask the space."""

    def resolution(self, space: Mapping[str, object]) -> int:
        return 32


TestResolutionOfItsOwn = wrong_supernet("test_the_space_says_its_resolution_first", lambda supernet: None, Deaf)


def drawn(**changes: object) -> FaceData:
    return replace(load_data({"name": "procedural", "people": 16, "photos": 4}), **changes)


def overlapping() -> FaceData:
    data = drawn()
    return replace(data, validation=data.training)


def swapped() -> FaceData:
    """Says of every pair the opposite."""
    data = drawn()
    return replace(data, pairs=replace(data.pairs, same=~data.pairs.same))


def restless() -> FaceData:
    return load_data({"name": "procedural", "people": 16, "photos": 4, "seed": int.from_bytes(os.urandom(2))})


def wrong_data(check: str, load: Callable[[], FaceData]) -> type:
    return caught(DataConformance, check, load=load)


TestNobodyThere = wrong_data(
    "test_people_and_photos", lambda: drawn(training=None, validation=None, report=None, pairs=None)
)
TestPeopleInTwoSets = wrong_data("test_nobody_is_in_two_sets", overlapping)
TestPairsThatLie = wrong_data("test_pairs_are_of_report_people", swapped)
TestOtherPeopleEveryTime = wrong_data("test_equal_photos_have_one_fingerprint", restless)
TestOtherPhotosEveryTime = wrong_data("test_a_photo_is_the_same_whenever_it_is_read", restless)


class Summed(SoftmaxLoss):
    """Adds up where it should average."""

    def __call__(self, logits, labels, progress):
        return super().__call__(logits, labels, progress) * len(labels)


class Backwards(SoftmaxLoss):
    def __call__(self, logits, labels, progress):
        return -super().__call__(logits, labels, progress)


class Detached(SoftmaxLoss):
    """Lets no gradient through."""

    def logits(self, descriptors, weight, bias):
        return super().logits(descriptors, weight.detach(), bias)


class Centred(SoftmaxLoss):
    """The logits of a photo depend on the others."""

    def logits(self, descriptors, weight, bias):
        return super().logits(descriptors - descriptors.mean(0), weight, bias)


def wrong_loss(check: str, loss: type[SoftmaxLoss]) -> type:
    return caught(LossConformance, check, loss=loss(SoftmaxConfig()))


TestSumOverTheBatch = wrong_loss("test_value", Summed)
TestLossThatRewardsErrors = wrong_loss("test_value", Backwards)
TestLossWithoutGradient = wrong_loss("test_it_is_learned_from", Detached)
TestLogitsOfABatch = wrong_loss("test_logits", Centred)


def wrong_teacher(logits: Callable[[torch.Tensor, int], torch.Tensor]) -> type:
    def make(classes: int, side: int) -> Callable[[torch.Tensor], Taught]:
        return lambda x: Taught(logits(x, classes))

    return caught(TeacherConformance, "test_what_it_says", given={"photos": 7}, make=make)


TestTeacherOfOtherPeople = wrong_teacher(lambda x, classes: torch.zeros(len(x), classes + 1))
TestTeacherThatGuesses = wrong_teacher(lambda x, classes: torch.rand(len(x), classes))
TestTeacherWithGradients = wrong_teacher(lambda x, classes: torch.zeros(len(x), classes, requires_grad=True))
TestTeacherThatPaints = wrong_teacher(lambda x, classes: x.zero_().reshape(len(x), -1)[:, :classes].clone())


def wrong_metric(check: str, metric: Metric) -> type:
    return caught(MetricConformance, check, metric=metric)


def lengths(similar: Similarities) -> float:
    """Of the photos alone, whatever the network says."""
    return float(len(similar.photos.codes))


AUC = curve_metric("auc", Direction.MAX, lambda roc: roc.auc)
TestNameThatIsNoColumn = wrong_metric("test_named", replace(AUC, name="auc, %"))
TestWrongDirection = wrong_metric(
    "test_people_told_apart_better_have_the_better_value", replace(AUC, direction=Direction.MIN)
)
TestBlindToTheNetwork = wrong_metric(
    "test_people_told_apart_better_have_the_better_value", Metric("n", Direction.MAX, AUC.needs, lengths)
)
TestNothingIsEnough = wrong_metric("test_what_it_needs", replace(AUC, needs=lambda photos: True))
TestCurveOfAnotherFigure = wrong_metric("test_its_curve_says_the_same", replace(AUC, curve=lambda roc: roc.eer))
TestNotANumber = wrong_metric("test_a_number", replace(AUC, compute=lambda similar: float("nan")))


def means(images: np.ndarray) -> np.ndarray:
    return images.mean(axis=(1, 2))


def wrong_runtime(
    check: str, embed: Callable[[np.ndarray], np.ndarray] = means, suffix: str = ".own", refuse: bool = True
) -> type:
    def open_file(path: Path, resolution: int | None, threads: int, output: str | None) -> Model:
        return Model(32, embed)

    file = Path(__file__).with_suffix(suffix)
    return caught(RuntimeConformance, check, runtime=Runtime((suffix,), open_file), file=file, images=_images())


def _images() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((5, 32, 32, 3), np.float32)


TestSuffixWithoutADot = wrong_runtime("test_suffixes", suffix="." + "OWN")
TestDescriptorsOfABatch = wrong_runtime("test_descriptors", lambda images: means(images) - means(images).mean(0))
TestDoubleDescriptors = wrong_runtime("test_descriptors", lambda images: means(images).astype(np.float64))
TestOneDescriptorForAll = wrong_runtime("test_descriptors", lambda images: np.ones((len(images), 4), np.float32))


def test_a_runtime_that_opens_anything_is_caught(tmp_path: Path) -> None:
    runtime = Runtime((".own",), lambda path, *others: Model(32, means))
    (tmp_path / "model.own").write_bytes(b"a model")
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        RuntimeConformance().test_damaged_files_are_refused(runtime, tmp_path / "model.own", tmp_path)


class Corner(NoDetector):
    """Mistakes width and height for right and bottom."""

    def detect(self, photo, name=""):
        return [Face((50.0, 50.0, 20.0, 20.0)) for _ in super().detect(photo, name)]


class Promising(NoDetector):
    """Says that its faces have points."""

    gives_points = True


class Undecided(NoDetector):
    """The best comes last."""

    def detect(self, photo, name=""):
        faces = super().detect(photo, name)
        return [replace(face, score=score) for face in faces for score in (0.2, 0.9)]


class Indifferent(NoDetector):
    """Takes anything for a photo."""

    def detect(self, photo, name=""):
        return [Face((0.0, 0.0, float(photo.shape[1]), float(photo.shape[0])))]


def wrong_detector(check: str, detector: type[NoDetector], **given: object) -> type:
    photo = np.full((60, 80, 3), 99, np.uint8)
    return caught(DetectorConformance, check, given=given, detector=detector(NoDetectorConfig()), photo=photo)


TestBoxOfWidthAndHeight = wrong_detector("test_faces", Corner)
TestPointsThatAreNotThere = wrong_detector("test_faces", Promising)
TestBestFaceLast = wrong_detector("test_faces", Undecided)
TestTakesFloats = wrong_detector("test_what_is_no_photo_is_refused", Indifferent, wrong=np.zeros((9, 9, 3), np.float32))


class Farthest(Nearest):
    def scores(self, probes, distances):
        return -super().scores(probes, distances)


class Ranked(Nearest):
    """The score of a probe depends on the others."""

    def scores(self, probes, distances):
        return super().scores(probes, distances) / max(float(distances.mean()), 1e-9) if len(probes) else distances


class Loyal(Nearest):
    """Remembers whom it knew first."""

    first = None

    def fit(self, gallery):
        super().fit(gallery)
        self.first = self.first or gallery

    def scores(self, probes, distances):
        return -self.first.nearest(probes)


class Welcoming(Nearest):
    """Has nothing against an empty gallery."""

    def fit(self, gallery):
        return None


def wrong_classifier(check: str, classifier: type[Nearest]) -> type:
    return caught(ClassifierConformance, check, make=lambda: classifier(NearestConfig()))


TestLeastLikelyFirst = wrong_classifier("test_it_knows_everybody", Farthest)
TestScoresOfABatch = wrong_classifier("test_probes_do_not_matter_to_each_other", Ranked)
TestKeepsTheFirstGallery = wrong_classifier("test_fitting_again_forgets_whom_it_knew", Loyal)
TestNobodyToKnow = wrong_classifier("test_an_empty_gallery_is_refused", Welcoming)


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str, object], None]:
    """Put a plug-in's component into the registry, as long as the test runs."""

    def put(kind: str, name: str, factory: object) -> None:
        REGISTRY.load_core()
        made = Component(kind, name, factory, None, "Made up.", "nasface-foreign")
        monkeypatch.setitem(REGISTRY._components, (kind, name), made)

    return put


def scribble(run: Run) -> Outcome:
    Path("notes.txt").write_text("here, whoever that is")
    return Outcome()


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (lambda run: Outcome({"drawn": os.urandom(4).hex()}), "belongs into measurements"),
        (lambda run: Outcome({"share": float("nan")}), "not JSON compliant"),
        (scribble, "write into run.folder"),
    ],
)
def test_wrong_tasks_are_caught(
    registered: Callable[..., None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    task: Callable[..., Outcome],
    message: str,
) -> None:
    registered("task", "odd", task)
    kit = TaskConformance()
    kit.name = "odd"
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    from nasface.testing.runs import make_run

    with pytest.raises((AssertionError, ValueError), match=message):
        kit.test_the_same_seed_decides_the_same(lambda folder: make_run(tmp_path / folder, "task=odd"))


@dataclass(frozen=True)
class Number(Cell):
    """One number."""

    number: int


class Counting(Experiment[Number]):
    """A right one."""

    name, cell, fingerprint = "counting", Number, "of nothing"

    def __init__(self, run: Run) -> None:
        self.seen = 0

    def cells(self) -> list[Number]:
        return [Number(1), Number(2)]

    def measure(self, cell: Number) -> list[Row]:
        self.seen += 1
        return [{"twice": 2 * cell.number}]

    def report(self, rows: object) -> Report:
        return Report("Counting", "![](counting_curve.svg)", {"curve": "<svg></svg>"})


class TestCounting(ExperimentConformance):
    @pytest.fixture
    def make(self) -> Callable[[Run], Experiment[Number]]:
        return Counting


class Repeated(Counting):
    def cells(self) -> list[Number]:
        return [Number(1), Number(1)]


class Historical(Counting):
    """Rows depend on how many there were before."""

    def measure(self, cell: Number) -> list[Row]:
        return [{**row, "so_far": self.seen} for row in super().measure(cell)]


class Overwriting(Counting):
    """A column of its own is called like a key."""

    def measure(self, cell: Number) -> list[Row]:
        return [{"number": 3}]


class Hidden(Counting):
    """A picture that the page does not show."""

    def report(self, rows: object) -> Report:
        return replace(super().report(rows), body="")


def wrong_experiment(check: str, make: type[Counting]) -> type:
    return caught(ExperimentConformance, check, make=make)


TestCellTwice = wrong_experiment("test_cells", Repeated)
TestRowsOfAHistory = wrong_experiment("test_rows_depend_on_the_cell_alone", Historical)
TestColumnLikeAKey = wrong_experiment("test_rows_depend_on_the_cell_alone", Overwriting)
TestPictureNobodySees = wrong_experiment("test_the_page_shows_its_pictures", Hidden)


@dataclass(frozen=True, slots=True)
class Double(PluginOp):
    """A right one: twice the value."""

    def torch(self, inputs, weights):
        return 2 * inputs[0]

    def onnx(self, graph, inputs, weights):
        two = graph.constant(f"{self.name}.two", np.array(self.written(), np.float32))
        return graph.node("Mul", self.name, [*inputs, two])

    def written(self):
        return 2.0


@dataclass(frozen=True, slots=True)
class Triple(Double):
    """Computes one thing and writes another."""

    def written(self):
        return 3.0


@dataclass(frozen=True, slots=True)
class InPlace(Double):
    """Changes its inputs."""

    def torch(self, inputs, weights):
        return inputs[0].mul_(2)


@dataclass(frozen=True, slots=True)
class Cropping(Double):
    """Computes another shape than it says."""

    def torch(self, inputs, weights):
        return 2 * inputs[0][:, :, 1:]


@dataclass(frozen=True, slots=True)
class Fractional(Double):
    """Counts halves."""

    def macs(self):
        return 0.5


@dataclass(frozen=True, slots=True)
class Unlearned(Double):
    """Has weights that nothing depends on."""

    def weight_shapes(self):
        return {"factor": (8,)}

    def torch(self, inputs, weights):
        return inputs[0] * weights["factor"].detach()[:, None, None]


@pytest.fixture(autouse=True)
def operations(registered: Callable[..., None]) -> None:
    for kind in (Double, Triple, InPlace, Cropping, Fractional, Unlearned):
        registered("operation", kind.__name__.lower(), kind)


class TestDouble(OperationConformance):
    @pytest.fixture
    def make(self) -> Callable[[str, tuple[str, ...], Shape], PluginOp]:
        return Double


def wrong_operation(check: str, kind: type[Double], **given: object) -> type:
    return caught(OperationConformance, check, given=given, make=kind)


TestWritesAnother = wrong_operation("test_files_compute_what_torch_computes", Triple, rule="onnx")
TestChangesItsInputs = wrong_operation("test_torch", InPlace)
TestAnotherShape = wrong_operation("test_torch", Cropping)
TestHalfAnOperation = wrong_operation("test_counts", Fractional)
TestWeightsThatAreNotLearned = wrong_operation("test_torch", Unlearned)
