"""Synthetic calibration images: the Gaussian start, the refinement, the embedded images, and likeness to photos."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch

from nasface.assets import asset as asset_path
from nasface.errors import InvalidInput
from nasface.spaces.ofa_mbv3 import OfaMbv3, OfaMbv3Config
from nasface.supernets.calibration import calibrate, normalise
from nasface.supernets.elastic import ElasticNetwork
from nasface.supernets.module import SpecModule
from nasface.supernets.resemblance import resemblance
from nasface.supernets.supernet import ElasticSupernet, load_supernet
from nasface.supernets.synthetic import (
    ASSET,
    GROUP,
    Target,
    batch_moments,
    gaussian_faces,
    make_calibration_images,
    mismatch,
    photo_targets,
    synthetic_images,
)

SIDE = 32


@pytest.fixture(scope="module")
def supernet() -> ElasticSupernet:
    torch.manual_seed(0)
    space = OfaMbv3(OfaMbv3Config(width=0.25, resolution=SIDE, depths=[1, 2], kernels=[3, 5], expands=[3, 4]))
    return ElasticSupernet(ElasticNetwork(space), "tiny")


@pytest.fixture(scope="module")
def photos() -> np.ndarray:
    """Grey crosses of changing place and width: far from Gaussian."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:SIDE, :SIDE]
    centre, width = rng.integers(4, 28, (2, 64, 1, 1)), rng.integers(1, 4, (2, 64, 1, 1))
    crosses = (np.abs(x - centre[0]) < width[0]) | (np.abs(y - centre[1]) < width[1])
    return np.repeat((40 + 200 * crosses).astype(np.uint8)[..., None], 3, axis=3)


@torch.no_grad()
def distance(module: SpecModule, images: np.ndarray, targets: list[Target]) -> float:
    """Mismatch of all images as one batch."""
    return float(mismatch(batch_moments(module, normalise(images)), targets))


def test_gaussian_faces_have_the_mean_and_the_covariance_of_the_photos(rng: np.random.Generator) -> None:
    photos = rng.integers(0, 256, (40, 2, 2, 3), dtype=np.uint8)
    drawn = gaussian_faces(photos, rng, 40_000)
    assert drawn.shape == (40_000, 3, 2, 2)
    expected = np.moveaxis(photos, 3, 1).reshape(40, -1) / 255
    rows = drawn.reshape(len(drawn), -1)
    np.testing.assert_allclose(rows.mean(0), expected.mean(0), atol=0.01)
    np.testing.assert_allclose(np.cov(rows.T), np.cov(expected.T), atol=0.004)


def test_gaussian_faces_of_grey_photos_have_one_channel(photos: np.ndarray, rng: np.random.Generator) -> None:
    assert gaussian_faces(photos, rng, 3).shape == (3, 1, SIDE, SIDE)


def test_a_batch_matches_itself_and_no_other(supernet: ElasticSupernet, photos: np.ndarray) -> None:
    module = supernet.extract(supernet.network.genotype_of(3, 3, 1))
    targets = photo_targets(module, photos)
    assert distance(module, photos, targets) == pytest.approx(0, abs=1e-6)
    assert distance(module, 255 - photos, targets) > 0.5


