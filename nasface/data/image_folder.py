"""Your own photos: root/person/photo, one folder per person."""

from __future__ import annotations

from dataclasses import dataclass

from nasface.data._base import FaceData
from nasface.data.lfw import AUTO, NONE, beside, find_file, listed_people, require_root, with_pairs
from nasface.data.people import ROLES, split_by_hash
from nasface.data.sources import open_source


@dataclass
class ImageFolderConfig:
    """Parameters of `data=image_folder`.

    Attributes:
        root: A folder root/person/photo (.jpg, .jpeg, .png, .bmp, .webp), or an uncompressed tar of it.
        training_people: List of people, one name a line; "auto" takes training_people.txt in the root if it is there.
        validation_people: Likewise, validation_people.txt.
        report_people: Likewise, report_people.txt.
        training_fraction: Where there is no list at all: share of people for training, drawn by a hash of the name.
        validation_fraction: Likewise for validation; the rest is reported on.
        pairs: File of pairs in the format of Labeled Faces in the Wild, or "none" (all pairs are compared anyway).
    """

    name: str = "image_folder"
    root: str = ""
    training_people: str = AUTO
    validation_people: str = AUTO
    report_people: str = AUTO
    training_fraction: float = 0.5
    validation_fraction: float = 0.2
    pairs: str = NONE


def load_image_folder(config: ImageFolderConfig) -> FaceData:
    """Open the photos and split the people.

    Raises:
        DataError: As `load_lfw`.
        InvalidInput: The fractions do not fit.
    """
    root = require_root(config.root, config.name)
    faces = open_source(root, what=f"data={config.name}")
    folder = beside(root)
    parts = listed_people(faces, folder, {role: getattr(config, f"{role}_people") for role in ROLES})
    if not any(parts.values()):
        parts = split_by_hash(faces, config.training_fraction, config.validation_fraction)
    return with_pairs(config.name, faces, parts, find_file(config.pairs, folder, ()))
