"""`task=evaluate model=FILE data=...`: how good models or descriptor files are on the report people, as one table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from rich.table import Table

from nasface.analysis import Row, Value
from nasface.data import FaceData
from nasface.errors import InvalidInput, listing
from nasface.jobs import Outcome, Run
from nasface.randomness import Part
from nasface.recognition import Judgement, embed_photos, judge
from nasface.reports import Page
from nasface.reports.cells import cell_text


class Evaluated(NamedTuple):
    """What was measured of one file.

    Attributes:
        name: The file's, for people.
        judgement: The figures.
        skipped: Names of photos that could not be read.
    """

    name: str
    judgement: Judgement
    skipped: tuple[str, ...]

    def to_row(self) -> dict[str, Value]:
        """A line of the table."""
        return {"model": self.name, **self.judgement.row()}


def run(run: Run) -> Outcome:
    """Measure every file of `model=` on the same people and pairs."""
    models = _models(run)
    data = run.open_data()
    files = [judge_file(run, path, data) for path in models]
    rows = [file.to_row() for file in files]
    skipped = sorted({name for file in files for name in file.skipped})
    title = _title(files[0].judgement)
    _show(run, rows, skipped, title)
    page = Page("nasface evaluation", f"{title}; data {data.fingerprint[:12]}")
    page.table(list(rows[0]), [[row.get(column) for column in rows[0]] for row in rows])
    names = list(files[0].judgement.intervals)
    if names:
        page.heading("95 % intervals over people")
        intervals = [[file.name, *map(file.judgement.interval, names)] for file in files]
        page.table(["model", *names], intervals)
    page.write(run.folder / "report.html")
    run.console.print(f"report: {run.shown(run.folder / 'report.html')}", soft_wrap=True)
    details = {file.name: file.judgement.to_dict() for file in files}
    return Outcome({"data": data.fingerprint, "rows": rows, "details": details, "skipped": skipped})


def judge_file(run: Run, path: Path, data: FaceData) -> Evaluated:
    """Measure one file."""
    faces = data.photos_to_judge
    with run.console.status(f"{path.name}: {len(faces)} photos"):
        embedded = embed_photos(path, faces, run.settings.space.get("resolution"))
        options = run.settings.evaluation
        judgement = judge(embedded, faces, data, options.far, options.bootstrap, run.rng(Part.BOOTSTRAP))
    return Evaluated(run.shown(path), judgement, embedded.skipped)


def _title(judgement: Judgement) -> str:
    """What was measured on."""
    parts = []
    if (every := judgement.all_pairs) is not None:
        parts.append(f"{every.people} report people, {every.photos} photos")
        parts.append(f"{every.genuine:,} genuine and {every.impostors:,} impostor pairs")
    elif judgement.pairs is not None:
        parts.append(f"{judgement.pairs.genuine + judgement.pairs.impostors:,} listed pairs")
    return ", ".join(parts)


def _show(run: Run, rows: Sequence[Row], skipped: list[str], title: str) -> None:
    table = Table("", title=title)
    for row in rows:  # a column each: names of files are long, and there are more figures than files
        table.add_column(str(row["model"]), overflow="fold")
    for figure in list(rows[0])[1:]:
        table.add_row(figure, *[cell_text(row[figure]) for row in rows])
    run.console.print(table)
    if skipped:
        run.console.note(f"{len(skipped)} unreadable photos were skipped:", listing(skipped))


def _models(run: Run) -> list[Path]:
    given = run.settings.model
    names = given if isinstance(given, list) else [given]
    if not names or None in names:
        raise InvalidInput(
            "task=evaluate needs model=FILE or model=[A,B]: .tflite, .onnx, TorchScript .pt, or descriptors .npy/.npz."
        )
    return [run.path(str(name)) for name in names]
