"""The command line: Hydra composes, a task runs, errors become one sentence and an exit code."""

from __future__ import annotations

import os
import sys
import traceback
from typing import NoReturn, TypeGuard

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from nasface.errors import EXIT_DEFECT, EXIT_INTERRUPTED, EXIT_INVALID, EXIT_OK, NasfaceError
from nasface.options import config_directory, explain, prepare, register_options


class _JobFailed(BaseException):
    """Carries an error past Hydra, which would print the job's options in front of our sentence."""


def run_task(config: DictConfig) -> float | None:
    """Run one composed job; inside a multirun a failure is written into the job's folder and the others go on.

    Returns:
        The task's objective for sweepers (predicted accuracy of the found network), or None.
    """
    prepare()  # worker processes of a launcher start here
    from nasface.tasks import execute

    multirun = HydraConfig.get().mode == RunMode.MULTIRUN
    try:
        return execute(config, swallow=multirun)
    except Exception as error:
        if multirun:
            raise
        raise _JobFailed from error


def main() -> None:
    """Entry point of `python -m nasface` and of the `nasface` command."""
    os.environ["HYDRA_FULL_ERROR"] = "1"  # let exceptions reach us instead of Hydra's own report
    try:
        register_options()
        if {"--help", "-h"} & set(sys.argv[1:]):
            _help()
        hydra.main(version_base="1.3", config_path=str(config_directory()), config_name="config")(run_task)()
    except KeyboardInterrupt:
        _stop("Interrupted; what was finished is kept, the same command goes on.", EXIT_INTERRUPTED)
    except _JobFailed as failed:
        _report(failed.__cause__)
    except Exception as error:
        _report(error)


def _help() -> NoReturn:
    from nasface.usage import usage

    sys.stdout.write(usage())
    sys.exit(EXIT_OK)


def _report(error: BaseException | None) -> None:
    """End the program with one sentence and the exit code that fits."""
    if isinstance(error, NasfaceError):
        _stop(f"nasface: {error}", error.exit_code)
    if isinstance(error, HydraException | OmegaConfBaseException) or _raised_by_hydra(error):
        _stop(f"nasface: {explain(error)}", EXIT_INVALID)
    if isinstance(error, OSError):
        _stop(f"nasface: {_explain_os_error(error)}", EXIT_INVALID)
    traceback.print_exception(error)
    _stop("nasface: this is a defect of nasface; please report it with the lines above.", EXIT_DEFECT)


def _raised_by_hydra(error: BaseException | None) -> TypeGuard[ValueError]:
    """Whether Hydra refused an override with a plain ValueError, as it does for `predictor=3`."""
    frames = list(traceback.walk_tb(error.__traceback__)) if isinstance(error, ValueError) else []
    return bool(frames) and str(frames[-1][0].f_globals.get("__name__")).startswith("hydra.")


def _explain_os_error(error: OSError) -> str:
    space = "free space or choose another folder with hydra.run.dir=..."
    remedy = "give the path of an existing file" if isinstance(error, FileNotFoundError) else space
    return f"{error.strerror or error}: {error.filename or 'output folder'}; {remedy}"


def _stop(message: str, code: int) -> NoReturn:
    sys.stderr.write(message + "\n")
    sys.exit(code)
