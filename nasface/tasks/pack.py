"""`task=pack data=... pack.out=FOLDER`: photos into one RecordIO file, pairs into a `.bin`."""

from __future__ import annotations

from rich.progress import TimeRemainingColumn

from nasface.data.packing import Encoding, pack
from nasface.errors import InvalidInput
from nasface.jobs import Outcome, Run
from nasface.runs import Json
from nasface.tasks.following import following


def run(run: Run) -> Outcome:
    """Pack the photos of all three sets and the pairs."""
    settings = run.settings.pack
    if settings.out is None:
        raise InvalidInput("task=pack needs pack.out=FOLDER, the folder to write.")
    encoding = Encoding(settings.size, settings.format, settings.quality)
    data, folder = run.open_data(), run.path(settings.out)
    with run.console.progress(TimeRemainingColumn()) as bar:
        shown = bar.add_task("packing", total=None)
        packed = pack(data, folder, encoding, lambda done, total: bar.update(shown, completed=done, total=total))
    pairs = f", {packed.pairs:,} pairs" if packed.pairs else ""
    run.console.print(f"{packed.photos:,} photos of {packed.people:,} people{pairs} in {run.shown(folder)}")
    if packed.skipped:
        names = ", ".join(photo.name for photo in packed.skipped[:5])
        run.console.note(f"{len(packed.skipped)} unreadable photos were left out:", names)
    again = {"data": "recordio", "data.root": run.shown(folder)}
    if data.closed_set:
        kept = ("training_fraction", "validation_fraction", "split_seed")
        again |= {"data.split": "image"} | {f"data.{key}": str(run.settings.data[key]) for key in kept}
    use = " ".join(f"{option}={value}" for option, value in again.items())
    decision: dict[str, Json] = {"photos": packed.photos, "people": packed.people, "pairs": packed.pairs}
    skipped: dict[str, Json] = {photo.name: photo.reason for photo in packed.skipped}
    return Outcome(decision | {"skipped": skipped, "use": use}, next=following(run, "search", again, keep=False))
