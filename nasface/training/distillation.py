"""Descriptors of a teacher for the training photos, and how a student learns from them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nasface.data import FaceSet
from nasface.errors import DataError, InvalidInput, listing
from nasface.reading import read_array, read_bytes, read_text
from nasface.training.losses import full_precision
from nasface.training.objectives import DescriptorTeacherConfig

Descriptors = npt.NDArray[np.float32]


class DescriptorTeacher(nn.Module):
    """Descriptors through a projection, and cosines between photos of a batch.

    Args:
        descriptors: float32[n, d] of the training photos, centred, of unit length.
        width: Numbers of the student's descriptor.
        config: Weights.

    Attributes:
        projection: [d, width], learned or fixed.
    """

    def __init__(self, descriptors: Descriptors, width: int, config: DescriptorTeacherConfig) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("targets", torch.from_numpy(descriptors), persistent=False)
        size = descriptors.shape[1]
        if config.projection == "learned":
            self.projection = nn.Parameter(torch.randn(size, width) / width**0.5)
        elif config.projection == "fixed" and size <= width:
            self.register_buffer("projection", torch.linalg.qr(torch.randn(width, size))[0].T.contiguous())
        else:
            raise InvalidInput(
                f"teacher.projection is '{config.projection}' for {size} numbers of the teacher and {width} of the "
                "student; give learned, or fixed where the teacher has no more numbers."
            )

    def losses(self, descriptors: Tensor, rows: Tensor) -> dict[str, Tensor]:
        """Weighted terms by name.

        Args:
            descriptors: [b, width] of the student.
            rows: [b] which training photos.
        """
        with full_precision(descriptors):
            return self._terms(F.normalize(descriptors.float(), dim=1), self.targets[rows])  # type: ignore[index]

    def _terms(self, student: Tensor, target: Tensor) -> dict[str, Tensor]:
        terms = {}
        if self.config.descriptors:
            seen = F.linear(student, self.projection)
            length = seen.norm(dim=1)
            terms["descriptors"] = self.config.descriptors * (1 - (seen * target).sum(1) / (length + 1e-6)).mean()
            if self.config.projection == "fixed":
                terms["span"] = self.config.span * (1 - length).mean()
        if self.config.similarities:
            apart = student @ student.T - target @ target.T
            b = len(target)
            terms["similarities"] = self.config.similarities * apart.square().sum() / (b * (b - 1))
        return terms


def centred(descriptors: npt.NDArray[np.floating]) -> Descriptors:
    """Minus their mean, then of unit length."""
    values = np.asarray(descriptors, np.float32)
    values = values - values.mean(0)
    return np.asarray(values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12), np.float32)


def read_descriptors(config: DescriptorTeacherConfig, folder: Path, faces: FaceSet) -> Descriptors:
    """The teacher's rows of the training photos from an array and its list of names, as they are in the file.

    Raises:
        DataError: The array belongs to other photos.
    """
    path = folder / Path(config.file).expanduser()
    if config.names is None:
        raise DataError(f"{path} does not say which photo a row is of; add teacher.names=FILE, one person/file a line.")
    values = _array(path, config.sha256)
    names = _lines(folder / Path(config.names).expanduser())
    if values.ndim != 2 or len(values) != len(names):
        raise DataError(
            f"The teacher {path} has shape {list(values.shape)} and {config.names} has {len(names)} names; "
            "give an array with one row for every name."
        )
    place = {name: row for row, name in enumerate(names)}
    missing = [name for name in faces.names if name not in place]
    if missing:
        raise DataError(
            f"The teacher {path} is of another data set: {len(missing)} of {len(faces)} training photos are not in "
            f"{config.names} ({listing(missing, 3)}); make it from these photos."
        )
    return np.asarray(values[[place[name] for name in faces.names]], np.float32)


def _array(path: Path, sha256: str | None) -> npt.NDArray[np.generic]:
    try:
        values = read_array(path)
        found = hashlib.sha256(read_bytes(path)).hexdigest() if sha256 else None
    except (OSError, ValueError) as error:
        raise DataError(f"The teacher {path} cannot be read ({error}); give an array saved by numpy.save.") from error
    if found != sha256:
        raise DataError(
            f"The teacher {path} has the hash {found}, not teacher.sha256={sha256}; give the file it is of."
        )
    return values


def _lines(path: Path) -> list[str]:
    try:
        return [line.strip() for line in read_text(path).splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise DataError(f"The list of names {path} cannot be read ({error}); give one person/file a line.") from error
