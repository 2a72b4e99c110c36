"""This machine: ai-edge-litert in a child process, so that a crash of the runtime ends one model and not the run."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from nasface.errors import MissingDependency
from nasface.registry import register
from nasface.timing.transports._process import RUNNER, RunnerProcess
from nasface.timing.transports._runner import RunnerTransport


@dataclass
class HostConfig:
    """This machine, with ai-edge-litert in a child process.

    Attributes:
        name: What the transport is called.
        timeout: Seconds that one block of runs may take.
    """

    name: str = "host"
    timeout: float = 300.0


@register("transport", "host", config=HostConfig)
class HostTransport(RunnerTransport):
    """Models stay where they are; see `HostConfig`."""

    def __init__(self, config: HostConfig) -> None:
        super().__init__(config.timeout)

    def _start(self) -> RunnerProcess:
        if find_spec("ai_edge_litert") is None:
            raise MissingDependency("ai-edge-litert", "tflite", "transport=host")
        return RunnerProcess([sys.executable, str(RUNNER)], "this machine", self._timeout)

    def _put(self, runner: RunnerProcess, name: str, path: Path) -> None:
        """Nothing to copy."""

    def _place(self, model: str) -> str:
        return str(self._models[model].resolve())

    def _signal(self, status: int) -> int:
        return max(0, -status)
