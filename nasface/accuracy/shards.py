"""One table measured by several processes: a file for each, joined afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from nasface.accuracy.table import AccuracyTable, merge_tables, read_table
from nasface.errors import TableError
from nasface.reading import read_bytes
from nasface.spaces import SearchSpace


def related(path: Path) -> list[Path]:
    """The files that are there of a table: its own, and those of its shards, in order of their numbers."""
    shards = [file for file in path.parent.glob(f"{path.stem}.*of*{path.suffix}") if _numbers(path, file)]
    return [file for file in (path,) if file.exists()] + sorted(shards, key=lambda file: _numbers(path, file) or (0, 0))


def measured_elsewhere(path: Path, own: Path, space: SearchSpace, shared: Mapping[str, str]) -> set[bytes]:
    """Genotypes in other files of the same table, so that no network is measured twice.

    Args:
        path: The whole table's file.
        own: The file to be continued, which is left out.
        space: The space.
        shared: What the rows must belong to.

    Raises:
        TableError: A file belongs to something else.
    """
    found: set[bytes] = set()
    for file in related(path):
        if file != own and read_bytes(file).count(b"\n") > 1:
            table = read_table(file, space)
            table.check(
                supernet=shared["supernet"], resolution=int(shared["resolution"]), data=shared["data"], name=str(file)
            )
            found |= {genotype.tobytes() for genotype in table.genotypes}
    return found


def join(files: Sequence[Path], space: SearchSpace) -> AccuracyTable:
    """The distinct rows of several files; those without a row, as of a shard that has just begun, are passed over.

    Raises:
        TableError: There is nothing to join, or see `read_table` and `merge_tables`.
    """
    begun = [file for file in files if not file.exists() or read_bytes(file).count(b"\n") != 1]
    if not begun:
        raise TableError(
            "There is no table to join: give accuracy.parts=[a.csv,b.csv], or an accuracy.table with shards beside it."
        )
    return merge_tables([read_table(file, space) for file in begun], [str(file) for file in begun])


def _numbers(path: Path, file: Path) -> tuple[int, int] | None:
    """(shard, shards) from the name of a shard's file; None for any other file."""
    words = file.name.removeprefix(f"{path.stem}.").removesuffix(path.suffix).split("of")
    return (int(words[0]), int(words[1])) if len(words) == 2 and all(word.isdecimal() for word in words) else None
