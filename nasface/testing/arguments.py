"""What components of every kind must leave alone: the arguments they are given, and the global generator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


@contextmanager
def own_generator_only() -> Iterator[None]:
    """Within the block numpy's global generator is neither used nor seeded."""
    before = _global_state()
    yield
    np.testing.assert_equal(_global_state(), before, "the global generator was used")


def _global_state() -> object:
    return np.random.get_state(legacy=False)  # noqa: NPY002 - it must not be used
