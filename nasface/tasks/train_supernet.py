"""`task=train_supernet training.folder=FOLDER data=...`: train a supernet; the same command goes on."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from omegaconf.errors import ConfigKeyError, MissingMandatoryValue, ValidationError
from rich.progress import TaskID, TimeElapsedColumn, TimeRemainingColumn

from nasface.data import FaceData
from nasface.errors import InvalidInput, MissingDependency, UnknownName
from nasface.jobs import Outcome, Run
from nasface.registry import REGISTRY, build
from nasface.reports.training_report import write_training_report
from nasface.runs import Json
from nasface.settings import typed as checked
from nasface.spaces import OfaMbv3, SearchSpace
from nasface.tasks.frame import versions
from nasface.training import ForeignTeacher, TeacherConfig, TrainingConfig

if TYPE_CHECKING:
    from nasface.training.assembly import OpenNetwork
    from nasface.training.log import Listener, TrainingUpdate
    from nasface.training.networks import Trainable
    from nasface.training.trainer import Trainer

T = TypeVar("T")

MAY_CHANGE = (
    "folder",
    "checkpoint_minutes",
    "keep",
    "snapshots",
    "cpu_threads",
    "photos",
    "tensorboard",
    "accelerator",
)
"""Options of `training` that may differ when a training goes on."""


def run(run: Run) -> Outcome:
    """Train all phases that are left, export the supernet, write the report."""
    config: TrainingConfig = typed(run.settings.training, "training", TrainingConfig)
    if config.folder is None:
        raise InvalidInput(
            "task=train_supernet needs training.folder=FOLDER, where its state lives: run folders are new with every "
            "command, and the same command with the same folder goes on after an interruption."
        )
    with ExitStack() as stack:
        trainer, data = prepare(run, config, run.path(config.folder), stack)
        network = trainer.run()
    decision: dict[str, Json] = {"folder": str(trainer.checkpoints.folder), "steps": trainer.total}
    if trainer.fabric.is_global_zero:
        decision |= _export(run, network, trainer.checkpoints.folder, data)
        _report(run, trainer)
    return Outcome(decision, {"seconds": trainer.at.seconds, "cpu_seconds": trainer.at.cpu_seconds})


class Prepared(NamedTuple):
    """A training that can begin, and its photos."""

    trainer: Trainer
    data: FaceData


def prepare(run: Run, config: TrainingConfig, folder: Path, stack: ExitStack) -> Prepared:
    """Check everything, claim the folder, read the photos."""
    from nasface.training.assembly import Setting, open_fabric, open_judges
    from nasface.training.photos import open_photos
    from nasface.training.state import Checkpoints, held

    loss = build("loss", _checked(run.settings.loss, "loss"))
    teacher = _teacher(run)
    space = _space(run)
    fabric = open_fabric(config)
    data = run.open_data()
    faces = data.require("training")
    if fabric.is_global_zero:
        stack.enter_context(held(folder))
        Checkpoints(folder, config.keep).claim(_identity(run, config, space, data))
    photos = open_photos(faces, space.resolution, config.photos)
    judges = open_judges(data, space.resolution, config, run.settings.seed)
    setting = Setting(config, loss, faces, photos, judges, run.settings.seed, run.cwd, folder, fabric)
    listener = stack.enter_context(_listener(run, config, folder)) if fabric.is_global_zero else _ignore
    return Prepared(setting.supernet_trainer(space, _open_network(run, space), teacher, listener), data)


def _teacher(run: Run) -> TeacherConfig:
    """What the options say; a teacher of a plug-in is opened when the photos are known."""
    settings = _checked(run.settings.teacher, "teacher")
    if REGISTRY.get("teacher", str(settings["name"])).origin == "nasface":
        teacher: TeacherConfig = build("teacher", settings)
        return teacher
    weight, temperature = (float(settings.get(name, 1.0)) for name in ("weight", "temperature"))
    return ForeignTeacher(
        settings["name"],
        weight,
        temperature,
        lambda classes, side: build("teacher", settings, classes=classes, side=side),
    )


def _checked(settings: Mapping[str, Any], group: str) -> dict[str, Any]:
    """The options of a group with the defaults of the component that they name, checked; raises `UnknownName`."""
    config = REGISTRY.get(group, str(settings.get("name", ""))).config
    if config is None:
        raise InvalidInput(f"{group}={settings.get('name')} was registered without a config; it needs one.")
    return dataclasses.asdict(typed(settings, group, config))


def typed(settings: Mapping[str, object], group: str, config: type[T]) -> T:
    """The options of a group as their dataclass.

    Raises:
        UnknownName: One of them does not exist.
        InvalidInput: A value is absent or of another type.
    """
    try:
        return checked(config, dict(settings))
    except ConfigKeyError as error:
        parent, _, key = f"{group}.{error.full_key}".rpartition(".")
        known = [str(name) for name in error.parent_node or ()]
        raise UnknownName(f"option of {parent}", key, known) from error
    except MissingMandatoryValue as error:
        raise InvalidInput(f"{group}.{error.full_key} has no value; give it one.") from error
    except ValidationError as error:
        raise InvalidInput(f"{group}.{error.full_key}: {error.msg}; give a value of that type.") from error


def _space(run: Run) -> SearchSpace:
    """The space; raises `InvalidInput` where nobody knows how to train its supernet."""
    space: SearchSpace = build("space", run.settings.space)
    if isinstance(space, OfaMbv3):
        return space
    source = run.workbench.source
    if not source.elastic:
        raise InvalidInput(
            f"task=train_supernet trains supernets of ofa_mbv3 spaces, and of plug-ins where they are elastic; the "
            f"supernet {source.name} is not: choose space=ofa_mbv3_face, or a supernet of {space.name} that is."
        )
    return run.workbench.space


def _open_network(run: Run, space: SearchSpace) -> OpenNetwork:
    from nasface.training.networks import TrainableSupernet
    from nasface.training.sliced import SlicedSupernet

    if isinstance(space, OfaMbv3):
        return lambda classes: TrainableSupernet(space, classes)
    source = run.workbench.source

    def opened(classes: int) -> SlicedSupernet:
        network = source.trainable(space, classes)
        if not isinstance(network, SlicedSupernet):
            raise InvalidInput(
                f"The supernet {source.name} must give a nasface.training.sliced.SlicedSupernet to be trained, not a "
                f"{type(network).__name__}."
            )
        return network

    return opened


def _identity(run: Run, config: TrainingConfig, space: SearchSpace, data: FaceData) -> dict[str, Json]:
    """All that makes two trainings different ones."""
    return {
        "training": {key: value for key, value in dataclasses.asdict(config).items() if key not in MAY_CHANGE},
        "loss": run.settings.loss,
        "teacher": run.settings.teacher,
        "space": dict(space.fingerprinted()) | {"resolution": space.resolution},
        "data": data.fingerprint,
        "seed": run.settings.seed,
    }


def _ignore(_: TrainingUpdate) -> None:
    """Other processes say nothing."""


@contextmanager
def _listener(run: Run, config: TrainingConfig, folder: Path) -> Iterator[Listener]:
    """The progress bar with the time left, and TensorBoard if it is wanted."""
    board = _tensorboard(folder) if config.tensorboard else None
    with run.console.progress(TimeElapsedColumn(), TimeRemainingColumn()) as bar:
        tasks: dict[int, TaskID] = {}

        def listen(told: TrainingUpdate) -> None:
            task = tasks.get(told.total)
            if task is None:  # a teacher that is trained first has a bar of its own
                task = tasks[told.total] = bar.add_task(told.phase)
            words = f"{told.phase} loss {told.values['loss']:.3f}" if told.values else None
            bar.update(task, completed=told.step, total=told.total, description=words)
            for network, values in told.validation.items():
                bar.console.print(f"step {told.step}: {network} AUC {values['auc']:.4f}")
            if board is not None:
                board(told)

        yield listen


def _tensorboard(folder: Path) -> Callable[[TrainingUpdate], None]:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ModuleNotFoundError as error:
        raise MissingDependency("tensorboard", "tensorboard", "training.tensorboard=true") from error
    writer = SummaryWriter(str(folder / "tensorboard"))

    def write(told: TrainingUpdate) -> None:
        scalars = {name: value for name, value in told.values.items() if isinstance(value, float)}
        scalars |= {f"auc/{network}": values["auc"] for network, values in told.validation.items()}
        for name, value in scalars.items():
            writer.add_scalar(name, value, told.step)

    return write


def _export(run: Run, network: Trainable, folder: Path, data: FaceData) -> dict[str, Json]:
    """Both formats of the supernet, and what is next."""
    from nasface.supernets import ElasticNetwork, ElasticSupernet

    if not isinstance(network, ElasticNetwork):
        path = folder / "supernet.safetensors"
        run.workbench.source.save(network, path)
        run.console.print(f"supernet: {run.shown(path)}", soft_wrap=True)
        return {"supernet": hashlib.sha256(path.read_bytes()).hexdigest()}
    provenance: dict[str, Json] = {
        "task": "train_supernet",
        "options": {key: getattr(run.settings, key) for key in ("training", "loss", "teacher", "seed")},
        "data": {"name": data.name, "fingerprint": data.fingerprint},
        "versions": versions(),
    }
    supernet = ElasticSupernet(network, folder.resolve().name, provenance)
    for name in ("supernet.pth", "supernet.safetensors"):
        supernet.save(folder / name)
    run.console.print(f"supernet: {run.shown(folder / 'supernet.safetensors')}", soft_wrap=True)
    run.console.print(f"next: {_next(run, folder)}", soft_wrap=True)
    return {"supernet": supernet.fingerprint}


def _next(run: Run, folder: Path) -> str:
    checkpoint = run.shown(folder / "supernet.safetensors")
    return f"python -m nasface task=estimate_accuracy supernet.checkpoint={checkpoint} accuracy.table=mine.csv data=..."


def _report(run: Run, trainer: Trainer) -> None:
    settings = run.settings
    facts = {f"training.{key}": value for key, value in settings.training.items() if key not in ("plan", "name")}
    facts |= {f"phase {name}": dataclasses.asdict(phase) for name, phase in trainer.phases}
    facts |= {"loss": settings.loss, "teacher": settings.teacher, "seed": settings.seed}
    people = len(set(trainer.photos.labels.tolist()))
    title = f"{len(trainer.photos.labels)} photos of {people} training people, {trainer.resolution} pixels"
    path = run.folder / "report.html"
    rows = trainer.log.rows(), trainer.validations.rows()
    write_training_report(path, title, *rows, facts, _next(run, trainer.checkpoints.folder))
    run.console.print(f"report: {run.shown(path)}", soft_wrap=True)
