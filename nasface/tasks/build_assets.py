"""`task=build_assets assets.sources=FOLDER`: rebuild the embedded data from its sources, one part or all.

Sources are the files of the development data: `published/` (tables and subnets), `lfw112/` (photos, research only),
`yunet/*.onnx`. Only what is computed from them is written; no photograph is. What takes hours is made beforehand and
checked here: the supernet by task=train_supernet (`supernet.checkpoint`), the table by task=estimate_accuracy
(`accuracy.table`).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from nasface.assets import asset
from nasface.composition import Workbench
from nasface.data import load_data
from nasface.devices.estimate import build_luts
from nasface.errors import InvalidInput, UnknownName
from nasface.jobs import Outcome, Run
from nasface.preprocessing import Template
from nasface.runs import Json, atomic_write, write_json
from nasface.tasks.following import following

if TYPE_CHECKING:
    from nasface.supernets.calibration import Images
    from nasface.supernets.resemblance import Resemblance
    from nasface.supernets.supernet import ElasticSupernet

LICENCE = "research only: derived from LFW photographs"
YUNET_LICENCE = "MIT, Copyright (C) 2021 Shenzhen Institute of Artificial Intelligence and Robotics for Society."
DEMO = "lfw112"

_MEASURED = "accuracy.table=FILE.csv accuracy.calibration_photos=256 data=lfw data.root=lfw112"
_DRAWN = (
    "accuracy.sampling=dense accuracy.ratios=[0.6,0.8] device=[sd865,sd765] accuracy.family=4 accuracy.n_subnets=504",
    "accuracy.sampling=mixed accuracy.stratify_by=macs accuracy.family=4 accuracy.n_subnets=1000",
)
"""How the embedded accuracy table was measured: near the default budgets, and the whole space, evenly in MACs."""

STRANGERS = 0.99
"""A calibration image must be no nearer to any training photo than this share of photos of different people are."""


def run(run: Run) -> Outcome:
    """Rebuild `assets.parts` into `assets.out` (default: the package's own assets)."""
    settings = run.settings.assets
    if settings.sources is None:
        raise InvalidInput("task=build_assets needs assets.sources=FOLDER, the folder of the development data.")
    for part in settings.parts:
        if part not in PARTS:
            raise UnknownName("part of the assets", part, PARTS)
    out = asset() if settings.out is None else run.path(settings.out)
    written = {
        part: [str(path.name) for path in PARTS[part](run, run.path(settings.sources), out)] for part in settings.parts
    }
    for part, names in written.items():
        run.console.print(f"{part}: {', '.join(names)}", soft_wrap=True)
    return Outcome({"written": written, "out": str(out)}, next=_next(run, out))


def _next(run: Run, out: Path) -> str:
    """A search with what was written, wherever that is."""
    files = {"supernet": ("supernet.checkpoint", _supernet_file(out)), "table": ("accuracy.table", _table_file(out))}
    written = {key: run.shown(path) for part, (key, path) in files.items() if part in run.settings.assets.parts}
    return following(run, "search", written if run.settings.assets.out is not None else {}, keep=False)


def _supernet_file(out: Path) -> Path:
    return out / "supernets" / f"{DEMO}.safetensors"


def _table_file(out: Path) -> Path:
    return out / "tables" / f"{DEMO}.csv"


def _luts(run: Run, sources: Path, out: Path) -> list[Path]:
    return build_luts(sources, out / "luts")


def _supernet(run: Run, sources: Path, out: Path) -> list[Path]:
    """The demo supernet in float16, without its head of training people."""
    from nasface.supernets import load_supernet

    checkpoint = run.settings.supernet.get("checkpoint")
    if checkpoint is None:
        raise InvalidInput(
            "assets.parts=[supernet] needs supernet.checkpoint=FILE, written by task=train_supernet (hours)."
        )
    source = run.path(checkpoint)
    supernet = load_supernet(source, "ofa_mbv3_face", 112)
    supernet.template = _template(run, sources)
    supernet.name = f"{DEMO} demo supernet"
    supernet.provenance = {
        "source": source.name,
        "source_sha256": _sha256(source),
        "command": "nasface task=build_assets assets.parts=[supernet] supernet.checkpoint=FILE",
        "trained": supernet.provenance,
        "details": "docs/results/recipe.md",
        "licence": LICENCE,
    }
    path = _supernet_file(out)
    supernet.save(path, float16=True, head=False)
    return [path, _provenance(path, supernet.provenance | {"hash": supernet.fingerprint})]


def _demo(run: Run) -> Workbench:
    """The embedded supernet, whatever the settings name."""
    supernet = {"name": DEMO, "checkpoint": None, "resolution": None}
    return Workbench(replace(run.settings, supernet=supernet), run.cwd)


def _template(run: Run, sources: Path) -> Template:
    """Where the demo's training photos have eyes, nose and mouth."""
    from nasface.recognition.detectors import YuNet, YuNetConfig
    from nasface.recognition.template import estimate_template

    training = load_data({"name": "lfw", "root": str(sources / "lfw112")}).require("training")
    photos = training.load(one_per_person(training.labels), size=112)
    with run.console.status(f"looking for the points of {len(photos)} faces"):
        template, found = estimate_template(photos.images, YuNet(YuNetConfig()), np.random.default_rng(0))
    return replace(template, origin=f"mean of yunet's points on {found:,} of {len(photos):,} training people of lfw112")


def _detector(run: Run, sources: Path, out: Path) -> list[Path]:
    """YuNet from OpenCV's file, written by our own exporter."""
    from nasface.exporters import TFLiteConfig, TFLiteExporter
    from nasface.recognition.detectors.yunet_network import PREPROCESSING, read_onnx, yunet

    [source] = sorted((sources / "yunet").glob("*.onnx"))
    path = out / "detectors" / "yunet.tflite"
    metadata: dict[str, Json] = {"preprocessing": PREPROCESSING, "source": source.name, "licence": YUNET_LICENCE}
    TFLiteExporter(TFLiteConfig(precision="float16")).export(yunet(640, 640), read_onnx(source), path, metadata)
    facts: dict[str, Json] = {
        "source": f"{source.name} of the OpenCV Zoo",
        "source_sha256": _sha256(source),
        "command": "nasface task=build_assets assets.parts=[detector]",
        "licence": f"{YUNET_LICENCE} The text: yunet.LICENSE.",
    }
    return [path, _provenance(path, facts)]


def _calibration(run: Run, sources: Path, out: Path) -> list[Path]:
    """Synthetic images that calibrate batch normalisation as photos of training people do, and resemble none of them.

    How well they do is measured apart, by `benchmarks/compare_calibration.py` (docs/results/calibration.md).
    """
    from nasface.supernets import load_supernet
    from nasface.supernets.synthetic import make_calibration_images

    bench = _demo(run)
    source, space = bench.source, bench.space
    supernet = load_supernet(asset("supernets", f"{DEMO}.safetensors"), space)
    training = load_data({"name": "lfw", "root": str(sources / "lfw112")}).require("training")
    photos = training.load(size=space.resolution)
    labels = training.labels[photos.indices]
    with run.console.status("refining synthetic calibration images (minutes)"):
        made = make_calibration_images(supernet, photos.images[one_per_person(labels)], np.random.default_rng(0))
    with run.console.status(f"comparing them with {len(labels)} photos of training people (minutes)"):
        likeness = _likeness(supernet, made, photos.images, labels)
    images = made[likeness["descriptor"].harmless(STRANGERS)]
    path = out / "calibration" / f"{DEMO}.npz"
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, grey=images[..., 0])
    facts: dict[str, Json] = {
        "command": "nasface task=build_assets assets.parts=[calibration]",
        "images": len(images),
        "dropped": len(made) - len(images),
        "supernet": source.fingerprint(space),
        "training_people": training.fingerprint,
        "resemblance_before_dropping": {name: found.figures() for name, found in likeness.items()},
        "details": "docs/results/calibration.md",
        "licence": LICENCE,
    }
    return [path, _provenance(path, facts)]


