"""Python and the command line make the same decision of the same seed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import nasface
from nasface.cli import main

SEARCH = {"predictor": "ridge", "selector": "heap", "strategy": "local", "seed": 7}


def test_the_same_seed_gives_the_same_decision(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = nasface.search(device="sd765", latency_ratio=0.7, **SEARCH)
    options = ["predictor=ridge", "selector=heap", "search=local", "seed=7", "device=sd765", "exporter=none"]
    bound = "constraints.latency_ms.ratio=0.7"
    monkeypatch.setattr("sys.argv", ["nasface", *options, bound, f"hydra.run.dir={tmp_path}"])
    main()

    decision = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))["decision"]
    assert decision["genotype"] == found.genotype
    assert decision["summary"]["predicted"] == found.predicted
    assert decision["search"] == found.result.counters
