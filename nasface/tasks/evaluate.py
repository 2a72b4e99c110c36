"""`task=evaluate model=FILE data=...`: how good models or descriptor files are on the report people, as one table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.table import Table

from nasface.data import FaceData
from nasface.errors import InvalidInput
from nasface.jobs import Outcome, Run
from nasface.randomness import Part
from nasface.recognition import Judgement, embed_photos, judge
from nasface.reports import Page
from nasface.reports.cells import cell_text


def run(run: Run) -> Outcome:
    """Measure every file of `model=` on the same people and pairs."""
    models = _models(run)
    data = run.open_data()
    judgements = {run.shown(path): judge_file(run, path, data) for path in models}
    rows = [{"model": name} | judgement.row() for name, (judgement, _) in judgements.items()]
    skipped = sorted({name for _, names in judgements.values() for name in names})
    title = _title(next(iter(judgements.values()))[0])
    _show(run, rows, skipped, title)
    page = Page("nasface evaluation", f"{title}; data {data.fingerprint[:12]}")
    page.table(list(rows[0]), [[row.get(column) for column in rows[0]] for row in rows])
    names = list(judgements[next(iter(judgements))][0].intervals)
    if names:
        page.heading("95 % intervals over people")
        page.table(
            ["model", *names], [[model, *[j.interval(name) for name in names]] for model, (j, _) in judgements.items()]
        )
    page.write(run.folder / "report.html")
    run.console.print(f"report: {run.shown(run.folder / 'report.html')}", soft_wrap=True)
    details = {name: judgement.to_dict() for name, (judgement, _) in judgements.items()}
    return Outcome({"data": data.fingerprint, "rows": rows, "details": details, "skipped": skipped})


def judge_file(run: Run, path: Path, data: FaceData) -> tuple[Judgement, tuple[str, ...]]:
    """Measure one file; also the names of photos that could not be read."""
    faces = data.photos_to_judge
    with run.console.status(f"{path.name}: {len(faces)} photos"):
        embedded = embed_photos(path, faces, run.settings.space.get("resolution"))
        options = run.settings.evaluation
        judgement = judge(embedded, faces, data, options.far, options.bootstrap, run.rng(Part.BOOTSTRAP))
    return judgement, embedded.skipped


def _title(judgement: Judgement) -> str:
    """What was measured on."""
    parts = []
    if (every := judgement.all_pairs) is not None:
        parts.append(f"{every.people} report people, {every.photos} photos")
        parts.append(f"{every.genuine:,} genuine and {every.impostors:,} impostor pairs")
    elif judgement.pairs is not None:
        parts.append(f"{judgement.pairs.genuine + judgement.pairs.impostors:,} listed pairs")
    return ", ".join(parts)


def _show(run: Run, rows: list[dict[str, Any]], skipped: list[str], title: str) -> None:
    table = Table("", title=title)
    for row in rows:  # a column each: names of files are long, and there are more figures than files
        table.add_column(str(row["model"]), overflow="fold")
    for figure in list(rows[0])[1:]:
        table.add_row(figure, *[cell_text(row[figure]) for row in rows])
    run.console.print(table)
    if skipped:
        run.console.print(f"[yellow]{len(skipped)} unreadable photos were skipped[/yellow]: {', '.join(skipped[:5])}")


def _models(run: Run) -> list[Path]:
    given = run.settings.model
    names = given if isinstance(given, list) else [given]
    if not names or None in names:
        raise InvalidInput(
            "task=evaluate needs model=FILE or model=[A,B]: .tflite, .onnx, TorchScript .pt, or descriptors .npy/.npz."
        )
    return [run.path(str(name)) for name in names]