def _likeness(
    supernet: ElasticSupernet, made: Images, photos: Images, people: npt.NDArray[np.integer]
) -> dict[str, Resemblance]:
    """`Resemblance` of the images to the photos, by descriptors of the largest network and by pixels."""
    from nasface.accuracy.estimator import describe, measured_network
    from nasface.supernets.resemblance import resemblance

    chosen = np.sort(np.random.default_rng(0).choice(len(photos), 512, replace=False))
    network = measured_network(supernet, supernet.network.largest, photos[chosen])
    pixels = [images.mean(axis=-1, dtype=np.float32).reshape(len(images), -1) for images in (made, photos)]
    centre = pixels[1].mean(axis=0)
    return {
        "descriptor": resemblance(describe(network, made), describe(network, photos), people),
        "pixels": resemblance(pixels[0] - centre, pixels[1] - centre, people),
    }


def _table(run: Run, sources: Path, out: Path) -> list[Path]:
    """The accuracy table: measured by task=estimate_accuracy beforehand (hours), checked and copied here."""
    from nasface.accuracy.table import read_table, write_table

    if run.settings.accuracy.table is None:
        raise InvalidInput(
            "assets.parts=[table] needs accuracy.table=FILE.csv, written by task=estimate_accuracy (hours)."
        )
    bench = _demo(run)
    source, space = bench.source, bench.space
    table = read_table(run.path(run.settings.accuracy.table), space).check(
        supernet=source.fingerprint(space), resolution=space.resolution
    )
    path = _table_file(out)
    write_table(table, path, space)
    facts: dict[str, Json] = {
        "commands": [f"nasface task=estimate_accuracy {_MEASURED} {drawn}" for drawn in _DRAWN],
        "subnets": len(table),
        "origins": dict(Counter(table.notes["origin"])),
        "calibration": sorted(set(table.notes["calibration"])),
        "people": "validation people of lfw112",
        "licence": LICENCE,
    }
    return [path, _provenance(path, facts | dict(table.shared))]


def one_per_person(labels: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
    """Row of the first photo of every person."""
    return np.asarray(np.unique(labels, return_index=True)[1])


def _provenance(path: Path, facts: Mapping[str, Json]) -> Path:
    """Write `NAME.provenance.json` beside an asset."""
    target = path.with_suffix(".provenance.json")
    write_json(target, {**facts, "sha256": _sha256(path), "bytes": path.stat().st_size})
    return target


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


PARTS: dict[str, Callable[[Run, Path, Path], list[Path]]] = {
    "luts": _luts,
    "supernet": _supernet,
    "table": _table,
    "calibration": _calibration,
    "detector": _detector,
}
