"""The page of a training."""

from __future__ import annotations

from pathlib import Path

from nasface.reports.training_report import write_training_report

COLUMNS = ("step", "phase", "epoch", "resolution", "learning_rate", "loss", "softmax", "descriptors", "span")
PROGRESS = [
    dict(zip((*COLUMNS, "seconds", "cpu_seconds"), row, strict=True))
    for row in (
        ("20", "sandwich", "0.1", "112", "0.001", "3.2", "2.2", "1.0", "", "10", "9"),
        ("40", "sandwich", "0.2", "112", "0.001", "3.0", "2.1", "0.9", "", "20", "18"),
    )
]


def test_a_term_that_was_never_computed_has_no_picture(tmp_path: Path) -> None:
    write_training_report(tmp_path / "report.html", "trained", PROGRESS, [], {}, "next", "nasface")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "descriptors, mean between" in text
    assert "span, mean between" not in text
