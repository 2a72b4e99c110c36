"""What the options that read files have in common: a root, lists of people, a split, pairs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from nasface.configs import existing
from nasface.data._base import FaceSet
from nasface.data._data import FaceData, Pairs
from nasface.data.pairs import FOLDS, read_pairs
from nasface.data.people import ROLES, Parts, Split, check_disjoint, read_people, split
from nasface.data.verification_bin import read_bin
from nasface.errors import DataError, InvalidInput, listing
from nasface.metrics import balanced_pairs

AUTO = "auto"
NONE = "none"
BESIDE_ROOT = existing(words=(AUTO, NONE), beside="root")
"""Of files that may lie beside the photos."""


@dataclass
class FilesConfig:
    """Parameters of every option that reads files. Files are relative to the working folder or to the photos' folder.

    Attributes:
        root: Where the photos are.
        pairs: File of pairs: text in the format of Labeled Faces in the Wild, or a `.bin` of InsightFace; "none" takes
            none.
        training_people: List of people, one name a line; "auto" takes training_people.txt beside the photos if it is
            there, "none" takes none.
        validation_people: Likewise, validation_people.txt.
        report_people: Likewise, report_people.txt.
        split: Where there is no list: "identity", "image" or "none", see `nasface.data.people.SPLITS`.
        training_fraction: Share for training: of the people, or, with split=image, of a person's photos.
        validation_fraction: Likewise for validation; the rest are report people.
        split_seed: Another seed, another draw; of generated pairs too.
        generate_pairs: Pairs of report people to draw in place of a file: as many of one person as of two, in folds
            without a common person; 0 draws none.
        align: The photos are whole ones: find the face at the centre of each and cut it out for the network
            (detector=, recognition.crop=).
        groups: CSV with the columns group and photo ("person/file") or person: evaluate reports errors by group.
    """

    name: str = ""
    root: str = field(default="", metadata=existing())
    pairs: str = field(default=NONE, metadata=BESIDE_ROOT)
    training_people: str = field(default=AUTO, metadata=BESIDE_ROOT)
    validation_people: str = field(default=AUTO, metadata=BESIDE_ROOT)
    report_people: str = field(default=AUTO, metadata=BESIDE_ROOT)
    split: str = "identity"
    training_fraction: float = 0.5
    validation_fraction: float = 0.2
    split_seed: int = 0
    generate_pairs: int = 0
    align: bool = False
    groups: str = field(default=NONE, metadata=existing(words=(NONE,)))

    def __post_init__(self) -> None:
        _ = self.how  # refuses what cannot be before folders are scanned
        if self.generate_pairs < 0:
            raise InvalidInput(f"data.generate_pairs is {self.generate_pairs}; give the number of pairs, e.g. 6000.")

    @property
    def how(self) -> Split:
        """The split, checked."""
        return Split(self.split, self.training_fraction, self.validation_fraction, self.split_seed)


def assemble(
    config: FilesConfig,
    faces: FaceSet,
    folder: Path,
    pairs: tuple[str, ...] = (),
    rule: Callable[[FaceSet, Split], Parts] = split,
) -> FaceData:
    """The data: roles by lists or else by the split, and pairs.

    Args:
        config: What was asked for.
        faces: All photos.
        folder: Where lists and pairs are looked for.
        pairs: Names that "auto" tries for the file of pairs.
        rule: Splits the photos where there are no lists.

    Raises:
        DataError: A list or a pairs file is missing, malformed, or does not fit the photos; sets share people; pairs
            show training or validation people; a split by photos is asked for beside lists of who trains.
    """
    parts = listed_people(faces, folder, {role: getattr(config, f"{role}_people") for role in ROLES})
    how = config.how
    if how.kind == "image" and any(parts.values()):
        raise DataError(
            f"data.split=image draws the sets itself, and there are lists of {listing([r for r in ROLES if parts[r]])} "
            "people: take data.split=identity, or switch the lists off with data.training_people=none and so on."
        )
    drawn = "" if any(parts.values()) else how.in_words
    if drawn:
        parts = rule(faces, how)
    data = with_pairs(config, faces, parts, find_file(config.pairs, folder, pairs))
    return dataclasses.replace(data, drawn=drawn)


def require_root(root: str, option: str) -> Path:
    """The root as a path, or a `DataError` saying how to give it."""
    if not root:
        raise DataError(f"data={option} needs to know where the photos are: add data.root=FOLDER_OR_TAR.")
    return Path(root)


def beside(root: Path) -> Path:
    """The folder that text files are looked for in: the root, or the folder a tar lies in."""
    return root.parent if root.is_file() else root


def listed_people(faces: FaceSet, folder: Path, given: dict[str, str]) -> Parts:
    """Photos per role, `given` being a file, "auto" (ROLE_people.txt in `folder`, if there) or "none"."""
    files = {role: find_file(value, folder, (f"{role}_people.txt",)) for role, value in given.items()}
    parts = {role: read_people(path, faces) if path else None for role, path in files.items()}
    check_disjoint(parts)
    return parts


def with_pairs(config: FilesConfig, faces: FaceSet | None, parts: Parts, path: Path | None) -> FaceData:
    """The data with the pairs of a file, which must not show training or validation people.

    A `.bin` does not say whom it shows, so that this cannot be checked there.
    """
    training, validation, report = (parts[role] for role in ROLES)
    data = FaceData(
        config.name, training, validation, report, closed_set=config.split == "image" and validation is not None
    )
    if config.generate_pairs:
        return dataclasses.replace(data, pairs=_drawn(data.require("report"), config.generate_pairs, config.split_seed))
    if path is None:
        return data
    if path.suffix == ".bin":
        return dataclasses.replace(data, pairs=read_bin(path))
    if faces is None:
        raise DataError(f"{path} names photos, and there are none at data.root={config.root}; give a .bin of pairs.")
    pairs = Pairs.of(read_pairs(path, faces.names), faces, str(path))
    seen = {person for role in ROLES[:2] if (part := parts[role]) for person in part.people}
    common = sorted(seen & set(pairs.photos.people))
    if common:
        raise DataError(
            f"{path} names {len(common)} training or validation people ({listing(common, 3)}), and results must be "
            f"on others: give pairs of report people, or, for a network trained elsewhere, set {_everybody(config)}."
        )
    return dataclasses.replace(data, pairs=pairs)


def _everybody(config: FilesConfig) -> str:
    """The options with which everybody is a report person: lists are switched off, and nobody is drawn instead."""
    options = ["data.training_people=none", "data.validation_people=none", "data.split=none"]
    return " ".join(options[: 2 if config.split == NONE else 3])


def _drawn(report: FaceSet, n: int, seed: int) -> Pairs:
    drawn = balanced_pairs(report.labels, np.random.default_rng(seed), per_fold=max(n // (2 * FOLDS), 1))
    used = np.unique(np.concatenate([drawn.first, drawn.second]))
    first, second = (np.searchsorted(used, rows) for rows in (drawn.first, drawn.second))
    return Pairs(report.select(used), first, second, drawn.same, drawn.folds)


def find_file(value: str, folder: Path, defaults: tuple[str, ...]) -> Path | None:
    """A file that was given (as it stands, or in `folder`), the first default that exists, or None."""
    if value == NONE:
        return None
    candidates = [folder / name for name in defaults] if value == AUTO else [Path(value).expanduser(), folder / value]
    found = next((path for path in candidates if path.is_file()), None)
    if found is None and value != AUTO:
        raise DataError(f"There is no file {value}, neither here nor in {folder}; give an existing file, or '{NONE}'.")
    return found
