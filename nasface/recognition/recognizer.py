"""Faces in photos, whose they are, and whether two are of one person: `Recognizer`, the whole path in one place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from nasface.errors import DataError, GalleryError, InvalidInput, UnknownName
from nasface.preprocessing import Template, read_template
from nasface.recognition.classifiers import Classifier
from nasface.recognition.detectors import Detector
from nasface.recognition.face_model import FaceModel, SeenFace
from nasface.recognition.faces import Face, Photo, central, check_photo, largest
from nasface.recognition.gallery import Gallery, Threshold
from nasface.recognition.gallery_file import GalleryFile, Passphrase
from nasface.recognition.photos import open_photo
from nasface.registry import build

Image = str | Path | Photo
"""A photo's file, or uint8 RGB (height, width, 3)."""

WHICH: Final = ("only", "largest", "central")
"""Which of several faces is meant where one is needed."""


@dataclass(frozen=True)
class Candidate:
    """A person of the gallery and the squared L2 distance of a face to their nearest photo."""

    name: str
    distance: float


@dataclass(frozen=True, eq=False)
class Identified:
    """Whose face it is.

    Attributes:
        face: Where it is.
        name: Of the person; None for "unknown".
        candidates: The likeliest people, best first, whether or not they are near enough.
    """

    face: Face
    name: str | None
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True)
class Verdict:
    """Whether two photos show one person.

    Attributes:
        same: The answer.
        distance: Squared L2 distance of the two unit descriptors.
        threshold: What it was compared with.
    """

    same: bool
    distance: float
    threshold: Threshold


