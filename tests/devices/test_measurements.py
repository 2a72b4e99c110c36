"""Files of measurements."""

from __future__ import annotations

from pathlib import Path

import pytest

from nasface.devices.measurements import COLUMNS, Measurement, read_measurements, write_measurements
from nasface.errors import TableError
from nasface.timing.protocol import summarise
from nasface.timing.transports import Sample


def rows() -> list[Measurement]:
    timed = summarise([Sample((1.0, 1.1), 2), Sample((1.2, 1.05), 2)], 0.02)
    shared = {"resolution": 112, "engine": "tflite", "threads": 1, "device": "made up, one"}
    return [
        Measurement.of(timed, genotype="2 3 3", network="", **shared),  # type: ignore[arg-type]
        Measurement.of(timed, genotype="", network="mobilenet_v1", **shared),  # type: ignore[arg-type]
    ]


def test_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "measurements.csv"
    write_measurements(path, rows())
    found = read_measurements(path)
    assert path.read_text(encoding="utf-8").splitlines()[0] == ",".join(COLUMNS)
    assert [row.genotype for row in found] == ["2 3 3", ""]
    assert found[1].network == "mobilenet_v1"
    assert found[0].median_ms == pytest.approx(rows()[0].median_ms, abs=1e-6)
    assert found[0].flagged == rows()[0].flagged
    assert found[0].fast_ms == pytest.approx(1.0075, abs=1e-6)
    write_measurements(tmp_path / "again.csv", found)
    assert (tmp_path / "again.csv").read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("median_ms", "ms", "lacks the columns median_ms"),
        ("1.087500", "-1.0", "times are positive"),
        ("1.087500", "soon", "'soon' is not a number"),
        ("1.007500", "0.0", "fast_ms is 0; times are positive"),
    ],
)
def test_bad_files(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "measurements.csv"
    write_measurements(path, rows())
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(TableError, match=message):
        read_measurements(path)


def test_a_file_written_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "times.csv"
    path.write_text("network,median_ms,resolution,genotype,threads\nprobe_1, 8.5 ,112,2 3 3,\n", encoding="utf-8")
    [found] = read_measurements(path)
    assert (found.median_ms, found.mean_ms, found.low_ms, found.high_ms) == (8.5, 8.5, 8.5, 8.5)
    assert (found.engine, found.threads, found.runs, found.network) == ("tflite", 0, 0, "probe_1")
    assert found.fast_ms is None
    path.write_text("network,median_ms,resolution,genotype\nprobe_1,,112,2 3 3\n", encoding="utf-8")
    with pytest.raises(TableError, match=r"line 2: there is no time of probe_1; fill in median_ms or delete the row"):
        read_measurements(path)
