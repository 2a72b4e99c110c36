"""A gallery: descriptors of known people, and everything needed to compare others with them.

A gallery is a value: enrolling or removing somebody gives another one. Descriptors are kept as float16 (about 3 kB a
photo of 1536 numbers); no photo and no name of a file is kept. It belongs to one model file, one way of cutting faces
out and one template: descriptors of another model mean nothing beside its own, so that they are refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from nasface.errors import GalleryError, InvalidInput, UnknownName
from nasface.metrics import unit_rows

Descriptors = npt.NDArray[np.float32]
"""float32[n, d]."""

BLOCK: Final = 256
"""Descriptors that are compared at one time: about what a processor's cache holds as float32."""


@dataclass(frozen=True)
class Threshold:
    """Below which squared L2 distance of unit descriptors two photos are taken for one person.

    Attributes:
        squared_l2: The distance, in (0, 4).
        far: Share of pairs of different people that are taken for one person with it, or None if nobody measured.
        origin: Who measured it on whom.
    """

    squared_l2: float
    far: float | None
    origin: str

    def __post_init__(self) -> None:
        if not 0 < self.squared_l2 < 4:
            raise InvalidInput(
                f"A threshold is a squared L2 distance of unit descriptors, between 0 and 4, not {self.squared_l2:g}."
            )

    @property
    def cosine(self) -> float:
        """The same as a least cosine."""
        return 1 - self.squared_l2 / 2


@dataclass(frozen=True)
class Way:
    """How descriptors came about; two are comparable only if all of it is the same.

    Attributes:
        model: SHA-256 of the model file.
        crop: How faces were cut out: "aligned", "square" or "box".
        template: Of the model, as JSON values; None if faces were not aligned.
        detector: Name of the detector.
    """

    model: str
    crop: str
    template: Mapping[str, Any] | None
    detector: str


@dataclass(frozen=True, eq=False)
class Gallery:
    """Known people.

    Attributes:
        people: Their names, ascending.
        descriptors: float16[n, d], unit length.
        labels: int32[n], person of every descriptor, ascending.
        way: How the descriptors came about; None while there are none.
        threshold: For saying "unknown"; None if nobody stated one.
    """

    people: tuple[str, ...] = ()
    descriptors: npt.NDArray[np.float16] = field(default_factory=lambda: np.zeros((0, 0), np.float16))
    labels: npt.NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    way: Way | None = None
    threshold: Threshold | None = None

    def __len__(self) -> int:
        return len(self.descriptors)

    @property
    def counts(self) -> dict[str, int]:
        """Descriptors of every person."""
        return dict(zip(self.people, np.bincount(self.labels, minlength=len(self.people)).tolist(), strict=True))

    def check(self, way: Way, name: str) -> None:
        """Refuse to compare with descriptors that came about otherwise.

        Args:
            way: Of the others.
            name: Of this gallery, for the message.

        Raises:
            GalleryError: Model, template or crop differ.
        """
        if self.way is None:
            return
        mine, other = asdict(self.way), asdict(way)
        for key, remedy in _REMEDIES.items():
            if mine[key] != other[key]:
                raise GalleryError(
                    f"{name} was made with another {key} ({_short(mine[key])}, now {_short(other[key])}), and such "
                    f"descriptors cannot be compared: {remedy}."
                )

    def enrolled(self, name: str, descriptors: Descriptors, way: Way) -> Gallery:
        """With more descriptors of a person, who may be new.

        Raises:
            InvalidInput: No name, or a name with line breaks; no or bad descriptors.
            GalleryError: The descriptors came about otherwise than those here.
        """
        name = name.strip()
        if not name or not name.isprintable():
            raise InvalidInput(f"A person needs a name of printable characters, not {name!r}.")
        self.check(way, "This gallery")
        rows = unit_rows(descriptors).astype(np.float16)
        kept = self.descriptors if len(self) else np.zeros((0, rows.shape[1]), np.float16)
        names = [self.people[label] for label in self.labels.tolist()] + [name] * len(rows)
        return replace(_ordered(names, np.concatenate([kept, rows])), way=way, threshold=self.threshold)

    def without(self, name: str) -> Gallery:
        """Without a person.

        Raises:
            UnknownName: Nobody has that name.
        """
        if name not in self.people:
            raise UnknownName("person in the gallery", name, self.people)
        stays = self.labels != self.people.index(name)
        names = [self.people[label] for label in self.labels[stays].tolist()]
        return replace(_ordered(names, self.descriptors[stays]), way=self.way, threshold=self.threshold)

    def check_enrolled(self) -> None:
        """Raise `GalleryError` if nobody is enrolled."""
        if not len(self):
            raise GalleryError("Nobody is enrolled in this gallery; enrol people with task=enrol.")

    def nearest(self, probes: Descriptors) -> Descriptors:
        """float32[m, people], squared L2 distance of every probe to the nearest descriptor of every person.

        Args:
            probes: float32[m, d], unit length.

        Raises:
            GalleryError: Nobody is enrolled.
        """
        self.check_enrolled()
        best = np.full((len(probes), len(self.people)), -np.inf, np.float32)
        for rows, block in self.blocks():
            labels = self.labels[rows]
            starts = np.flatnonzero(np.diff(labels, prepend=-1))
            people = labels[starts]
            best[:, people] = np.maximum(best[:, people], np.maximum.reduceat(probes @ block.T, starts, axis=1))
        return np.asarray(np.maximum(2 - 2 * best, 0), np.float32)

    def blocks(self) -> Iterator[tuple[slice, Descriptors]]:
        """The descriptors as float32, some thousands at a time, and which they are."""
        for start in range(0, len(self), BLOCK):
            rows = slice(start, start + BLOCK)
            yield rows, widened(self.descriptors[rows])


def widened(halves: npt.NDArray[np.float16]) -> Descriptors:
    """Finite float16 as float32, by moving bits: several times as fast as numpy's conversion.

    A float16 has 5 bits of exponent and 10 of mantissa; moved to the places that float32 has them in, the exponent is
    too small by 112.
    """
    bits = np.ascontiguousarray(halves).view(np.int16).astype(np.int32)  # keeps the sign in the highest bit
    bits <<= 13
    bits &= np.int32(-0x70002000)  # 0x8FFFE000: the sign, and what was moved
    return bits.view(np.float32) * np.float32(2.0**112)


_REMEDIES: Final = {
    "model": "take the model it was made with, or enrol the people again",
    "crop": "set recognition.crop as it was, or enrol the people again",
    "template": "take the same recognition.template, or enrol the people again",
    "detector": "take the same detector, or enrol the people again",
}


def _ordered(names: list[str], descriptors: npt.NDArray[np.float16]) -> Gallery:
    people, labels = np.unique(np.array(names, dtype=np.str_), return_inverse=True)
    order = np.argsort(labels, kind="stable")
    return Gallery(tuple(people.tolist()), descriptors[order], labels[order].astype(np.int32))


def _short(value: object) -> str:
    return str(value)[:12] if isinstance(value, str) else "of other points"
