"""The command line: Hydra composes, a task runs, errors become one sentence and an exit code."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from types import FrameType, UnionType
from typing import Final, NoReturn, TypeGuard

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from nasface.errors import EXIT_DEFECT, EXIT_INVALID, EXIT_OK, NasfaceError
from nasface.options import config_directory, explain, load_plugins, prepare, register_options

_ENDS: Final = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


_ZSH: Final = """\
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
autoload -Uz bashcompinit && bashcompinit
"""
"""Goes before Hydra's script for zsh, which is bash's and needs zsh's emulation of its completion."""


class _JobFailed(BaseException):
    """Carries an error past Hydra, which would print the job's options in front of our sentence."""


class _Signalled(KeyboardInterrupt):
    """The system asked the program to end; what Ctrl-C ends in good order, this ends as well."""

    number = signal.SIGINT


def run_task(config: DictConfig) -> float | None:
    """Run one composed job; inside a multirun a failure is written into the job's folder and the others go on.

    Returns:
        The task's objective for sweepers (predicted accuracy of the found network), or None.
    """
    prepare()  # worker processes of a launcher start here
    from nasface.tasks.frame import execute

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
        with _signals():
            _run()
    except KeyboardInterrupt as interrupt:
        number = interrupt.number if isinstance(interrupt, _Signalled) else signal.SIGINT
        _stop(str(interrupt) or "Interrupted.", 128 + number)
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(EXIT_OK)
    except _JobFailed as failed:
        _report(failed.__cause__)
    except Exception as error:
        _report(error)


def _run() -> None:
    """Options, then Hydra, which calls `run_task` once or, in a multirun, once a job."""
    from nasface.arguments import HELP, MULTIRUN, named_task, to_hydra

    given = sys.argv[1:]
    if HELP & set(given):
        load_plugins()
        from nasface.usage import usage

        _say(usage(named_task(given)))
    if "--version" in given:
        _say(f"nasface {metadata.version('nasface')}\n")
    if "install=zsh" in given:
        sys.stdout.write(_ZSH)
    register_options()
    if any(word.startswith("query=") for word in given):
        _complete_tasks()
    sys.argv[1:] = to_hydra(given)
    hydra.main(version_base="1.3", config_path=str(config_directory()), config_name="config")(run_task)()
    if MULTIRUN & set(given):
        from nasface.tasks.report import SweepReport

        sys.exit(SweepReport.exit_code)


def _complete_tasks() -> None:
    """A shell asks what a half-typed line goes on with: Hydra says it but for tasks, which are words of ours."""
    from nasface.arguments import completion

    found = completion(os.environ.get("COMP_LINE", ""))
    sys.stdout.writelines(f"{task}\n" for task in found.tasks)
    sys.stdout.flush()
    os.environ["COMP_LINE"], os.environ["COMP_POINT"] = found.line, str(len(found.line))


def _say(text: str) -> NoReturn:
    sys.stdout.write(text)
    sys.exit(EXIT_OK)


@contextmanager
def _signals() -> Iterator[None]:
    """In the block, SIGTERM and SIGHUP raise what Ctrl-C raises, so that a run ends in good order."""

    def end(number: int, _: FrameType | None) -> NoReturn:
        signalled = _Signalled()
        signalled.number = signal.Signals(number)
        raise signalled

    before = {number: signal.signal(number, end) for number in _ENDS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _report(error: BaseException | None) -> None:
    """End the program with one sentence and the exit code that fits."""
    if isinstance(error, NasfaceError):
        _stop(f"nasface: {error}", error.exit_code)
    if isinstance(error, HydraException | OmegaConfBaseException) or _raised_by_hydra(error, ValueError):
        _stop(f"nasface: {explain(error)}", EXIT_INVALID)
    if _raised_by_hydra(error, TypeError | AttributeError | AssertionError):
        why = "is a list or a mapping given where a name stands, e.g. loss=[[1]]?"
        _stop(f"nasface: These options cannot be composed ({error}); {why}", EXIT_INVALID)
    if isinstance(error, OSError):
        _stop(f"nasface: {_explain_os_error(error)}", EXIT_INVALID)
    traceback.print_exception(error)
    _stop("nasface: this is a defect of nasface; please report it with the lines above.", EXIT_DEFECT)


def _raised_by_hydra(error: BaseException | None, kind: type[Exception] | UnionType) -> TypeGuard[Exception]:
    """Whether Hydra stumbled over an override with a plain error, as it does for `predictor=3` and `loss=[[1]]`."""
    frames = list(traceback.walk_tb(error.__traceback__)) if isinstance(error, kind) else []
    return bool(frames) and str(frames[-1][0].f_globals.get("__name__")).startswith("hydra.")


def _explain_os_error(error: OSError) -> str:
    space = "free space or choose another folder with hydra.run.dir=..."
    existing = "give the path of an existing file, or for hydra.run.dir= a folder that can be made"
    remedy = existing if isinstance(error, FileNotFoundError) else space
    return f"{error.strerror or error}: {error.filename or 'output folder'}; {remedy}"


def _stop(message: str, code: int) -> NoReturn:
    sys.stderr.write(message + "\n")
    sys.exit(code)
