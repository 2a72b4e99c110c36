"""Photos in folders or in an uncompressed tar: root/person/file, decoded with Pillow (extra [torch])."""

from __future__ import annotations

import logging
import os
import tarfile
import unicodedata
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from nasface.data._base import FaceSet, Photo, UnreadablePhotoError
from nasface.data._index import PhotoIndex, Strings, normal
from nasface.data.decoding import HEIF, MOST_PHOTO_BYTES, decode, decode_whole, suffixes
from nasface.errors import DataError, listing
from nasface.reading import read_bytes

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class FolderSource:
    """Photos in files, one folder per person. Files are looked at when they are read, not before."""

    index: PhotoIndex
    folders: Mapping[str, str] = field(repr=False)

    def photo(self, row: int, size: int) -> Photo:
        """Decode, turn upright, convert to RGB, and resize (bilinear, aspect not kept) where the size differs."""
        return decode(self.encoded(row), size)

    def whole(self, row: int) -> Photo:
        """Decode, turn upright, convert to RGB, and nothing else."""
        return decode_whole(self.encoded(row))

    def encoded(self, row: int) -> bytes:
        """The file as it is."""
        try:
            return read_bytes(self.path(row), MOST_PHOTO_BYTES)
        except (OSError, ValueError) as error:
            raise UnreadablePhotoError(getattr(error, "strerror", None) or str(error)) from error

    def fingerprint(self, row: int) -> str:
        """The file's size in bytes."""
        try:
            return str(self.path(row).stat().st_size)
        except OSError:
            return "absent"

    def path(self, row: int) -> Path:
        """The photo's file."""
        person, _, file = self.index.names[row].rpartition("/")
        path = Path(self.folders[person], file)
        if file.isascii() or path.exists():
            return path
        return path.with_name(unicodedata.normalize("NFD", file))  # as macOS writes names


@dataclass(frozen=True, eq=False)
class TarSource:
    """Photos in a tar: where each begins and how long it is, in bytes. Keeps no file open."""

    index: PhotoIndex
    tar: Path
    offsets: npt.NDArray[np.int64] = field(repr=False)
    lengths: npt.NDArray[np.int64] = field(repr=False)

    def photo(self, row: int, size: int) -> Photo:
        """As `FolderSource.photo`."""
        return decode(self.encoded(row), size)

    def whole(self, row: int) -> Photo:
        """As `FolderSource.whole`."""
        return decode_whole(self.encoded(row))

    def encoded(self, row: int) -> bytes:
        """As `FolderSource.encoded`."""
        if self.lengths[row] > MOST_PHOTO_BYTES:
            raise UnreadablePhotoError(f"it is larger than {MOST_PHOTO_BYTES / 1e6:.0f} MB, which no such file is")
        try:
            with self.tar.open("rb") as file:
                file.seek(int(self.offsets[row]))
                return file.read(int(self.lengths[row]))
        except OSError as error:
            raise UnreadablePhotoError(error.strerror or str(error)) from error

    def fingerprint(self, row: int) -> str:
        """The photo's size in bytes."""
        return str(self.lengths[row])


def open_source(root: Path, *, what: str) -> FaceSet:
    """All photos below `root`: a folder root/person/photo, an uncompressed tar of that, or a folder with one such tar.

    A folder that holds nothing but the folder of people is entered. Whatever is left out is counted and logged by kind.

    Args:
        root: Folder or tar.
        what: Who asks, for messages, e.g. "data=lfw".

    Raises:
        DataError: Nothing there, no photos, several tars, or a tar that is damaged or compressed.
    """
    if not root.exists():
        raise DataError(
            f"{what}: there is nothing at data.root={root}; give a folder root/person/photo.jpg or a tar of it."
        )
    left_out = LeftOut()
    source: FolderSource | TarSource = _in_tar(root, left_out) if root.is_file() else _in_folder(root, left_out)
    if not len(source.index) and root.is_dir() and (any(root.glob("*.tar")) or not left_out.kinds):
        source = _in_tar(_only_tar(root), left_out)
    left_out.log(root)
    if not len(source.index):
        raise DataError(
            f"{what}: {root} holds no photos of the form person/photo with suffix {', '.join(suffixes())}"
            f"{left_out.in_words(': ')}."
        )
    return FaceSet.all(source)


def _in_folder(root: Path, left_out: LeftOut) -> FolderSource:
    """The people below a folder, or below the one folder in it (as archives unpack)."""
    source = scan_folders([root], left_out)
    inner = [Path(entry.path) for entry in _entries(root, left_out) if entry.is_dir() and not _is_junk(entry.name)]
    if len(source.index) or len(inner) != 1:
        return source
    logger.info("%s holds one folder, %s, whose folders are taken for people", root, inner[0].name)
    deeper = LeftOut()
    found = scan_folders([inner[0]], deeper)
    if len(found.index):
        left_out.kinds = deeper.kinds
        return found
    return source


