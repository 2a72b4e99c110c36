"""Foreign latency tables: formats recognised by content, rows picked for the space, one sentence for what is wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nasface.costs.latency_lut import LutConfig, LutLatency
from nasface.devices import Device, LookupTable, Provenance, Row, find_lut, read_lut
from nasface.devices.importers import import_lut, nsganet_key
from nasface.devices.time_files import FORMATS, read_times
from nasface.errors import LookupTableError
from nasface.spaces.ofa_mbv3 import OfaMbv3, OfaMbv3Config, OfaMbv3FaceConfig

SPACE = OfaMbv3(OfaMbv3Config(resolution=96, kernels=[3], expands=[3], depths=[2]))
KEYS = [layer.key for layer in SPACE.layers()]
TIMES = {key: round(0.1 + 0.01 * i, 3) for i, key in enumerate(KEYS)}
PROVENANCE = Provenance("measured", "a phone")
FACE_112 = OfaMbv3(OfaMbv3FaceConfig(resolution=112))
KEYS_112 = [layer.key for layer in FACE_112.layers()]
I7 = read_lut(find_lut("i7_8700k"))
BOMB = "a0: &a0 [1, 1]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 31))
"""Thirty doublings: a gigabyte as a text."""


def imported(tmp_path: Path, text: str, arch2info: Path | None = None) -> LookupTable:
    file = tmp_path / "times"
    file.write_text(text)
    return import_lut(file, [SPACE], name="phone", provenance=PROVENANCE, arch2info=arch2info)


def means(table: LookupTable) -> dict[str, float]:
    return {key: row.mean_ms for key, row in table.rows[96].items()}


def test_authors_lines(tmp_path: Path) -> None:
    head = "Logits-input:1x1x1280-output:1000 1000 0.5 0.1\n"
    table = imported(tmp_path, head + "".join(f"{key} 1000 {ms} 0.02\n" for key, ms in TIMES.items()))
    assert means(table) == TIMES  # the classifier row is not needed
    assert table.rows[96][KEYS[0]] == Row(TIMES[KEYS[0]], 0.02, 1000)


def test_repeated_lines_the_last_counts(tmp_path: Path) -> None:
    lines = [f"{key} 10 {ms} 0.02\n" for key, ms in TIMES.items()]
    table = imported(tmp_path, "".join([f"{KEYS[1]} 10 0.1 0.02\n", *lines]))
    assert means(table) == TIMES
    assert table.provenance.method == "1 keys stood more than once in times; the last line counts."


def test_names_of_tflite_files(tmp_path: Path) -> None:
    table = imported(tmp_path, "".join(f"{k.replace(':', '_colon_')}.tflite 10 {ms} 0.1\n" for k, ms in TIMES.items()))
    assert means(table) == TIMES


def test_arch2info(tmp_path: Path) -> None:
    info = tmp_path / "arch2info.txt"
    info.write_text("".join(f"{key} net{i}.tflite\n" for i, key in enumerate(KEYS)))
    lines = "".join(f"net{i}.tflite 10 {TIMES[key]} 0.1\n" for i, key in enumerate(KEYS))
    assert means(imported(tmp_path, lines, info)) == TIMES
    with pytest.raises(LookupTableError, match=r"lists layers, not times"):
        import_lut(info, [SPACE], name="phone", provenance=PROVENANCE)
    info.write_text("only\n")
    with pytest.raises(LookupTableError, match=r"must consist of lines 'KEY FILE.tflite'"):
        imported(tmp_path, lines, info)


@pytest.mark.parametrize(("spread", "std"), [("std: 0.2", 0.2), ("var: 0.04", 0.2), ("", None)])
def test_ofa_yaml(tmp_path: Path, spread: str, std: float | None) -> None:
    body = "".join(f"{key}:\n  count: 30\n  mean: {ms}\n  {spread}\n" for key, ms in TIMES.items())
    table = imported(tmp_path, body)
    assert means(table) == TIMES
    assert table.rows[96][KEYS[0]] == Row(TIMES[KEYS[0]], std, 30)


def test_csv(tmp_path: Path) -> None:
    assert means(imported(tmp_path, "key,mean_ms\n" + "".join(f"{k},{ms}\n" for k, ms in TIMES.items()))) == TIMES
    table = imported(tmp_path, "key,mean_ms,std_ms\n" + "".join(f"{k},{ms},0.3\n" for k, ms in TIMES.items()))
    assert {row.std_ms for row in table.rows[96].values()} == {0.3}


def test_nsganet_yaml(tmp_path: Path) -> None:
    names = {layer.key: nsganet_key(layer) for layer in SPACE.layers()}
    table = imported(tmp_path, "".join(f"{n}: {{mean: {TIMES[k]}, var: 0.01}}\n" for k, n in names.items() if n))
    pool, tail = (next(key for key in KEYS if key.startswith(kind)) for kind in ("AvgPool2D-", "Conv_1-"))
    assert table.rows[96][pool] == Row(0.0, contained_in=tail)
    assert {key: ms for key, ms in means(table).items() if key != pool} == {
        k: ms for k, ms in TIMES.items() if k != pool
    }
    assert nsganet_key(SPACE.layers()[-1]) is not None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "in no known format"),
        ("just words", "in no known format"),
        ("a: [1", "is not a latency table in a known format"),
        ("!!python/object/apply:os.system ['true']", "is not a latency table in a known format"),
        (f"{KEYS[0]}: {{mean: quick}}", "'quick' is not a number of milliseconds"),
        (f"{KEYS[0]}: {{mean: -2}}", "-2.0 is not a positive number of milliseconds"),
        (f"{KEYS[0]}: {{mean: 2, var: -1}}", "-1.0 cannot be a standard deviation"),
        (f"{KEYS[0]} 10 0.0 0.1", "0.0 is not a positive number"),
        (f"{KEYS[0]} 10 1.0 0.1\n{KEYS[1]} 10", "line 2: "),
        ("key,seconds\na,1\n", "has no column mean_ms"),
        (f"key,mean_ms\n{KEYS[0]},\n", "there is no time"),
        (f"{KEYS[0]} 10 1.0 0.1\n{KEYS[0]} 10 99 0.1", "stands there twice, with 1 and 99 ms"),
        (f"{KEYS[0]}: 1.0\n{KEYS[0]}: 1.1", "stands there twice"),
        (f'{{"{KEYS[0]}": 1.0, "{KEYS[0]}": 1.1}}', "stands twice in one object"),
        (f"{KEYS[0]}: yes", "is not a number of milliseconds"),
        (f"{KEYS[0]}: 2001-01-01", "in no known format"),
        (f"{KEYS[0]}: !!int foo", "not a latency table in a known format"),
        (f"{KEYS[0]}: 1e999", "is not a positive number"),
        (f"{KEYS[0]}: {'9' * 400}", "int is not a number of milliseconds"),
        (f"{KEYS[0]}: {'9' * 5000}", "not a latency table in a known format"),
        (f'{{"{KEYS[0]}": {"[" * 100_000}', "it is nested too deeply"),
        (f"{KEYS[0]}: {'[' * 100_000}", "not a latency table in a known format"),
        (BOMB, "it has aliases"),
        (f'key,mean_ms\n{KEYS[0]},"{"1" * 200_000}"\n', "field larger than field limit"),
        ("STARTING!\nGraph: [a.tflite]\n", "no run in it came to its end"),
        (f"{KEYS[0]} 10 1.0 0.1", f"lacks {len(KEYS) - 1} of the {len(KEYS)} rows that ofa_mbv3 needs at 96 pixels"),
    ],
)
def test_bad_files(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(LookupTableError) as caught:
        imported(tmp_path, text)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_absent_and_binary_files(tmp_path: Path) -> None:
    with pytest.raises(LookupTableError, match=r"Cannot read .*none: No such file"):
        read_times(tmp_path / "none")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(LookupTableError, match=r"it is not text"):
        read_times(tmp_path / "binary")


def test_the_measured_i7_table(shared_data: Path) -> None:
    file = shared_data / "published" / "i7-8700K_lut.yaml"
    spaces = [OfaMbv3(OfaMbv3FaceConfig(resolution=size)) for size in (112, 224)]
    table = import_lut(file, spaces, name="i7", provenance=PROVENANCE)
    values = [table.values(space.layers(), space.resolution) for space in spaces]
    assert [len(part) for part in values] == [95, 95]
    assert np.all(values[0].sum() < values[1].sum())


def test_energies_are_read_where_they_are(tmp_path: Path) -> None:
    csv = "key,mean_ms,std_ms,energy_mj\n" + "".join(f"{key},{ms},,{2 * ms}\n" for key, ms in TIMES.items())
    yaml = "".join(f"{key}: {{mean: {ms}, energy_mj: {2 * ms}}}\n" for key, ms in TIMES.items())
    for text in (csv, yaml):
        table = imported(tmp_path, text)
        assert {key: row.energy_mj for key, row in table.rows[96].items()} == {k: 2 * ms for k, ms in TIMES.items()}
    with pytest.raises(LookupTableError, match=r"-1.0 mJ: times and energies are positive"):
        imported(tmp_path, csv.replace(f",{2 * TIMES[KEYS[0]]}\n", ",-1\n"))


FOREIGN = {
    "byte-order mark": "\ufeff" + "".join(f"{key} 10 {ms} 0.02\n" for key, ms in TIMES.items()),
    "comment and heading": "# KEY N MEAN STD (ms)\n" + "".join(f"{key} 10 {ms} 0.02\n" for key, ms in TIMES.items()),
    "no last line end": "\n".join(f"{key} 10 {ms} 0.02" for key, ms in TIMES.items()),
    "quoted": '"key","mean_ms"\r\n' + "".join(f'"{key}","{ms}"\r\n' for key, ms in TIMES.items()),
    "spaced and capitalised": "Name, Mean ms, note\n" + "".join(f"{key}, {ms}, x\n" for key, ms in TIMES.items()),
    "an index column": ",key,mean_ms\n" + "".join(f"{i},{k},{ms}\n" for i, (k, ms) in enumerate(TIMES.items())),
    "semicolons and decimal commas": "key;mean_ms\n"
    + "".join(f"{key};{str(ms).replace('.', ',')}\n" for key, ms in TIMES.items()),
    "tabs": "key\tmean_ms\n" + "".join(f"{key}\t{ms}\n" for key, ms in TIMES.items()),
    "microseconds by the column": "key,mean_us\n" + "".join(f"{key},{ms * 1e3:g}\n" for key, ms in TIMES.items()),
    "YAML, key: ms": "".join(f"{key}: {ms}\n" for key, ms in TIMES.items()),
    "JSON, key: ms": json.dumps(TIMES, indent=1),
    "nn-Meter": "".join(
        f"(nn-Meter) [RESULT] predict latency for {key.replace(':', '_colon_')}.tflite: {ms} ms\n"
        for key, ms in TIMES.items()
    ),
    "benchmark_model": "".join(
        f"INFO: STARTING!\nINFO: Graph: [/data/{key.replace(':', '_colon_')}.tflite]\nINFO: count=50 first=1 curr=1 "
        f"min=1 max=1 avg={ms * 1e3:g} std=4\nINFO: Inference timings in us: Init: 1\n"
        for key, ms in TIMES.items()
    ),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_what_people_bring_is_read(tmp_path: Path, kind: str) -> None:
    assert means(imported(tmp_path, FOREIGN[kind])) == pytest.approx(TIMES)


@pytest.mark.parametrize(
    ("factor", "unit", "words"),
    [(1e-3, "s", "seconds, a factor"), (1e3, "us", "microseconds, a factor")],
)
def test_another_unit_is_suspected_and_can_be_stated(tmp_path: Path, factor: float, unit: str, words: str) -> None:
    file, times = tmp_path / "times", {key: row.mean_ms or 0.004 for key, row in I7.rows[112].items()}
    file.write_text("".join(f"{key} 100 {ms * factor:.9g} 0\n" for key, ms in times.items()))
    with pytest.raises(
        LookupTableError,
        match=rf"are the numbers {words} of 1000\? .* lut.unit={unit} if they are, lut.unit=ms",
    ):
        import_lut(file, [FACE_112], name="phone", provenance=PROVENANCE)
    table = import_lut(file, [FACE_112], name="phone", provenance=PROVENANCE, unit=unit)
    assert table.rows[112][KEYS_112[1]].mean_ms == pytest.approx(times[KEYS_112[1]])


def test_one_row_of_another_world_is_named(tmp_path: Path) -> None:
    times = {key: row.mean_ms or 0.004 for key, row in I7.rows[112].items()}
    times[KEYS_112[5]] *= 1000
    (tmp_path / "times").write_text(json.dumps(times))
    with pytest.raises(LookupTableError, match=rf"{KEYS_112[5]} takes .* what the other rows suggest for its work"):
        import_lut(tmp_path / "times", [FACE_112], name="phone", provenance=PROVENANCE)


def test_deviations_beyond_the_mean_are_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    imported(tmp_path, "".join(f"{key} 10 {ms} {3 * ms}\n" for key, ms in TIMES.items()))
    assert f"{len(KEYS)} rows have a standard deviation larger than their mean" in caplog.text


def test_a_table_edited_by_hand_is_looked_at() -> None:
    """Where a search takes its latencies from it, whoever wrote it."""
    rows = {112: {key: replace(row, mean_ms=row.mean_ms / 1000) for key, row in I7.rows[112].items()}}
    device = Device("mine", replace(I7, name="mine", rows=rows))
    with pytest.raises(LookupTableError, match=r"Latency table mine: .*are the numbers seconds"):
        LutLatency(LutConfig(), space=FACE_112, device=device)


def test_a_file_of_no_format_is_told_all_formats(tmp_path: Path) -> None:
    with pytest.raises(LookupTableError) as caught:
        imported(tmp_path, "just words")
    assert all(known.looks_like in str(caught.value) for known in FORMATS)
