"""Calibration images without photographs: images of nobody on which batch normalisations see what they see on photos.

A start is drawn from the Gaussian that has the mean and the covariance of a set of photos, pixel by pixel (an eigenface
model of full rank): a combination of *all* photos with independent random weights, of which none is a source in any
particular sense. Gradient steps on the pixels then match the mean and the log-variance of every batch normalisation's
input to those of photos, for a pool of sub-networks in turn, in the manner of data-free distillation (Yin et al.,
DeepInversion, CVPR 2020; Haroush et al., The Knowledge Within, CVPR 2020).
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from nasface.errors import InvalidInput
from nasface.netspec import Op
from nasface.preprocessing import IMAGENET_MEAN, IMAGENET_STD
from nasface.supernets.calibration import Images, normalise
from nasface.supernets.module import SpecModule
from nasface.supernets.supernet import ElasticSupernet

ASSET = "calibration/lfw112.npz"
"""Inside nasface.assets: `grey`, uint8[n, 112, 112]."""

GROUP = 32
"""Images that are refined together and match the statistics as a group; so does any union of groups."""

POOL = 8
"""Sub-networks whose statistics are matched."""

PHOTOS = 384
"""Photos the statistics of each of them are taken from, a new draw for each."""

LEARNING_RATE = 0.05
"""Of Adam, at the start, on the logits of pixels; it falls to zero as a cosine."""

_EPS = 1e-5

SynthesisProgress = Callable[[int, int, float], None]
"""Called after every step with the steps done, all steps, and the mismatch of the step."""

Moments = tuple[Tensor, Tensor]
"""Spatial mean and variance, each [n, channels], of every image at the input of one batch normalisation."""


@dataclass(frozen=True)
class Target:
    """Statistics of photos at the input of one batch normalisation.

    Attributes:
        mean: [channels].
        variance: [channels], biased, over photos and places.
        mean_noise: How much means of single photos vary, relative to `variance`, averaged over channels.
        variance_noise: How much second moments of single photos vary, relative to `variance` squared, likewise.
    """

    mean: Tensor
    variance: Tensor
    mean_noise: Tensor
    variance_noise: Tensor


Pool = list[tuple[SpecModule, list[Target]]]


def synthetic_images() -> Images:
    """The embedded images: uint8[n, 112, 112, 3], RGB (grey), for `calibrate`."""
    content = files("nasface.assets").joinpath(ASSET).read_bytes()
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        grey: npt.NDArray[np.uint8] = archive["grey"]
    return np.repeat(grey[..., None], 3, axis=3)


def make_calibration_images(
    supernet: ElasticSupernet,
    photos: Images,
    rng: np.random.Generator,
    n_images: int = 96,
    steps: int = 45,
    progress: SynthesisProgress | None = None,
) -> Images:
    """Make images that calibrate any sub-network nearly as photos do.

    Args:
        supernet: A trained one.
        photos: uint8[n, resolution, resolution, 3] of people it was trained on, best one of each person.
        rng: Draws the start, the sub-networks and their photos.
        n_images: Images to make, a multiple of `GROUP`.
        steps: Steps of refinement of every group.
        progress: Told after every step.

    Returns:
        uint8[n_images, resolution, resolution, 3]; grey (equal channels) where all photos are.

    Raises:
        InvalidInput: Fewer photos than `GROUP`, or not of the supernet's size, or `n_images` is no such multiple.
    """
    side = supernet.resolution
    if photos.shape[1:] != (side, side, 3) or len(photos) < GROUP or n_images < GROUP or n_images % GROUP:
        raise InvalidInput(
            f"{n_images} synthetic images were asked for from photos {list(photos.shape)}; ask for a multiple of "
            f"{GROUP} and give {GROUP} or more photos [n, {side}, {side}, 3]."
        )
    start = torch.from_numpy(gaussian_faces(photos, rng, n_images))
    pool = fitting_pool(supernet, photos, rng)
    groups = []
    for first in range(0, n_images, GROUP):

        def tell(step: int, loss: float, first: int = first) -> None:
            if progress is not None:
                progress(first // GROUP * steps + step, n_images // GROUP * steps, loss)

        groups.append(_refine(start[first : first + GROUP], pool, steps, tell))
    pixels = torch.cat(groups).mul(255).round().to(torch.uint8).expand(-1, 3, -1, -1)
    return np.ascontiguousarray(pixels.permute(0, 2, 3, 1).numpy())


def gaussian_faces(photos: Images, rng: np.random.Generator, n: int) -> npt.NDArray[np.float32]:
    """Draw from the Gaussian with the pixel mean and covariance of photos.

    With weights g ~ N(0, 1), `mean + sum_i g_i (photo_i - mean) / sqrt(n_photos - 1)` has the sample covariance.

    Args:
        photos: uint8[n_photos, height, width, 3].
        rng: Draws the weights, [n, n_photos], and nothing else.
        n: Images to draw.

    Returns:
        float32[n, channels, height, width], photos being in 0..1 (the Gaussian is not); one channel for grey photos.
    """
    grey = bool((photos == photos[..., :1]).all())
    rows = np.moveaxis(photos[..., :1] if grey else photos, 3, 1).astype(np.float32) / 255
    mean = rows.mean(0)
    weights = rng.standard_normal((n, len(rows)), np.float32) / math.sqrt(len(rows) - 1)
    drawn: npt.NDArray[np.float32] = (mean + np.tensordot(weights, rows - mean, 1)).astype(np.float32)
    return drawn


def fitting_pool(supernet: ElasticSupernet, photos: Images, rng: np.random.Generator, size: int = POOL) -> Pool:
    """Sub-networks to fit, with their targets: crossovers of the smallest and uniform ones: small ones occur."""
    space = supernet.network.space
    smallest = supernet.network.genotype_of(space.kernels[0], space.expands[0], space.depths[0])
    pool: Pool = []
    for genotype in space.crossover(rng, np.tile(smallest, (size, 1)), space.sample(rng, size)):
        module = supernet.extract(genotype).requires_grad_(False)
        module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        chosen = photos[rng.choice(len(photos), min(PHOTOS, len(photos)), replace=False)]
        pool.append((module, photo_targets(module, chosen)))
    return pool


@torch.no_grad()
def photo_targets(module: SpecModule, photos: Images, batch_size: int = 128) -> list[Target]:
    """Targets of all batch normalisations of one network, in order."""
    parts = np.array_split(photos, -(-len(photos) // batch_size))
    batches = [batch_moments(module, normalise(part)) for part in parts]
    per_norm = zip(*batches, strict=True)
    return [_target(*(torch.cat(values) for values in zip(*moments, strict=True))) for moments in per_norm]


def _target(means: Tensor, variances: Tensor) -> Target:
    centre = means.mean(0)
    second = variances + (means - centre).square()
    variance = second.mean(0)
    mean_noise = (means.var(0) / (variance + _EPS)).mean()
    variance_noise = (second.var(0) / (variance + _EPS).square()).mean()
    return Target(centre, variance, mean_noise, variance_noise)


def batch_moments(module: SpecModule, batch: Tensor) -> list[Moments]:
    """What re-calibration sees on one batch: every normalisation uses, and passes on, the batch's own statistics."""
    found: list[Moments] = []

    def compute(op: Op, x: Tensor) -> Tensor:
        y = module.convolve(op, x)
        norm = module.norm(op)
        if norm is None:
            return y
        variance, mean = torch.var_mean(y, (2, 3), correction=0)
        found.append((mean, variance))
        return F.batch_norm(y, None, None, norm.weight, norm.bias, True, 0.0, norm.eps)

    module.run(batch, compute)
    return found


