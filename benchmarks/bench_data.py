"""Sets of a million photos: how long until the first photo can be read, and the memory that stays; speed of reading.

Run: pytest benchmarks/bench_data.py --benchmark-only

Memory is in `extra_info`: bytes of Python's and numpy's allocations that are kept, and at most, per photo. The million
photos exist by name only: an index of a RecordIO file with holes, and a list of photos as VGGFace2 has one.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from _sizes import size
from PIL import Image

from nasface.data import FaceSet, PhotoIndex, cached, load_data
from nasface.data import _base as base
from nasface.data.decoding import decode
from nasface.data.people import Split, split
from nasface.data.sources import FolderSource
from nasface.testing.photos import write_records

PHOTOS, PEOPLE = size((1_000_000, 10_000), (2000, 20))
FOUND = size(1000, 100)
FILES = size({112: 1000, 600: 100}, {112: 20, 600: 4})
"""Photos by pixels."""

BATCH = size(64, 4)


@pytest.fixture(scope="session")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_records(tmp_path_factory.mktemp("records"), PHOTOS, PEOPLE).parent


@pytest.fixture(scope="session")
def vggface2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("vggface2")
    (root / "train").mkdir()
    each = PHOTOS // PEOPLE
    with (root / "train_list.txt").open("w") as file:
        file.writelines(f"n{k // each:06d}/{k % each:04d}_01.jpg\n" for k in range(PHOTOS))
    return root


def measured(benchmark: Any, make: Callable[[], Any]) -> Any:
    """Time without, then memory with, tracing."""
    result = benchmark.pedantic(make, rounds=3)
    del result
    tracemalloc.start()
    result = make()
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    benchmark.extra_info["kept bytes per photo"] = round(kept / PHOTOS, 1)
    benchmark.extra_info["peak bytes per photo"] = round(peak / PHOTOS, 1)
    return result


def test_open_records(benchmark: Any, records: Path) -> None:
    data = measured(benchmark, lambda: load_data({"name": "recordio", "root": str(records)}))
    assert len(data.training) + len(data.validation) == PHOTOS


def test_open_vggface2_by_its_list(benchmark: Any, vggface2: Path) -> None:
    data = measured(benchmark, lambda: load_data({"name": "vggface2", "root": str(vggface2)}))
    assert len(data.training) + len(data.validation) == PHOTOS


def test_strings_and_dictionaries(benchmark: Any, vggface2: Path) -> None:
    """The floor of what is avoided: a sorted tuple of names, labels, and a row for every name."""

    def make() -> Any:
        names = tuple(sorted((vggface2 / "train_list.txt").read_text().split()))
        people = {person: row for row, person in enumerate(sorted({name.rpartition("/")[0] for name in names}))}
        labels = np.array([people[name.rpartition("/")[0]] for name in names])
        return names, labels, {name: row for row, name in enumerate(names)}

    measured(benchmark, make)


@pytest.mark.parametrize("kind", ["identity", "image"])
def test_split(benchmark: Any, vggface2: Path, kind: str) -> None:
    index = PhotoIndex.lines((vggface2 / "train_list.txt").read_bytes())
    faces = FaceSet.all(FolderSource(index, {}))
    assert benchmark(split, faces, Split(kind, 0.9, 0.1))["validation"]


def test_find_names(benchmark: Any, records: Path) -> None:
    faces = load_data({"name": "recordio", "root": str(records), "split": "none"}).require("report")
    names = [faces.names[row] for row in range(0, PHOTOS, PHOTOS // FOUND)]
    assert len(benchmark(faces.positions, names)) == FOUND


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Smooth photos of 112 and of 600 pixels, about 4 and 40 kB each."""
    root, rng = tmp_path_factory.mktemp("photos"), np.random.default_rng(0)
    for side, count in FILES.items():
        (root / f"s{side}" / "p").mkdir(parents=True)
        for k in range(count):
            small = Image.fromarray(rng.integers(0, 256, (side // 8, side // 8, 3), dtype=np.uint8))
            small.resize((side, side), Image.Resampling.BICUBIC).save(root / f"s{side}" / "p" / f"{k}.jpg", quality=92)
    return root


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("side", [112, 600])
def test_load(benchmark: Any, folder: Path, side: int, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading and decoding to 112 pixels; at most as many threads as there are cores."""
    monkeypatch.setattr(base, "THREADS", threads)
    settings = {"name": "lfw", "root": str(folder / f"s{side}")}
    faces = load_data(settings).require("report")
    assert len(benchmark.pedantic(faces.load, kwargs={"size": 112}, rounds=3)) == len(faces)


@pytest.mark.parametrize("draft", [True, False])
def test_decode_large(benchmark: Any, folder: Path, draft: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A photo of 600 pixels, with and without decoding at a fraction of the size."""
    if not draft:
        monkeypatch.setattr("nasface.data.decoding.DRAFT", 1000)
    data = (folder / "s600" / "p" / "0.jpg").read_bytes()
    assert benchmark(decode, data, 112).shape == (112, 112, 3)


def test_read_from_cache(benchmark: Any, folder: Path, tmp_path: Path) -> None:
    """Photos in random batches, from the memory-mapped file."""
    photos = cached(load_data({"name": "lfw", "root": str(folder / "s112")}).require("report"), 112, tmp_path)
    count = FILES[112] // BATCH * BATCH
    batches = np.random.default_rng(0).permutation(count).reshape(-1, BATCH)
    assert benchmark(lambda: sum(len(photos.images[np.sort(batch)]) for batch in batches)) == count
