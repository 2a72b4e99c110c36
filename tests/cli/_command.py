"""The real command line, run in this process: importing torch once instead of once per case."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hydra.core.singleton import Singleton

from nasface.cli import main
from nasface.registry import REGISTRY

TINY = (
    "predictor=lightgbm_nac",
    "search=evolution",
    "search.generations=2",
    "search.population=8",
    "predictor.n_pairs=200",
    "predictor.trees=10",
    "measure.runs=0",
    "evaluation.beside=[]",
)
"""The smallest search; the accuracy table of the fixture `table` has few networks."""


def replace_component(patch: pytest.MonkeyPatch, kind: str, name: str, factory: Callable[..., Any]) -> None:
    """Another factory for a registered component, as long as the test runs."""
    made = dataclasses.replace(REGISTRY.get(kind, name), factory=factory)
    patch.setitem(REGISTRY._components, (kind, name), made)


@dataclass(frozen=True)
class Done:
    """What one command left behind."""

    code: int
    out: str
    err: str
    folder: Path

    @property
    def result(self) -> dict[str, Any]:
        """The content of `result.json`."""
        content: dict[str, Any] = json.loads((self.folder / "result.json").read_text(encoding="utf-8"))
        return content

    @property
    def text(self) -> str:
        """Standard error as one line, whatever its line breaks."""
        return " ".join(self.err.split())


Command = Callable[..., Done]


def run_main(folder: Path) -> Done:
    """Run the program on `sys.argv`, which names `folder` as its output."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with _kept_process_state(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
    return Done(code, out.getvalue(), err.getvalue(), folder)


@contextlib.contextmanager
def _kept_process_state() -> Iterator[None]:
    """Hydra's singletons, its logging and its environment variable, as they were."""
    root, environment = logging.getLogger(), dict(os.environ)
    handlers, level = root.handlers[:], root.level
    try:
        with restored_hydra():
            yield
    finally:
        for handler in root.handlers:
            if handler not in handlers:
                handler.close()
        root.handlers[:], root.level = handlers, level
        os.environ.clear()
        os.environ.update(environment)


@contextlib.contextmanager
def restored_hydra() -> Iterator[None]:
    """Hydra's singletons as they were."""
    singletons = copy.deepcopy(Singleton.get_state())
    try:
        yield
    finally:
        Singleton.set_state(singletons)


def python(*arguments: str, cwd: Path, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run this Python in a process of its own, with the checkout, or another folder, on its path."""
    root = Path(__file__).resolve().parents[2] if path is None else path
    environment = os.environ | {"PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
