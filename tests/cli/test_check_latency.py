"""`task=check_latency`: predictions against measurements, and what the search makes of them."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hydra import compose, initialize_config_dir

from nasface.composition import Workbench
from nasface.costs import LutConfig, LutLatency
from nasface.devices import Provenance, embedded_luts, load_device, read_lut, write_lut
from nasface.devices.lut import Lowering
from nasface.devices.measurements import Measurement, write_measurements
from nasface.errors import EXIT_INVALID, EXIT_OK
from nasface.options import config_directory, register_options
from nasface.settings import Settings
from nasface.spaces.ofa_mbv3 import OfaMbv3, OfaMbv3FaceConfig

from ._command import Command, restored_hydra

SPACE = OfaMbv3(OfaMbv3FaceConfig(resolution=112))
LATENCY = LutLatency(LutConfig(), space=SPACE, device=load_device("i7_8700k", {"lut": "i7_8700k"}))

A_PHONE = ("check.device=a phone",)
"""Says that the measurements below are meant, where the table names another device."""


def measurements(
    path: Path,
    n: int = 40,
    factor: float = 1.05,
    noise: float = 0.02,
    threads: int = 1,
    width: float = 0.0,
    fast: float | None = None,
) -> Path:
    """Networks that take `factor` times what the i7's table says, and `fast` times it when nothing disturbs them."""
    rng = np.random.default_rng(0)
    nets = SPACE.sample(rng, n)
    true = LATENCY.predict(nets)
    times = true * factor * np.exp(noise * rng.standard_normal(n))
    rows = [
        Measurement(
            SPACE.to_text(net),
            "",
            112,
            "tflite",
            threads,
            "a phone",
            ms,
            ms,
            0.0,
            9,
            ms * (1 - width),
            ms * (1 + width),
            None if fast is None else fast * undisturbed,
        )
        for net, ms, undisturbed in zip(nets, times.tolist(), true.tolist(), strict=True)
    ]
    write_measurements(path, rows)
    return path


@pytest.fixture
def phone(tmp_path: Path) -> Path:
    """The i7's table as the user's own, `device=phone`."""
    table = read_lut(embedded_luts()["i7_8700k"])
    path = tmp_path / "home" / "luts" / "phone.json"
    own = Provenance("measured", "a phone", threads=1)
    write_lut(replace(table, name="phone", provenance=own, rows={112: table.rows[112]}), path)
    return path


def test_a_check_is_kept_and_used(cli: Command, tmp_path: Path, phone: Path) -> None:
    done = cli("task=check_latency", "device=phone", f"check.file={measurements(tmp_path / 'm.csv')}")
    assert done.code == EXIT_OK, done.err
    figures = done.result["measurements"]["figures"]
    assert figures["bias"][0] == pytest.approx(1 / 1.05 - 1, abs=0.01)
    assert figures["factor"][1] < 1.05 < figures["factor"][2]
    assert figures["kendall_tau"][0] > 0.7
    margin = done.result["measurements"]["margin"]
    assert 0.05 < margin < 0.12
    check = read_lut(phone).checks[112]
    assert (len(check.errors), check.device, check.engine, check.threads) == (40, "a phone", "tflite", 1)
    assert read_lut(phone).margin(0.95, 112) == pytest.approx(margin)
    assert "constraints.latency_ms.confidence=0.95" in done.out
    page = (done.folder / "report.html").read_text(encoding="utf-8")
    assert "<svg" in page
    assert "Kendall tau" in page
    done = cli("task=profile", "device=phone", "constraints.latency_ms={max:8,confidence:0.95}")
    assert done.code == EXIT_OK, done.err
    assert done.result["decision"]["constraints"][0]["bound"] == pytest.approx(8 / (1 + margin))


