"""`task=gallery recognition.gallery=FILE recognition.action=...`: who is in it; remove, export, measure thresholds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np
from rich.table import Table

from nasface.errors import DataError, InvalidInput, UnknownName
from nasface.jobs import Outcome, Run
from nasface.metrics import OperatingPoint, check_far, evaluate_all_pairs, supported_rates
from nasface.recognition import Embedded
from nasface.recognition.gallery import Threshold
from nasface.runs import atomic_write
from nasface.tasks._recognising import build_recognizer, counted, gallery_file
from nasface.tasks.following import following, helped


def run(run: Run) -> Outcome:
    """Do what `recognition.action` says."""
    action = run.settings.recognition.action
    if action not in ACTIONS:
        raise UnknownName("action on a gallery", action, ACTIONS)
    done = ACTIONS[action](run)
    shown = following(run, "gallery", {f"recognition.{key}": None for key in ("action", "name", "out", "photos")})
    return replace(done, next=helped(run, "gallery") if action == LIST else shown)


def _list(run: Run) -> Outcome:
    """Who is in it, and since when comparisons are decided how."""
    gallery = gallery_file(run).read()
    table = Table("person", "photos", title=f"{run.settings.recognition.gallery}")
    for name, count in gallery.counts.items():
        table.add_row(name, str(count))
    run.console.print(table)
    if gallery.way is not None:
        run.console.print(f"model {gallery.way.model[:12]}, faces {gallery.way.crop}, detector {gallery.way.detector}")
    threshold = gallery.threshold
    run.console.print("threshold: " + ("none" if threshold is None else _text(threshold)), soft_wrap=True)
    return Outcome({"people": gallery.counts})


def _remove(run: Run) -> Outcome:
    """Take a person out; the file is written anew, without the descriptors."""
    name = run.settings.recognition.name
    if name is None:
        raise InvalidInput("recognition.action=remove needs recognition.name=NAME, the person to take out.")
    file = gallery_file(run)
    with file.changing() as write:
        gallery = file.read()
        write(gallery.without(name))
    run.console.print(f"{name} is gone from {file.path.name}, with {counted(gallery.counts[name], 'descriptor')}")
    run.console.print("copies and backups of the file are yours to delete")
    return Outcome({"removed": name, "descriptors": gallery.counts[name]})


def _export(run: Run) -> Outcome:
    """Descriptors and names as `.npz`, as `task=evaluate` reads them."""
    if run.settings.recognition.out is None:
        raise InvalidInput("recognition.action=export needs recognition.out=FILE.npz, the file to write.")
    gallery, path = gallery_file(run).read(), run.path(run.settings.recognition.out)
    if path.suffix != ".npz":
        raise InvalidInput(f"{path.name} must end in .npz.")
    names = [f"{gallery.people[label]}/{row:06d}" for row, label in enumerate(gallery.labels.tolist())]
    with atomic_write(path, private=True) as temporary, temporary.open("wb") as file:
        np.savez(file, descriptors=gallery.descriptors, names=np.array(names))
    run.console.print(
        f"{counted(len(gallery), 'descriptor')} in {run.shown(path)}, readable by anybody who has it", soft_wrap=True
    )
    return Outcome({"exported": len(gallery)})


def _calibrate(run: Run) -> Outcome:
    """Measure thresholds on report people who are not in the gallery, and keep the one of `recognition.far`."""
    recognizer, file, far = build_recognizer(run), gallery_file(run), run.settings.recognition.far
    model = recognizer.model
    faces = run.open_data(model.cutter).require("report")
    with file.changing() as write:
        gallery = recognizer.gallery()
        strangers = faces.people_only(set(faces.people) - set(gallery.people))
        if not len(strangers):
            raise DataError("All report people of this data are in the gallery; thresholds are measured on others.")
        with run.console.status(f"measuring on {len(strangers)} photos of people who are not in the gallery"):
            embedded = Embedded.by(model.describe, strangers, model.size)
        labels = strangers.labels[embedded.rows]
        rates = sorted({far, *supported_rates(labels)})
        measured = evaluate_all_pairs(embedded.descriptors, labels, rates)
        check_far(far, measured.impostors)
        points = {point.far: point for point in measured.points}
        origin = f"{measured.people} people of data={run.settings.data['name']} who are not in the gallery"
        origin += ", faces cut out of whole photos" if run.aligns else ", photos that are faces already"
        threshold = Threshold(points[far].threshold, far, f"{measured.impostors:,} pairs of {origin}")
        write(replace(gallery, threshold=threshold))
    _show(run, list(points.values()), far)
    run.console.print(f"threshold: {_text(threshold)}", soft_wrap=True)
    return Outcome({"threshold": threshold.squared_l2, "far": far, "people": measured.people})


def _show(run: Run, points: list[OperatingPoint], far: float) -> None:
    table = Table("false accept rate", "true accept rate", "squared L2 distance", "cosine", "")
    for point in points:
        kept = "kept" if point.far == far else ""
        cosine = 1 - point.threshold / 2
        table.add_row(f"{point.far:g}", f"{point.tar:.3f}", f"{point.threshold:.4f}", f"{cosine:.4f}", kept)
    run.console.print(table)


def _text(threshold: Threshold) -> str:
    far = "" if threshold.far is None else f" at a false accept rate of {threshold.far:g}"
    return f"squared L2 distance {threshold.squared_l2:.4f}{far}, {threshold.origin}"


LIST: Final = "list"
ACTIONS: Final[dict[str, Callable[[Run], Outcome]]] = {
    LIST: _list,
    "remove": _remove,
    "export": _export,
    "calibrate": _calibrate,
}
"""What can be done with a gallery."""
