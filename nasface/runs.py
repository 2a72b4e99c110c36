"""Files that survive an interruption: written whole under a temporary name, or line by line; JSON, CSV."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import numpy as np

from nasface.errors import InvalidInput, NasfaceError
from nasface.reading import MOST_TEXT_BYTES, parse_json, read_bytes, read_text

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
"""What goes into a JSON file; tuples become lists."""


@contextmanager
def atomic_write(path: Path, *, private: bool = False) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it is synced and renamed to `path`, on error it is removed.

    So nothing half-written ever stands under a final name. A private file is readable by its owner only.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o600 if private else 0o666 & ~_umask())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """The same for a folder: yield a temporary one beside `path`; on success it takes the place of what stood there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent))
    former = temporary.with_suffix(".former.tmp")
    try:
        yield temporary
        for name in temporary.rglob("*"):
            if name.is_file():
                with name.open("rb+") as file:
                    os.fsync(file.fileno())
        temporary.chmod(0o777 & ~_umask())
        if path.is_dir():
            path.replace(former)  # no system call puts a folder over one with files
        try:
            temporary.replace(path)
        except OSError:
            if former.exists():
                former.replace(path)
            raise
    finally:
        for folder in (temporary, former):
            shutil.rmtree(folder, ignore_errors=True)


def remove_leftovers(folder: Path) -> None:
    """Remove what a killed `atomic_write` or `atomic_folder` left in a folder that this process holds."""
    for path in folder.glob(".*.tmp"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


@contextmanager
def held(lock: Path, what: str, remedy: str, error: type[NasfaceError] = InvalidInput) -> Iterator[None]:
    """Keep other processes from something; the system lets go when this one ends, however it ends, so no lock is stale.

    Args:
        lock: A file beside it, made if absent; its content says which process holds it.
        what: For the message, e.g. "mine.csv is being measured".
        remedy: What else to do than to wait.
        error: What to raise.

    Raises:
        NasfaceError: Of the type `error`: another process holds it.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise error(
                f"{what} by another process ({file.read() or 'just started'}); wait for it, {remedy}."
            ) from None
        file.truncate(0)
        file.write(f"process {os.getpid()}")
        file.flush()
        yield


class AppendLog:
    """A text file whose lines are only ever added, each of them on the disk before `append` returns.

    An interruption can leave a last line that was cut short. It has no line end, but neither has the last line of many
    files that people write; `whole` tells the two apart.

    Args:
        path: The file; it need not be there.
        whole: Whether a last line without its end is complete nevertheless.
    """

    def __init__(self, path: Path, whole: Callable[[str], bool]) -> None:
        self.path, self._whole = path, whole

    def lines(self) -> list[str]:
        """The complete lines, without their ends; none if there is no file.

        Raises:
            OSError: The file cannot be read.
            ValueError: It is not UTF-8, or too large for a text.
        """
        text = read_text(self.path) if self.path.exists() else ""
        *lines, last = text.split("\n")
        return [line.removesuffix("\r") for line in lines] + ([last] if last and self._whole(last) else [])

    def mend(self) -> str:
        """Make the file end with a line end, before anything is appended; gives what had to be cut off for that."""
        content = read_bytes(self.path, MOST_TEXT_BYTES) if self.path.exists() else b""
        last = content[content.rfind(b"\n") + 1 :]
        if not last:
            return ""
        text = last.decode("utf-8-sig", "replace")
        if self._whole(text):
            self.append("")
            return ""
        with self.path.open("rb+") as file:
            file.truncate(len(content) - len(last))
        return text

    def append(self, line: str) -> None:
        """Add one line."""
        with self.path.open("ab") as file:
            file.write(f"{line}\n".encode())
            file.flush()
            os.fsync(file.fileno())


def is_json(line: str) -> bool:
    """Whether a line is a JSON value: of such files, the lines that are `whole`."""
    try:
        parse_json(line)
    except ValueError:
        return False
    return True


@contextmanager
def locked(path: Path, patience: float | None = None) -> Iterator[bool]:
    """Hold a lock file, which the system lets go of when a process ends, however it ends.

    Args:
        path: The lock file; made if absent, and left there.
        patience: Seconds to wait for another holder; None waits as long as it takes.

    Yields:
        Whether the lock is held; False after `patience` seconds.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        yield True
        return
    with path.open("w") as file:
        if patience is None:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield True
        else:
            yield _try_lock(lambda: fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB), patience)


def _try_lock(lock: Callable[[], None], patience: float) -> bool:
    last = time.monotonic() + patience
    while True:
        try:
            lock()
        except BlockingIOError:
            if time.monotonic() >= last:
                return False
            time.sleep(0.05)
        else:
            return True


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file atomically."""
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_rows(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    """Write a CSV file atomically: a heading, and a line a row; absent values are empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


def write_json(path: Path, value: object) -> None:
    """Write JSON atomically: indented, keys in the given order, no NaN."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False, default=_plain) + "\n")


def _plain(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
