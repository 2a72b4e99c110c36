"""`task=report sweep=FOLDER`: one table over the runs of a multirun, which calls it at its end, as CSV and HTML."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from nasface.analysis.sweep import Sweep
from nasface.errors import EXIT_INVALID, EXIT_OK, InvalidInput
from nasface.jobs import Outcome, Run, shown
from nasface.reports.sweep_page import write_sweep
from nasface.tasks.following import command
from nasface.terminal import Terminal


def run(run: Run) -> Outcome:
    """Collect `*/result.json` below `sweep=`."""
    if run.settings.sweep is None:
        raise InvalidInput("task=report needs sweep=FOLDER, the folder of a multirun (runs/..._sweep).")
    folder = run.path(run.settings.sweep)
    sweep = Sweep.read(folder, run.folder)
    write_sweep(folder, sweep, run.console)
    return Outcome({"rows": sweep.rows}, next=_next(folder, sweep, run.cwd))


def _next(folder: Path, sweep: Sweep, cwd: Path) -> str:
    """What to type next: the network of the first job that found one."""
    found = next((job for job in sweep.jobs if job.status == "ok" and "predicted" in job.values), None)
    if found is None:
        return command("profile", ["--help"], cwd)  # what is reachable
    return command("inspect", [f"genotype={shown(folder / found.name, cwd)}"], cwd)


class SweepReport(Callback):
    """Hydra callback: the same at the end of every multirun.

    Attributes:
        exit_code: Of the program: not 0 if a job failed or did not come to its end. One without a feasible network did.
    """

    exit_code: ClassVar[int] = EXIT_OK

    def on_multirun_start(self, config: DictConfig, **_: object) -> None:
        """Called by Hydra before the first job; nothing but the last job says that all went well."""
        SweepReport.exit_code = EXIT_INVALID

    def on_multirun_end(self, config: DictConfig, **_: object) -> None:
        """Called by Hydra after the last job."""
        folder = Path(config.hydra.sweep.dir)
        sweep = Sweep.read(folder)
        failed = [job.name for job in sweep.jobs if job.status not in ("ok", "infeasible")]
        terminal = Terminal()
        write_sweep(folder, sweep, terminal)
        terminal.print(f"next: {_next(folder, sweep, Path.cwd())}", soft_wrap=True)
        SweepReport.exit_code = EXIT_INVALID if failed else EXIT_OK