def mismatch(found: list[Moments], targets: list[Target]) -> Tensor:
    """How far a batch is from photos, in units of the variance between single photos.

    Per normalisation: the mean over channels of (difference of means)^2 / variance and of (difference of
    log-variances)^2, each divided by what single photos vary in it; averaged over the two and over normalisations. So
    the first layers, in whose statistics photos hardly differ, have to be met most closely: errors there shift all that
    follows.
    """
    parts = []
    for (means, variances), target in zip(found, targets, strict=True):
        mean, variance = means.mean(0), variances.mean(0) + means.var(0, correction=0)
        shift = (mean - target.mean).square() / (target.variance + _EPS)
        scale = ((variance + _EPS) / (target.variance + _EPS)).log().square()
        parts.append(shift.mean() / target.mean_noise + scale.mean() / target.variance_noise)
    return torch.stack(parts).mean() / 2


def _refine(start: Tensor, pool: Pool, steps: int, progress: Callable[[int, float], None]) -> Tensor:
    """Pixels in 0..1 of one group, [n, channels, height, width], after gradient steps from `start`."""
    logits = torch.logit(start.clamp(0.01, 0.99)).requires_grad_()
    optimiser = torch.optim.Adam([logits], LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, max(steps, 1))
    for step in range(steps):
        module, targets = pool[step % len(pool)]
        loss = mismatch(batch_moments(module, _network_input(torch.sigmoid(logits))), targets)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        progress(step + 1, float(loss.detach()))
    return torch.sigmoid(logits.detach())


def _network_input(pixels: Tensor) -> Tensor:
    """Normalised [n, 3, height, width] of pixels in 0..1 with one or three channels, as `calibration.normalise`."""
    mean, std = (torch.tensor(values)[:, None, None] for values in (IMAGENET_MEAN, IMAGENET_STD))
    return ((pixels - mean) / std).contiguous(memory_format=torch.channels_last)
