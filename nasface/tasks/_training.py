"""What the tasks that train share: options, the folder and its identity, progress."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from omegaconf.errors import ConfigKeyError, MissingMandatoryValue, ValidationError
from rich.progress import TaskID, TimeElapsedColumn, TimeRemainingColumn

from nasface.data import FaceData
from nasface.errors import InvalidInput, MissingDependency, UnknownName
from nasface.jobs import Run
from nasface.registry import REGISTRY, build
from nasface.reports.training_report import write_training_report
from nasface.runs import Json
from nasface.settings import typed as checked
from nasface.tasks.following import repeated
from nasface.training import ForeignTeacher, TeacherConfig, TrainingConfig

if TYPE_CHECKING:
    from nasface.training.assembly import Setting
    from nasface.training.log import Listener, TrainingUpdate
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


class Prepared(NamedTuple):
    """All that a trainer is made of, beside what it trains.

    Attributes:
        setting: Options, photos, folder.
        teacher: What the options say; a teacher of a plug-in is opened when the photos are known.
        listener: Told how far the training is.
        data: All photos.
    """

    setting: Setting
    teacher: TeacherConfig
    listener: Listener
    data: FaceData


def training_options(run: Run) -> TrainingConfig:
    """The group `training`, checked; raises `InvalidInput` without a folder."""
    config: TrainingConfig = typed(run.settings.training, "training", TrainingConfig)
    if config.folder is None:
        raise InvalidInput(
            f"task={run.settings.task} needs training.folder=FOLDER, where its state lives: run folders are new with "
            "every command, and the same command with the same folder goes on after an interruption."
        )
    return config


def prepare(
    run: Run, config: TrainingConfig, resolution: int, trained: Mapping[str, Json], stack: ExitStack
) -> Prepared:
    """Check everything, claim the folder, read the photos.

    Args:
        run: Options, terminal.
        config: Of the training.
        resolution: Side of the photos in pixels.
        trained: What is trained, as far as two trainings differ by it.
        stack: Holds the folder, and the progress bar.
    """
    from nasface.training.assembly import Setting, open_fabric, open_judges
    from nasface.training.photos import open_photos
    from nasface.training.state import Checkpoints, held

    loss = build("loss", _checked(run.settings.loss, "loss"))
    teacher, folder = _teacher(run), run.path(str(config.folder))
    fabric = open_fabric(config)
    data = run.open_data()
    faces = data.require("training")
    if fabric.is_global_zero:
        stack.enter_context(held(folder))
        Checkpoints(folder, config.keep).claim({**_identity(run, config, data), **trained})
    photos = open_photos(faces, resolution, config.photos)
    judges = open_judges(data, resolution, config, run.settings.seed)
    setting = Setting(config, loss, faces, photos, judges, run.settings.seed, run.cwd, folder, fabric)
    listener = stack.enter_context(_listener(run, config, folder)) if fabric.is_global_zero else _ignore
    return Prepared(setting, teacher, listener, data)


def write_report(run: Run, trainer: Trainer, following: str) -> None:
    """`report.html` in the run folder; `following` is the command that comes next."""
    settings = run.settings
    facts = {f"training.{key}": value for key, value in settings.training.items() if key not in ("plan", "name")}
    facts |= {f"phase {name}": dataclasses.asdict(phase) for name, phase in trainer.phases}
    facts |= {"loss": settings.loss, "teacher": settings.teacher, "seed": settings.seed}
    people = len(set(trainer.photos.labels.tolist()))
    title = f"{len(trainer.photos.labels)} photos of {people} training people, {trainer.resolution} pixels"
    path = run.folder / "report.html"
    rows = trainer.log.rows(), trainer.validations.rows()
    write_training_report(path, title, *rows, facts, following, repeated(run))
    run.console.print(f"report: {run.shown(path)}", soft_wrap=True)


def _teacher(run: Run) -> TeacherConfig:
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


def _identity(run: Run, config: TrainingConfig, data: FaceData) -> dict[str, Json]:
    """All that makes two trainings different ones, beside what they train."""
    return {
        "training": {key: value for key, value in dataclasses.asdict(config).items() if key not in MAY_CHANGE},
        "loss": run.settings.loss,
        "teacher": run.settings.teacher,
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
