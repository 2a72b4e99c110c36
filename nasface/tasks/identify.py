"""`task=identify model=... recognition.gallery=... recognition.photos=...`: whose faces photos show."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table

from nasface.analysis import Value
from nasface.errors import DataError
from nasface.jobs import Outcome, Run
from nasface.recognition.recognizer import Identified
from nasface.runs import Json, write_rows
from nasface.tasks._recognising import build_recognizer, counted, photo_paths
from nasface.tasks.following import following

COLUMNS = ("photo", "face", "left", "top", "right", "bottom", "name", "distance", "candidates")


def run(run: Run) -> Outcome:
    """Name every face of every photo, or say "unknown"."""
    photos = photo_paths(run)
    recognizer = build_recognizer(run)
    gallery = recognizer.gallery()
    threshold = recognizer.threshold(gallery)
    rows: list[dict[str, Value]] = []
    skipped: dict[str, str] = {}
    for path in photos:
        try:
            found = recognizer.identify(path, run.settings.recognition.candidates)
        except DataError as error:
            skipped[run.shown(path)] = str(error)
            continue
        rows += _rows(run.shown(path), found)
        if not found:
            skipped[run.shown(path)] = f"{run.shown(path)} shows no face that is found."
    _show(run, rows, skipped)
    people = counted(len(gallery.people), "person", "people")
    basis = "" if threshold.far is None else f" (false accept rate {threshold.far:g} a pair, {threshold.origin})"
    run.console.print(f"threshold: squared L2 distance {threshold.squared_l2:.3f}{basis}", soft_wrap=True)
    if threshold.far is not None:
        alarms = 1 - (1 - threshold.far) ** len(gallery)
        run.console.print(f"up to {alarms:.2%} of strangers are taken for one of {people} (estimated)")
    write_rows(run.folder / "faces.csv", COLUMNS, rows)
    run.console.print(f"faces: {run.shown(run.folder / 'faces.csv')}", soft_wrap=True)
    decision: dict[str, Json] = {"photos": len(photos), "faces": len(rows), "skipped": dict(skipped)}
    return Outcome(decision, next=following(run, "gallery", {"model": None, "recognition.photos": None}))


def _rows(photo: str, found: list[Identified]) -> list[dict[str, Value]]:
    rows: list[dict[str, Value]] = []
    for number, one in enumerate(found, 1):
        box = dict(zip(("left", "top", "right", "bottom"), (round(side, 1) for side in one.face.box), strict=True))
        listed = "; ".join(f"{candidate.name} {candidate.distance:.3f}" for candidate in one.candidates)
        nearest = round(one.candidates[0].distance, 4)
        rows.append(
            {"photo": photo, "face": number, **box, "name": one.name, "distance": nearest, "candidates": listed}
        )
    return rows


def _show(run: Run, rows: list[dict[str, Value]], skipped: dict[str, str]) -> None:
    table = Table("photo", "face", "where", "who", "likeliest, with squared L2 distance")
    for row in rows:
        corner = f"{row['left']:.0f}, {row['top']:.0f}"
        where = f"{corner} to {row['right']:.0f}, {row['bottom']:.0f}"
        name = Path(str(row["photo"])).name
        table.add_row(name, str(row["face"]), where, str(row["name"] or "unknown"), str(row["candidates"]))
    if rows:
        run.console.print(table)
    for reason in skipped.values():
        run.console.note("left out:", reason)
