"""A model file together with how faces are cut out for it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nasface.errors import ExportError, InvalidInput
from nasface.exporters import read_metadata
from nasface.metrics import unit_rows
from nasface.preprocessing import Preprocessing, Template
from nasface.reading import read_bytes
from nasface.recognition.aligned_data import Cutter, chosen_crop
from nasface.recognition.detectors import Detector
from nasface.recognition.faces import Face, Photo
from nasface.recognition.gallery import Threshold, Way
from nasface.runtimes import open_model


@dataclass(frozen=True, eq=False)
class SeenFace:
    """A face with its descriptor.

    Attributes:
        face: Where it is.
        descriptor: float32[d], unit length.
    """

    face: Face
    descriptor: npt.NDArray[np.float32]


class FaceModel:
    """A model file and how faces are cut out for it.

    Args:
        path: `.tflite`, `.onnx`, or another kind that `nasface.runtimes` opens.
        detector: Finds the faces.
        crop: One of `CROPS`.
        template: Where the model wants the five points; None takes what its file says.
        resolution: For files that do not state it.

    Raises:
        InvalidInput: The file is absent or of an unknown kind; faces are to be aligned, and nobody says to what.
        UnknownName: Another `crop`.
    """

    def __init__(
        self,
        path: Path,
        detector: Detector,
        *,
        crop: str = "auto",
        template: Template | None = None,
        resolution: int | None = None,
    ) -> None:
        self._model = open_model(path, resolution)
        self.path, self.detector, self.size = path, detector, self._model.size
        self.metadata = _metadata(path)
        said = self.metadata.get("template")
        self.template = template or (Template.from_dict(said) if isinstance(said, dict) else None)
        self.crop = chosen_crop(crop, detector)
        if self.crop == "aligned" and self.template is None:
            raise InvalidInput(
                f"{path} does not say where eyes and mouth were in its training photos: add "
                "recognition.template=arcface or a file, or recognition.crop=square."
            )

    @cached_property
    def way(self) -> Way:
        """How its descriptors come about."""
        template = self.template.to_dict() if self.crop == "aligned" and self.template is not None else None
        digest = hashlib.sha256(read_bytes(self.path)).hexdigest()
        return Way(digest, self.crop, template, self.detector.name)

    @property
    def cutter(self) -> Cutter:
        """How faces are cut out for it."""
        return Cutter(self.detector, self.crop, self.template)

    def cut(self, photo: Photo, face: Face) -> Photo:
        """The picture of a face that the network takes."""
        return self.cutter.cut(photo, face, self.size)

    def describe(self, pictures: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """float32[n, d] unit descriptors of uint8[n, size, size, 3]."""
        return unit_rows(self._model.embed(Preprocessing(self.size).normalise(pictures)))

    def faces(self, photo: Photo, name: str = "") -> list[SeenFace]:
        """All faces of a photo, best first."""
        found = self.detector.detect(photo, name)
        if not found:
            return []
        descriptors = self.describe(np.stack([self.cut(photo, face) for face in found]))
        return [SeenFace(face, descriptor) for face, descriptor in zip(found, descriptors, strict=True)]

    def threshold(self, far: float) -> Threshold | None:
        """The threshold that the file states for a false accept rate; None if it states none."""
        stated = self.metadata.get("thresholds")
        for entry in stated if isinstance(stated, list) else []:
            if abs(float(entry["far"]) / far - 1) < 1e-6:
                return Threshold(float(entry["squared_l2"]), far, f"metadata of {self.path.name}")
        return None


def _metadata(path: Path) -> dict[str, object]:
    """What a model file says of itself; nothing if it is not of nasface."""
    try:
        return read_metadata(path)
    except ExportError:
        return {}
