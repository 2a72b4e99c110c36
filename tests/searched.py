"""One small search on the embedded table: for tests of what is computed about it and of its page."""

from __future__ import annotations

import pytest

import nasface
from nasface.analysis import SearchFacts
from nasface.predictors import Ridge, quality
from nasface.randomness import Part, generator


@pytest.fixture(scope="session")
def facts() -> SearchFacts:
    """Two devices, a bound on the first one's latency, and the exact optimum by ridge."""
    bench = nasface.open_workbench(device=["sd865", "sd765"], strategy="exact")
    ranker = bench.fit()
    rng = generator(0, Part.QUALITY)
    judged = quality(bench.space, Ridge, bench.table.genotypes, bench.targets, {}, rng, folds=2)
    return SearchFacts(
        bench.source.name,
        bench.space,
        bench.devices,
        bench.constraints,
        ("a note",),
        bench.table,
        bench.targets,
        "auc",
        ranker,
        judged,
        bench.search(ranker),
        "ridge",
    )
