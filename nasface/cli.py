"""The command line: Hydra composes, a task runs, errors become one sentence and an exit code. Nothing else lives here."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from nasface.errors import EXIT_DEFECT, EXIT_INTERRUPTED, EXIT_INVALID, NasfaceError
from nasface.options import prepare, register_options


def config_directory() -> str:
    """The folder of `config.yaml`: beside this file when installed, beside the package in a checkout."""
    here = Path(__file__).resolve().parent
    for folder in (here / "conf", here.parent / "conf"):
        if (folder / "config.yaml").is_file():
            return str(folder)
    raise NasfaceError(f"nasface is installed without its configuration ({here / 'conf'}); install it again.")


def run_task(config: DictConfig) -> float | None:
    """Run one composed job; inside a multirun a failure is written into the job's folder and the others go on.

    Returns:
        The task's objective for sweepers (predicted accuracy of the found network), or None.
    """
    prepare()  # worker processes of a launcher start here
    from nasface.tasks import execute

    return execute(config, swallow=HydraConfig.get().mode == RunMode.MULTIRUN)


def main() -> None:
    """Entry point of `python -m nasface` and of the `nasface` command."""
    os.environ["HYDRA_FULL_ERROR"] = "1"  # let exceptions reach us instead of Hydra's own report
    try:
        register_options()
        hydra.main(version_base="1.3", config_path=config_directory(), config_name="config")(run_task)()
    except KeyboardInterrupt:
        _stop("Interrupted; what was finished is kept, the same command goes on.", EXIT_INTERRUPTED)
    except NasfaceError as error:
        _stop(f"nasface: {error}", error.exit_code)
    except (HydraException, OmegaConfBaseException) as error:
        _stop(f"nasface: {_composition_sentence(error)}", EXIT_INVALID)
    except OSError as error:
        _stop(f"nasface: {error.strerror or error}: {error.filename or 'output folder'}; free space or choose another folder "
              "with hydra.run.dir=...", EXIT_INVALID)
    except Exception:
        traceback.print_exc()
        _stop("nasface: this is a defect of nasface; please report it with the lines above.", EXIT_DEFECT)


def _composition_sentence(error: Exception) -> str:
    """Hydra's message in one paragraph, with a remedy for the case where its own has none."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip() and "full_key" not in line]
    causes: Any = error.__cause__
    if causes is not None and str(causes).splitlines()[0] not in lines:
        lines.append(str(causes).splitlines()[0])
    return " ".join(line for line in lines if "object_type" not in line and "reference_type" not in line)


def _stop(message: str, code: int) -> None:
    sys.stderr.write(message + "\n")
    sys.exit(code)
