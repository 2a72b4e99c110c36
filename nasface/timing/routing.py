"""Several runtimes of one device measured on one occasion."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from nasface.timing.transports import Sample, Transport


class Routed(Transport):
    """Sends every model to the transport of its engine.

    Args:
        engines: Transports by engine; the first says what the device is.
        models: Engines by model.
    """

    def __init__(self, engines: Mapping[str, Transport], models: Mapping[str, str]) -> None:
        self._engines, self._models, self._open = engines, models, ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            for transport in dict.fromkeys(self._engines.values()):
                opened.enter_context(transport)
            self._open = opened.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def describe(self) -> Mapping[str, str]:
        """The first engine's device and all runtimes."""
        about = [transport.describe() for transport in dict.fromkeys(self._engines.values())]
        return dict(about[0]) | {"runtime": ", ".join(one["runtime"] for one in about)}

    def send(self, models: Mapping[str, Path]) -> None:
        """Every model to its engine."""
        for transport in dict.fromkeys(self._engines.values()):
            transport.send({name: path for name, path in models.items() if self._of(name) is transport})

    def time(self, model: str, *, runs: int, warmup: int, threads: int) -> Sample:
        """One block by the model's engine."""
        return self._of(model).time(model, runs=runs, warmup=warmup, threads=threads)

    def _of(self, model: str) -> Transport:
        return self._engines[self._models[model]]
