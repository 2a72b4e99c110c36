"""What pages take for granted: a reader's photos, checkpoint, tables, models and devices, small and of nobody."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

import nasface
from nasface.assets import asset
from nasface.data import load_data
from nasface.data.decoding import pillow_modules
from nasface.data.verification_bin import write_bin
from nasface.spaces import OfaMbv3, OfaMbv3Config, OfaMbv3FaceConfig
from nasface.supernets import ElasticNetwork
from nasface.supernets.checkpoint import save_pth
from nasface.testing.faces import drawn_people, write_contrast_model
from nasface.testing.made_up_device import MadeUpDevice

from .test_calibrate_device import fill

SPACE = OfaMbv3(OfaMbv3FaceConfig(resolution=112))
PEOPLE, PHOTOS = 24, 4
SCHEDULE = """\
defaults:
  - /schema/training@_here_
  - _self_

name: mine
plan:
  all: {epochs: 50, learning_rate: 1e-3}
"""


def furnish(folder: Path) -> None:
    """Put the files that pages name into an empty folder."""
    faces = load_data({"name": "procedural", "people": PEOPLE, "photos": PHOTOS})
    parts = {name: faces.require(name) for name in ("training", "validation", "report")}
    for name, part in parts.items():
        for (person, file), image in zip(_names(part.labels, name), part.load(size=64).images, strict=True):
            for root in ("faces", "lfw112", "Fotos (1)/Müller"):
                _write(folder / root / person / file, image)
    report = sorted({person for person, _ in _names(parts["report"].labels, "report")})
    for name, part in parts.items():
        listed = sorted({person for person, _ in _names(part.labels, name)})
        (folder / "lfw112" / f"{name}_people.txt").write_text("\n".join(listed) + "\n")
    shutil.copytree(folder / "lfw112", folder / "lfw")
    for name in ("lfw", "lfw112"):
        (folder / name / "lfw_ytf_classes.txt").write_text("\n".join(report) + "\n")
    (folder / "lfw_ytf_classes.txt").write_text("\n".join(report) + "\n")
    groups = "".join(f"{'ab'[at % 2]},{person}\n" for at, person in enumerate(report))
    (folder / "groups.csv").write_text("group,person\n" + groups)
    _descriptors(folder, sorted((folder / "lfw").glob("*/*.png")))
    _people(folder)
    _own_supernet(folder)
    _times(folder)


def _names(labels: npt.NDArray[np.int64], part: str) -> Iterator[tuple[str, str]]:
    for at, label in enumerate(labels):
        person = f"{part}_{label:03d}"
        yield person, f"{person}_{at % PHOTOS + 1:04d}.png"


def _write(path: Path, image: npt.NDArray[np.uint8]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pillow_modules()[0].fromarray(image).save(path)


def _descriptors(folder: Path, photos: list[Path]) -> None:
    names = [f"{path.parent.name}/{path.name}" for path in photos]
    known = np.random.default_rng(0).normal(size=(len(names), 8)).astype(np.float32)
    np.save(folder / "descriptors.npy", known)
    np.savez(folder / "descriptors.npz", descriptors=known, names=np.array(names))
    (folder / "files.txt").write_text("\n".join(names) + "\n")


def _people(folder: Path) -> None:
    """Faces that the detector finds: five people of three photos, a party, and sets made of the same five."""
    photos, rng = drawn_people(), np.random.default_rng(0)
    for at, image in enumerate(photos):
        for root in ("photos", "people"):
            _write(folder / root / f"person_{at // 3}" / f"{at % 3}.png", image)
    singles = {"ada1": 0, "ada2": 1, "a": 0, "b": 1, "one": 0, "other": 3}
    for name, at in singles.items():
        _write(folder / f"{name}.jpg", photos[at])
    _write(folder / "party.jpg", np.concatenate([photos[0], photos[3]], axis=1))
    for part, people in (("training", 4), ("validation", 4), ("report", 4)):
        for person in range(people):
            for at in range(3):
                image = np.clip(photos[3 * (person % 5) + at] + rng.normal(0, 4, photos[0].shape), 0, 255)
                name = f"{part}_{person}"
                _write(folder / "lfw250" / name / f"{name}_{at + 1:04d}.png", image.astype(np.uint8))
        listed = "".join(f"{part}_{person}\n" for person in range(people))
        (folder / "lfw250" / f"{part}_people.txt").write_text(listed)
    encoded = []
    for image in (*photos[:6], *photos[9:15]):
        data = io.BytesIO()
        pillow_modules()[0].fromarray(image).save(data, "PNG")
        encoded.append(data.getvalue())
    (folder / "bins").mkdir()
    pairs = [(0, 1), (0, 3), (3, 4), (1, 6)] * 10
    write_bin(folder / "bins" / "cfp_fp.bin", [encoded[at] for pair in pairs for at in pair], [True, False] * 20)


def _own_supernet(folder: Path) -> None:
    """The demo as the reader's own supernet, its table as theirs; another supernet; a schedule."""
    supernet = nasface.load_supernet(asset("supernets", "lfw112.safetensors"))
    for name in ("mine.pth", "mine.safetensors", "softmax.safetensors"):
        supernet.save(folder / name)
    save_pth(ElasticNetwork(OfaMbv3(OfaMbv3Config(width=1.0, resolution=112)), 5), folder / "ofa.pth")
    for name in ("mine.csv", "softmax.csv"):
        shutil.copy(asset("tables", "lfw112.csv"), folder / name)
    rows = asset("tables", "lfw112.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "small.csv").write_text("".join(rows[:61]), encoding="utf-8")
    for program in ("benchmark_model", "android_aarch64_benchmark_model"):
        (folder / program).touch()
    (folder / "conf" / "training").mkdir(parents=True)
    (folder / "conf" / "training" / "mine.yaml").write_text(SCHEDULE)


def place_run(folder: Path, run: Path) -> None:
    """Put what a search left where pages look for models and networks."""
    for name in ("mine", "found", "a", "yesterday"):
        shutil.copytree(run, folder / "runs" / name)
    for name in ("model.tflite", "mine.tflite", "models/epoch=3-step=10.tflite"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(run / "model.tflite", folder / name)
    shutil.copy(run / "net.config", folder / "net.config")
    write_contrast_model(folder / "other.onnx")


def _times(folder: Path) -> None:
    """Times of layers as the authors' app and as a table writes them: five microseconds and a nanosecond a MAC."""
    times = {layer.key: 0.005 + layer.macs / 1e7 for layer in SPACE.layers()}
    (folder / "perf.txt").write_text("".join(f"{key} 50 {ms:.4f} 0.001\n" for key, ms in times.items()))
    (folder / "phone.csv").write_text("key,mean_ms\n" + "".join(f"{key},{ms:.4f}\n" for key, ms in times.items()))


def made_up_device() -> MadeUpDevice:
    """A device whose times follow the sizes of files; EfficientNet-B0 takes twice as long."""

    def time_of(path: Path) -> float:
        return 0.01 + path.stat().st_size / (1e6 if "efficientnet" in path.name else 2e6)

    return MadeUpDevice(time_of, np.random.default_rng(0), noise=1e-3)


def fill_in(folder: Path) -> None:
    """What a reader does between commands: fills in a form, keeps measurements under the name that the page uses."""
    for form in folder.glob("*_probes/times.csv"):
        times = {"probe_1": "2.2", "probe_2": "8.3", "probe_3": "2.9", "probe_4": "5.4", "efficientnet_b0": "6.5"}
        fill(form, times)
    for measured in folder.glob("runs/*_check_latency/measurements.csv"):
        shutil.copy(measured, folder / "measurements.csv")