def test_the_fastest_runs_are_judged_beside_the_medians(cli: Command, tmp_path: Path, phone: Path) -> None:
    """By the rows that were made of the fastest runs; where table or times lack them, nothing is said of them."""
    file = measurements(tmp_path / "m.csv", factor=1.5, noise=0.2, fast=0.9)
    done = cli("task=check_latency", "device=phone", f"check.file={file}")
    assert done.result["measurements"]["fast_figures"] is None
    table = read_lut(phone)
    rows = {key: replace(row, fast_ms=0.9 * row.mean_ms) for key, row in table.rows[112].items()}
    write_lut(replace(table, rows={112: rows}), phone)
    done = cli("task=check_latency", "device=phone", f"check.file={file}")
    assert done.code == EXIT_OK, done.err
    found = done.result["measurements"]
    assert found["figures"]["mape"][0] > 0.2
    assert found["fast_figures"]["mape"][0] == pytest.approx(0, abs=1e-4)
    assert "fastest 5 % of runs" in (done.folder / "report.html").read_text(encoding="utf-8")


def test_an_embedded_table_is_copied(cli: Command, tmp_path: Path) -> None:
    done = cli("task=check_latency", "device=i7_8700k", f"check.file={measurements(tmp_path / 'm.csv')}", *A_PHONE)
    assert done.code == EXIT_OK, done.err
    assert "device=i7_8700k_checked" in done.out
    assert 112 in read_lut(tmp_path / "home" / "luts" / "i7_8700k_checked.json").checks


def test_another_number_of_threads_gives_no_margin(cli: Command, tmp_path: Path, phone: Path) -> None:
    file = measurements(tmp_path / "m.csv", threads=2)
    done = cli("task=check_latency", "device=phone", f"check.file={file}")
    assert done.code == EXIT_OK, done.err
    assert "The table is of 1 thread(s), the networks were measured with 2" in done.out
    assert not read_lut(phone).checks


def test_few_networks_give_figures_and_no_margin(cli: Command, tmp_path: Path, phone: Path) -> None:
    done = cli("task=check_latency", "device=phone", f"check.file={measurements(tmp_path / 'm.csv', 12)}")
    assert done.code == EXIT_OK, done.err
    assert done.result["measurements"]["margin"] is None
    done = cli("task=profile", "device=phone", "constraints.latency_ms={max:8,confidence:0.95}")
    assert done.code == EXIT_INVALID
    assert "needs 19 networks whose time is known; there are 12: run task=check_latency device=phone" in done.text


def test_a_model_against_another_table(cli: Command) -> None:
    done = cli("task=check_latency", "latency=analytic", "device=unmeasured", "check.table=sd865", "check.nets=30")
    assert done.code == EXIT_OK, done.err
    assert "sums of the rows of table sd865 (estimated)" in done.out
    figures = done.result["measurements"]["figures"]
    assert figures["mape_scaled"][0] <= figures["mape"][0]
    assert done.result["decision"]["table"] is None


def test_learned_is_judged_on_networks_it_has_not_seen(cli: Command, tmp_path: Path) -> None:
    file = measurements(tmp_path / "m.csv", 60)
    learned = ["latency=learned", "device=i7_8700k", f"latency.measurements={file}"]
    done = cli("task=check_latency", *learned, f"check.file={file}")
    assert done.code == EXIT_INVALID
    assert "60 of the 60 networks to check with were learned from" in done.text
    more = measurements(tmp_path / "more.csv", 90)
    file.write_text("".join(more.read_text(encoding="utf-8").splitlines(keepends=True)[:61]), encoding="utf-8")
    done = cli("task=check_latency", *learned, f"check.file={more}")
    assert done.code == EXIT_OK, done.err
    assert done.result["decision"]["networks"] == 30
    assert done.result["measurements"]["figures"]["mape"][0] < 0.05


def test_models_for_a_device_that_is_measured_elsewhere(cli: Command, tmp_path: Path, phone: Path) -> None:
    folder = tmp_path / "models"
    options = [
        "device=phone",
        "check.nets=6",
        "transport=files",
        f"transport.folder={folder}",
        "check.choice=informative",
    ]
    done = cli("task=check_latency", *options)
    assert done.code == EXIT_OK, done.err
    assert "waiting" in done.result["decision"]
    assert len(list(folder.rglob("*.tflite"))) == 6


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (["device=[sd865,sd765]"], "checks one device at a time, not 2"),
        (["check.nets=3"], "check.nets is 3; give 5 or more"),
        (["check.choice=random"], "Unknown check.choice 'random'"),
        (["check.file=a.csv", "check.table=sd865"], "check.file and check.table are both given"),
        (["check.file=a.csv"], "check.file=a.csv (No such file"),
        (["check.table=sd"], "Unknown latency table 'sd'"),
        (["latency=analytic", "check.choice=informative"], "chooses by layer times"),
    ],
)
def test_bad_input(cli: Command, overrides: list[str], sentence: str) -> None:
    if "check.table=sd865" in overrides:
        Path("a.csv").write_text("")
    done = cli("task=check_latency", *overrides)
    assert done.code == EXIT_INVALID
    assert sentence in done.text


