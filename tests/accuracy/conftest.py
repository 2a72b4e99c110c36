"""Shorter chains: the default ones take seconds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="package")
def short_chains() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nasface.accuracy.candidates.POOL", 1024)
        patch.setattr("nasface.accuracy.candidates.STEPS", 200)
        yield
