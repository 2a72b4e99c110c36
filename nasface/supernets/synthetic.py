"""Calibration images without photographs: images of nobody on which batch normalisations see what they see on photos.

A start is drawn from the Gaussian that has the mean and the covariance of a set of photos, pixel by pixel (an eigenface
model of full rank): a combination of *all* photos with independent random weights, of which none is a source in any
particular sense. Gradient steps on the pixels then match, for a new random sub-network at every step, the mean and the
log-variance of every batch normalisation's input to those of a random batch of photos, in the manner of data-free
distillation (Yin et al., DeepInversion, CVPR 2020; Haroush et al., The Knowledge Within, CVPR 2020).
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from importlib.resources import files

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from nasface.errors import InvalidInput
from nasface.netspec import Op
from nasface.supernets.calibration import MEAN, STD, Images, normalise
from nasface.supernets.module import SpecModule
from nasface.supernets.supernet import Supernet

ASSET = "calibration/lfw112.npz"
"""Inside nasface.assets: `grey`, uint8[n, 112, 112]."""

BATCH = 32
"""Images, and as many photos, in a step of refinement."""

LEARNING_RATE = 0.05
"""Of Adam, at the start, on the logits of pixels; it falls to zero as a cosine."""

Progress = Callable[[int, int, float], None]
"""Called after every step with the steps done, all steps, and the mismatch of the step."""

Statistics = list[tuple[Tensor, Tensor]]
"""Spatial mean and variance, each [n, channels], of every image at the input of every batch normalisation, in order."""


def synthetic_images() -> Images:
    """The embedded images and their mirror images: uint8[2n, 112, 112, 3], RGB, grey, for `calibrate`."""
    content = files("nasface.assets").joinpath(ASSET).read_bytes()
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        grey: npt.NDArray[np.uint8] = archive["grey"]
    both = np.concatenate([grey, grey[:, :, ::-1]])
    return np.repeat(both[..., None], 3, axis=3)


def make_calibration_images(
    supernet: Supernet,
    photos: Images,
    rng: np.random.Generator,
    n_images: int = 192,
    steps: int = 200,
    progress: Progress | None = None,
) -> Images:
    """Make images that calibrate any sub-network nearly as photos do.

    Args:
        supernet: A trained one.
        photos: uint8[n, resolution, resolution, 3] of people it was trained on, best one or a few of each person.
        rng: Draws the start, the sub-networks and the batches.
        n_images: Images to make.
        steps: Steps of refinement.
        progress: Told after every step.

    Returns:
        uint8[n_images, resolution, resolution, 3]; grey (equal channels) where all photos are.

    Raises:
        InvalidInput: The photos have another size than the supernet's input, or there are fewer than `BATCH` or of images.
    """
    side = supernet.resolution
    if photos.shape[1:] != (side, side, 3) or min(len(photos), n_images) < BATCH:
        raise InvalidInput(
            f"Synthetic images are made, {BATCH} or more, from {BATCH} or more photos [n, {side}, {side}, 3]; "
            f"{n_images} were asked for from {list(photos.shape)}."
        )
    start = gaussian_faces(photos, rng, n_images)
    logits = torch.logit(torch.from_numpy(start).clamp(0.01, 0.99)).requires_grad_()
    optimiser = torch.optim.Adam([logits], LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, max(steps, 1))
    for step in range(1, steps + 1):
        loss = _step(supernet, logits, photos, rng)
        optimiser.step()
        optimiser.zero_grad()
        schedule.step()
        if progress is not None:
            progress(step, steps, loss)
    pixels = torch.sigmoid(logits.detach()).mul(255).round().to(torch.uint8).expand(-1, 3, -1, -1)
    return np.ascontiguousarray(pixels.permute(0, 2, 3, 1).numpy())


def gaussian_faces(photos: Images, rng: np.random.Generator, n: int) -> npt.NDArray[np.float32]:
    """Draw from the Gaussian with the pixel mean and covariance of photos.

    With weights g ~ N(0, 1), `mean + sum_i g_i (photo_i - mean) / sqrt(n_photos - 1)` has exactly the sample covariance.

    Args:
        photos: uint8[n_photos, height, width, 3].
        rng: Draws the weights.
        n: Images to draw.

    Returns:
        float32[n, channels, height, width], photos being in 0..1 (the Gaussian is not); one channel for grey photos.
    """
    grey = bool((photos == photos[..., :1]).all())
    rows = np.moveaxis(photos[..., :1] if grey else photos, 3, 1).astype(np.float32) / 255
    mean = rows.mean(0)
    weights = rng.standard_normal((n, len(rows)), np.float32) / math.sqrt(len(rows) - 1)
    return (mean + np.tensordot(weights, rows - mean, 1)).astype(np.float32)


def _step(supernet: Supernet, logits: Tensor, photos: Images, rng: np.random.Generator) -> float:
    """Accumulate the gradient of one random sub-network's mismatch on one random batch; returns the mismatch."""
    module = supernet.extract(supernet.space.sample(rng, 1)[0])
    module = module.requires_grad_(False).to(memory_format=torch.channels_last)
    real = photos[rng.choice(len(photos), min(2 * BATCH, len(photos)), replace=False)]
    with torch.no_grad():
        target = batch_statistics(module, normalise(real))
    chosen = torch.from_numpy(rng.choice(len(logits), BATCH, replace=False))
    loss = mismatch(batch_statistics(module, _network_input(torch.sigmoid(logits[chosen]))), target)
    loss.backward()  # type: ignore[no-untyped-call]
    return float(loss.detach())