def test_measurements_of_another_resolution_or_space(cli: Command, tmp_path: Path, phone: Path) -> None:
    file = measurements(tmp_path / "m.csv")
    done = cli("task=check_latency", "device=sd865", "space.resolution=224", f"check.file={file}")
    assert done.code == EXIT_INVALID
    assert "no network at 224 pixels with tflite; it has 40 of 112 pixels, tflite, 1 thread(s) on a phone" in done.text
    rows = list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
    file.write_text(file.read_text(encoding="utf-8").replace(rows[0]["genotype"], "1 2 3"), encoding="utf-8")
    done = cli("task=check_latency", "device=phone", f"check.file={file}")
    assert done.code == EXIT_INVALID
    assert "holds networks of another space than ofa_mbv3_face" in done.text


def test_another_device_is_refused_before_it_is_measured(
    cli: Command, tmp_path: Path, phone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`device=phone` without `transport=` means this computer, whose times would become the phone's margin."""
    pytest.importorskip("ai_edge_litert", reason="needs ai-edge-litert")
    monkeypatch.setattr("nasface.timing.transports.HostTransport.send", None)
    done = cli("task=check_latency", "device=phone", "check.nets=5")
    assert done.code == EXIT_INVALID, done.err
    assert "The table phone is of 'a phone', and the times to check it with are of '" in done.text
    assert "transport=adb" in done.text
    assert "check.device=" in done.text
    assert not read_lut(phone).checks
    done = cli("task=check_latency", "device=sd865", f"check.file={measurements(tmp_path / 'm.csv')}")
    assert done.code == EXIT_INVALID
    assert "give 'check.device=a phone'" in done.text


def test_times_that_are_not_settled_give_no_margin(cli: Command, tmp_path: Path, phone: Path) -> None:
    file = measurements(tmp_path / "m.csv", width=0.05)
    done = cli("task=check_latency", "device=phone", f"check.file={file}")
    assert done.code == EXIT_OK, done.err
    assert "40 of 40 networks are not known within 2%" in done.out
    assert not read_lut(phone).checks


@pytest.mark.parametrize(("lowering", "splits"), [("whole", False), ("split", True), ("", True)])
def test_the_exporter_follows_the_lowering_of_the_table(
    phone: Path, lowering: Lowering, splits: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """A table of one-operator 7x7 layers orders networks with split ones wrongly."""
    table = read_lut(phone)
    write_lut(replace(table, provenance=replace(table.provenance, lowering=lowering)), phone)
    with restored_hydra(), initialize_config_dir(str(config_directory()), version_base="1.3"):
        register_options()
        settings = Settings.of(compose("config", [f"+device.phone.lut={phone}", "~device.sd865"]))
    bench = Workbench(settings, phone.parent)
    assert bench.build_exporter().splits_depthwise == splits
    assert not caplog.records
    chosen = replace(settings, exporter=settings.exporter | {"split_depthwise": not splits})
    assert Workbench(chosen, phone.parent).build_exporter().splits_depthwise != splits
    assert bool(lowering) == ("its times are of other files" in caplog.text)


def test_times_of_files_of_another_precision_are_no_margin(cli: Command, tmp_path: Path) -> None:
    path = measurements(tmp_path / "m.csv")
    path.write_text(path.read_text().replace(",tflite,", ",tflite_int8,"))
    done = cli("task=check_latency", "device=i7_8700k", f"check.file={path}", "check.engine=tflite_int8", *A_PHONE)
    assert done.code == EXIT_OK, done.err
    assert "The table is of float32 files, the networks were measured as tflite_int8" in done.out
    assert done.result["decision"]["table"] is None
