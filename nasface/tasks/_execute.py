"""The frame around every task: the run folder, `result.json`, failures."""

from __future__ import annotations

import importlib
import logging
import math
import platform
import shlex
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Final

from hydra.core.hydra_config import HydraConfig
from hydra.utils import get_original_cwd
from omegaconf import DictConfig, OmegaConf

from nasface.errors import InfeasibleConstraint, InvalidInput, NasfaceError
from nasface.inputs import check_inputs
from nasface.jobs import Outcome, Run
from nasface.registry import REGISTRY, build, register
from nasface.runs import Json, write_json, write_text
from nasface.settings import Settings
from nasface.terminal import Terminal

log = logging.getLogger(__name__)

TASKS: Final[dict[str, str]] = {
    "search": "find the best network for a device, cut it out of the supernet and export it",
    "deploy_family": "one network for each of several latency budgets, exported, with one table",
    "list": "show every component: kind, name, origin, parameters",
    "profile": "show what is reachable: range of every cost, share of the space within the constraints",
    "inspect": "show one network layer by layer: shapes, parameters, MACs, latency",
    "train_supernet": "train a supernet on photos of faces, in phases, resumable",
    "estimate_accuracy": "measure random subnets of a supernet into an accuracy table",
    "table_reliability": "how much of an accuracy table is noise, and which metric predictors should learn from",
    "study_photos": "how many calibration and test photos an accuracy table needs",
    "merge_tables": "join accuracy tables: shards, or tables made elsewhere",
    "enrol": "put people into a gallery: recognition.gallery, recognition.name, recognition.photos",
    "identify": "say whose faces photos show, or unknown",
    "verify": "say whether two photos show one person",
    "gallery": "list a gallery, remove a person, export it, measure its threshold",
    "export": "write a single network, of a folder with net.config and weights, as a file",
    "evaluate": "measure models or descriptor files on photos, as one table",
    "evaluate_supernet": "measure smallest, middle and largest network of a supernet, or of a training over its time",
    "compare_predictors": "fit every predictor on parts of one accuracy table: learning curves with intervals",
    "replay": "an accuracy table as an offline benchmark of one predictor, in seconds, without photos or torch",
    "experiment": "measure a grid of cells into CSV, pictures and a page: experiment=NAME",
    "report": "make one table of a sweep's runs",
    "pack": "put photos into one RecordIO file, small and quick to read; pairs into a .bin",
    "import_lut": "bring a latency table measured elsewhere into your table folder",
    "build_lut": "measure a latency table of a device: layers, chains of layers, whole networks",
    "measure_latency": "time whole networks on a device: sub-networks, model files, reference networks",
    "check_latency": "compare a device's predicted latencies with measured ones; the margin for a confidence",
    "calibrate_device": "a latency table for your phone from three to five networks that you time on it",
    "demo": "a page that times networks on any device with a browser and recognises the faces in two photos",
    "build_assets": "rebuild the embedded data from its sources",
}
"""Name of every task and what it does; the code is `nasface/tasks/NAME.py:run` (`list` is in `list_components.py`)."""

RESUMABLE: Final = frozenset(
    {
        "build_lut",
        "calibrate_device",
        "check_latency",
        "compare_predictors",
        "estimate_accuracy",
        "evaluate_supernet",
        "experiment",
        "study_photos",
        "train_supernet",
    }
)
"""Tasks whose same command goes on where it stopped, without being told a folder or a state."""

_MODULES: Final = {"list": "list_components"}


def _registered(name: str, summary: str) -> Callable[[Run], Outcome]:
    """The function of a task of the core, whose module is imported when it runs."""

    def run(run: Run) -> Outcome:
        task: Callable[[Run], Outcome] = importlib.import_module(f"nasface.tasks.{_MODULES.get(name, name)}").run
        return task(run)

    run.__doc__ = f"{summary}."
    return run


for _name, _summary in TASKS.items():
    register("task", _name)(_registered(_name, _summary))


