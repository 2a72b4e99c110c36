"""The timing protocol against a device whose times are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nasface.errors import DeviceLost, InvalidInput, TransportError
from nasface.testing.made_up_device import MadeUpDevice
from nasface.timing.journal import Journal
from nasface.timing.protocol import TimingOptions, measure_networks, outlier_blocks, summarise
from nasface.timing.transports import Sample

TRUE = {"slow": 40.0, "medium": 3.0, "tiny": 0.004}


@pytest.fixture
def models(tmp_path: Path) -> dict[str, Path]:
    paths = {name: tmp_path / f"{name}.tflite" for name in TRUE}
    for name, path in paths.items():
        path.write_text(name, encoding="utf-8")
    return paths


def device(seed: int = 0, noise: float = 0.01, refuse: tuple[str, ...] = ()) -> MadeUpDevice:
    return MadeUpDevice(lambda path: TRUE[path.stem], np.random.default_rng(seed), noise, refuse)


def test_known_times_are_found_within_the_interval_asked_for(models: dict[str, Path], tmp_path: Path) -> None:
    options = TimingOptions(half_width=0.02)
    found = measure_networks(device(), models, options, np.random.default_rng(1), Journal(tmp_path / "j.jsonl"))
    for name, ms in TRUE.items():
        timed = found.timed[name]
        assert timed.settled
        assert timed.flagged == ""
        assert timed.median_ms == pytest.approx(ms, rel=0.03)
        assert timed.half_width <= 0.02 or timed.high_ms - timed.low_ms <= 0.002
    assert found.timed["tiny"].runs > found.timed["slow"].runs  # short models get more runs a block
    assert found.notes == {"clock_mhz": "2400 to 2402"}


def test_rounds_are_interleaved_in_changing_order(models: dict[str, Path], tmp_path: Path) -> None:
    transport = device()
    options = TimingOptions(blocks=12, max_blocks=12)
    measure_networks(transport, models, options, np.random.default_rng(1), Journal(tmp_path / "j.jsonl"))
    rounds = [tuple(transport.calls[i : i + 3]) for i in range(0, 36, 3)]
    assert all(set(one) == set(TRUE) for one in rounds)
    assert len(set(rounds)) > 2


def test_the_fastest_runs_stand_beside_the_median() -> None:
    """They outlast what disturbs most runs; a summary of runs does not tell them."""
    calm, disturbed = Sample((10.0,) * 10 + (10.4,) * 40, 50), Sample((16.0,) * 50, 50)
    timed = summarise([calm, disturbed], 0.02)
    assert timed.fast_ms == pytest.approx(10.0, abs=0.05)
    assert timed.slowdown == pytest.approx(1.32, abs=0.01)
    told = summarise([calm, Sample((16.0,), 50, 0.1)], 0.02)
    assert (told.fast_ms, told.slowdown) == (None, 1.0)


def test_noise_means_more_rounds_up_to_the_cap(models: dict[str, Path], tmp_path: Path) -> None:
    options = TimingOptions(blocks=3, max_blocks=9, half_width=0.01)
    quiet, noisy = (
        measure_networks(device(noise=noise), models, options, np.random.default_rng(1), Journal(tmp_path / f"{noise}"))
        for noise in (1e-4, 0.3)
    )
    assert quiet.timed["slow"].blocks == 3
    assert noisy.timed["slow"].blocks == 9
    assert not noisy.timed["slow"].settled
    assert "only" in noisy.timed["slow"].flagged


def test_a_killed_run_goes_on_and_measures_nothing_twice(models: dict[str, Path], tmp_path: Path) -> None:
    class Dying(MadeUpDevice):
        def time(self, model: str, *, runs: int, warmup: int, threads: int) -> Sample:
            if len(self.calls) == 7:
                raise DeviceLost("gone")
            return super().time(model, runs=runs, warmup=warmup, threads=threads)

    options, path = TimingOptions(blocks=5, max_blocks=5), tmp_path / "journal.jsonl"
    dying = Dying(lambda path: TRUE[path.stem], np.random.default_rng(0))
    with pytest.raises(DeviceLost):
        measure_networks(dying, models, options, np.random.default_rng(1), Journal(path))
    with path.open("a", encoding="utf-8") as file:
        file.write('{"key": "half a li')  # what a kill in the middle of a write leaves
    second = device(3)
    found = measure_networks(second, models, options, np.random.default_rng(2), Journal(path))
    assert len(dying.calls) + len(second.calls) == 15
    assert {timed.blocks for timed in found.timed.values()} == {5}
    third = device(4)
    again = measure_networks(third, models, options, np.random.default_rng(2), Journal(path))
    assert third.calls == []
    assert again.timed == found.timed


def test_a_changed_file_or_thread_count_is_timed_anew(models: dict[str, Path], tmp_path: Path) -> None:
    options, path = TimingOptions(blocks=2, max_blocks=2), tmp_path / "journal.jsonl"
    measure_networks(device(), models, options, np.random.default_rng(1), Journal(path))
    models["slow"].write_text("another", encoding="utf-8")
    changed = device()
    measure_networks(changed, models, options, np.random.default_rng(1), Journal(path))
    assert changed.calls == ["slow", "slow"]
    threaded = device()
    options = TimingOptions(threads=2, blocks=2, max_blocks=2)
    found = measure_networks(threaded, models, options, np.random.default_rng(1), Journal(path))
    assert len(threaded.calls) == 6
    assert found.timed["slow"].median_ms == pytest.approx(20.0, rel=0.05)


def test_refused_models_do_not_stop_the_others(models: dict[str, Path], tmp_path: Path) -> None:
    options = TimingOptions(blocks=2, max_blocks=2)
    transport = device(refuse=("medium",))
    found = measure_networks(transport, models, options, np.random.default_rng(1), Journal(tmp_path / "j.jsonl"))
    assert set(found.timed) == {"slow", "tiny"}
    assert "refuses medium" in found.refused["medium"]


def test_another_device_cannot_go_on(models: dict[str, Path], tmp_path: Path) -> None:
    options, path = TimingOptions(blocks=2, max_blocks=2), tmp_path / "journal.jsonl"
    measure_networks(device(), models, options, np.random.default_rng(1), Journal(path))
    other = device()
    other.describe = lambda: {"device": "other", "runtime": "numbers"}  # type: ignore[method-assign]
    with pytest.raises(InvalidInput, match=r"of made up, this is other; choose another name"):
        measure_networks(other, models, options, np.random.default_rng(1), Journal(path))


def test_a_file_that_is_no_journal_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text("key,ms\n", encoding="utf-8")
    with pytest.raises(InvalidInput, match="is not a journal"):
        Journal(path).open({"device": "made up"})


@pytest.mark.parametrize("ms", [0.0, -1.0, float("nan")])
def test_times_that_cannot_be(models: dict[str, Path], tmp_path: Path, ms: float) -> None:
    transport = MadeUpDevice(lambda path: ms, np.random.default_rng(0))
    with pytest.raises(TransportError, match="which cannot be"):
        measure_networks(
            transport, models, TimingOptions(), np.random.default_rng(1), Journal(tmp_path / "journal.jsonl")
        )


def test_an_outlying_block_is_flagged_and_left_out() -> None:
    samples = [Sample((ms,) * 10, 10) for ms in (1.0, 1.01, 0.99, 1.0, 1.8)]
    timed = summarise(samples, 0.02)
    assert timed.outliers == 1
    assert timed.runs == 40
    assert timed.mean_ms == pytest.approx(1.0)
    assert "1 of 5 blocks are outliers" in timed.flagged
    assert not outlier_blocks(np.array([1.0, 1.0, 3.0])).any()  # too few to say


def test_summaries_are_pooled() -> None:
    """A runtime that prints mean and deviation alone gives the same moments as the runs themselves."""
    runs = np.random.default_rng(0).normal(5, 0.1, (3, 50))
    single = summarise([Sample(tuple(row), 50) for row in runs], 0.02)
    summary = summarise([Sample((float(row.mean()),), 50, float(row.std())) for row in runs], 0.02)
    assert summary.mean_ms == pytest.approx(single.mean_ms)
    assert summary.std_ms == pytest.approx(single.std_ms)
    assert summary.runs == single.runs == 150


@pytest.mark.parametrize("given", [{"threads": 0}, {"runs": 0}, {"blocks": 1}, {"max_blocks": 2}, {"half_width": 0.0}])
def test_options_that_make_no_sense(given: dict[str, float]) -> None:
    with pytest.raises(InvalidInput, match=f"timing.{next(iter(given))}="):
        TimingOptions(**given)  # type: ignore[arg-type]
