"""`task=evaluate_supernet training.folder=FOLDER data=...`: a training's curve on the report people; it can be resumed.

Without a folder, the supernet of the group `supernet`. Judged are its smallest, middle and largest networks.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from rich.progress import TimeRemainingColumn
from rich.table import Table

from nasface.accuracy.faces import training_photos
from nasface.analysis import Row
from nasface.composition import LARGEST, SMALLEST, extreme_genotypes
from nasface.costs import Macs
from nasface.data import FaceData, FaceSet
from nasface.errors import InvalidInput
from nasface.jobs import Outcome, Run
from nasface.randomness import Part
from nasface.reading import Shape, check_shape, read_json
from nasface.recognition import Judgement, judge
from nasface.recognition.embedder import Embedded
from nasface.reports.cells import cell_text
from nasface.reports.supernet_page import write_supernet_page
from nasface.runs import write_json, write_rows
from nasface.spaces import OfaMbv3, SearchSpace
from nasface.tasks.following import following, helped, repeated

if TYPE_CHECKING:
    from nasface.supernets import Supernet
    from nasface.training.kept import Kept

KEPT = "report_people.json"
"""What was measured already, in the training's folder."""

PLACES = {"smallest": 0.0, "middle": 0.5, "largest": 1.0}
"""The networks, by the place of their choice among all of a kind."""

SAMPLES = 501
"""Random networks that the middle one is of, where the space is not one of ofa_mbv3."""

ROW: Final[Shape] = {"of": str, "network": str, "genotype": str, "auc": float, "*": float}
"""A network there."""

FIGURES = ("auc", "rank1")
"""Shown on the terminal, beside true accept rates."""


@dataclasses.dataclass(frozen=True)
class _Weights:
    """Weights to judge: what rows say about them, and the supernet when it is their turn."""

    facts: Row
    load: Callable[[], Supernet]


def run(run: Run) -> Outcome:
    """Judge what was not judged before with the same photos and options; write the table, the pictures, the page."""
    space, weights, folder = _open(run)
    data = run.open_data()
    judge_network = _Judge(run, data, space.resolution)
    kept = _read(folder / KEPT) if folder else []
    rows: list[Row] = []
    with run.console.progress(TimeRemainingColumn()) as bar:
        task = bar.add_task("judging networks", total=len(weights) * len(PLACES))
        for entry in weights:
            for row in judge_network(space, entry.load(), kept):
                rows.append({**entry.facts, **row})
                if folder and row not in kept:
                    kept.append(row)
                    write_json(folder / KEPT, kept)
                bar.advance(task)
    _write(run, rows, data)
    return Outcome({"data": data.fingerprint, "rows": rows}, next=_next(run, folder))


def _next(run: Run, folder: Path | None) -> str:
    """Its accuracy table; a training that is not finished has none yet."""
    if folder is None:
        return following(run, "estimate_accuracy", {"accuracy.table": run.shown(run.folder / "accuracy.csv")})
    files = {"supernet.checkpoint": folder / "supernet.safetensors", "accuracy.table": folder / "accuracy.csv"}
    if not files["supernet.checkpoint"].is_file():
        return helped(run, "train_supernet")
    return following(run, "estimate_accuracy", {key: run.shown(path) for key, path in files.items()})


class _Judged(NamedTuple):
    """What is to be judged, in which space; the training's folder, if it is one."""

    space: SearchSpace
    weights: list[_Weights]
    folder: Path | None


def _open(run: Run) -> _Judged:
    from nasface.training.kept import kept_weights, load_kept, space_of

    given = run.settings.training["folder"]
    if given is None:
        source, built = run.workbench.source, run.workbench.space
        return _Judged(built, [_Weights({"weights": source.name}, lambda: source.load(built))], None)
    folder = run.path(str(given))
    space = space_of(folder)

    def weights(kept: Kept) -> _Weights:
        facts: Row = {"weights": kept.path.stem, "step": kept.step, "cpu_hours": round(kept.cpu_hours, 4)}
        return _Weights(facts, lambda: load_kept(kept, space))

    return _Judged(space, [weights(kept) for kept in kept_weights(folder)], folder)


