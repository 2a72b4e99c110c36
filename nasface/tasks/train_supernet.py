"""`task=train_supernet training.folder=FOLDER data=...`: train a supernet; the same command goes on."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from omegaconf import OmegaConf
from omegaconf.errors import ConfigKeyError, ValidationError
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from nasface.data import FaceData
from nasface.errors import InvalidInput, MissingDependency, UnknownName
from nasface.registry import build
from nasface.spaces import OfaMbv3
from nasface.tasks._run import Outcome, Run, versions
from nasface.tasks.evaluate import open_data
from nasface.training import LOSSES, TEACHERS, TRAININGS

if TYPE_CHECKING:
    from nasface.supernets import ElasticNetwork
    from nasface.training.options import DescriptorTeacherConfig, NoTeacherConfig, TrainingConfig
    from nasface.training.trainer import Listener
    from nasface.training.validation import Judges

NOT_COMPARED = ("folder", "checkpoint_minutes", "keep", "threads", "photos", "tensorboard", "accelerator")
"""Options of `training` that may change when a training goes on."""


def run(run: Run) -> Outcome:
    """Train all phases that are left, export the supernet, write the report."""
    from nasface.training.losses import build_loss
    from nasface.training.photos import open_photos
    from nasface.training.state import Checkpoints
    from nasface.training.trainer import Trainer

    config: TrainingConfig = typed(run.settings.training, "training", TRAININGS)
    loss = build_loss(typed(run.settings.loss, "loss", LOSSES))
    teacher: DescriptorTeacherConfig | NoTeacherConfig = typed(run.settings.teacher, "teacher", TEACHERS)
    if config.folder is None:
        raise InvalidInput(
            "task=train_supernet needs training.folder=FOLDER, where its state lives: run folders are new with every "
            "command, and the same command with the same folder goes on after an interruption."
        )
    space = _space(run, config)
    fabric = _fabric(config)
    data = open_data(run)
    training = data.require("training")
    checkpoints = Checkpoints(run.path(config.folder), config.keep)
    if fabric.is_global_zero:
        checkpoints.claim(_identity(run, config, space, data))
    photos = open_photos(training, space.resolution, config.photos)
    judges = _judges(data, space.resolution, config, run.rng("calibration"))
    student = _student(run, config, loss, teacher, space, data).to(fabric.device)
    with _bar(run, fabric) as listener:
        trainer = Trainer(config, student, photos, judges, run.settings.seed, checkpoints, fabric, listener)
        network = trainer.run()
    decision: dict[str, Any] = {"folder": str(checkpoints.folder), "steps": trainer.total}
    if fabric.is_global_zero:
        decision |= _export(run, network, checkpoints.folder, data)
    return Outcome(decision, {"seconds": trainer.at.seconds})


def typed(settings: Mapping[str, Any], group: str, options: Mapping[str, type]) -> Any:
    """The options of a group as its dataclass.

    Raises:
        UnknownName: The option or one of its parameters does not exist.
        InvalidInput: A value is of another type.
    """
    name = str(settings.get("name", ""))
    if name not in options:
        raise UnknownName(group, name, options)
    try:
        return OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(options[name]), dict(settings)))
    except ConfigKeyError as error:
        raise UnknownName(
            f"parameter of {group} {name}", str(error.key), [f.name for f in dataclasses.fields(options[name])]
        ) from error
    except ValidationError as error:
        raise InvalidInput(f"{group}.{error.full_key}: {error.msg}; give a value of that type.") from error


def _space(run: Run, config: TrainingConfig) -> OfaMbv3:
    given = run.settings.space.get("resolution")
    space = build("space", dict(run.settings.space) | {"resolution": 224 if given is None else given})
    if not isinstance(space, OfaMbv3):
        raise InvalidInput(f"task=train_supernet trains ofa_mbv3 spaces, not {space.name}; choose space=ofa_mbv3_face.")
    return space


def _fabric(config: TrainingConfig) -> Any:
    """Launched; under torchrun this process is one of those it started."""
    import torch

    try:
        from lightning_fabric import Fabric
    except ModuleNotFoundError as error:
        raise MissingDependency("lightning-fabric", "train", "task=train_supernet") from error
    if config.threads is not None:
        torch.set_num_threads(config.threads)
    if config.precision not in ("32-true", "bf16-mixed"):
        raise InvalidInput(f"training.precision is '{config.precision}'; give 32-true or bf16-mixed.")
    devices = int(os.environ.get("LOCAL_WORLD_SIZE", config.devices))
    fabric = Fabric(accelerator=config.accelerator, devices=devices, precision=config.precision)  # type: ignore[arg-type]
    fabric.launch()
    return fabric


def _student(run: Run, config: Any, loss: Any, teacher: Any, space: OfaMbv3, data: FaceData) -> Any:
    import torch

    from nasface.supernets import ElasticNetwork
    from nasface.supernets.checkpoint import load_into, read_checkpoint
    from nasface.training.distillation import DescriptorTeacher, centred, read_descriptors
    from nasface.training.step import Student

    training = data.require("training")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(run.rng("training").integers(2**62)))
        network = ElasticNetwork(space, len(training.people))
        if config.init is not None:
            path = run.path(config.init)
            load_into(network, read_checkpoint(path)[0], str(path))
        module = None
        if teacher.name == "descriptors":
            descriptors = centred(read_descriptors(teacher, run.cwd, training))
            module = DescriptorTeacher(descriptors, space.descriptor, teacher)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Student(network, loss, module, config.dropout)


def _judges(data: FaceData, size: int, config: TrainingConfig, rng: np.random.Generator) -> Judges:
    """Validation people, or training people held against each other where there are none."""
    from nasface.training.validation import Judges

    training, validation = data.require("training"), data.validation or data.require("training")
    chosen = np.sort(rng.choice(len(training), min(config.calibration_photos, len(training)), replace=False))
    judged = np.arange(min(config.validation_photos, len(validation)))
    found = validation.load(judged, size=size)
    return Judges(training.load(chosen, size=size).images, found.images, found.labels)


def _identity(run: Run, config: TrainingConfig, space: OfaMbv3, data: FaceData) -> dict[str, Any]:
    """All that makes two trainings different ones."""
    options = {key: value for key, value in dataclasses.asdict(config).items() if key not in NOT_COMPARED}
    return {
        "training": options,
        "loss": run.settings.loss,
        "teacher": run.settings.teacher,
        "space": dict(space.signature()) | {"resolution": space.resolution},
        "data": data.fingerprint,
        "seed": run.settings.seed,
    }


class _bar:
    """The progress bar of the first process: a context that gives a listener."""

    def __init__(self, run: Run, fabric: Any) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        self._progress = Progress(
            *columns, TimeElapsedColumn(), TimeRemainingColumn(), console=run.console, disable=not fabric.is_global_zero
        )

    def __enter__(self) -> Listener:
        self._progress.start()
        task = self._progress.add_task("training")

        def listen(progress: Any) -> None:
            words = f"{progress.phase}"
            if progress.values:
                words += f" loss {progress.values['loss']:.3f}"
                self._progress.update(task, description=words)
            self._progress.update(task, completed=progress.step, total=progress.total)
            for network, values in progress.validation.items():
                self._progress.console.print(f"step {progress.step}: {network} AUC {values['auc']:.4f}")

        return listen

    def __exit__(self, *_: object) -> None:
        self._progress.stop()


def _export(run: Run, network: ElasticNetwork, folder: Path, data: FaceData) -> dict[str, Any]:
    """Both formats of the supernet, and what is next."""
    from nasface.supernets import ElasticSupernet

    provenance = {
        "task": "train_supernet",
        "options": {key: getattr(run.settings, key) for key in ("training", "loss", "teacher", "seed")},
        "data": {"name": data.name, "fingerprint": data.fingerprint},
        "versions": versions(),
    }
    supernet = ElasticSupernet(network, folder.name, provenance)
    for name in ("supernet.pth", "supernet.safetensors"):
        supernet.save(folder / name)
    run.console.print(f"supernet: {run.shown(folder / 'supernet.safetensors')}", soft_wrap=True)
    return {"supernet": supernet.hash}
