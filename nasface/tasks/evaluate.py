"""`task=evaluate model=FILE network=FOLDER data=...`: how good files and networks are on the report people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.table import Table

from nasface.analysis import Value
from nasface.data import FaceData, FaceSet, read_groups
from nasface.errors import ExportError, InvalidInput, listing
from nasface.exporters.metadata import READERS, check_replaceable, read_metadata, replace_metadata
from nasface.jobs import Outcome, Run
from nasface.metrics import GroupRates
from nasface.randomness import Part
from nasface.recognition import DESCRIPTORS, Embedded, Judgement, embed_photos, judge, read_descriptors
from nasface.recognition.aligned_data import aligned_data
from nasface.recognition.judge import judge_groups
from nasface.reports import Page
from nasface.reports.cells import difference_text, figure_text
from nasface.reports.evaluation_page import figure_rows, write_evaluation
from nasface.reports.use_of_model import threshold_lines
from nasface.runs import Json
from nasface.runtimes import open_model
from nasface.tasks._networks import network_folders, open_network
from nasface.tasks._paired import paired_difference
from nasface.tasks._recognising import face_model
from nasface.tasks.following import following, repeated


class Evaluated(NamedTuple):
    """What was measured of one file.

    Attributes:
        name: The file's, for people.
        judgement: The figures.
        embedded: What it made of the photos.
        groups: Errors by group, where `data.groups` says which there are.
    """

    name: str
    judgement: Judgement
    embedded: Embedded
    groups: tuple[GroupRates, ...] = ()

    def to_row(self) -> dict[str, Value]:
        """A line of the table."""
        return {"model": self.name, **self.judgement.row()}

    def details(self) -> dict[str, Json]:
        """For JSON."""
        found: dict[str, Json] = dict(self.judgement.to_dict())
        if self.groups:
            found["groups"] = [asdict(group) for group in self.groups]
        return found


def run(run: Run) -> Outcome:
    """Measure every file of `model=` and every network of `network=` on the same people and pairs."""
    models, networks = _models(run), network_folders(run)
    data = run.open_data(aligned=False)
    _check(run, models, networks, data)
    files = [*(judge_file(run, path, data) for path in models), *(judge_network(run, path, data) for path in networks)]
    rows = [file.to_row() for file in files]
    skipped = sorted({name for file in files for name in file.embedded.skipped})
    judged = {file.name: file.judgement for file in files}
    title = _title(files[0].judgement)
    differences = {file.name: paired_difference(run, files[0].embedded, file.embedded, data) for file in files[1:]}
    less = {name: ends for name, ends in differences.items() if ends}
    _show(run, judged, skipped, title)
    for name, ends in less.items():
        figure = next(iter(ends))
        text = f"{figure_text(figure)} {difference_text(ends[figure])}"
        run.console.print(f"{files[0].name} less {name}: {text}", soft_wrap=True)
    page = Page("How good the models are", f"{title}; data {data.fingerprint[:12]}", repeated(run))
    caveat = files[0].judgement.caveat
    if caveat:
        run.console.note("note:", caveat)
        page.text(f"Note: {caveat}.", "note")
    if skipped:
        page.text(f"Note: {len(skipped)} unreadable photos were skipped.", "note")
    write_evaluation(page, judged, _people(run, data), less)
    for file in files:
        _show_groups(run, page, file)
    page.write(run.folder / "report.html")
    if run.settings.evaluation.write_thresholds:
        _write_thresholds(run, dict(zip(models, files, strict=False)))
    run.console.print(f"report: {run.shown(run.folder / 'report.html')}", soft_wrap=True)
    details = {file.name: file.details() for file in files}
    decision: dict[str, Json] = {"data": data.fingerprint, "rows": rows, "details": details, "skipped": skipped}
    decision["first_minus"] = {
        name: {figure: [one.low, one.value, one.high] for figure, one in ends.items()} for name, ends in less.items()
    }
    return Outcome(decision, next=_next(run, models))


def _people(run: Run, data: FaceData) -> list[str]:
    """Names of the report people in the order of their labels, if the page may tell them."""
    if not run.settings.evaluation.name_people or data.report is None:
        return []
    report = data.report
    return [report.people[code] for code in np.unique(report.labels).tolist()]


def _write_thresholds(run: Run, judged: Mapping[Path, Evaluated]) -> None:
    """Put what was measured into the descriptions of the files."""
    for path, file in judged.items():
        thresholds = file.judgement.thresholds
        if not thresholds:
            run.console.note("no thresholds for", f"{run.shown(path)}: too few report people")
            continue
        replace_metadata(path, read_metadata(path) | {"thresholds": thresholds})
        run.console.print(f"thresholds are in {run.shown(path)}", soft_wrap=True)


def _next(run: Run, models: Sequence[Path]) -> str:
    """What uses a model: the first one that says how."""
    described = [path for path in models if path.suffix in READERS and _is_described(path)]
    if not described:
        return ""
    return following(run, "inspect", {"model": run.shown(described[0])}, keep=False)


def _is_described(path: Path) -> bool:
    try:
        read_metadata(path)
    except ExportError:  # somebody else's
        return False
    return True


def _check(run: Run, models: Sequence[Path], networks: Sequence[Path], data: FaceData) -> None:
    """Open every file once, so that a bad one is refused before the first is measured."""
    faces = data.photos_to_judge
    if run.settings.evaluation.write_thresholds and not models:
        raise InvalidInput("evaluation.write_thresholds=true writes into model files: give model=FILE.")
    for path in models:
        if run.settings.evaluation.write_thresholds:
            check_replaceable(path)
        if path.suffix in DESCRIPTORS:
            read_descriptors(path, faces.names)
        else:
            open_model(path, run.settings.space.get("resolution"), output=run.settings.evaluation.output)
    for folder in networks:
        open_network(run, folder)
    _read_groups(run, faces)


def judge_file(run: Run, path: Path, data: FaceData) -> Evaluated:
    """Measure one file."""
    if run.aligns and path.suffix not in DESCRIPTORS:
        data = aligned_data(data, face_model(run, path).cutter)
    faces = data.photos_to_judge
    with run.console.status(f"{path.name}: {len(faces)} photos"):
        embedded = embed_photos(path, faces, run.settings.space.get("resolution"), run.settings.evaluation.output)
        return _judged(run, path, embedded, data)


def judge_network(run: Run, folder: Path, data: FaceData) -> Evaluated:
    """Measure the network of a folder, in float32."""
    from nasface.accuracy.estimator import describe

    if run.aligns:
        raise InvalidInput(
            f"network={folder} does not say how its faces are aligned; give data.align=false and photos that are faces "
            "already, or export it and give model=."
        )
    faces, module = data.photos_to_judge, open_network(run, folder).fold()
    with run.console.status(f"{folder.name}: {len(faces)} photos"):
        size = module.spec.input_shape[0]
        return _judged(run, folder, Embedded.by(lambda images: describe(module, images), faces, size), data)


def _judged(run: Run, path: Path, embedded: Embedded, data: FaceData) -> Evaluated:
    faces, options = data.photos_to_judge, run.settings.evaluation
    judgement = judge(embedded, faces, data, options.far, options.bootstrap, run.rng(Part.BOOTSTRAP))
    for reason in judgement.left_out:
        run.console.note("left out:", reason)
    return Evaluated(run.shown(path), judgement, embedded, _groups(run, embedded, faces, judgement))


def _groups(run: Run, embedded: Embedded, faces: FaceSet, judgement: Judgement) -> tuple[GroupRates, ...]:
    """Errors by group at the threshold of the lowest false accept rate that was measured."""
    groups = _read_groups(run, faces)
    if groups is None:
        return ()
    if judgement.all_pairs is None or not judgement.all_pairs.points:
        raise InvalidInput("data.groups needs report people, enough of them for a threshold; there are none.")
    point = min(judgement.all_pairs.points, key=lambda point: point.far)
    resamples = run.settings.evaluation.bootstrap
    rng = run.rng(Part.BOOTSTRAP)
    return tuple(judge_groups(embedded, faces, groups, point.threshold, resamples, rng))


def _read_groups(run: Run, faces: FaceSet) -> tuple[str, ...] | None:
    """The group of every photo where `data.groups` says which there are."""
    file = run.settings.data.get("groups")  # a kind of data may have no such option
    return None if file in (None, "none") else read_groups(run.path(file), faces)


def _title(judgement: Judgement) -> str:
    """What was measured on."""
    parts = []
    if (every := judgement.all_pairs) is not None:
        parts.append(f"{every.people} report people, {every.photos} photos")
        parts.append(f"{every.genuine:,} genuine and {every.impostors:,} impostor pairs")
    elif judgement.pairs is not None:
        parts.append(f"{judgement.pairs.genuine + judgement.pairs.impostors:,} listed pairs")
    return ", ".join(parts)


def _show(run: Run, judged: Mapping[str, Judgement], skipped: list[str], title: str) -> None:
    table = Table("", title=title)
    for name in judged:  # a column each: names of files are long, and there are more figures than files
        table.add_column(name, overflow="fold")
    for row in figure_rows(judged):
        table.add_row(*row)
    run.console.print(table)
    if skipped:
        run.console.note(f"{len(skipped)} unreadable photos were skipped:", listing(skipped))
    for name, judgement in judged.items():
        lines = threshold_lines(judgement.thresholds)
        for line in lines:
            run.console.print(line if len(judged) == 1 else f"{name}: {line}", soft_wrap=True)


def _show_groups(run: Run, page: Page, file: Evaluated) -> None:
    if not file.groups or file.judgement.all_pairs is None:
        return
    point = min(file.judgement.all_pairs.points, key=lambda point: point.far)
    title = f"{file.name}: errors by group at squared L2 distance {point.threshold:.4f} (FAR {point.far:g} over all)"
    columns = ("group", "people", "photos", "genuine", "impostors", "FNMR", "95 %", "FMR", "95 %")
    rows = [_group_row(group) for group in file.groups]
    table = Table("group", "people", "photos", "FNMR (95 %)", "FMR (95 %)", title=title)
    for group, people, photos, _, _, fnmr, fnmr_interval, fmr, fmr_interval in rows:
        table.add_row(group, people, photos, f"{fnmr} ({fnmr_interval})", f"{fmr} ({fmr_interval})")
    run.console.print(table)
    page.heading(title)
    page.table(list(columns), [list(row) for row in rows])
    for name, worst in (("FNMR", _worst(file.groups, "fnmr")), ("FMR", _worst(file.groups, "fmr"))):
        if worst is not None:
            run.console.print(f"highest {name}: {worst}")
            page.text(f"Highest {name}: {worst}.")


def _group_row(group: GroupRates) -> list[str]:
    rates = [(group.fnmr, group.fnmr_interval), (group.fmr, group.fmr_interval)]
    cells = [
        text
        for rate, interval in rates
        for text in (
            "no pairs" if rate is None else f"{rate:.3g}",
            "too few people" if interval is None else f"{interval.low:.3g} to {interval.high:.3g}",
        )
    ]
    return [group.group, *(str(n) for n in (group.people, group.photos, group.genuine, group.impostors)), *cells]


def _worst(groups: Sequence[GroupRates], rate: str) -> str | None:
    """The group with the highest rate, among those that have one."""
    rates = {group.group: value for group in groups if (value := getattr(group, rate)) is not None}
    return max(rates, key=lambda name: rates[name]) if rates else None


def _models(run: Run) -> list[Path]:
    given = run.settings.model
    names = [] if given is None else given if isinstance(given, list) else [given]
    if None in names or not (names or run.settings.network):
        raise InvalidInput(
            "task=evaluate needs model=FILE or model=[A,B]: .tflite, .onnx, .pt2, TorchScript .pt, or descriptors "
            ".npy/.npz; or network=FOLDER."
        )
    return [run.path(str(name)) for name in names]
