"""Margin losses against the worked example D of the facts, and what margins may touch."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest
import torch

from nasface.errors import InvalidInput
from nasface.training.losses import arcface_margin, build_loss
from nasface.training.objectives import MarginConfig, SoftmaxConfig

from ._composed import composed

WEIGHT = torch.tensor([[1.0, 0.0], [0.0, 2.0], [-1.0, -1.0]])
X = torch.tensor([[3.0, 4.0], [1.0, -1.0], [-2.0, -0.5]])
LABELS = torch.tensor([0, 1, 2])
ARCFACE, COSFACE = (composed("loss", name) for name in ("arcface", "cosface"))


def arcface(**options: float) -> MarginConfig:
    return dataclasses.replace(ARCFACE, **options)


def cosface(**options: float) -> MarginConfig:
    return dataclasses.replace(COSFACE, **options)


def value(config: Any, x: torch.Tensor = X, labels: torch.Tensor = LABELS, progress: float = 1.0) -> float:
    loss = build_loss(config)
    return float(loss(loss.logits(x, WEIGHT, torch.zeros(3)), labels, progress))


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (arcface(scale=4), 3.158388),
        (arcface(scale=4, smoothing=0.1), 3.161684),
        (arcface(scale=1), 1.299067),
        (arcface(scale=1, smoothing=0.1), 1.299891),
        (arcface(scale=64), 49.571148),
        (arcface(scale=64, smoothing=0.1), 49.623882),
        (arcface(scale=4, margin=0.0), 2.300690),
        (cosface(scale=4), 3.157345),
        (cosface(scale=4, smoothing=0.1), 3.161625),
    ],
)
def test_worked_example(config: MarginConfig, expected: float) -> None:
    assert value(config) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("row", "expected"), [(0, 2.698424), (1, 6.725252), (2, 0.051488)])
def test_worked_example_per_sample(row: int, expected: float) -> None:
    assert value(arcface(scale=4), X[[row]], LABELS[[row]]) == pytest.approx(expected, rel=1e-4)


def test_beyond_the_wall_the_logit_goes_on_falling() -> None:
    x = torch.tensor([[-1.0, 0.05]])
    assert value(arcface(scale=4), x, torch.tensor([0])) == pytest.approx(7.718079, rel=1e-5)
    cosine = torch.linspace(-1, 1, 2001)
    moved = arcface_margin(cosine, 0.5)
    assert bool((moved.diff() > 0).all()), "a smaller angle must always be better"
    assert 4 * float(arcface_margin(torch.tensor(math.cos(3.0916344)), 0.5)) == pytest.approx(-4.95386, rel=1e-4)


def test_gradient_is_finite_for_a_perfect_and_an_opposite_descriptor() -> None:
    x = torch.tensor([[2.0, 0.0], [-2.0, 0.0]], requires_grad=True)
    loss = build_loss(arcface(scale=4))
    loss(loss.logits(x, WEIGHT, torch.zeros(3)), torch.tensor([0, 0]), 1.0).backward()
    assert x.grad is not None
    assert bool(torch.isfinite(x.grad).all())


def test_gradient_goes_through_the_angle() -> None:
    x = X.clone().requires_grad_()
    loss = build_loss(arcface(scale=4))
    logits = loss.logits(x, WEIGHT, torch.zeros(3))
    loss(logits, LABELS, 1.0).backward()
    assert x.grad is not None
    torch.testing.assert_close(x.grad[0], torch.tensor([-0.3162, 0.2372]), atol=2e-4, rtol=0)
    torch.testing.assert_close(x.grad[1], torch.tensor([0.2199, 0.2199]), atol=2e-4, rtol=0)


def test_margin_is_in_the_cross_entropy_alone() -> None:
    plain, margin = build_loss(arcface(margin=0.0, scale=4)), build_loss(arcface(margin=0.5, scale=4))
    assert torch.equal(plain.logits(X, WEIGHT, torch.zeros(3)), margin.logits(X, WEIGHT, torch.zeros(3)))


def test_margin_rises() -> None:
    config = arcface(scale=4, margin_warmup=0.5)
    assert value(config, progress=0.0) == pytest.approx(2.300690, rel=1e-5)
    assert value(config, progress=0.0) < value(config, progress=0.25) < value(config, progress=0.5)
    assert value(config, progress=0.5) == value(config, progress=1.0)


def test_softmax_smoothing_is_ofas() -> None:
    loss = build_loss(SoftmaxConfig(smoothing=0.1))
    bias = torch.tensor([0.1, 0.2, 0.3])
    logits = X @ WEIGHT.T + bias
    target = 0.9 * torch.eye(3) + 0.1 / 3
    expected = -(target * logits.log_softmax(1)).sum(1).mean()
    torch.testing.assert_close(loss(loss.logits(X, WEIGHT, bias), LABELS, 1.0), expected)


@pytest.mark.parametrize(
    "config", [SoftmaxConfig(smoothing=1.0), SoftmaxConfig(weight=-1), arcface(scale=0), arcface(margin=2.0)]
)
def test_senseless_numbers_are_refused(config: Any) -> None:
    with pytest.raises(InvalidInput, match=r"give|must be"):
        build_loss(config)
