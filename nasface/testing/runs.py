"""A run of a task as the command line makes it, in this process."""

from __future__ import annotations

from pathlib import Path

from hydra import compose, initialize_config_dir

from nasface.jobs import Run
from nasface.options import config_directory, register_options
from nasface.settings import Settings


def make_run(folder: Path, *overrides: str) -> Run:
    """A run with the options that `nasface OVERRIDES` has.

    Args:
        folder: Where it writes, and what relative paths in its options are relative to.
        overrides: E.g. "predictor=ridge"; components must be registered.
    """
    register_options()
    with initialize_config_dir(str(config_directory()), version_base="1.3"):
        return Run(Settings.of(compose("config", list(overrides))), folder, folder)