def three(space: SearchSpace) -> dict[str, npt.NDArray[np.int8]]:
    """The smallest, a middle and the largest genotype, int8[n_genes] each.

    In an ofa_mbv3 space they have the same choice everywhere; elsewhere they are those of fewest and most
    multiply-accumulates and, of random networks, that of median ones.
    """
    if not isinstance(space, OfaMbv3):
        ends, networks = extreme_genotypes(space), space.sample(np.random.default_rng(0), SAMPLES)
        middle = networks[np.argsort(Macs(space).predict(networks), kind="stable")[SAMPLES // 2]]
        return {"smallest": ends[SMALLEST], "middle": middle, "largest": ends[LARGEST]}

    def everywhere(place: float) -> npt.NDArray[np.int8]:
        ks, e, d = (c[round(place * (len(c) - 1))] for c in (space.kernels, space.expands, space.depths))
        return space.from_dict({"ks": ks, "e": e, "d": d})

    return {name: everywhere(place) for name, place in PLACES.items()}


class _Judge:
    """Judges the three networks of one supernet after another on the same photos."""

    def __init__(self, run: Run, data: FaceData, resolution: int) -> None:
        settings = run.settings
        self._run, self._report = run, data.require("report")
        self._data = dataclasses.replace(data, pairs=None)
        photos = settings.accuracy.calibration_photos
        self._calibration, name = training_photos(data, resolution, photos, run.rng(Part.CALIBRATION))
        self._photos = self._report.load(size=resolution)
        options = [data.fingerprint, resolution, name, settings.seed, dataclasses.asdict(settings.evaluation)]
        self._options = json.dumps(options)

    def __call__(self, space: SearchSpace, supernet: Supernet, kept: Sequence[Row]) -> Iterator[Row]:
        """A row each, as soon as it is known; one that is among `kept` is not measured again."""
        from nasface.accuracy.runner import SubnetRunner, open_accelerator

        of = hashlib.sha256(f"{supernet.fingerprint} {self._options}".encode()).hexdigest()[:16]
        known = {row["network"]: row for row in kept if row["of"] == of}
        device = open_accelerator(self._run.settings.accuracy.accelerator)
        runner = SubnetRunner(self._calibration, self._photos.images, device=device)
        for name, genotype in three(space).items():
            if name in known:
                yield known[name]
            else:
                judgement = self._judge(runner.describe(supernet.extract(genotype)))
                yield {"of": of, "network": name, "genotype": space.to_text(genotype), **_figures(judgement)}

    def _judge(self, descriptors: npt.NDArray[np.float32]) -> Judgement:
        embedded = Embedded(descriptors, self._photos.indices, ())
        options = self._run.settings.evaluation
        return judge(embedded, self._report, self._data, options.far, options.bootstrap, self._run.rng(Part.BOOTSTRAP))


def _figures(judgement: Judgement) -> dict[str, float]:
    """The main figures, and their intervals."""
    bounds = {
        f"{name} {end}": getattr(interval, end)
        for name, interval in judgement.intervals.items()
        for end in ("low", "high")
    }
    return {name: float(value) for name, value in (judgement.row() | bounds).items()}


def _read(path: Path) -> list[Row]:
    try:
        rows: Any = read_json(path)
        check_shape(rows, [ROW])
    except FileNotFoundError:
        return []
    except ValueError as error:
        raise InvalidInput(
            f"{path} is no list of figures, or damaged ({error}); remove it, and the networks are measured again."
        ) from None
    return list(rows)


def _write(run: Run, rows: Sequence[Row], data: FaceData) -> None:
    """`supernet.csv`, the pictures and the page, into the run folder."""
    columns = [name for name in rows[0] if name != "of"]
    texts = [
        {key: f"{v:.6g}" if isinstance(v, float) else v for key, v in row.items() if key in columns} for row in rows
    ]
    write_rows(run.folder / "supernet.csv", columns, texts)
    _show(run, rows)
    faces: FaceSet = data.require("report")
    drawn = f" drawn by {data.drawn}" if data.drawn else ""
    title = f"{len(faces.people)} report people{drawn}, {len(faces)} photos; data {data.fingerprint[:12]}"
    written = write_supernet_page(run.folder, title, rows, repeated(run))
    for path in (run.folder / "supernet.csv", *written):
        run.console.print(f"{path.suffix[1:]}: {run.shown(path)}", soft_wrap=True)


def _show(run: Run, rows: Sequence[Row]) -> None:
    """The last weights' networks on the terminal."""
    figures = [name for name in rows[0] if name in FIGURES or (name.startswith("tar@") and " " not in name)]
    table = Table("network", *figures, title=str(rows[-1]["weights"]))
    for row in rows[-len(PLACES) :]:
        table.add_row(str(row["network"]), *[cell_text(row.get(name)) for name in figures])
    run.console.print(table)
