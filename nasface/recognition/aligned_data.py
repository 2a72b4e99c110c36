"""Raw photos as a model wants its faces: one path for training, accuracy tables, evaluation and galleries."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

from nasface.data import FaceData, FaceSet, PhotoIndex, PhotoSource, UnreadablePhotoError
from nasface.errors import InvalidInput, UnknownName
from nasface.preprocessing import Template
from nasface.recognition.alignment import aligned, squared, squashed
from nasface.recognition.detectors import Detector
from nasface.recognition.faces import Face, Photo, central

CROPS: Final = ("auto", "aligned", "square", "box")
"""How a face is cut out: by its points onto the template, the square around its box, its box made a square (the
paper's); auto aligns where the detector gives points, and takes the box of others."""


def chosen_crop(crop: str, detector: Detector) -> str:
    """One of `CROPS` but "auto", which goes by what the detector gives; raises `UnknownName`."""
    if crop not in CROPS:
        raise UnknownName("way of cutting faces out", crop, CROPS)
    return ("aligned" if detector.gives_points else "box") if crop == "auto" else crop


@runtime_checkable
class WholePhotoSource(PhotoSource, Protocol):
    """A source that also gives photos as they are."""

    def whole(self, row: int) -> Photo:
        """The photo as uint8 RGB (height, width, 3), upright; raises `UnreadablePhotoError`."""
        ...


@dataclass(frozen=True, eq=False)
class Cutter:
    """How a face is found and cut out of a photo.

    Attributes:
        detector: Finds the faces; of several the one at the photo's centre is meant (LFW's rule).
        crop: "aligned", "square" or "box".
        template: Where the five points go; needed to align.

    Raises:
        InvalidInput: Faces are to be aligned without a template.
    """

    detector: Detector
    crop: str
    template: Template | None

    def __post_init__(self) -> None:
        if self.crop == "aligned" and self.template is None:
            raise InvalidInput("Nobody says where eyes and mouth are to be: add supernet.template=arcface or a file.")

    def cut(self, photo: Photo, face: Face, size: int) -> Photo:
        """The picture of a face, uint8 (size, size, 3)."""
        if self.crop == "aligned" and self.template is not None:
            return aligned(photo, face, self.template, size)
        return (squared if self.crop == "square" else squashed)(photo, face.box, size)

    @property
    def fingerprint(self) -> str:
        """Changes with anything that changes the pictures."""
        template = None if self.template is None else self.template.to_dict()
        text = json.dumps([self.detector.name, self.crop, template], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


@dataclass(frozen=True, eq=False)
class AlignedSource:
    """Faces cut out of another source's photos; a photo without a face counts as unreadable."""

    source: WholePhotoSource
    cutter: Cutter

    @property
    def index(self) -> PhotoIndex:
        """That of the photos."""
        return self.source.index

    def photo(self, row: int, size: int) -> Photo:
        """The face at the photo's centre."""
        photo = self.source.whole(row)
        faces = self.cutter.detector.detect(photo, self.index.names[row])
        if not faces:
            raise UnreadablePhotoError("no face found")
        return self.cutter.cut(photo, central(faces, photo), size)

    def fingerprint(self, row: int) -> str:
        """The photo's, and how its face is cut out."""
        return f"{self.source.fingerprint(row)} {self.cutter.fingerprint}"


def aligned_data(data: FaceData, cutter: Cutter) -> FaceData:
    """The same people with their faces cut out of the photos.

    Raises:
        InvalidInput: The photos are kept where they cannot be had as they are (RecordIO, `.bin`).
    """
    sources: dict[int, AlignedSource] = {}

    def convert(faces: FaceSet | None) -> FaceSet | None:
        if faces is None:
            return None
        if not isinstance(faces.source, WholePhotoSource):
            raise InvalidInput(f"data.align needs photos in folders or a tar; data={data.name} holds faces already.")
        source = sources.setdefault(id(faces.source), AlignedSource(faces.source, cutter))
        return FaceSet(source, faces.rows)

    pairs = data.pairs
    if pairs is not None and (photos := convert(pairs.photos)) is not None:
        pairs = dataclasses.replace(pairs, photos=photos)
    training, validation, report = (convert(part) for part in data.parts.values())
    return dataclasses.replace(data, training=training, validation=validation, report=report, pairs=pairs)
