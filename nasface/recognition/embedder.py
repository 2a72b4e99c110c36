"""Descriptors of photos by a model file, whatever its format: TFLite, ONNX, TorchScript, or a file of descriptors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from nasface.data import FaceSet
from nasface.errors import DataError, listing
from nasface.preprocessing import Preprocessing
from nasface.reading import read_array, read_arrays, read_text
from nasface.runtimes import Descriptors, open_model

BATCH: Final = 64
DESCRIPTORS: Final = (".npy", ".npz")
"""Suffixes of files of descriptors."""


@dataclass(frozen=True)
class Embedded:
    """Descriptors of the photos that could be read.

    Attributes:
        descriptors: float32[n, d].
        rows: int64[n], the photos' rows in the set asked for.
        skipped: Names of photos that could not be read.
    """

    descriptors: Descriptors
    rows: npt.NDArray[np.int64]
    skipped: tuple[str, ...]

    @classmethod
    def by(cls, embed: Callable[[npt.NDArray[np.uint8]], Descriptors], faces: FaceSet, size: int) -> Embedded:
        """By a function of photos, uint8[n, size, size, 3]."""
        photos = faces.load(size=size)
        return cls(embed(photos.images), photos.indices, tuple(photo.name for photo in photos.skipped))


def embed_photos(path: Path, faces: FaceSet, resolution: int | None = None, output: str | None = None) -> Embedded:
    """Descriptors of photos by a model or from a file of descriptors.

    Args:
        path: A model file, or `.npy`/`.npz` descriptors, see `read_descriptors`.
        faces: The photos.
        resolution: See `nasface.runtimes.open_model`.
        output: Likewise.
    """
    if path.suffix in DESCRIPTORS:
        return Embedded(read_descriptors(path, faces.names), np.arange(len(faces)), ())
    model = open_model(path, resolution, output=output)
    normalise = Preprocessing(model.size).normalise
    prepare = (lambda images: images.astype(np.float32)) if model.raw else normalise

    def embed(images: npt.NDArray[np.uint8]) -> Descriptors:
        parts = [model.embed(prepare(images[start : start + BATCH])) for start in range(0, len(images), BATCH)]
        return np.concatenate(parts)

    return Embedded.by(embed, faces, model.size)


def read_descriptors(path: Path, names: Sequence[str]) -> Descriptors:
    """Descriptors of the named photos from a file.

    `.npz` holds `descriptors` (n, d) and `names` (n,); `.npy` holds (n, d) beside a `files.txt` with one name a line.

    Raises:
        DataError: The file is not such a file or lacks photos.
    """
    try:
        if path.suffix == ".npz":
            rows, names_there = read_arrays(path, ("descriptors", "names"))
            known = [str(name) for name in names_there.ravel()]
        else:
            rows = read_array(path)
            known = [line.strip() for line in read_text(path.parent / "files.txt").splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path} is not a file of descriptors ({error}); give .npz with 'descriptors' and 'names', "
            "or .npy beside a files.txt."
        ) from None
    shape, rows = list(rows.shape), rows.reshape(len(rows), -1) if 1 in rows.shape[1:-1] else rows
    if rows.ndim != 2 or len(rows) != len(known) or not np.issubdtype(rows.dtype, np.floating):
        raise DataError(
            f"{path} has {rows.dtype} descriptors of shape {shape} for {len(known)} names; there must be one row of "
            "floating-point numbers for every name."
        )
    repeated = [name for name, times in Counter(known).items() if times > 1]
    if repeated:
        raise DataError(f"{path} has {len(repeated)} names more than once ({listing(repeated)}); keep one row of each.")
    if not np.isfinite(rows).all():
        raise DataError(f"{path} has descriptors that are not finite; make them again.")
    position = {name: i for i, name in enumerate(known)}
    missing = [name for name in names if name not in position]
    if missing:
        raise DataError(f"{path} lacks {len(missing)} of {len(names)} photos ({listing(missing)}).")
    return np.asarray(rows[[position[name] for name in names]], np.float32)
