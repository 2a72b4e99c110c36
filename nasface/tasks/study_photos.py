"""`task=study_photos study.file=photos.jsonl data=...`: fewer and other photos for some subnets; it can be resumed."""

from __future__ import annotations

from dataclasses import replace

from rich.progress import TimeRemainingColumn

from nasface.errors import InvalidInput
from nasface.jobs import Outcome, Run
from nasface.randomness import Part
from nasface.tasks.following import following


def run(run: Run) -> Outcome:
    """Append to the file until all subnets have been measured with all numbers of calibration photos."""
    from nasface.accuracy.candidates import candidates
    from nasface.accuracy.faces import open_faces
    from nasface.accuracy.photo_study import DRAWS, study
    from nasface.accuracy.plan import checked

    settings = run.settings.study
    checked(run.settings.accuracy)
    if settings.file is None:
        raise InvalidInput("task=study_photos needs study.file=FILE.jsonl, the results to write or continue.")
    if not settings.calibration or min(settings.calibration) < 2 or settings.subnets < 3:
        raise InvalidInput(
            f"study.calibration={settings.calibration} must name numbers of 2 photos or more, and "
            f"study.subnets={settings.subnets} must be 3 or more."
        )
    bench = run.workbench
    population = candidates(bench.space, settings.subnets, run.settings.seed, bench.sampling_plan()).population
    supernet = bench.source.load(bench.space)
    options = replace(run.settings.accuracy, calibration_photos=DRAWS * max(settings.calibration))
    data = run.open_data()
    data.require("validation")  # a closed set, which has no strangers to verify, is refused
    faces = open_faces(data, options, bench.space.resolution, run.rng(Part.CALIBRATION), run.cwd)
    path = run.path(settings.file)
    with run.console.progress(TimeRemainingColumn()) as bar:
        task = bar.add_task("measuring", total=None)
        results = study(
            supernet,
            faces,
            population,
            settings.calibration,
            path,
            lambda done, total: bar.update(task, completed=done, total=total),
        )
    run.console.print(f"{len(results)} measurements in {run.shown(path)}", soft_wrap=True)
    return Outcome({"study": str(path), "measurements": len(results)}, next=following(run, "table_reliability"))
