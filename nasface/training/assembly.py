"""From options to a trainer: engine, network, teachers, photos."""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np
import torch

from nasface.data import FaceData, FaceSet
from nasface.errors import InvalidInput, MissingDependency
from nasface.reading import read_array
from nasface.recognition import embed_photos
from nasface.runs import atomic_write
from nasface.runtimes import open_model
from nasface.spaces.references import efficientnet_b0
from nasface.supernets import SpecModule
from nasface.supernets.checkpoint import classes_of, load_into, read_checkpoint, read_tensors
from nasface.training.components import ForeignTeacher, TeacherConfig
from nasface.training.distillation import Descriptors, DescriptorTeacher, centred, read_descriptors
from nasface.training.imprinting import imprint
from nasface.training.log import Listener
from nasface.training.losses import ClassificationLoss
from nasface.training.memory import keep_freed_memory
from nasface.training.networks import THE_ONLY, FixedNetwork, Trainable, TrainableSupernet
from nasface.training.objectives import (
    DescriptorTeacherConfig,
    EfficientNetTeacherConfig,
    LargestTeacherConfig,
    LogitsTeacherConfig,
    NetworkTeacherConfig,
)
from nasface.training.options import TrainingConfig
from nasface.training.photos import Photos
from nasface.training.schedule import CALIBRATION, INITIAL, generator
from nasface.training.sliced import SlicedSupernet
from nasface.training.state import Checkpoints
from nasface.training.step import Student
from nasface.training.teachers import FileTeacher, NetworkTeacher, Teacher
from nasface.training.trainer import Trainer
from nasface.training.validation import Judges

if TYPE_CHECKING:
    from lightning_fabric import Fabric

logger = logging.getLogger(__name__)

Elastic = TrainableSupernet | SlicedSupernet

OpenNetwork = Callable[[int], Elastic]
"""From the number of training people to a supernet."""


def open_fabric(config: TrainingConfig) -> Fabric:
    """Lightning Fabric, launched; under torchrun this process is one of those it started.

    Raises:
        MissingDependency: It is not installed.
        InvalidInput: A precision that is not offered.
    """
    try:
        from lightning_fabric import Fabric
    except ModuleNotFoundError as error:
        raise MissingDependency("lightning-fabric", "train", "training") from error
    if config.precision not in ("32-true", "bf16-mixed"):
        raise InvalidInput(f"training.precision is '{config.precision}'; give 32-true or bf16-mixed.")
    keep_freed_memory()
    if config.cpu_threads is not None:
        torch.set_num_threads(config.cpu_threads)
    devices = int(os.environ.get("LOCAL_WORLD_SIZE", config.devices))
    fabric = Fabric(accelerator=config.accelerator, devices=devices, precision=config.precision)  # type: ignore[arg-type]
    fabric.launch()
    return fabric


def open_judges(data: FaceData, size: int, config: TrainingConfig, seed: int) -> Judges:
    """Photos of validation people, or of training people where there are none."""
    training, validation = data.require("training"), data.validation or data.require("training")
    n = min(config.calibration_photos, len(training))
    chosen = np.sort(generator(seed, CALIBRATION).choice(len(training), n, replace=False))
    found = validation.load(np.arange(min(config.validation_photos, len(validation))), size=size)
    return Judges(training.load(chosen, size=size).images, found.images, found.labels)


