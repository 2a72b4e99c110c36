"""Confidence is calibrated on held-out pairs: what it says happens as often as it says."""

from __future__ import annotations

import numpy as np
import pytest

from nasface.predictors import fit_confidence


def pairs(noise: float, n: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Differences of strengths, and measured ones whose sign is right as often as the logistic model says."""
    rng = np.random.default_rng(0)
    said = rng.normal(size=n)
    up = rng.random(n) < 1 / (1 + np.exp(-said / noise))
    return said, np.where(up, 1.0, -1.0) * rng.exponential(size=n)


@pytest.mark.parametrize("noise", [0.1, 0.5, 2.0])
def test_said_and_true_frequencies_agree(noise: float) -> None:
    said, measured = pairs(noise)
    confidence = fit_confidence(said, measured)
    p = confidence.better(said, 0.0)
    for low, high in ((0.5, 0.7), (0.7, 0.9), (0.9, 1.0)):
        chosen = (p >= low) & (p < high)
        if chosen.sum() > 300:
            assert (measured[chosen] > 0).mean() == pytest.approx(p[chosen].mean(), abs=0.03)
    assert confidence.pairs == len(said)


def test_both_orders_add_up_and_scale_does_not_matter() -> None:
    said, measured = pairs(0.5, 2000)
    confidence, scaled = fit_confidence(said, measured), fit_confidence(1e-4 * said, measured)
    np.testing.assert_allclose(confidence.better(said, 0.1) + confidence.better(0.1, said), 1.0)
    np.testing.assert_allclose(scaled.better(1e-4 * said, 0.0), confidence.better(said, 0.0), atol=1e-6)
    assert confidence.better(0.3, 0.3) == 0.5


def test_extremes_are_finite() -> None:
    said, measured = pairs(0.5, 500)
    perfect = fit_confidence(measured, measured)
    assert np.isfinite(perfect.slope)
    assert perfect.right == 1.0
    assert fit_confidence(-measured, measured).slope == 0.0, "worse than a coin is not turned around"
    constant = fit_confidence(np.zeros(500), measured)
    assert (constant.slope, constant.right) == (0.0, None)
    assert fit_confidence(said, np.zeros(500)).pairs == 0
