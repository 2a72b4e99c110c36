"""Groups of people, for errors by group: a list that the user gives. Nothing is inferred from a photo."""

from __future__ import annotations

from pathlib import Path

from nasface.data._base import FaceSet
from nasface.errors import DataError
from nasface.reading import read_csv


def read_groups(path: Path, faces: FaceSet) -> tuple[str, ...]:
    """The group of every photo, "" where the file names none.

    Args:
        path: CSV with a column `group` and a column `photo` ("person/file") or `person`.
        faces: The photos.

    Raises:
        DataError: There is no such file, it lacks the columns, names one photo or person twice, or none of these.
    """
    try:
        columns, rows = read_csv(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read ({error}); give a CSV file with person,group or photo,group.") from None
    key = next((column for column in ("photo", "person") if column in columns), None)
    if key is None or "group" not in columns:
        raise DataError(f"{path} has the columns {', '.join(columns)}; needed are group, and photo or person.")
    groups = {row[key]: (row["group"] or "").strip() for row in rows}
    if len(groups) < len(rows):
        raise DataError(f"{path} names a {key} twice; give each one group.")
    names = faces.names if key == "photo" else [name.rpartition("/")[0] for name in faces.names]
    found = tuple(groups.get(name, "") for name in names)
    if not any(found):
        raise DataError(f"{path} names no {key} of these photos; names are as in {faces.names[0]}.")
    return found
