"""The smallest training: random pictures of 32 pixels, width 0.25, one thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from nasface.training.trainer import Trainer

from ._tiny import tiny_trainer


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Tiny networks are fastest, and bit for bit repeatable, with one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def trainer(tmp_path: Path) -> Callable[..., Trainer]:
    """Makes a trainer in a folder of the test, see `_tiny.tiny_trainer`."""

    def make(name: str = "training", **options: Any) -> Trainer:
        return tiny_trainer(tmp_path / name, **options)

    return make