class Recognizer:
    """Finds faces, compares them, and names the people of a gallery.

    Example::

        recognizer = nasface.Recognizer("model.tflite", "family.gallery")
        recognizer.enrol("Ada", ["ada1.jpg", "ada2.jpg"])
        for found in recognizer.identify("party.jpg"):
            print(found.name or "unknown", found.face.box)

    Args:
        model: A model file, or a `FaceModel`.
        gallery: The gallery's file; it is made by the first `enrol`.
        detector: Name of a registered detector, or one that was built.
        crop: One of `CROPS`.
        template: "arcface", a JSON file or a `Template`; None takes the model's own.
        threshold: Squared L2 distance below which two photos show one person; None takes the gallery's, or what the
            model's file states for `far`.
        far: False accept rate of that threshold.
        classifier: Name of a registered classifier, or one that was built: ranks the people of the gallery.
        passphrase: Of an encrypted gallery: the text, or a function that asks for it.
        encrypt: Whether a new gallery is encrypted.

    Raises:
        InvalidInput, UnknownName: See `FaceModel`.
    """

    def __init__(
        self,
        model: str | Path | FaceModel,
        gallery: str | Path | None = None,
        *,
        detector: str | Detector = "yunet",
        crop: str = "auto",
        template: str | Template | None = None,
        threshold: float | None = None,
        far: float = 1e-3,
        classifier: str | Classifier = "nearest",
        passphrase: str | Passphrase | None = None,
        encrypt: bool = False,
    ) -> None:
        if not isinstance(model, FaceModel):
            built = build("detector", {"name": detector}) if isinstance(detector, str) else detector
            points = read_template(template, Path()) if isinstance(template, str) else template
            model = FaceModel(Path(model), built, crop=crop, template=points)
        self.model, self._far, self._given = model, far, threshold
        self._classifier = build("classifier", {"name": classifier}) if isinstance(classifier, str) else classifier
        ask = (lambda: passphrase) if isinstance(passphrase, str) else passphrase
        self._file = None if gallery is None else GalleryFile(Path(gallery), ask, encrypt=encrypt)

    def faces(self, image: Image) -> list[SeenFace]:
        """All faces of a photo with their descriptors, best first."""
        photo, name = _opened(image)
        return self.model.faces(photo, name)

    def face(self, image: Image, which: str = "only") -> SeenFace:
        """The one face that is meant.

        Args:
            image: A photo.
            which: One of `WHICH`.

        Raises:
            DataError: The photo shows no face, or several with which="only".
        """
        if which not in WHICH:
            raise UnknownName("choice among faces", which, WHICH)
        photo, name = _opened(image)
        found = self.model.faces(photo, name)
        shown = name or "The photo"
        if not found:
            raise DataError(
                f"{shown} shows no face that detector={self.model.detector.name} finds; give another photo."
            )
        if which == "only" and len(found) > 1:
            raise DataError(
                f"{shown} shows {len(found)} faces, and one is needed: cut the photo, or set recognition.which=largest."
            )
        faces = [seen.face for seen in found]
        chosen = central(faces, photo) if which == "central" else largest(faces)
        return next(seen for seen in found if seen.face is chosen)

    def verify(self, first: Image, second: Image, which: str = "only") -> Verdict:
        """Whether two photos show one person.

        Raises:
            GalleryError: Nobody states a threshold; the gallery that would is damaged, or of another model.
            DataError: See `face`.
        """
        threshold = self.threshold()
        one, two = (self.face(image, which).descriptor for image in (first, second))
        distance = float(np.square(one - two).sum())
        return Verdict(distance < threshold.squared_l2, distance, threshold)

    def enrol(self, name: str, images: Iterable[Image | SeenFace], which: str = "only") -> int:
        """Add photos of a person to the gallery, all or none.

        Args:
            name: The person's; known people get more photos.
            images: Photos, or faces that `face` gave.
            which: One of `WHICH`.

        Returns:
            How many descriptors the person has now.

        Raises:
            DataError: See `face`.
            InvalidInput: No photo is given; no name.
            GalleryError: The gallery is of another model, held by another process, or damaged.
        """
        faces = [image if isinstance(image, SeenFace) else self.face(image, which) for image in images]
        return self.enrol_people({name: faces}).counts[name.strip()]

    def enrol_people(self, people: Mapping[str, Sequence[SeenFace]]) -> Gallery:
        """Add faces of several people at once; the gallery as it is then. Errors as `enrol`."""
        with self._gallery_file.changing() as write:
            gallery = self._gallery_file.read() if self._gallery_file.path.exists() else Gallery()
            for name, faces in people.items():
                if not faces:
                    raise InvalidInput(f"No photo of {name} was given.")
                gallery = gallery.enrolled(name, np.stack([seen.descriptor for seen in faces]), self.model.way)
            if gallery.threshold is None:
                gallery = replace(gallery, threshold=self.model.threshold(self._far))
            write(gallery)
        return gallery

    def identify(self, image: Image, candidates: int = 3) -> list[Identified]:
        """Whose faces a photo shows, the surest face first.

        Args:
            image: A photo.
            candidates: How many people are listed for a face.

        Raises:
            GalleryError: The gallery is damaged, empty, or of another model; nobody states a threshold.
        """
        gallery = self.gallery()
        threshold = self.threshold(gallery)
        found = self.faces(image)
        if not found:
            return []
        probes = np.stack([seen.descriptor for seen in found])
        distances = gallery.nearest(probes)
        self._classifier.fit(gallery)
        order = np.argsort(-self._classifier.scores(probes, distances), axis=1, kind="stable")[:, :candidates]
        return [
            _identified(seen.face, gallery.people, row, nearest, threshold)
            for seen, row, nearest in zip(found, order.tolist(), distances, strict=True)
        ]

    def gallery(self) -> Gallery:
        """What is enrolled, checked to be comparable with this model's descriptors."""
        gallery = self._gallery_file.read()
        gallery.check(self.model.way, str(self._gallery_file.path))
        return gallery

    def threshold(self, gallery: Gallery | None = None) -> Threshold:
        """What decides: the caller's, else the gallery's, else what the model's file states.

        Args:
            gallery: As it was read; None reads it, if there is one.

        Raises:
            GalleryError: Nobody states one; or as `gallery`.
        """
        if self._given is not None:
            return Threshold(self._given, None, "given by the user")
        if gallery is None and self._file is not None and self._file.path.exists():
            gallery = self.gallery()
        found = (gallery.threshold if gallery is not None else None) or self.model.threshold(self._far)
        if found is None:
            raise GalleryError(
                f"Nobody has measured a threshold for {self.model.path.name} at a false accept rate of {self._far:g}: "
                "measure one with task=gallery recognition.action=calibrate data=..., or set recognition.threshold=."
            )
        return found

    @property
    def _gallery_file(self) -> GalleryFile:
        if self._file is None:
            raise InvalidInput("This needs a gallery: say which file, recognition.gallery=FILE.")
        return self._file


def _identified(
    face: Face, people: Sequence[str], row: list[int], distances: npt.NDArray[np.float32], threshold: Threshold
) -> Identified:
    candidates = tuple(Candidate(people[person], float(distances[person])) for person in row)
    known = candidates[0].distance < threshold.squared_l2
    return Identified(face, candidates[0].name if known else None, candidates)


def _opened(image: Image) -> tuple[Photo, str]:
    """The photo and what it is called."""
    if isinstance(image, np.ndarray):
        check_photo(image)
        return image, ""
    return open_photo(Path(image)), str(image)