def scan_folders(roots: Sequence[Path], left_out: LeftOut | None = None) -> FolderSource:
    """The photos in folders of people below one or more roots; asks the file system for names only.

    Names are in Unicode's composed form (NFC), whatever the file system has.

    Raises:
        DataError: A person has a folder below two of the roots.
    """
    counted = LeftOut() if left_out is None else left_out
    folders: dict[str, str] = {}
    for root in roots:
        for entry in _entries(root, counted):
            if _is_junk(entry.name):
                counted.add("folders of other programs", entry.name)
            elif not entry.is_dir():
                counted.add_file(entry.name)
            else:
                person = normal(entry.name)
                if person in folders:
                    raise DataError(
                        f"{person} has photos in {folders[person]} and in {entry.path}; a person needs one folder."
                    )
                folders[person] = entry.path
    labels, people = array("i"), sorted(folders)
    code = {person: row for row, person in enumerate(people)}

    def names() -> Iterator[str]:
        for person in sorted(folders, key=lambda name: f"{name}/"):
            files = sorted(normal(entry.name) for entry in _photos(folders[person], counted))
            if not files:
                counted.add("folders without a photo", person)
            for file in files:
                labels.append(code[person])
                yield f"{person}/{file}"

    index = PhotoIndex(Strings.of(names()), np.frombuffer(labels, np.int32), tuple(people))
    if left_out is None and len(index):
        for root in roots:
            counted.log(root)
    return FolderSource(index, folders)


def _photos(folder: str, left_out: LeftOut) -> Iterator[os.DirEntry[str]]:
    for entry in _entries(folder, left_out):
        if entry.is_dir():
            if not _is_junk(entry.name):
                left_out.add("folders inside folders of people", f"{Path(folder).name}/{entry.name}")
        elif is_photo(entry.name):
            yield entry
        else:
            left_out.add_file(entry.name)


def _entries(folder: str | Path, left_out: LeftOut) -> list[os.DirEntry[str]]:
    """What lies in a folder, hidden things apart; what cannot be looked at is left out."""
    found = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                try:
                    readable = entry.is_dir() or entry.is_file()
                except OSError:  # a link in a loop
                    readable = False
                if readable:
                    found.append(entry)
                else:
                    left_out.add("broken links", entry.name)
    except OSError as error:
        left_out.add(f"folders that cannot be entered ({error.strerror})", Path(folder).name)
    return found


def _in_tar(path: Path, left_out: LeftOut) -> TarSource:
    """Names are the last two parts of the members' paths, so a leading folder in the tar does not matter."""
    offsets, lengths = array("q"), array("q")
    size = path.stat().st_size

    def names() -> Iterator[str]:
        with tarfile.open(path, "r:") as tar:
            before = -1
            for member in tar:
                if member.offset <= before or not 0 <= member.size <= size - member.offset_data:
                    raise tarfile.TarError(f"a member at byte {member.offset} that says it has {member.size} bytes")
                before = member.offset
                parts = member.name.rsplit("/", 2)[-2:]
                if member.isreg() and len(parts) == 2 and is_photo(parts[1]):
                    offsets.append(member.offset_data)
                    lengths.append(member.size)
                    yield normal("/".join(parts))
                elif member.isreg() and not parts[-1].startswith("."):
                    left_out.add_file(parts[-1])
                tar.members.clear()  # type: ignore[attr-defined]  # else it keeps about a kilobyte for every photo

    try:
        found = Strings.of(names())
    except (OSError, tarfile.TarError, ValueError, OverflowError) as error:
        raise DataError(
            f"{path} is not an uncompressed tar of photos ({error}); unpack it, or give a plain .tar."
        ) from error
    last = {name: row for row, name in enumerate(found)}  # of two members of one name the last counts, as in unpacking
    order = np.array([last[name] for name in sorted(last)], np.int64)
    index = PhotoIndex.ascending(Strings.of(found[row] for row in order.tolist()))
    return TarSource(index, path, np.frombuffer(offsets, np.int64)[order], np.frombuffer(lengths, np.int64)[order])


def _only_tar(root: Path) -> Path:
    tars = sorted(root.glob("*.tar"))
    if len(tars) != 1:
        raise DataError(
            f"{root} holds no folders with photos and {len(tars)} tar files; give a folder root/person/photo.jpg, or "
            "the path of one tar."
        )
    return tars[0]


def is_photo(name: str) -> bool:
    """Whether a file of this name is taken for a photo."""
    return not name.startswith(".") and name.lower().endswith(suffixes())


def _is_junk(name: str) -> bool:
    """Folders that file servers and archivers put beside photos."""
    return name.startswith(("@", "$")) or name in ("__MACOSX", "lost+found", "#recycle", "System Volume Information")


class LeftOut:
    """What lies among the photos and is not read: counted by kind, with a few names."""

    def __init__(self) -> None:
        self.kinds: dict[str, list[str]] = {}

    def add(self, kind: str, name: str) -> None:
        """Count one."""
        self.kinds.setdefault(kind, []).append(name)

    def add_file(self, name: str) -> None:
        """Count a file by its suffix; lists of people and pairs, tars and the like lie where they belong."""
        suffix = Path(name).suffix.lower()
        if suffix not in _BESIDE:
            self.add(f"{suffix or 'suffixless'} files{_HINTS.get(suffix, '')}", name)

    def in_words(self, prefix: str = "") -> str:
        """All kinds with their numbers, or nothing."""
        kinds = (f"{len(names)} {kind} ({listing(names, 3)})" for kind, names in self.kinds.items())
        text = "; ".join(kinds)
        return f"{prefix}{text}" if text else ""

    def log(self, root: Path) -> None:
        """Say what was left out below a root, if anything was."""
        if self.kinds:
            logger.warning("left out in %s: %s", root, self.in_words())


_BESIDE: Final = (".txt", ".csv", ".json", ".md", ".tar", ".bin", ".npy", ".npz", ".rec", ".idx", ".lst", ".ini", ".db")
_HINTS: Final = dict.fromkeys(HEIF, " (install pillow-heif to read them)")
