"""`task=enrol model=... recognition.gallery=... recognition.photos=...`: people into a gallery."""

from __future__ import annotations

from pathlib import Path

from nasface.errors import DataError, InvalidInput, listing
from nasface.jobs import Outcome, Run
from nasface.recognition.face_model import SeenFace
from nasface.recognition.gallery import Gallery
from nasface.recognition.recognizer import Recognizer
from nasface.runs import Json
from nasface.tasks._recognising import build_recognizer, counted, named_paths, photo_paths, photos_in
from nasface.tasks.following import following


def run(run: Run) -> Outcome:
    """Enrol one person (`recognition.name`), or everybody who has a folder below `recognition.photos`."""
    photos = _photos(run)
    recognizer = build_recognizer(run)
    faces: dict[str, list[SeenFace]] = {}
    skipped: dict[str, str] = {}
    with run.console.status(f"looking for faces in {sum(map(len, photos.values()))} photos"):
        for name, paths in photos.items():
            faces[name] = _faces(run, recognizer, paths, skipped)
    enrolled = {name: found for name, found in faces.items() if found}
    if not enrolled:
        raise DataError(f"None of the photos can be enrolled: {listing(list(skipped.values()), 3)}")
    gallery = recognizer.enrol_people(enrolled)
    for reason in skipped.values():
        run.console.note("left out:", reason)
    for name in sorted(enrolled):
        run.console.print(f"{name}: {counted(len(enrolled[name]), 'photo')} enrolled, {gallery.counts[name]} in all")
    where = run.settings.recognition.gallery
    holds = f"{counted(len(gallery.people), 'person', 'people')}, {counted(len(gallery), 'descriptor')}"
    run.console.print(f"gallery: {where}, {holds}", soft_wrap=True)
    if gallery.threshold is None:
        run.console.note(
            "note:",
            "no threshold is known, so that nobody can be told from a stranger; measure it with `nasface gallery "
            f"model={run.settings.model} recognition.gallery={where} recognition.action=calibrate data=...`.",
        )
    counts: dict[str, Json] = {name: len(found) for name, found in enrolled.items()}
    return Outcome({"enrolled": counts, "skipped": skipped}, next=_then(run, gallery))


def _then(run: Run, gallery: Gallery) -> str:
    """What the same words go on to: the photos of one person can be asked about, a folder of people cannot."""
    if run.settings.recognition.name is None:
        return following(run, "gallery", {"model": None, "recognition.photos": None})
    return "" if gallery.threshold is None else following(run, "identify", {"recognition.name": None})


def _faces(run: Run, recognizer: Recognizer, paths: list[Path], skipped: dict[str, str]) -> list[SeenFace]:
    """Of the photos that show one face; why not, of the others."""
    found = []
    for path in paths:
        try:
            found.append(recognizer.face(path, run.settings.recognition.which))
        except DataError as error:
            skipped[run.shown(path)] = str(error)
    return found


def _photos(run: Run) -> dict[str, list[Path]]:
    """Photos by person.

    Raises:
        InvalidInput: It is not clear whom they show.
    """
    if (name := run.settings.recognition.name) is not None:
        return {name.strip(): photo_paths(run)}
    named = named_paths(run)
    people = sorted(path for path in named[0].iterdir() if path.is_dir()) if named[0].is_dir() else []
    if len(named) > 1 or not people:
        raise InvalidInput(
            "task=enrol needs to know whom the photos show: add recognition.name=NAME, or give a folder that has a "
            "folder of photos for every person."
        )
    return {path.name: photos_in(path) for path in people}
