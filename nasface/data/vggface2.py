"""VGGFace2 as its authors lay it out: train/n000002/0001_01.jpg, test/n000001/..., lists, identity_meta.csv."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from nasface.data._base import FaceSet
from nasface.data._data import FaceData
from nasface.data._index import PhotoIndex
from nasface.data.folders import AUTO, BESIDE_ROOT, FilesConfig, assemble, find_file, require_root
from nasface.data.people import Parts, Split, split
from nasface.data.sources import FolderSource, scan_folders
from nasface.errors import DataError, listing
from nasface.reading import read_bytes, read_csv
from nasface.registry import register

logger = logging.getLogger(__name__)


@dataclass
class VGGFace2Config(FilesConfig):
    """Parameters of `data=vggface2`, beside those of `FilesConfig`.

    Attributes:
        root: The folder with train/ and test/, or with all people's folders.
        train_list: List of the photos in train/, "n000002/0001_01.jpg" a line; "auto" takes train_list.txt if it is
            there, "none" looks what there is. With a list no folder is read at the start.
        test_list: Likewise for test/, test_list.txt.
        meta: identity_meta.csv: whom to expect, and who is of the test set where all folders lie together.
        split: "image", the default: train and test people are one set, and of every person's photos a share validates;
            so the face supernet's paper trains 9,131 people with 3,067,564 photos and validates with 243,722. With
            "identity" the train people train and validate, and results are reported on the test people.
        training_fraction: Share of the photos, or of the train people, for training.
        validation_fraction: Likewise for validation.
    """

    name: str = "vggface2"
    train_list: str = field(default=AUTO, metadata=BESIDE_ROOT)
    test_list: str = field(default=AUTO, metadata=BESIDE_ROOT)
    meta: str = field(default=AUTO, metadata=BESIDE_ROOT)
    split: str = "image"
    training_fraction: float = 0.9264
    validation_fraction: float = 0.0736


@register("data", "vggface2", config=VGGFace2Config)
def load_vggface2(config: VGGFace2Config) -> FaceData:
    """Open the photos and split them.

    Raises:
        DataError: The root is missing or has no photos; a list is malformed; a person is in train/ and test/.
    """
    root = require_root(config.root, config.name)
    if not root.is_dir():
        raise DataError(
            f"data=vggface2: there is no folder data.root={root}; give the one that holds train/ and test/."
        )
    lists = {
        part: find_file(given, root, (f"{part}_list.txt",))
        for part, given in (("train", config.train_list), ("test", config.test_list))
    }
    parts = {part: root / part for part in lists if (root / part).is_dir()}
    sources = [_part(folder, lists[part]) for part, folder in parts.items()] or [scan_folders([root])]
    source = _merged(sources)
    if not len(source.index):
        raise DataError(
            f"data=vggface2: {root} holds no photos train/person/photo.jpg; give the folder of the data set."
        )
    meta = find_file(config.meta, root, ("identity_meta.csv", "meta/identity_meta.csv"))
    flags = _read_meta(meta, source.index.people) if meta else {}
    if "test" in parts:
        test = {person for person, folder in source.folders.items() if Path(folder).parent == parts["test"]}
    else:
        test = {person for person, flag in flags.items() if flag == "0"}

    def rule(faces: FaceSet, how: Split) -> Parts:
        return _by_release(faces, how, test) if how.kind == "identity" else split(faces, how)

    return assemble(config, FaceSet.all(source), root, rule=rule)


def _by_release(faces: FaceSet, how: Split, test: set[str]) -> Parts:
    """Train people train and validate, test people are reported on, with what the shares leave over."""
    known = split(faces.people_only(set(faces.people) - test), how)
    left = known["report"].people if known["report"] else ()
    report = faces.people_only({*test, *left})
    return known | {"report": report if len(report) else None}


def _part(folder: Path, photos: Path | None) -> FolderSource:
    """The photos of train/ or test/, by the list if there is one."""
    if photos is None:
        return scan_folders([folder])
    try:
        text = read_bytes(photos)
    except (OSError, ValueError) as error:
        raise DataError(
            f"The list of photos {photos} cannot be read ({getattr(error, 'strerror', None) or error})."
        ) from None
    index = PhotoIndex.lines(text)
    wrong = [person for person in index.people if not person or "/" in person or person.startswith(".")]
    if wrong:
        raise DataError(f"{photos} lists photos of {wrong[0]!r}; a line is person/photo.jpg, as n000002/0001_01.jpg.")
    return FolderSource(index, {person: str(folder / person) for person in index.people})


def _merged(sources: list[FolderSource]) -> FolderSource:
    """The photos of all sources, whose people must differ."""
    folders: dict[str, str] = {}
    for source in sources:
        common = sorted(folders.keys() & set(source.index.people))
        if common:
            raise DataError(f"{len(common)} people are in train and in test: {listing(common)}; they must be in one.")
        folders |= {person: source.folders[person] for person in source.index.people}
    indexes = [source.index for source in sources]
    return FolderSource(indexes[0] if len(indexes) == 1 else PhotoIndex.merged(indexes), folders)


def _read_meta(path: Path, people: tuple[str, ...]) -> dict[str, str]:
    """Flag (1 train, 0 test) of every identity; who is expected and missing is counted and logged."""
    try:
        flags = dict(_flags(read_csv(path).rows))
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise DataError(
            f"{path} is not VGGFace2's identity_meta.csv ({error}): give one with the columns Class_ID and Flag, "
            "or data.meta=none."
        ) from None
    missing = sorted(flags.keys() - set(people))
    if missing:
        logger.warning(
            "%d of %d people of %s have no photo here: %s", len(missing), len(flags), path.name, listing(missing)
        )
    return flags


def _flags(rows: Iterable[dict[str, str]]) -> Iterator[tuple[str, str]]:
    for row in rows:
        yield row["Class_ID"].strip(), row["Flag"].strip()
