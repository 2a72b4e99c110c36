"""Running, timing and judging an exported file."""

from __future__ import annotations

import numpy as np
import pytest

from nasface.errors import ExportError, InvalidInput
from nasface.exporters import TFLiteConfig, TFLiteExporter
from nasface.runtimes import check_likeness, check_parity, open_model, run_tflite, time_model

pytest.importorskip("ai_edge_litert")


@pytest.fixture
def exported(mobile, tmp_path):
    return TFLiteExporter(TFLiteConfig()).export(*mobile, tmp_path / "net.tflite", {}).path


def test_rows_are_the_images(mobile, exported, images):
    x = images(mobile[0], 3)
    outputs = run_tflite(exported, x)
    assert outputs.shape == (3, 64)
    assert outputs.dtype == np.float32
    np.testing.assert_array_equal(outputs[1:2], run_tflite(exported, x[1:2]))
    assert run_tflite(exported, x[:0]).shape == (0, 64)


def test_threads_change_nothing(mobile, exported, images):
    x = images(mobile[0])
    np.testing.assert_allclose(run_tflite(exported, x, threads=2), run_tflite(exported, x), rtol=1e-5, atol=1e-5)


def test_other_image_size_is_refused(exported):
    with pytest.raises(InvalidInput, match=r"\(40, 40, 3\)"):
        run_tflite(exported, np.zeros((1, 32, 32, 3), np.float32))


def test_a_file_that_is_no_model_is_refused(tmp_path):
    path = tmp_path / "net.tflite"
    for make in (lambda: None, lambda: path.write_bytes(b"nonsense")):
        make()
        with pytest.raises(ExportError, match="cannot be run"):
            run_tflite(path, np.zeros((1, 8, 8, 3), np.float32))


def test_parity_with_torch(mobile, exported, images, reference):
    x = images(mobile[0])
    parity = check_parity(reference(*mobile, x), run_tflite(exported, x), exported, 1e-3)
    assert parity.max_difference_relative < 1e-5
    assert (parity.tolerance, parity.images) == (1e-3, 2)


def test_parity_is_relative_to_the_norm(mobile, exported, images, reference):
    x = images(mobile[0], 1)
    expected = reference(*mobile, x)
    expected[0, 5] += 0.01 * np.linalg.norm(expected)
    with pytest.raises(ExportError, match=r"0\.01 of the descriptor's norm; allowed is 0\.001"):
        check_parity(expected, run_tflite(exported, x), exported, 1e-3)
    found = check_parity(expected, run_tflite(exported, x), exported, 0.02)
    assert found.max_difference_relative == pytest.approx(0.01, rel=0.01)


def test_likeness_looks_at_directions(mobile, exported, images, reference):
    x = images(mobile[0], 3)
    expected, outputs = reference(*mobile, x), run_tflite(exported, x)
    assert check_likeness(expected, 3 * outputs, exported, 0.99).mean_cosine == pytest.approx(1, abs=1e-6)
    outputs[1] = expected[0]
    with pytest.raises(ExportError, match="loses too much in 8 bits"):
        check_likeness(expected, outputs, exported, 0.999999)


def test_a_network_that_gives_nan_is_refused(mobile, exported, images, reference):
    x = images(mobile[0])
    with pytest.raises(ExportError, match="nan"):
        check_parity(reference(*mobile, x), run_tflite(exported, np.full_like(x, np.nan)), exported, 1e-3)


def test_timing_counts_its_runs(exported):
    timing = time_model(open_model(exported), runs=7, threads=1, warmup=1)
    assert (timing.runs, timing.threads) == (7, 1)
    assert timing.median_ms > 0
    assert timing.mean_ms > 0
    assert timing.std_ms >= 0
