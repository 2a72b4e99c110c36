"""The form in which a user gives times of probe networks (`measurements` reads it), and what to run to get them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from nasface.reading import read_csv
from nasface.runs import write_rows, write_text

FORM: Final = "times.csv"
_COLUMNS: Final = ("network", "median_ms", "resolution", "genotype")


def write_form(folder: Path, genotypes: Mapping[str, str], resolution: int, command: str) -> list[dict[str, str]]:
    """Write `times.csv` and `README.md`; times that stand in the form already are kept.

    Args:
        folder: Where the probes lie.
        genotypes: By name of the network; empty for reference networks.
        resolution: In pixels.
        command: What to run when the form is filled in.

    Returns:
        The rows of the form.
    """
    given = _given(folder / FORM)
    rows = [
        dict(zip(_COLUMNS, (name, given.get((name, genes, str(resolution)), ""), str(resolution), genes), strict=True))
        for name, genes in genotypes.items()
    ]
    write_rows(folder / FORM, _COLUMNS, rows)
    write_text(folder / "README.md", _instructions(list(genotypes), resolution, command))
    return rows


def _given(form: Path) -> dict[tuple[str, str, str], str]:
    """Times by network, genotype and resolution."""
    if not form.is_file():
        return {}
    rows = read_csv(form).rows
    return {(row["network"], row["genotype"], row["resolution"]): row["median_ms"] for row in rows}


def _instructions(names: Sequence[str], resolution: int, command: str) -> str:
    models = "\n".join(f"* `{name}.tflite`" for name in names)
    return f"""# Probe networks for a new device

{models}

Random weights, input float32 1 x {resolution} x {resolution} x 3. Time each of them on your device, with the runtime
and the threads that your app will use. With the official `benchmark_model` on an Android phone:

    adb push *.tflite benchmark_model /data/local/tmp/
    adb shell chmod +x /data/local/tmp/benchmark_model
    adb shell /data/local/tmp/benchmark_model --graph=/data/local/tmp/probe_1.tflite --num_threads=1 --num_runs=100

It prints `Inference (avg)` in microseconds: divide by 1000. Let the phone cool down in between, and time all of them
twice in turn; if the two series differ by more than 3 %, time again. Write milliseconds into the column `median_ms` of
`{FORM}`, then run

    {command}
"""