def test_targets_are_what_calibration_stores(supernet: ElasticSupernet, photos: np.ndarray) -> None:
    module = supernet.extract(supernet.network.genotype_of(5, 4, 2))
    targets = photo_targets(module, photos)
    calibrate(module, photos)
    norms = [norm for op in module.spec.ops if (norm := module.norm(op)) is not None]
    assert len(norms) == len(targets)
    for norm, target in zip(norms, targets, strict=True):
        torch.testing.assert_close(norm.running_mean, target.mean, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(norm.running_var, target.variance, atol=1e-6, rtol=1e-3)


@pytest.mark.slow
def test_refinement_brings_statistics_of_a_new_network_nearer(supernet: ElasticSupernet, photos: np.ndarray) -> None:
    module = supernet.extract(supernet.network.genotype_of(5, 4, 2))  # the largest is not in the pool
    targets = photo_targets(module, photos)
    before, after = (
        make_calibration_images(supernet, photos, np.random.default_rng(3), GROUP, steps) for steps in (0, 24)
    )
    assert distance(module, after, targets) < 0.7 * distance(module, before, targets)


def test_making_is_deterministic_and_tells_its_progress(supernet: ElasticSupernet, photos: np.ndarray) -> None:
    told: list[tuple[int, int]] = []

    def make(seed: int) -> np.ndarray:
        def tell(step: int, steps: int, _: float) -> None:
            told.append((step, steps))

        return make_calibration_images(supernet, photos, np.random.default_rng(seed), 2 * GROUP, 2, tell)

    made = [make(0), make(0), make(1)]
    assert made[0].shape == (2 * GROUP, SIDE, SIDE, 3)
    assert made[0].dtype == np.uint8
    assert (made[0] == made[0][..., :1]).all()
    np.testing.assert_array_equal(made[0], made[1])
    assert (made[0] != made[2]).any()
    assert told[:4] == [(1, 4), (2, 4), (3, 4), (4, 4)]


@pytest.mark.parametrize(
    ("n_photos", "side", "n_images"), [(64, SIDE, GROUP + 1), (64, SIDE, 0), (GROUP - 1, SIDE, GROUP), (64, 16, GROUP)]
)
def test_wrong_sizes_are_refused(supernet: ElasticSupernet, n_photos: int, side: int, n_images: int) -> None:
    with pytest.raises(InvalidInput, match=f"{n_images} synthetic images"):
        make_calibration_images(
            supernet, np.zeros((n_photos, side, side, 3), np.uint8), np.random.default_rng(0), n_images
        )


def test_embedded_images_are_grey_and_as_their_provenance_says() -> None:
    images = synthetic_images()
    asset = asset_path(*ASSET.split("/"))
    provenance = json.loads(asset.with_suffix(".provenance.json").read_text(encoding="utf-8"))
    assert images.dtype == np.uint8
    assert images.shape == (provenance["images"], 112, 112, 3)
    assert (images == images[..., :1]).all()
    assert hashlib.sha256(asset.read_bytes()).hexdigest() == provenance["sha256"]
    assert len(asset.read_bytes()) < 3_000_000


def test_resemblance_finds_a_copy_and_passes_strangers(rng: np.random.Generator) -> None:
    photos = rng.standard_normal((300, 64))
    people = np.repeat(np.arange(150), 2)
    photos[1::2] = photos[::2] + 0.1 * rng.standard_normal((150, 64))  # two photos of a person are alike
    images = np.concatenate([rng.standard_normal((5, 64)), photos[7:8] + 0.3 * rng.standard_normal((1, 64))])
    found = resemblance(images, photos, people)
    assert found.harmless().tolist() == [True] * 5 + [False]
    assert found.photo[5] in (6, 7)
    assert found.strangers.max() < 0.7  # the other photo of the same person does not count
    assert found.figures()["strangers_quantile_0.999"] == found.bound()


@pytest.mark.slow
def test_embedded_images_calibrate_the_smallest_network_nearly_as_photos_do(shared_data: Path) -> None:
    supernet = load_supernet(asset_path("supernets", "lfw112.safetensors"))
    training, validation = _photos(shared_data, "training", 256), _photos(shared_data, "validation", 48)
    smallest = supernet.network.genotype_of(3, 3, 2)
    descriptors = []
    for images in (training, synthetic_images()):
        module = calibrate(supernet.extract(smallest), images)
        with torch.inference_mode():
            descriptors.append(torch.nn.functional.normalize(module(normalise(validation))))
    assert float((descriptors[0] * descriptors[1]).sum(1).mean()) > 0.93


def _photos(shared_data: Path, people: str, n: int) -> np.ndarray:
    image = pytest.importorskip("PIL.Image")
    everyone = (shared_data / "lfw112" / f"{people}_people.txt").read_text(encoding="utf-8").split()
    wanted = {f"{name}/{name}_0001.jpg" for name in everyone[:: len(everyone) // n]}
    with tarfile.open(shared_data / "lfw112" / "lfw112.tar") as archive:
        members = [member for member in archive if member.name in wanted]
        contents = [archive.extractfile(member).read() for member in members]  # type: ignore[union-attr]
    return np.stack(
        [np.array(image.open(io.BytesIO(content), formats=("JPEG", "PNG")).convert("RGB")) for content in contents]
    )
