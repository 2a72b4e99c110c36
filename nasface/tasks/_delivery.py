"""From a network to its file: measured where photos are given, exported, checked, timed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nasface.accuracy.calibration_note import SYNTHETIC, CalibrationNote
from nasface.analysis import Beside, Measured
from nasface.data import FaceData
from nasface.deploy import CheckedExport, Network, export_checked, time_on_host
from nasface.errors import DataError, InvalidInput
from nasface.exporters import Exporter
from nasface.jobs import Outcome, Run
from nasface.randomness import Part
from nasface.recognition import Embedded, Judgement, embed_photos, judge
from nasface.reports.snippets import write_snippets
from nasface.runs import Json
from nasface.runtimes import Timing, runtimes
from nasface.tasks._paired import paired_difference

DESCRIPTOR_USE = "L2-normalise before comparing"
NOT_MEASURED = "not measured: no photos were given"
TOO_FEW = "not measured: too few pairs of photos of two people were given"


@dataclass(frozen=True)
class File:
    """A network's file.

    Attributes:
        model: The file, and how far it differs from the network in torch.
        timing: On this machine; None where nothing was timed.
        measured: On report people; None without photos.
        described: Descriptors of their photos by the network in float32; likewise.
    """

    model: CheckedExport
    timing: Timing | None
    measured: Measured | None
    described: Embedded | None = None

    def outcome(self) -> Outcome:
        """What a task says of it: the file, and what was measured."""
        written = self.model.file
        model: dict[str, Json] = {"file": written.path.name, "bytes": written.bytes, "sha256": written.sha256}
        measurements: dict[str, Json] = {
            "parity": {name: asdict(check) for name, check in self.model.parity.items()},
            "host_timing": None if self.timing is None else asdict(self.timing),
            "measured": {} if self.measured is None else self.measured.to_json(),
        }
        return Outcome({"model": model}, measurements)


def write_file(
    run: Run,
    exporter: Exporter,
    network: Network,
    images: npt.NDArray[np.uint8] | None,
    data: FaceData | None,
    metadata: Mapping[str, Json],
) -> File:
    """Measure, export to `model.<suffix>` in the run folder with thresholds, check, time.

    Beside the file lies code that uses it. An int8 file is measured itself, and its thresholds are its own; any other
    computes what the network computes.

    Args:
        run: Options, folder, terminal.
        exporter: Writes the file.
        network: What to export.
        images: What calibrated it, see `export_checked`.
        data: Photos to measure with, if any.
        metadata: Goes into the file beside the thresholds.
    """
    path, settings = run.folder / f"model{exporter.suffix}", run.settings
    described = None if data is None else _described(run, network, data)
    measured = None if data is None or described is None else _measured(run, described, data)
    if measured is None:
        data = None  # none, or too few to judge by

    def export() -> CheckedExport:
        with run.console.status(f"exporting {path.name}"):
            content = dict(metadata) | {"thresholds": _thresholds(measured, given=described is not None)}
            return export_checked(exporter, network, path, content, run.rng(Part.INPUTS), images)

    model = export()
    if exporter.precision == "int8" and data is not None and described is not None and path.suffix in runtimes():
        measured = _measured_file(run, path, described, data)
        model = export()
    write_snippets(path)
    timing = time_on_host(path, network.spec.input_shape[0], settings.measure.runs, settings.measure.threads)
    return File(model, timing, measured, None if measured is None else described)


def measure_beside(run: Run, found: Embedded, others: Mapping[str, Network], data: FaceData) -> tuple[Beside, ...]:
    """Other networks on the same photos, and the found one less each of them, paired over people.

    Args:
        run: Options, terminal.
        found: Descriptors by the found network.
        others: Networks by name.
        data: The photos that `found` is of.
    """
    made = []
    for name, network in others.items():
        described = _described(run, network, data, name)
        judgement = _judged(run, described, data, resamples=0)
        made.append(Beside(name, judgement, paired_difference(run, found, described, data)))
    return tuple(made)


def calibration_images(run: Run, data: FaceData | None) -> tuple[npt.NDArray[np.uint8] | None, str]:
    """Photos of training people where there are some, else the synthetic images that come with nasface; and a note."""
    from nasface.accuracy.faces import training_photos

    bench = run.workbench
    if data is not None and data.training is not None:
        photos = run.settings.accuracy.calibration_photos
        return training_photos(data, bench.space.resolution, photos, run.rng(Part.CALIBRATION))
    images = bench.source.calibration_images()
    return images, "none" if images is None else str(CalibrationNote(SYNTHETIC, len(images)))


def _described(run: Run, network: Network, data: FaceData, name: str = "the network") -> Embedded:
    """Descriptors of the photos to judge by the network in float32."""
    from nasface.accuracy.estimator import describe

    faces, module = data.photos_to_judge, network.folded()
    with run.console.status(f"measuring {name} on {len(faces)} photos of report people"):
        return Embedded.by(lambda images: describe(module, images), faces, network.spec.input_shape[0])


def _judged(run: Run, embedded: Embedded, data: FaceData, resamples: int | None = None) -> Judgement:
    options = run.settings.evaluation
    drawn = options.bootstrap if resamples is None else resamples
    return judge(embedded, data.photos_to_judge, data, options.far, drawn, run.rng(Part.BOOTSTRAP))


def _measured(run: Run, embedded: Embedded, data: FaceData) -> Measured | None:
    """The network's figures, or None where the photos do not suffice: it is exported all the same."""
    try:
        judgement = _judged(run, embedded, data)
    except (InvalidInput, DataError) as error:
        run.console.note("not measured:", str(error))
        return None
    for reason in judgement.left_out:
        run.console.note("left out:", reason)
    return Measured(data.fingerprint, judgement, embedded.skipped)


def _measured_file(run: Run, path: Path, described: Embedded, data: FaceData) -> Measured:
    """The file's own figures, with the network's in float32 beside them."""
    with run.console.status(f"measuring {path.name}"):
        embedded = embed_photos(path, data.photos_to_judge)
        difference = paired_difference(run, embedded, described, data)
    float32 = _judged(run, described, data)
    return Measured(data.fingerprint, _judged(run, embedded, data), embedded.skipped, float32, difference)


def _thresholds(measured: Measured | None, *, given: bool) -> Json:
    """For the file's metadata: those that the photos suffice for, or why there are none."""
    found: list[Json] = [] if measured is None else [*measured.judgement.thresholds]
    return found or (TOO_FEW if given else NOT_MEASURED)
