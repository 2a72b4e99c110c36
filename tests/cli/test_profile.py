"""What is reachable before any search."""

from __future__ import annotations

import pytest

from nasface.errors import EXIT_INFEASIBLE, EXIT_OK

from ._command import Command


def test_profile(cli: Command) -> None:
    done = cli("task=profile", "constraints.model_mb.max=14", "constraints.peak_memory_mb.ratio=0.8")
    assert done.code == EXIT_OK, done.err
    decision = done.result["decision"]
    latency = decision["costs"]["latency on sd865, ms (estimated)"]
    assert latency["minimum"] < latency["1 %"] < latency["median"] < latency["maximum"]
    assert latency["exact"]
    assert latency["largest"]["d"] == [4] * 5
    rows = {row["constraint"]: row for row in decision["constraints"]}
    assert set(rows) == {"latency on sd865", "model file", "peak activation memory", "all"}
    assert rows["all"]["share"] <= min(row["share"] for row in rows.values())
    assert rows["latency on sd865"]["without it"] >= rows["all"]["share"]
    [note] = decision["notes"]
    assert "binds most" in note
    assert "model file, MB (estimated)" in done.out
    assert f"sampled {decision['samples']:,} times" in " ".join(done.out.split())
    assert "svg" in (done.folder / "report.html").read_text(encoding="utf-8")


def test_bound_out_of_reach(cli: Command) -> None:
    done = cli("task=profile", "constraints.model_mb.max=5")
    assert done.code == EXIT_INFEASIBLE
    assert "needs 12.27 MB model file (estimated); you asked for 5 MB" in done.text


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_the_bound_on_the_file_follows_the_precision(cli: Command, tiny: list[str], precision: str) -> None:
    done = cli(*tiny, f"exporter.precision={precision}", "constraints.model_mb.max=13.5")
    assert done.code == EXIT_OK, done.err
    predicted = done.result["decision"]["comparison"][0]["model_mb"]
    written = done.result["decision"]["model"]["bytes"] / 1e6
    assert predicted == pytest.approx(written, rel=0.01)
    assert written <= 13.5
    if precision == "float16":
        assert predicted < 10
