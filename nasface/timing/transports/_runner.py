"""What host and ssh share: a transport whose device end is `runner.py`."""

from __future__ import annotations

import signal
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

from nasface.devices.measurements import Sample
from nasface.errors import ModelRefused, NasfaceError
from nasface.timing.transports._base import Transport, checked_models, checked_timeout, sent
from nasface.timing.transports._process import RunnerEnded, RunnerProcess

_CRASHES: Final = {signal.SIGSEGV, signal.SIGABRT, signal.SIGFPE, signal.SIGILL}


class RunnerTransport(Transport):
    """A runner that is started when the connection opens, and again after one has died."""

    def __init__(self, timeout: float) -> None:
        self._timeout = checked_timeout(timeout)
        self._models: dict[str, Path] = {}
        self._about: dict[str, str] = {}
        self._runner: RunnerProcess | None = None

    def __enter__(self) -> Self:
        self.running()
        return self

    def __exit__(self, *error: object) -> None:
        if self._runner is not None:
            self._runner.close()
        self._runner = None

    def describe(self) -> Mapping[str, str]:
        return self._about

    def send(self, models: Mapping[str, Path]) -> None:
        for name, path in checked_models(models).items():
            self._models[name] = path
            self._put(self.running(), name, path)

    def time(self, model: str, *, runs: int, warmup: int, threads: int) -> Sample:
        sent(self._models, model)
        runner = self.running()
        try:
            return runner.time(self._place(model), runs, warmup, threads)
        except RunnerEnded as ended:
            raise self._crash(ended) or self._explained(ended) from None

    def running(self) -> RunnerProcess:
        """The runner; a new one with all models after one has died."""
        if self._runner is None or self._runner.status is not None:
            self.__exit__()
            try:
                self._runner = runner = self._start()  # which already talks to the device
                self._about = runner.describe()
                for name, path in self._models.items():
                    self._put(runner, name, path)
            except NasfaceError as error:
                self.__exit__()
                raise (self._explained(error) if isinstance(error, RunnerEnded) else error) from None
        return self._runner

    def _crash(self, ended: RunnerEnded) -> ModelRefused | None:
        """The runtime's own crash, which the next model survives; None if the runner ended for another reason."""
        number = self._signal(ended.status)
        if number not in _CRASHES:
            return None
        return ModelRefused(f"The runtime crashes on this model ({signal.strsignal(number)}).")

    @abstractmethod
    def _start(self) -> RunnerProcess:
        """A new runner."""

    @abstractmethod
    def _put(self, runner: RunnerProcess, name: str, path: Path) -> None:
        """Copy a model to where the runner finds it."""

    @abstractmethod
    def _place(self, model: str) -> str:
        """Where the runner finds a model."""

    @abstractmethod
    def _signal(self, status: int) -> int:
        """Number of the signal that ended the runner, by its exit status; 0 for none."""

    def _explained(self, ended: RunnerEnded) -> NasfaceError:
        """The remedy for a runner that ended."""
        return ended