def all_tasks() -> dict[str, str]:
    """Name of every task and what it does: the core's in their order, then those of plug-ins."""
    return TASKS | {c.name: c.summary for c in REGISTRY if c.kind == "task" and c.name not in TASKS}


def execute(config: DictConfig, *, swallow: bool) -> float | None:
    """Run the task a config names and write `result.json` whatever happens.

    Args:
        config: The composed options.
        swallow: Inside a multirun: report a failure in the job's folder and on the terminal, and return NaN.
    """
    folder = Path(HydraConfig.get().runtime.output_dir)
    overrides = list(HydraConfig.get().overrides.task)
    record: dict[str, object] = {
        "status": "interrupted",
        "message": "the run did not come to its end",
        "task": str(config.get("task")),
        "overrides": overrides,
    }
    write_json(folder / "result.json", record)  # what stays if the process is killed
    try:
        settings = Settings.of(config)
        write_text(folder / "config.yaml", OmegaConf.to_yaml(config, resolve=True))
        record |= {"seed": settings.seed, "config": settings.fingerprint(), "components": _components(settings)}
        run = Run(settings, folder, Path(get_original_cwd()))
        check_inputs(settings, run.cwd)
        outcome = run_task(run)
    except NasfaceError as error:
        record |= {"status": _status(error), "message": str(error)}
        return _failed(folder, record, error, swallow)
    except KeyboardInterrupt as interrupt:
        record |= {"message": "interrupted by the user"}
        write_json(folder / "result.json", record)
        interrupt.args = (_what_is_kept(str(record["task"]), folder, swallow),)
        raise
    except Exception as error:
        record |= {"status": "failed", "message": f"{type(error).__name__}: {error}"}
        log.info("the task failed", exc_info=True)  # into nasface.log; what the terminal shows is decided in one place
        return _failed(folder, record, error, swallow)
    record |= {
        "status": "ok",
        "message": None,
        "decision": outcome.decision,
        "measurements": outcome.measurements,
        "versions": versions(),
    }
    write_json(folder / "result.json", record)
    return outcome.objective


def run_task(run: Run) -> Outcome:
    """Run the task that the settings name.

    Raises:
        UnknownName: There is none such.
        InvalidInput: A plug-in's task gives something else than an `Outcome`.
    """
    name, own = run.settings.task, run.settings.own
    outcome: object = build("task", {"name": name} | own.get(name, {}), run=run)
    if not isinstance(outcome, Outcome):
        origin = REGISTRY.get("task", name).origin
        raise InvalidInput(f"The task {name} of {origin} must return a nasface.jobs.Outcome, not {outcome!r}.")
    return outcome


def versions() -> dict[str, str]:
    """Versions of what influences results."""
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for package in ("nasface", "numpy", "lightgbm", "torch", "ai-edge-litert", "tensorflow-cpu", "hydra-core"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _components(settings: Settings) -> dict[str, Json]:
    named = {
        kind: (getattr(settings, kind) or {}).get("name") for kind in ("space", "supernet", "latency", "predictor")
    }
    named |= {kind: (getattr(settings, kind) or {}).get("name") for kind in ("selector", "search", "exporter", "data")}
    return named | {"device": list(settings.device)}


def _what_is_kept(task: str, folder: Path, multirun: bool) -> str:
    """What somebody who interrupts a run wants to know."""
    if multirun:
        sweep = shlex.quote(f"sweep={folder.parent}")
        return f"Interrupted; finished jobs are kept: python -m nasface task=report {sweep} makes their table."
    if task in RESUMABLE:
        return "Interrupted; what was finished is kept, the same command goes on."
    return "Interrupted; this task keeps nothing of what it had begun."


def _status(error: NasfaceError) -> str:
    return "infeasible" if isinstance(error, InfeasibleConstraint) else "failed"


def _failed(folder: Path, record: dict[str, object], error: Exception, swallow: bool) -> float:
    write_json(folder / "result.json", record)
    if not swallow:
        raise error
    Terminal(stderr=True).print(f"{folder.name}: {record['status']}: {record['message']}")
    return math.nan
