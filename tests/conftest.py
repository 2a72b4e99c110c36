"""Fixtures that every room's tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

settings.register_profile("nasface", deadline=None)  # speed is claimed in benchmarks, on a machine that is quiet
settings.load_profile("nasface")

pytest_plugins = ["networks", "chromium", "searched"]
"""Networks to export, and torch's evaluation of them: fixtures of exporters and runtimes. A browser. A search."""


@pytest.fixture(scope="session", autouse=True)
def _no_tables_of_ones_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The tests see no latency tables that whoever runs them has measured, and leave none."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NASFACE_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator with a fixed seed."""
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of research-only data beside the repository; tests that need it skip where it is absent."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the research-only data (../shared/data) is not on this machine")
    return folder
