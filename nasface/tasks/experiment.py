"""`task=experiment`, chosen by `experiment=NAME`: a grid of measurements, as CSV, pictures and a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from hydra.core.hydra_config import HydraConfig
from omegaconf import MISSING

from nasface.errors import InvalidInput
from nasface.experiments import Experiment, Results, conduct, write_report
from nasface.jobs import Outcome, Run
from nasface.registry import REGISTRY, build
from nasface.settings import typed
from nasface.tasks.following import following, repeated


@dataclass
class Frame:
    """Options that all experiments have; see conf/config.yaml."""

    name: str | None = MISSING
    full: bool = MISSING
    folder: str | None = MISSING


Built = Experiment[Any]


def run(run: Run) -> Outcome:
    """Measure the missing cells, write CSV, pictures and page."""
    frame, options = split_options(run.settings.experiment)
    if frame.name is None:
        raise InvalidInput(f"task=experiment needs experiment=NAME: {', '.join(REGISTRY.names('experiment'))}.")
    experiment = built(frame.name, run, options)
    folder = run.path(frame.folder or f"runs/{frame.name}{'_full' if frame.full else ''}")
    results = Results(folder / f"{experiment.name}.csv", experiment.fingerprint, run.settings.share)
    rows, missing = conduct(experiment, results, run.console, run.settings.share)
    page = write_report(folder, experiment, rows, missing, command())
    run.console.print(f"page: {run.shown(page)}, results: {run.shown(results.path)}", soft_wrap=True)
    goes_on = repeated(run) if missing and run.settings.share.count == 1 else following(run, "search")
    return Outcome({"experiment": experiment.name, "cells": len(experiment.cells()), "missing": missing}, next=goes_on)


class SplitOptions(NamedTuple):
    """The options of the frame, checked, and those of the experiment itself."""

    frame: Frame
    own: Mapping[str, object]


def split_options(given: Mapping[str, object]) -> SplitOptions:
    """Whose option each is."""
    common = {name: value for name, value in given.items() if name in Frame.__annotations__}
    return SplitOptions(typed(Frame, common), {name: value for name, value in given.items() if name not in common})


def command() -> str:
    """What was typed, for the page."""
    return " ".join(["python -m nasface", *HydraConfig.get().overrides.task])


def built(name: str, run: Run, options: Mapping[str, object]) -> Built:
    """The experiment of that name; those of the core check their options themselves.

    Raises:
        InvalidInput: A plug-in gives something else.
    """
    component = REGISTRY.get("experiment", name)
    made: object = (
        component.factory(run=run, options=options)
        if component.config is None
        else build("experiment", {"name": name, **options}, run=run)
    )
    if not isinstance(made, Experiment):
        raise InvalidInput(f"The experiment {name} of {component.origin} must give a nasface.experiments.Experiment.")
    return made
