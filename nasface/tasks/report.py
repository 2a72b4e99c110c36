"""`task=report sweep=FOLDER`: one table over the runs of a multirun, which calls it at its end, as CSV and HTML."""

from __future__ import annotations

from pathlib import Path

from hydra.experimental.callback import Callback
from omegaconf import DictConfig
from rich.console import Console

from nasface.analysis.sweep import Sweep
from nasface.errors import InvalidInput
from nasface.jobs import Outcome, Run
from nasface.reports.sweep_page import write_sweep


def run(run: Run) -> Outcome:
    """Collect `*/result.json` below `sweep=`."""
    if run.settings.sweep is None:
        raise InvalidInput("task=report needs sweep=FOLDER, the folder of a multirun (runs/..._sweep).")
    folder = run.path(run.settings.sweep)
    sweep = Sweep.read(folder)
    write_sweep(folder, sweep, run.console)
    return Outcome({"rows": sweep.rows})


class SweepReport(Callback):
    """Hydra callback: the same at the end of every multirun."""

    def on_multirun_end(self, config: DictConfig, **_: object) -> None:
        """Called by Hydra after the last job."""
        folder = Path(config.hydra.sweep.dir)
        write_sweep(folder, Sweep.read(folder), Console(highlight=False))
