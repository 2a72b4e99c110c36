"""How large the benchmarks are: as published, or with BENCH_SMALL=1 only as large as it takes to run every line.

Figures of a small run mean nothing; it shows that a benchmark still fits the code (CI runs all of them so).
"""

from __future__ import annotations

import os
from typing import TypeVar

SMALL = os.environ.get("BENCH_SMALL", "") not in ("", "0")
T = TypeVar("T")


def size(full: T, small: T) -> T:
    """`full`, or `small` where BENCH_SMALL is set."""
    return small if SMALL else full