def _network_input(pixels: Tensor) -> Tensor:
    """Normalised [n, 3, height, width] of pixels in 0..1 with one or three channels, as `calibration.normalise`."""
    mean, std = (torch.tensor(values)[:, None, None] for values in (MEAN, STD))
    return ((pixels - mean) / std).contiguous(memory_format=torch.channels_last)


def batch_statistics(module: SpecModule, batch: Tensor) -> Statistics:
    """What re-calibration sees on one batch: every normalisation uses, and passes on, the batch's own statistics."""
    found: Statistics = []

    def compute(op: Op, x: Tensor) -> Tensor:
        y = module.convolve(op, x)
        norm = module.norm(op)
        if norm is None:
            return y
        found.append(torch.var_mean(y, (2, 3), correction=0)[::-1])
        return F.batch_norm(y, None, None, norm.weight, norm.bias, True, 0.0, norm.eps)

    module.run(batch, compute)
    return found


def mismatch(found: Statistics, target: Statistics, eps: float = 1e-5) -> Tensor:
    """How far two sets of images are apart, in units of the variance between single images of the target.

    Per normalisation: the mean over channels of (difference of means)^2 / variance and of (difference of log-variances)^2,
    each divided by what single images vary in it; then the average over normalisations and the two. Two samples of n and m
    photos have about 1 / n + 1 / m. So the first layers, whose statistics photos hardly differ in, have to be met most
    closely: errors there shift all that follows.
    """
    parts = []
    for (m, v), (mean, variance) in zip(found, target, strict=True):
        centre, total, spread = _moments(mean, variance)
        shift = (m.mean(0) - centre).square() / (total + eps)
        scale = ((_moments(m, v)[1] + eps) / (total + eps)).log().square()
        noise_of_mean = (mean.var(0) / (total + eps)).mean()
        noise_of_variance = (spread.var(0) / (total + eps).square()).mean()
        parts.append(shift.mean() / noise_of_mean + scale.mean() / noise_of_variance)
    return torch.stack(parts).mean() / 2


def _moments(mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Over images: mean and unbiased variance [channels]; second moment about that mean of every image [n, channels]."""
    centre = mean.mean(0)
    return centre, variance.mean(0) + mean.var(0), variance + (mean - centre).square()
