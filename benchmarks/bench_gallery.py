"""One probe against a large gallery: nasface's blocks of numpy beside usearch's exact search, one thread each.

    OMP_NUM_THREADS=1 python -m pytest benchmarks/bench_gallery.py

The gallery is 10^5 descriptors of 1536 numbers in full size, one per person; both keep them as float16.
"""

from __future__ import annotations

import resource

import numpy as np
import pytest
from _sizes import size

from nasface.recognition.gallery import Gallery, Way

N = size(full=100_000, small=2_000)
WIDTH = 1536


@pytest.fixture(scope="module")
def descriptors() -> np.ndarray:
    rng = np.random.default_rng(0)
    rows = np.empty((N, WIDTH), np.float16)
    for start in range(0, N, 1000):
        block = rng.standard_normal((min(1000, N - start), WIDTH), np.float32)
        rows[start : start + len(block)] = block / np.linalg.norm(block, axis=1, keepdims=True)
    return rows


@pytest.fixture(scope="module")
def probe(descriptors: np.ndarray) -> np.ndarray:
    near = descriptors[N // 3].astype(np.float32) + 0.01 * np.random.default_rng(1).standard_normal(WIDTH, np.float32)
    return (near / np.linalg.norm(near))[None]


def test_nasface(benchmark, descriptors: np.ndarray, probe: np.ndarray) -> None:
    people = tuple(f"{row:06d}" for row in range(N))
    gallery = Gallery(people, descriptors, np.arange(N, dtype=np.int32), Way("", "box", None, "none"))
    distances = benchmark(gallery.nearest, probe)
    assert int(distances.argmin()) == N // 3
    benchmark.extra_info["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def test_usearch(benchmark, descriptors: np.ndarray, probe: np.ndarray) -> None:
    index = pytest.importorskip("usearch.index")
    kind = index.MetricKind.IP
    found = benchmark(lambda: index.search(descriptors, probe[0].astype(np.float16), 1, kind, exact=True, threads=1))
    assert int(np.asarray(found.keys).ravel()[0]) == N // 3
