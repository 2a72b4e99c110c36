"""Photos in memory and streamed give the same batches; what cannot be read is left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from nasface.data import FaceSet, PhotoIndex, UnreadablePhotoError
from nasface.errors import InvalidInput
from nasface.training.augmentation import augment
from nasface.training.options import Augmentation
from nasface.training.photos import MemoryPhotos, StreamedPhotos, open_photos

NAMES = [f"{person}/{i}.png" for person in "abc" for i in range(3)]


@dataclass(frozen=True)
class Source:
    grey: bool
    index = PhotoIndex.of(NAMES)

    def photo(self, row: int, size: int) -> np.ndarray:
        if NAMES[row] == "b/1.png":
            raise UnreadablePhotoError("broken")
        picture = np.random.default_rng(row).integers(0, 255, (size, size, 1 if self.grey else 3))
        return np.broadcast_to(picture, (size, size, 3)).astype(np.uint8)

    def fingerprint(self, row: int) -> str:
        return ""


def faces(grey: bool = False) -> FaceSet:
    return FaceSet.all(Source(grey))


def test_both_ways_agree_and_leave_out_the_broken_photo() -> None:
    memory, stream = (open_photos(faces(), 8, where) for where in ("memory", "stream"))
    assert isinstance(memory, MemoryPhotos)
    assert isinstance(stream, StreamedPhotos)
    for rows, left in (([4, 8, 0], [8, 0]), ([3, 5], [3, 5])):
        for expected in ([], rows, [1, 2]):
            if expected:
                stream.expect(np.array(expected))
            (one, kept), (two, also) = memory.batch(np.array(rows)), stream.batch(np.array(rows))
            assert kept.tolist() == also.tolist() == left
            np.testing.assert_array_equal(one, two)
    assert isinstance(open_photos(faces(), 8, "auto"), MemoryPhotos)
    with pytest.raises(InvalidInput, match="auto, memory or stream"):
        open_photos(faces(), 8, "disk")


def test_grey_photos_take_a_third_and_train_alike() -> None:
    images, _ = open_photos(faces(grey=True), 8, "memory").batch(np.array([0, 1]))
    assert images.shape == (2, 8, 8, 1)
    results = [
        augment(torch.from_numpy(np.ascontiguousarray(given)), Augmentation(), 8, torch.Generator().manual_seed(0))
        for given in (images, np.repeat(images, 3, axis=3))
    ]
    torch.testing.assert_close(results[0], results[1], rtol=1e-4, atol=1e-4)


def test_without_augmentation_photos_are_normalised_as_in_calibration() -> None:
    from nasface.supernets.calibration import normalise

    images, _ = open_photos(faces(), 16, "memory").batch(np.array([0, 1]))
    still = Augmentation(flip=0, scale=0, rotate=0, shift=0, contrast=0, brightness=0, blur=0, tint=0)
    x = augment(torch.from_numpy(images), still, 16, torch.Generator().manual_seed(0))
    torch.testing.assert_close(x, normalise(images), rtol=1e-4, atol=1e-4)
    assert x.is_contiguous(memory_format=torch.channels_last)
    mirrored = augment(torch.from_numpy(images), Augmentation(**vars(still) | {"flip": 1}), 16, torch.Generator())
    torch.testing.assert_close(mirrored, normalise(images).flip(3), rtol=1e-3, atol=1e-3)
