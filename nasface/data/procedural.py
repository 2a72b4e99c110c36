"""Drawn faces for tests and trials: numpy only, no photograph of anybody.

A person is a handful of numbers (shape of the face, eyes, brows, nose, mouth, tones); a photo adds a pose, a light, an
expression and noise. Both are functions of the seed, the person and the photo alone, so any photo can be drawn at any
size, in any order, and is the same everywhere. The pictures are schematic: for testing code, not for stating accuracy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nasface.data._base import FaceSet, Photo
from nasface.data._data import FaceData, Pairs
from nasface.data._index import PhotoIndex
from nasface.data.pairs import NamedPairs, stratified_folds
from nasface.errors import InvalidInput
from nasface.registry import register

Ranges = Mapping[str, tuple[float, float]]
Values = Mapping[str, float]
Floats = npt.NDArray[np.float64]

# Lengths are in units of half the picture's side, y pointing down; tones are in 0..1.
_PERSON: Ranges = {
    "face_width": (0.48, 0.66),
    "face_height": (0.66, 0.84),
    "jaw": (1.8, 3.2),  # exponent of the outline: 2 is an ellipse, more is squarer
    "skin": (0.45, 0.85),
    "warmth": (0.0, 0.18),
    "hair": (0.05, 0.6),
    "hairline": (-0.62, -0.38),
    "eye_distance": (0.20, 0.32),
    "eye_height": (-0.18, -0.04),
    "eye_width": (0.08, 0.14),
    "eye_opening": (0.035, 0.075),
    "iris": (0.05, 0.5),
    "brow_gap": (0.10, 0.17),
    "brow_width": (0.11, 0.18),
    "brow_thickness": (0.015, 0.045),
    "brow_angle": (-0.35, 0.35),
    "nose_length": (0.12, 0.24),
    "nose_width": (0.05, 0.12),
    "mouth_height": (0.32, 0.46),
    "mouth_width": (0.14, 0.28),
    "lips": (0.025, 0.06),
    "lip_tone": (0.25, 0.6),
}
_PHOTO: Ranges = {
    "shift_x": (-0.05, 0.05),
    "shift_y": (-0.05, 0.05),
    "scale": (0.92, 1.08),
    "tilt": (-0.12, 0.12),
    "gain": (0.75, 1.2),
    "light_x": (-0.2, 0.2),
    "light_y": (-0.15, 0.15),
    "noise": (0.01, 0.05),
    "background": (0.3, 0.8),
    "smile": (0.85, 1.25),
    "mouth_open": (0.8, 1.8),
    "brow_lift": (-0.02, 0.03),
    "gaze": (-0.03, 0.03),
}


@dataclass
class ProceduralConfig:
    """Parameters of `data=procedural`.

    Attributes:
        people: Number of people: the first half train, the next quarter validate, the rest are reported on.
        photos: Photos of each person.
        seed: Another seed, other people.
    """

    name: str = "procedural"
    people: int = 80
    photos: int = 6
    seed: int = 0


@dataclass(frozen=True, eq=False)
class ProceduralSource:
    """Draws the photo "person_PPPP/PPPP_NN.png" of the people that `seed` gives."""

    index: PhotoIndex
    seed: int

    def photo(self, row: int, size: int) -> Photo:
        """Draw the photo; it is never unreadable."""
        file = self.index.names[row].rpartition("/")[2]
        person, number = (int(part) for part in file.removesuffix(".png").split("_"))
        rng = np.random.default_rng([self.seed, person, number])
        view = _draw(_PHOTO, rng)
        picture = _light(_paint(_draw(_PERSON, np.random.default_rng([self.seed, person])), view, size), view)
        noise = view["noise"] * rng.standard_normal((size, size, 1))
        return np.asarray(np.rint(255.0 * np.clip(picture + noise, 0.0, 1.0)), np.uint8)

    def fingerprint(self, row: int) -> str:
        """The seed: name and seed fix the photo."""
        return f"seed {self.seed}"


@register("data", "procedural", config=ProceduralConfig)
def load_procedural(config: ProceduralConfig) -> FaceData:
    """Drawn people in three sets, with as many genuine as impostor pairs of the report people in ten folds.

    Raises:
        InvalidInput: Too few people or photos for three sets and ten folds.
    """
    training, validation = config.people // 2, config.people // 4
    report = config.people - training - validation
    genuine = report * (config.photos * (config.photos - 1) // 2)
    if report < 3 or genuine < 10 or config.seed < 0:
        raise InvalidInput(
            "data=procedural needs a seed of 0 or more, and enough people and photos for ten pairs of report people; "
            f"asked for were {config.people} people, {config.photos} photos of each, seed {config.seed}: try "
            "data.people=80 data.photos=6."
        )
    parts = range(training), range(training, training + validation), range(training + validation, config.people)
    train, validate, test = (_people(part, config) for part in parts)
    return FaceData(config.name, train, validate, test, _pairs(test, config))


def _people(people: range, config: ProceduralConfig) -> FaceSet:
    names = (f"person_{p:04d}/{p:04d}_{k:02d}.png" for p in people for k in range(config.photos))
    return FaceSet.all(ProceduralSource(PhotoIndex.of(names), config.seed))


def _pairs(faces: FaceSet, config: ProceduralConfig) -> Pairs:
    """All genuine pairs, then as many impostor pairs, drawn from all of them."""
    first, second = np.triu_indices(len(faces), 1)
    same = faces.labels[first] == faces.labels[second]
    genuine, impostors = np.flatnonzero(same), np.flatnonzero(~same)
    rng = np.random.default_rng([config.seed, config.people, config.photos])
    chosen = np.concatenate([genuine, np.sort(rng.choice(impostors, min(len(genuine), len(impostors)), replace=False))])
    one, two = (tuple(faces.names[row] for row in rows) for rows in (first[chosen], second[chosen]))
    return Pairs.of(NamedPairs(one, two, same[chosen], stratified_folds(same[chosen])), faces, "data=procedural")


def _draw(ranges: Ranges, rng: np.random.Generator) -> Values:
    return {name: float(rng.uniform(low, high)) for name, (low, high) in ranges.items()}


def _paint(p: Values, v: Values, size: int) -> Floats:
    """The face in flat tones, (size, size, 3) in 0..1: ellipses painted one over the other."""
    y, x = np.meshgrid(*2 * [(np.arange(size) + 0.5) * (2.0 / size) - 1.0], indexing="ij")
    x, y = (x - v["shift_x"]) / v["scale"], (y - v["shift_y"]) / v["scale"]
    cos, sin = np.cos(v["tilt"]), np.sin(v["tilt"])
    x, y = cos * x + sin * y, cos * y - sin * x
    canvas = np.full((size, size, 3), v["background"])

    def ellipse(
        cx: float, cy: float, rx: float, ry: float, tone: Floats, power: float = 2.0, angle: float = 0.0
    ) -> None:
        c, s = np.cos(angle), np.sin(angle)
        u, w = c * (x - cx) + s * (y - cy), c * (y - cy) - s * (x - cx)
        inside = 1.0 - (np.abs(u / rx) ** power + np.abs(w / ry) ** power) ** (1.0 / power)
        cover = np.clip(0.5 + inside * min(rx, ry) * size / 2.0, 0.0, 1.0)[..., None]  # one pixel of soft edge
        canvas[:] = canvas * (1.0 - cover) + cover * tone

    skin = p["skin"] + p["warmth"] * np.array([1.0, 0.0, -0.8])
    hair, lips = np.full(3, p["hair"]), skin * p["lip_tone"] + np.array([0.25, 0.0, 0.0])
    ellipse(0.0, -0.12, p["face_width"] + 0.12, p["face_height"] + 0.06, hair)
    ellipse(0.0, 0.0, p["face_width"], p["face_height"], skin, p["jaw"])
    ellipse(0.0, p["hairline"] - 0.3, p["face_width"], 0.32, hair)
    for side in (-1.0, 1.0):
        eye = side * p["eye_distance"]
        ellipse(eye, p["eye_height"], p["eye_width"], p["eye_opening"], np.full(3, 0.95))
        ellipse(eye + v["gaze"], p["eye_height"], 0.9 * p["eye_opening"], 0.9 * p["eye_opening"], np.full(3, p["iris"]))
        brow = p["eye_height"] - p["brow_gap"] - v["brow_lift"]
        ellipse(eye, brow, p["brow_width"], p["brow_thickness"], 0.7 * hair, angle=side * p["brow_angle"])
    ellipse(0.0, p["eye_height"] + 0.5 * p["nose_length"], 0.02, 0.5 * p["nose_length"], 0.85 * skin)
    ellipse(0.0, p["eye_height"] + p["nose_length"], p["nose_width"], 0.025, 0.7 * skin)
    ellipse(0.0, p["mouth_height"], p["mouth_width"] * v["smile"], p["lips"] * v["mouth_open"], lips)
    return canvas


def _light(picture: Floats, v: Values) -> Floats:
    """A gain that varies linearly over the picture."""
    ramp = np.linspace(-1.0, 1.0, len(picture))
    gain = v["gain"] * (1.0 + v["light_x"] * ramp[None, :] + v["light_y"] * ramp[:, None])
    return np.asarray(picture * gain[..., None])