@dataclass(frozen=True)
class Setting:
    """What a student and its teacher are trained with.

    Attributes:
        config: Of the training.
        loss: Of the labels.
        faces: Training photos as a set, for their names and people.
        photos: The same, ready to be read in batches.
        judges: Validation photos.
        seed: Of everything random.
        cwd: What relative paths are relative to.
        folder: Of the training.
        fabric: Lightning Fabric.
    """

    config: TrainingConfig
    loss: ClassificationLoss
    faces: FaceSet
    photos: Photos
    judges: Judges
    seed: int
    cwd: Path
    folder: Path
    fabric: Fabric

    def supernet_trainer(self, open_network: OpenNetwork, teacher: TeacherConfig, listener: Listener) -> Trainer:
        """Trains a supernet; a teacher that has to be trained first is trained here.

        Args:
            open_network: Makes it, with random weights.
            teacher: Whom it learns from.
            listener: Told how far it is.

        Raises:
            NasfaceError: A file cannot be used, or options do not fit.
        """
        return self._taught(self._supernet(open_network), teacher, None, listener)

    def network_trainer(
        self, network: SpecModule, teacher: TeacherConfig, largest: SpecModule | None, listener: Listener
    ) -> Trainer:
        """Trains a single network, beginning with its weights.

        Args:
            network: With batch normalisations.
            teacher: Whom it learns from.
            largest: Who that is where it is the largest network of a supernet.
            listener: Told how far it is.

        Raises:
            NasfaceError: A file cannot be used, or options do not fit.
        """
        live = teacher.weight if isinstance(teacher, LargestTeacherConfig) else 0.0
        student = self._single(network, imprinted=bool(self.loss.config.weight or live) and not self._begun)
        asked = None
        if isinstance(teacher, LargestTeacherConfig) and largest is not None:
            frozen = self._single(largest, imprinted=bool(live)).to(self.fabric.device)
            frozen.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            asked = NetworkTeacher(frozen, THE_ONLY, self.loss, bool(teacher.features))
        return self._taught(student, teacher, asked, listener)

    def _taught(self, network: Trainable, teacher: TeacherConfig, asked: Teacher | None, listener: Listener) -> Trainer:
        """The trainer of a network; `asked` teaches it where that is known already."""
        descriptors = self._descriptors(teacher, network.resolution, network.whole.output_shape[2])
        live = teacher if isinstance(teacher, NetworkTeacherConfig | LogitsTeacherConfig | ForeignTeacher) else None
        student = Student(network, self.loss, descriptors, live, self.config.dropout)
        if isinstance(teacher, LogitsTeacherConfig):
            asked = self._file_teacher(teacher, network.resolution)
        elif isinstance(teacher, ForeignTeacher):
            asked = teacher.open(len(self.faces.people), network.resolution)
        elif isinstance(teacher, EfficientNetTeacherConfig):
            trained = self._trained_teacher(teacher, network.resolution, listener)
            if teacher.features:
                with self._initial():
                    student.adapt(trained)
            asked = NetworkTeacher(trained, THE_ONLY, self.loss, bool(teacher.features))
        return self._trainer(self.config, student, self.folder, asked, listener)

    def _trainer(
        self, config: TrainingConfig, student: Student, folder: Path, teacher: Teacher | None, listener: Listener
    ) -> Trainer:
        checkpoints = Checkpoints(folder, config.keep)
        student.to(self.fabric.device)
        student.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return Trainer(
            config, student, self.photos, self.judges, self.seed, checkpoints, self.fabric, teacher, listener
        )

    @property
    def _begun(self) -> bool:
        """Whether there is a checkpoint, which holds the classifier."""
        return bool(Checkpoints(self.folder, self.config.keep).steps())

    def _single(self, module: SpecModule, *, imprinted: bool) -> FixedNetwork:
        """A network with a classifier of the training people, which begins with its mean descriptors of them."""
        with self._initial():
            network = FixedNetwork(module.spec, len(self.faces.people), module.state_dict())
        if imprinted:
            imprint(network, self.faces, self.judges.calibration, self.fabric.device)
        return network

    def _supernet(self, open_network: OpenNetwork) -> Elastic:
        with self._initial():
            network = open_network(len(self.faces.people))
        if self.config.init is not None:
            path = self.cwd / Path(self.config.init).expanduser()
            state = read_tensors(path) if isinstance(network, SlicedSupernet) else read_checkpoint(path).state
            if isinstance(network, SlicedSupernet):
                network.load(state, str(path))
            else:
                load_into(network, state, str(path))
            if classes_of(state) != len(self.faces.people) and not self._begun:
                imprint(network, self.faces, self.judges.calibration, self.fabric.device)
        elif self.config.zero_residual:
            network.begin_as_identity()
        return network

    def _descriptors(self, teacher: TeacherConfig, resolution: int, size: int) -> DescriptorTeacher | None:
        if not isinstance(teacher, DescriptorTeacherConfig):
            return None
        if self.config.init is not None and teacher.projection == "fixed":
            logger.warning(
                "teacher.projection=fixed is drawn at random and turns the supernet of training.init towards it; "
                "give learned, unless the supernet was trained with the same seed and teacher."
            )
        path = self.cwd / Path(teacher.file).expanduser()
        if path.suffix in (".npy", ""):
            values = read_descriptors(teacher, self.cwd, self.faces)
        else:
            values = self._kept_descriptors(path, resolution)
        with self._initial():
            return DescriptorTeacher(centred(values), size, teacher)

    def _kept_descriptors(self, path: Path, resolution: int) -> Descriptors:
        """Descriptors of the training photos by a model file; the training's folder keeps them for the next start."""
        kept = self.folder / "teacher-descriptors.npy"
        if kept.exists():
            return np.asarray(read_array(kept), np.float32)
        values = _describe(path, self.faces, resolution)
        if self.fabric.is_global_zero:
            with atomic_write(kept) as temporary, temporary.open("wb") as file:
                np.save(file, values)
        return values

    def _file_teacher(self, teacher: LogitsTeacherConfig, resolution: int) -> FileTeacher:
        path = self.cwd / Path(teacher.file).expanduser()
        model = open_model(path, resolution if teacher.resolution is None else teacher.resolution)
        return FileTeacher(model.embed, model.size, len(self.faces.people), path)

    def _trained_teacher(self, teacher: EfficientNetTeacherConfig, resolution: int, listener: Listener) -> Trainable:
        """EfficientNet-B0, trained in the sub-folder `teacher` like a supernet of one network."""
        with self._initial():
            network = FixedNetwork(efficientnet_b0(resolution), len(self.faces.people))
        config = dataclasses.replace(
            self.config, plan=teacher.plan, phases=None, init=None, optimizer=teacher.optimizer
        )
        student = Student(network, self.loss, dropout=config.dropout)
        return self._trainer(config, student, self.folder / "teacher", None, listener).run()

    def _initial(self) -> _Seeded:
        return _Seeded(int(generator(self.seed, INITIAL).integers(2**62)))


class _Seeded:
    """Torch's own generator with a seed, for initial weights; afterwards it is as it was."""

    def __init__(self, seed: int) -> None:
        self._seed, self._fork = seed, torch.random.fork_rng(devices=[])

    def __enter__(self) -> None:
        self._fork.__enter__()
        torch.manual_seed(self._seed)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._fork.__exit__(kind, error, trace)


def _describe(path: Path, faces: FaceSet, resolution: int) -> Descriptors:
    """Descriptors of photos by a model file, zero for those that cannot be read."""
    embedded = embed_photos(path, faces, resolution)
    values = np.zeros((len(faces), embedded.descriptors.shape[1]), np.float32)
    values[embedded.rows] = embedded.descriptors
    return values
