"""One run of a task: its settings, folder, terminal and randomness, and what it hands back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np

from nasface.composition import Workbench
from nasface.data import FaceData, load_data
from nasface.randomness import Part, generator
from nasface.recognition.aligned_data import Cutter, aligned_data, chosen_crop
from nasface.recognition.detectors import Detector
from nasface.registry import build
from nasface.runs import Json
from nasface.settings import Settings
from nasface.terminal import Terminal

TERMINAL: Final = "terminal.txt"
"""What a sweep's job says, in its folder."""


@dataclass
class Outcome:
    """What a task hands back.

    Attributes:
        decision: The same seed gives the same bytes.
        measurements: Times and everything else that differs from run to run.
        objective: What a sweeper maximises, if anything.
        next: A command line that goes on from here (`tasks.following`); the last line of a run.
    """

    decision: Mapping[str, Json] = field(default_factory=dict)
    measurements: Mapping[str, Json] = field(default_factory=dict)
    objective: float | None = None
    next: str = ""


@dataclass
class Run:
    """One run of a task.

    Attributes:
        settings: The checked options.
        folder: Where everything is written.
        cwd: What relative paths in the options are relative to.
        given: The options of the command line, as Hydra reads them.
        job: Whether it is one of a sweep's, whose terminal is a file in its folder.
    """

    settings: Settings
    folder: Path
    cwd: Path
    given: tuple[str, ...] = ()
    job: bool = False

    @cached_property
    def console(self) -> Terminal:
        """The terminal."""
        if not self.job:
            return Terminal()
        return Terminal(into=self.folder / TERMINAL, name=f"job {self.folder.name}")

    @cached_property
    def workbench(self) -> Workbench:
        """Supernet, space, devices and table of the settings."""
        return Workbench(self.settings, self.cwd)

    def rng(self, part: Part) -> np.random.Generator:
        """The generator of one part of the run."""
        return generator(self.settings.seed, part)

    def open_data(self, cutter: Cutter | None = None, *, aligned: bool = True) -> FaceData:
        """The photos of the group `data`; what was found is said on the terminal.

        Args:
            cutter: How faces are cut out with data.align=true; by default for the supernet.
            aligned: Whether that is done at all; else the caller does it.

        Raises:
            DataError: There are none, or they cannot be used.
        """
        with self.console.status(f"looking for the photos of data={self.settings.data['name']}"):
            data = load_data(self.settings.data, self.cwd)
        self.console.print(data.summary, soft_wrap=True)
        return aligned_data(data, cutter or self.cutter) if self.aligns and aligned else data

    @property
    def aligns(self) -> bool:
        """Whether the photos of `data` are whole ones, faces being cut out of them."""
        return self.settings.data.get("align") is True

    @cached_property
    def detector(self) -> Detector:
        """What finds faces."""
        detector: Detector = build("detector", self.settings.detector)
        return detector

    @property
    def cutter(self) -> Cutter:
        """How faces are cut out for the supernet's networks."""
        crop = self.settings.recognition.crop
        template = self.workbench.source.template
        return Cutter(self.detector, chosen_crop(crop, self.detector), template)

    def path(self, text: str) -> Path:
        """A path given by the user, relative to where the command was started."""
        return self.cwd / Path(text).expanduser()

    def shown(self, path: Path) -> str:
        """A path for the terminal: relative to the working directory where possible."""
        return shown(path, self.cwd)


def shown(path: Path, cwd: Path) -> str:
    """A path as it is typed in a folder: relative where it lies below."""
    return str(path.relative_to(cwd)) if path.is_relative_to(cwd) else str(path)
