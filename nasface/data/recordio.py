"""Folders in the format of InsightFace (`train.rec`, `train.idx`, `property`, `*.bin`), and what im2rec writes."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from nasface.data._base import FaceSet, Photo, UnreadablePhotoError
from nasface.data._data import FaceData
from nasface.data._index import PhotoIndex, Strings, Texts
from nasface.data.decoding import decode
from nasface.data.folders import AUTO, BESIDE_ROOT, FilesConfig, assemble, beside, find_file, require_root, with_pairs
from nasface.data.people import ROLES
from nasface.data.record_file import Record, RecordFile, read_index
from nasface.errors import DataError, listing
from nasface.reading import read_bytes, read_text
from nasface.registry import register

logger = logging.getLogger(__name__)

NAMES: Final = "names.txt"
"""Names of the photos, "person/file", line k being image k; `task=pack` writes it. Without it labels are the names."""

_PAIRS = ("pairs.bin", "lfw.bin")
_EXACT: Final = 1 << 24
"""From here on float32, the type of all labels, does not hold every number."""

Numbers = npt.NDArray[np.int64]


@dataclass
class RecordIOConfig(FilesConfig):
    """Parameters of `data=recordio`, beside those of `FilesConfig`.

    Attributes:
        root: A folder with one `.rec` and its `.idx`, or the `.rec`; a folder without any serves its `.bin` of pairs.
        pairs: A `.bin` of pairs, or text where there is a names.txt; "auto" takes pairs.bin or else lfw.bin.
        training_fraction: These sets are for training: 19 of 20 people train,
        validation_fraction: and the others validate.
    """

    name: str = "recordio"
    pairs: str = field(default=AUTO, metadata=BESIDE_ROOT)
    training_fraction: float = 0.95
    validation_fraction: float = 0.05


@dataclass(frozen=True, eq=False)
class RecordSource:
    """Photos in a RecordIO file: the offset of each."""

    index: PhotoIndex
    file: RecordFile
    offsets: Numbers = field(repr=False)

    def photo(self, row: int, size: int) -> Photo:
        """Decode and resize as `nasface.data.sources.decode`."""
        return decode(self.file.read(int(self.offsets[row])).data, size)

    def fingerprint(self, row: int) -> str:
        """The offset: those of all photos say the sizes of all but the last, and nothing is read."""
        return str(self.offsets[row])


class _Numbered(Texts):
    """Names made of label and key, padded so that they ascend as the numbers do."""

    def __init__(self, labels: Numbers, keys: Numbers) -> None:
        self._labels, self._keys = labels.astype(np.int32), keys.astype(np.uint32 if keys.max() < 2**32 else np.int64)
        self._widths = max(7, len(str(labels.max()))), max(9, len(str(keys.max())))

    def text(self, row: int) -> str:
        """E.g. "0000012/000001234.jpg"."""
        return f"{self.person(int(self._labels[row]))}/{self._keys[row]:0{self._widths[1]}d}.jpg"

    def person(self, label: int) -> str:
        """E.g. "0000012"."""
        return f"{label:0{self._widths[0]}d}"

    def __len__(self) -> int:
        return len(self._keys)


@register("data", "recordio", config=RecordIOConfig)
def load_recordio(config: RecordIOConfig) -> FaceData:
    """Open the records, the lists and the pairs.

    Raises:
        DataError: There are neither records nor pairs; the files are damaged or do not fit each other; as `load_lfw`.
    """
    root = require_root(config.root, config.name)
    path = _record_path(root)
    if path is not None:
        return assemble(config, FaceSet.all(open_records(path)), beside(root), _PAIRS)
    pairs = find_file(config.pairs, root, _PAIRS)
    if pairs is None:
        raise DataError(
            f"data={config.name}: {root} holds no .rec and no pairs; give a folder with train.rec, or a .bin."
        )
    return with_pairs(config, None, dict.fromkeys(ROLES), pairs)


def open_records(path: Path) -> RecordSource:
    """The photos of a `.rec`, from its `.idx` and, in InsightFace's format, one record per person.

    A missing `.idx` is made up for by looking through the file; damaged records are left out and counted.

    Raises:
        DataError: The files are damaged or do not fit each other.
    """
    file = RecordFile(path)
    keys, offsets = _index(file, path.with_suffix(".idx"))
    try:
        images, labels = _images(file, keys, offsets)
    except UnreadablePhotoError as error:
        raise DataError(f"{path} and its .idx do not belong together ({error}); copy both again.") from None
    keys, offsets = keys[images], offsets[images]
    _check_labels(labels, path)
    whole, names = labels.astype(np.int64), path.with_name(NAMES)
    index, order = _named(names, whole) if names.is_file() else _numbered(whole, keys)
    return RecordSource(index, file, offsets[order])


def _record_path(root: Path) -> Path | None:
    """The one `.rec` of a folder, preferring train.rec; None if there is none."""
    if not root.exists():
        raise DataError(
            f"data=recordio: there is nothing at data.root={root}; give a folder with train.rec and train.idx."
        )
    if root.is_file():
        return root
    found = sorted(root.glob("*.rec"))
    train = root / "train.rec"
    if train not in found and len(found) > 1:
        raise DataError(f"{root} holds {len(found)} .rec files and no train.rec; give the path of one as data.root.")
    return train if train in found else found[0] if found else None


def _index(file: RecordFile, path: Path) -> tuple[Numbers, Numbers]:
    """Keys and offsets, from the file itself where it has no index."""
    if path.exists():
        return read_index(path)
    keys, offsets = file.index()
    if not len(keys):
        raise DataError(f"{file.path} holds no records, and there is no {path.name} beside it; copy both again.")
    logger.warning("there is no %s: %d records were found in %s itself", path.name, len(keys), file.path.name)
    return keys, offsets


def _labels(file: RecordFile, keys: Numbers, offsets: Numbers) -> tuple[Numbers, npt.NDArray[np.float32]]:
    """Places of the records that are there, and their labels; a damaged one is left out and said."""
    labels, there = file.first_labels(offsets)
    lost = keys[~there]
    if 2 * len(lost) >= max(len(keys), 1):
        raise DataError(f"{file.path} and its .idx do not belong together: no record where the index says one.")
    if len(lost):
        logger.warning(
            "left out %d damaged records of %s: %s", len(lost), file.path, listing(list(map(str, lost.tolist())))
        )
    return np.flatnonzero(there), labels[there]


def _images(file: RecordFile, keys: Numbers, offsets: Numbers) -> tuple[Numbers, npt.NDArray[np.float32]]:
    """Which records are photos, by their places, and their labels.

    In InsightFace's format record 0 has two labels and no data: photos come before the first number, records of people
    up to the second. Otherwise (im2rec) every record is a photo.
    """
    head = file.read(int(offsets[0])) if keys[0] == 0 else None
    if head is None or not _is_person(head):
        return _labels(file, keys, offsets)
    end = _first_person(file, keys, offsets, int(_whole(head.labels)[0]))
    people = [file.read(offset) for offset in offsets[end:].tolist()]
    ranges = _whole([person.labels for person in people if _is_person(person)]).reshape(-1, 2)
    images = np.arange(1, end)
    runs = ranges[np.argsort(ranges[:, 0], kind="stable")]
    empty = int((runs[:, 0] >= runs[:, 1]).sum())
    if empty:
        logger.warning("passed over %d of %d people without a photo", empty, len(runs))
    runs = runs[runs[:, 0] < runs[:, 1]]
    if _tile(runs, keys[images]):  # not where there are more photos than float32 counts
        labels, there = file.first_labels(offsets[np.searchsorted(keys, runs[:, 0])])
        if there.all():
            return images, np.repeat(labels, runs[:, 1] - runs[:, 0])
    places, labels = _labels(file, keys[images], offsets[images])
    return images[places], labels


def _whole(labels: Sequence[object]) -> Numbers:
    """Labels as whole numbers; what is no number becomes 0, which no key of a photo is."""
    return np.nan_to_num(np.array(labels, np.float64), nan=0.0, posinf=0.0, neginf=0.0).astype(np.int64)


def _is_person(record: Record) -> bool:
    return len(record.labels) == 2 and not record.data


def _first_person(file: RecordFile, keys: Numbers, offsets: Numbers, stated: int) -> int:
    """The place of the first record of a person; record 0 states its key as float32, which rounds large numbers."""
    place = int(np.clip(np.searchsorted(keys, stated), 1, len(keys)))

    def person_at(place: int) -> bool:
        try:
            return _is_person(file.read(int(offsets[place])))
        except UnreadablePhotoError:  # a damaged photo, which is skipped when its turn comes
            return False

    while place > 1 and person_at(place - 1):
        place -= 1
    while place < len(keys) and not person_at(place):
        place += 1
    return place


def _tile(runs: Numbers, keys: Numbers) -> bool:
    """Whether runs of keys, ascending, cover exactly these keys."""
    if not len(runs) or not len(keys) or runs[-1, 1] >= _EXACT or len(keys) != keys[-1] - keys[0] + 1:
        return False
    bounds = np.append(runs[:, 0], runs[-1, 1])
    return bounds[0] == keys[0] and bounds[-1] == keys[-1] + 1 and bool((runs[:-1, 1] == runs[1:, 0]).all())


def _check_labels(labels: npt.NDArray[np.float32], path: Path) -> None:
    """Refuse labels that are no class numbers, or more of them than `property` says."""
    if not len(labels):
        raise DataError(f"{path} holds no photos.")
    if not np.isfinite(labels).all() or labels.min() < 0 or (labels != np.floor(labels)).any():
        raise DataError(f"{path} has labels that are no class numbers (0, 1, 2, ...); give one whole number per photo.")
    try:
        classes = int(read_text(path.with_name("property"), 4096).split(",")[0])
    except (OSError, ValueError):
        return
    if labels.max() >= classes:
        raise DataError(
            f"{path} has labels up to {int(labels.max())}, and the file `property` beside it says {classes} classes; "
            "the files do not belong together: copy them again, or remove `property`."
        )


def _numbered(labels: Numbers, keys: Numbers) -> tuple[PhotoIndex, Numbers]:
    """An index with numbers for names, and the order of the photos in it."""
    order = np.lexsort((keys, labels))
    names = _Numbered(labels[order], keys[order])
    present, codes = np.unique(labels[order], return_inverse=True)
    return PhotoIndex(names, codes.astype(np.int32), tuple(names.person(label) for label in present.tolist())), order


def _named(path: Path, labels: Numbers) -> tuple[PhotoIndex, Numbers]:
    """An index with the names of a file, and the order of the photos in it."""
    names = Strings.lines(read_bytes(path))
    if len(names) != len(labels):
        raise DataError(
            f"{path} names {len(names)} photos, and there are {len(labels)} beside it; copy the files again."
        )
    order = np.arange(len(names))
    try:
        index = PhotoIndex.ascending(names)
    except ValueError:
        order = np.array(sorted(range(len(names)), key=names.text))
        index = PhotoIndex.of(names)
    if len(np.unique(np.stack([labels[order], index.labels]), axis=1).T) != len(index.people):
        raise DataError(f"{path} gives some people's photos another label than others of theirs; copy the files again.")
    return index, order
