"""`task=evaluate model=FILE data=...`: how good models or descriptor files are on the report people, as one table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.table import Table

from nasface.data import FaceData, load_data
from nasface.errors import DataError, InvalidInput
from nasface.recognition import Judgement, embed_photos, judge, photos_to_judge
from nasface.reports import Page
from nasface.reports.page import cell_text
from nasface.tasks._run import Outcome, Run


def run(run: Run) -> Outcome:
    """Measure every file of `model=` on the same people and pairs."""
    models = _models(run)
    data = open_data(run)
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


def open_data(run: Run) -> FaceData:
    """The photos of the group `data`; relative paths are relative to where the command was started."""
    settings = dict(run.settings.data)
    if settings["name"] == "none":
        raise DataError(
            "This needs photos: add data=lfw data.root=FOLDER, data=image_folder data.root=FOLDER or data=procedural."
        )
    if settings.get("root"):
        settings["root"] = str(run.path(settings["root"]))
    with run.console.status(f"looking for the photos of data={settings['name']}"):
        data = load_data(settings)
    run.console.print(data.summary, soft_wrap=True)
    return data


def judge_file(run: Run, path: Path, data: FaceData) -> tuple[Judgement, tuple[str, ...]]:
    """Measure one file; also the names of photos that could not be read."""
    faces = photos_to_judge(data)
    with run.console.status(f"{path.name}: {len(faces)} photos"):
        embedded = embed_photos(path, faces, run.settings.space.get("resolution"))
        options = run.settings.evaluation
        judgement = judge(embedded, faces, data, options.far, options.bootstrap, run.rng("bootstrap"))
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
