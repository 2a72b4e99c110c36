"""Networks that options name by their folders: `network=FOLDER`, or a list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from nasface.errors import InvalidInput
from nasface.jobs import Run
from nasface.spaces import SearchSpace
from nasface.spaces.genotype_file import stated_space

if TYPE_CHECKING:
    from nasface.supernets import SpecModule


def network_folders(run: Run) -> list[Path]:
    """The folders of `network=`; raises `InvalidInput` for one without a net.config."""
    given = run.settings.network
    names: Sequence[str] = [] if given is None else given if isinstance(given, list) else [given]
    folders = [run.path(str(name)) for name in names]
    for folder in folders:
        if not (folder / "net.config").is_file():
            raise InvalidInput(
                f"network={folder} is no folder of a network: there is no net.config in it, beside the weights."
            )
    return folders


def one_network_folder(run: Run) -> Path | None:
    """The folder where only one can be given, or None."""
    folders = network_folders(run)
    if len(folders) > 1:
        raise InvalidInput(f"task={run.settings.task} takes one network; give network=FOLDER, not a list.")
    return folders[0] if folders else None


def in_stated_space(run: Run, path: Path) -> Run:
    """The run in the space that a run folder or its `result.json` states, where it states one.

    A resolution among the options stays.
    """
    result = path / "result.json" if path.is_dir() else path
    said = stated_space(result) if result.suffix == ".json" and result.is_file() else None
    if said is None:
        return run
    given = run.settings.space
    space = dict(said) | ({} if given.get("resolution") is None else {"resolution": given["resolution"]})
    return replace(run, settings=replace(run.settings, space=space))


def space_of(run: Run, folder: Path) -> SearchSpace:
    """The space that the folder states, or that of the options; at the folder's own resolution, or that of the options.

    Raises:
        InvalidInput: Neither says the resolution.
    """
    from nasface.supernets.network_folder import stated_resolution

    run = in_stated_space(run, folder)
    resolution = run.settings.space.get("resolution") or stated_resolution(folder)
    if resolution is None:
        raise InvalidInput(f"{folder} does not say at which resolution it works; add e.g. space.resolution=224.")
    return run.workbench.space_at(int(resolution))


def open_network(run: Run, folder: Path) -> SpecModule:
    """The network of a folder, with its own batch-normalisation statistics."""
    from nasface.supernets.network_folder import read_network

    return read_network(folder, space_of(run, folder))
