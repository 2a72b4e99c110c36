"""`task=verify model=... recognition.photos=[A,B]`: whether two photos show one person."""

from __future__ import annotations

from pathlib import Path

from nasface.errors import InvalidInput
from nasface.jobs import Outcome, Run
from nasface.runs import Json
from nasface.tasks._recognising import build_recognizer, photo_paths
from nasface.tasks.following import following


def run(run: Run) -> Outcome:
    """Compare two photos."""
    photos = photo_paths(run)
    if len(photos) != 2:
        raise InvalidInput(f"task=verify compares two photos, not {len(photos)}: recognition.photos=[A.jpg,B.jpg].")
    first, second = photos
    verdict = build_recognizer(run).verify(first, second, run.settings.recognition.which)
    threshold = verdict.threshold
    answer = "one person" if verdict.same else "two people"
    basis = "" if threshold.far is None else f", false accept rate {threshold.far:g}"
    run.console.note(
        f"{answer}:",
        f"squared L2 distance {verdict.distance:.3f}, threshold {threshold.squared_l2:.3f} ({threshold.origin}{basis})",
        "bold",
    )
    decision: dict[str, Json] = {"same": verdict.same, "distance": verdict.distance, "threshold": threshold.squared_l2}
    return Outcome(decision, next=_next(run, first))


def _next(run: Run, photo: Path) -> str:
    """The first photo's person into a gallery, by the name of the file."""
    gallery = run.settings.recognition.gallery or "people.gallery"
    given = {"photos": run.shown(photo), "name": photo.stem, "gallery": gallery}
    return following(run, "enrol", {f"recognition.{key}": value for key, value in given.items()})
