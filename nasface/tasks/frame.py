"""The frame around every task: the run folder, `result.json`, failures."""

from __future__ import annotations

import logging
import math
import platform
import shlex
from importlib import metadata
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.utils import get_original_cwd
from omegaconf import DictConfig, OmegaConf

from nasface.analysis.sweep import Job
from nasface.errors import InfeasibleConstraint, InvalidInput, MissingDependency, NasfaceError
from nasface.inputs import check_inputs
from nasface.jobs import Outcome, Run
from nasface.registry import REGISTRY, build
from nasface.reports.sweep_page import job_line
from nasface.runs import Json, write_json, write_text
from nasface.settings import Settings
from nasface.tasks.catalogue import RESUMABLE
from nasface.terminal import Terminal

log = logging.getLogger(__name__)


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
        record |= {"space": settings.space}
        run = Run(settings, folder, Path(get_original_cwd()), tuple(overrides), job=swallow)
        check_inputs(settings, run.cwd)
        outcome = run_task(run)
    except NasfaceError as error:
        record |= {"status": _status(error), "message": str(error)}
        log.info("%s: %s", record["status"], error)
        return _failed(folder, record, error, swallow)
    except KeyboardInterrupt as interrupt:
        record |= {"message": "interrupted by the user"}
        write_json(folder / "result.json", record)
        interrupt.args = (_what_is_kept(str(record["task"]), folder, swallow),)
        raise
    except Exception as error:
        log.info("the task failed", exc_info=True)  # into nasface.log; what the terminal shows is decided in one place
        said = MissingDependency.behind(error, f"task={record['task']}") or REGISTRY.blamed(error)
        message = str(said) if isinstance(said, NasfaceError) else f"{type(error).__name__}: {error}"
        return _failed(folder, record | {"status": "failed", "message": message}, said, swallow)
    record |= {
        "status": "ok",
        "message": None,
        "decision": outcome.decision,
        "measurements": outcome.measurements,
        "versions": versions(),
    }
    write_json(folder / "result.json", record)
    if swallow:
        Terminal().print(job_line(Job.read(folder)), soft_wrap=True)
    elif outcome.next:
        run.console.print(f"next: {outcome.next}", soft_wrap=True)
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
    Terminal(stderr=True).print(f"job {folder.name}: {record['status']}: {record['message']}", soft_wrap=True)
    return math.nan
