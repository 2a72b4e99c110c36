"""Labeled Faces in the Wild, and any set kept like it: photos, lists of people and pairs side by side."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nasface.data._base import FaceData, FaceSet, Pairs
from nasface.data.pairs import read_pairs
from nasface.data.people import ROLES, check_disjoint, read_people
from nasface.data.sources import open_source
from nasface.errors import DataError, listing

AUTO = "auto"
NONE = "none"
_PAIRS = ("pairsDevTest.txt", "pairs.txt")


@dataclass
class LFWConfig:
    """Parameters of `data=lfw`. Files are given as paths, relative to the working folder or to the photos' folder.

    Attributes:
        root: A folder root/person/photo, a tar of it, or a folder with such a tar and the text files.
        pairs: File of pairs; "auto" takes pairsDevTest.txt or else pairs.txt beside the photos, "none" takes none.
        training_people: List of people; "auto" takes training_people.txt beside the photos if it is there, "none" none.
        validation_people: Likewise, validation_people.txt.
        report_people: Likewise, report_people.txt; without any list everybody is a report person.
    """

    name: str = "lfw"
    root: str = ""
    pairs: str = AUTO
    training_people: str = AUTO
    validation_people: str = AUTO
    report_people: str = AUTO


def load_lfw(config: LFWConfig) -> FaceData:
    """Open the photos, the lists and the pairs.

    Raises:
        DataError: The root is missing or has no photos; a list or pairs file is missing, malformed, or does not fit the
            photos; sets share people; pairs are of training or validation people.
    """
    faces = open_source(require_root(config.root, config.name), what=f"data={config.name}")
    folder = beside(Path(config.root))
    given = {role: getattr(config, f"{role}_people") for role in ROLES}
    parts = listed_people(faces, folder, given)
    if not any(parts.values()):
        parts["report"] = faces
    return with_pairs(config.name, faces, parts, find_file(config.pairs, folder, _PAIRS))


def require_root(root: str, option: str) -> Path:
    """The root as a path, or a `DataError` saying how to give it."""
    if not root:
        raise DataError(f"data={option} needs to know where the photos are: add data.root=FOLDER_OR_TAR.")
    return Path(root)


def beside(root: Path) -> Path:
    """The folder that text files are looked for in: the root, or the folder a tar lies in."""
    return root.parent if root.is_file() else root


def listed_people(faces: FaceSet, folder: Path, given: dict[str, str]) -> dict[str, FaceSet | None]:
    """Photos per role, `given` being a file, "auto" (ROLE_people.txt in `folder`, if there) or "none"."""
    files = {role: find_file(value, folder, (f"{role}_people.txt",)) for role, value in given.items()}
    parts = {role: read_people(path, faces) if path else None for role, path in files.items()}
    check_disjoint(parts)
    return parts


def with_pairs(name: str, faces: FaceSet, parts: dict[str, FaceSet | None], path: Path | None) -> FaceData:
    """The data with the pairs of a file, which must not show training or validation people."""
    pairs = Pairs.of(read_pairs(path, faces.names), faces, str(path)) if path else None
    if pairs is not None:
        seen = {person for role in ROLES[:2] if (part := parts[role]) for person in part.people}
        common = sorted(seen & set(pairs.photos.people))
        if common:
            raise DataError(
                f"{path} names {len(common)} training or validation people ({listing(common, 3)}), and results must be "
                "on others: give pairs of report people, or, for a network trained elsewhere, set "
                "data.training_people=none data.validation_people=none."
            )
    return FaceData(name, parts["training"], parts["validation"], parts["report"], pairs)


def find_file(value: str, folder: Path, defaults: tuple[str, ...]) -> Path | None:
    """A file that was given (as it stands, or in `folder`), the first default that exists, or None."""
    if value == NONE:
        return None
    candidates = [folder / name for name in defaults] if value == AUTO else [Path(value), folder / value]
    found = next((path for path in candidates if path.is_file()), None)
    if found is None and value != AUTO:
        raise DataError(f"There is no file {value}, neither here nor in {folder}; give an existing file, or '{NONE}'.")
    return found
