"""Galleries: who is in them, what they refuse to compare, and the file through crashes, locks and encryption."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from nasface.errors import GalleryError, InvalidInput, UnknownName
from nasface.recognition import gallery_file
from nasface.recognition.classifiers import Centroid, CentroidConfig, Linear, LinearConfig, Nearest, NearestConfig
from nasface.recognition.gallery import Gallery, Threshold, Way, widened
from nasface.recognition.gallery_file import GalleryFile
from nasface.testing.arguments import own_generator_only

WAY = Way("a" * 64, "aligned", {"size": 112, "points": [[1, 2]] * 5}, "yunet")


def unit(rng: np.random.Generator, n: int, d: int = 16) -> np.ndarray:
    x = rng.normal(size=(n, d))
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def gallery(rng: np.random.Generator) -> Gallery:
    gallery = Gallery().enrolled("Bo", unit(rng, 2), WAY).enrolled("Ada", unit(rng, 3), WAY)
    return gallery.enrolled("Bo", unit(rng, 1), WAY)


class TestGallery:
    def test_people_and_counts(self, gallery: Gallery) -> None:
        assert gallery.counts == {"Ada": 3, "Bo": 3}
        assert gallery.without("Ada").counts == {"Bo": 3}
        assert gallery.counts == {"Ada": 3, "Bo": 3}, "a gallery is a value"
        assert gallery.without("Ada").without("Bo").counts == {}

    def test_nearest_is_the_nearest_photo_of_every_person(self, rng, monkeypatch) -> None:
        """In blocks that divide people, against all distances."""
        monkeypatch.setattr("nasface.recognition.gallery.BLOCK", 7)
        people, gallery = {name: unit(rng, n) for name, n in (("a", 5), ("b", 1), ("c", 9), ("d", 4))}, Gallery()
        for name, rows in people.items():
            gallery = gallery.enrolled(name, rows, WAY)
        probes = unit(rng, 6)
        expected = [
            [np.square(probe - rows.astype(np.float16)).sum(axis=1).min() for rows in people.values()]
            for probe in probes
        ]
        np.testing.assert_allclose(gallery.nearest(probes), expected, atol=2e-3)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"model": "b" * 64}, "another model.*enrol the people again"),
            ({"crop": "square"}, r"another crop.*recognition\.crop"),
            ({"template": None}, "another template"),
            ({"detector": "boxes"}, "another detector"),
        ],
    )
    def test_other_descriptors_are_refused(self, gallery: Gallery, rng, change, message) -> None:
        other = Way(**{**vars_of(WAY), **change})
        with pytest.raises(GalleryError, match=message):
            gallery.enrolled("Cy", unit(rng, 1), other)

    def test_names(self, gallery: Gallery, rng) -> None:
        assert gallery.enrolled("  Ada ", unit(rng, 1), WAY).counts["Ada"] == 4
        for bad in ("", "  ", "a\nb", "\x1b[31m"):
            with pytest.raises(InvalidInput, match="name"):
                gallery.enrolled(bad, unit(rng, 1), WAY)
        with pytest.raises(UnknownName, match="Did you mean 'Ada'"):
            gallery.without("Adda")

    def test_an_empty_gallery_names_nobody(self, rng) -> None:
        with pytest.raises(GalleryError, match="Nobody is enrolled"):
            Gallery().nearest(unit(rng, 1))

    @pytest.mark.parametrize("value", [0, 4, -1, float("nan")])
    def test_thresholds(self, value: float) -> None:
        with pytest.raises(InvalidInput, match="between 0 and 4"):
            Threshold(value, None, "")


def vars_of(way: Way) -> dict[str, object]:
    return {name: getattr(way, name) for name in ("model", "crop", "template", "detector")}


def test_every_finite_float16_is_widened_exactly() -> None:
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    finite = halves[np.isfinite(halves)]
    np.testing.assert_array_equal(widened(finite).view(np.int32), finite.astype(np.float32).view(np.int32))


class TestFile:
    def write(self, path: Path, gallery: Gallery, **options) -> GalleryFile:
        file = GalleryFile(path, **options)
        with file.changing() as write:
            write(gallery)
        return file

    def test_comes_back(self, gallery: Gallery, tmp_path: Path) -> None:
        import dataclasses

        kept = dataclasses.replace(gallery, threshold=Threshold(0.9, 1e-3, "somebody"))
        file = self.write(tmp_path / "a.gallery", kept)
        found = file.read()
        assert (found.people, found.way, found.threshold) == (kept.people, WAY, kept.threshold)
        np.testing.assert_array_equal(found.descriptors, kept.descriptors)
        assert file.path.stat().st_mode & 0o077 == 0, "for its owner only"

    def test_nothing_of_a_removed_person_stays(self, gallery: Gallery, tmp_path: Path) -> None:
        path = tmp_path / "a.gallery"
        self.write(path, gallery)
        rows = gallery.descriptors[gallery.labels == 0]
        with GalleryFile(path).changing() as write:
            write(gallery.without("Ada"))
        left = b"".join(file.read_bytes() for file in tmp_path.iterdir())
        assert b"Ada" not in left
        assert all(row.tobytes() not in left for row in rows)
        assert sorted(file.name for file in tmp_path.iterdir()) == [".a.gallery.lock", "a.gallery"]

    @pytest.mark.parametrize("damage", ["cut", "text", "empty", "pickle", "labels", "nan", "compressed"])
    def test_damaged_files_are_refused(self, gallery: Gallery, tmp_path: Path, damage: str) -> None:
        path = self.write(tmp_path / "a.gallery", gallery).path
        facts = np.frombuffer(
            b'{"format": "nasface.gallery/1", "people": ["a"], "way": null, "threshold": null}', np.uint8
        )
        arrays = {"descriptors": np.zeros((2, 3), np.float16), "labels": np.zeros(2, np.int32), "facts": facts}
        if damage == "cut":
            path.write_bytes(path.read_bytes()[:-100])
        elif damage in ("text", "empty"):
            path.write_text("no gallery" if damage == "text" else "")
        elif damage == "compressed":
            with path.open("wb") as file:
                np.savez_compressed(file, **arrays)
        else:
            changes = {
                "pickle": {"labels": np.array([{}, {}], object)},
                "labels": {"labels": np.array([0, 1], np.int32)},
                "nan": {"descriptors": np.full((2, 3), np.nan, np.float16)},
            }
            with path.open("wb") as file:
                np.savez(file, **{**arrays, **changes[damage]})
        with pytest.raises(GalleryError, match="no gallery, or damaged"):
            GalleryFile(path).read()

    def test_absent(self, tmp_path: Path) -> None:
        with pytest.raises(GalleryError, match=r"does not exist.*task=enrol"):
            GalleryFile(tmp_path / "none.gallery").read()

    def test_one_process_at_a_time(self, gallery: Gallery, tmp_path: Path, monkeypatch) -> None:
        monkeypatch.setattr(gallery_file, "PATIENCE", 0.1)
        file = self.write(tmp_path / "a.gallery", gallery)
        with file.changing(), pytest.raises(GalleryError, match="Another process"), file.changing():
            pass

    def test_a_killed_process_leaves_the_old_file_and_its_rest_goes(self, gallery: Gallery, tmp_path: Path) -> None:
        path = self.write(tmp_path / "a.gallery", gallery).path
        code = (
            "import sys, os, signal; from pathlib import Path\n"
            "from nasface.recognition.gallery_file import GalleryFile\n"
            "Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
            "file = GalleryFile(Path(sys.argv[1]))\n"
            "with file.changing() as write: write(file.read().without('Ada'))"
        )
        done = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
        assert done.returncode == -signal.SIGKILL
        assert list(tmp_path.glob("*.tmp")) or list(tmp_path.glob(".*.tmp")), "something half-done is left"
        assert GalleryFile(path).read().counts == gallery.counts
        with GalleryFile(path).changing() as write:
            write(gallery.without("Bo"))
        assert not list(tmp_path.glob(".*.tmp"))

    def test_encrypted(self, gallery: Gallery, tmp_path: Path) -> None:
        pytest.importorskip("cryptography")
        path = tmp_path / "a.gallery"
        file = self.write(path, gallery, passphrase=lambda: "right", encrypt=True)
        assert file.read().counts == gallery.counts
        content = path.read_bytes()
        assert b"Ada" not in content
        assert gallery.descriptors[0].tobytes() not in content
        with GalleryFile(path, lambda: "right").changing() as write:
            write(gallery.without("Ada"))
        assert path.read_bytes().startswith(b"nasface.gallery/1 encrypted"), "it stays encrypted"
        for passphrase in (lambda: "wrong", None):
            with pytest.raises(GalleryError, match="passphrase"):
                GalleryFile(path, passphrase).read()
        header, _, body = path.read_bytes().partition(b"\n")
        weaker = header.replace(b"32768", b"16384")
        for damaged in (header + b"\n" + body[:-1], weaker + b"\n" + body, header, b"nasface.gallery/1 encrypted {"):
            path.write_bytes(damaged)
            with pytest.raises(GalleryError, match="passphrase is wrong, or the file damaged"):
                GalleryFile(path, lambda: "right").read()

    def test_the_file_needs_no_numpy_pickle(self, gallery: Gallery, tmp_path: Path) -> None:
        path = self.write(tmp_path / "a.gallery", gallery).path
        with zipfile.ZipFile(path) as archive:
            assert sorted(archive.namelist()) == ["descriptors.npy", "facts.npy", "labels.npy"]
        with np.load(path, allow_pickle=False) as arrays:
            facts = json.loads(arrays["facts"].tobytes())
        assert facts["people"] == ["Ada", "Bo"]
        assert facts["way"]["template"] == WAY.template


CLASSIFIERS = [
    Nearest(NearestConfig()),
    Centroid(CentroidConfig()),
    Linear(LinearConfig()),
    Linear(LinearConfig(kind="svm")),
]


@pytest.mark.parametrize("classifier", CLASSIFIERS, ids=["nearest", "centroid", "ridge", "svm"])
@pytest.mark.parametrize("people", [2, 5])
def test_classifiers_rank_the_right_person_first(classifier, people: int, rng: np.random.Generator) -> None:
    if isinstance(classifier, Linear):
        pytest.importorskip("sklearn")
    centres, gallery = unit(rng, people, 32), Gallery()
    for person, centre in enumerate(centres):
        rows = centre + 0.1 * rng.normal(size=(4, 32))
        gallery = gallery.enrolled(f"p{person}", rows.astype(np.float32), WAY)
    probes = centres + 0.1 * rng.normal(size=centres.shape)
    probes = (probes / np.linalg.norm(probes, axis=1, keepdims=True)).astype(np.float32)
    classifier.fit(gallery)
    scores = classifier.scores(probes, gallery.nearest(probes))
    assert scores.shape == (people, people)
    assert scores.argmax(axis=1).tolist() == list(range(people))


@pytest.mark.parametrize("classifier", CLASSIFIERS, ids=["nearest", "centroid", "ridge", "svm"])
def test_who_has_one_photo_is_not_taken_for_who_has_four(classifier, rng: np.random.Generator) -> None:
    """And nobody's generator is used, so that galleries give the same answers in any program."""
    if isinstance(classifier, Linear):
        pytest.importorskip("sklearn")
    centres, gallery = unit(rng, 60, 32), Gallery()
    for person, centre in enumerate(centres):
        rows = centre + 0.05 * rng.normal(size=(1 + person % 4, 32))
        gallery = gallery.enrolled(f"p{person:03d}", rows.astype(np.float32), WAY)
    probes = (centres + 0.05 * rng.normal(size=centres.shape)).astype(np.float32)
    probes /= np.linalg.norm(probes, axis=1, keepdims=True)
    with own_generator_only():
        classifier.fit(gallery)
        scores = classifier.scores(probes, gallery.nearest(probes))
    assert scores.dtype == np.float32
    assert scores.argmax(axis=1).tolist() == list(range(60))


def test_where_the_mean_helps(rng: np.random.Generator) -> None:
    """One bad photo of somebody else: the nearest photo is fooled, the mean is not."""
    a, b = unit(rng, 2, 64)
    gallery = (
        Gallery().enrolled("a", np.stack([a] * 5), WAY).enrolled("b", np.stack([b] * 4 + [a * 0.9 + 0.1 * b]), WAY)
    )
    probe = (0.85 * a + 0.15 * b)[None].astype(np.float32)
    probe /= np.linalg.norm(probe)
    found = []
    for classifier in CLASSIFIERS[:2]:
        classifier.fit(gallery)
        found.append(int(classifier.scores(probe, gallery.nearest(probe)).argmax()))
    assert found == [1, 0]
