"""`task=pack data=... pack.out=FOLDER`: photos into one RecordIO file, pairs into a `.bin`."""

from __future__ import annotations

from rich.progress import TimeRemainingColumn

from nasface.data.packing import Encoding, pack
from nasface.errors import InvalidInput
from nasface.jobs import Outcome, Run


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
    again = f"data=recordio data.root={run.shown(folder)}"
    if data.closed_set:
        fractions = [f"data.{key}={run.settings.data[key]}" for key in ("training_fraction", "validation_fraction")]
        again += " ".join([" data.split=image", *fractions, f"data.split_seed={run.settings.data['split_seed']}"])
    run.console.print(f"next: {again}", soft_wrap=True)
    decision = {"photos": packed.photos, "people": packed.people, "pairs": packed.pairs}
    return Outcome(decision | {"skipped": {photo.name: photo.reason for photo in packed.skipped}, "use": again})
