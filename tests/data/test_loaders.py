"""The options of `data=`."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nasface.data import FaceData, load_data, write_bin
from nasface.errors import DataError, InvalidInput, UnknownName
from nasface.metrics import evaluate_all_pairs, evaluate_pairs, leave_one_out, squared_distances
from nasface.preprocessing import Preprocessing
from nasface.registry import REGISTRY

WriteList = Callable[..., Path]


def people(data: FaceData) -> list[tuple[str, ...] | None]:
    return [part.people if part else None for part in (data.training, data.validation, data.report)]


@pytest.mark.parametrize("name", REGISTRY.names("data"))
def test_every_option_has_a_config_with_its_name_and_only_defaults(name: str) -> None:
    config = REGISTRY.get("data", name).config
    assert config is not None
    assert config().name == name
    assert dataclasses.fields(config)[0].name == "name"


def test_unknown_options_and_parameters_are_refused() -> None:
    with pytest.raises(UnknownName, match=r"Unknown data 'lwf'\. Did you mean 'lfw'"):
        load_data({"name": "lwf"})
    with pytest.raises(UnknownName, match=r"Unknown parameter of data lfw 'rot'\. Did you mean 'root'"):
        load_data({"name": "lfw", "rot": "x"})


def test_importing_the_options_loads_no_decoder() -> None:
    code = "import sys, nasface.data, nasface.metrics; sys.exit(bool({'PIL', 'torch', 'scipy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# lfw


def test_lfw_without_lists_reports_on_everybody(photo_folder: Path) -> None:
    data = load_data({"name": "lfw", "root": str(photo_folder)})
    assert people(data) == [None, None, ("Ann_Lee", "Bob_Ray", "Cy_Ode", "Di_Fox", "Ed_Kim", "Flo_Orr")]
    assert data.pairs is None


def test_lfw_finds_tar_lists_and_pairs_beside_each_other(
    photo_folder: Path, make_tar: Callable[..., Path], write_list: WriteList
) -> None:
    folder = make_tar(photo_folder).parent
    (folder / "training_people.txt").write_text("Ann_Lee\nBob_Ray\n")
    (folder / "validation_people.txt").write_text("Di_Fox\n")
    (folder / "report_people.txt").write_text("Flo_Orr\nEd_Kim\nCy_Ode\n")
    genuine = [f"Flo_Orr\t{i}\t{j}" for i in range(1, 6) for j in range(i + 1, 7)]
    impostor = [f"Ed_Kim\t{i}\tCy_Ode\t{j}" for i in range(1, 4) for j in range(1, 5)]
    (folder / "pairsDevTest.txt").write_text("\n".join(genuine + impostor))
    for root in (folder, folder / "photos.tar"):
        data = load_data({"name": "lfw", "root": str(root)})
        assert people(data) == [("Ann_Lee", "Bob_Ray"), ("Di_Fox",), ("Cy_Ode", "Ed_Kim", "Flo_Orr")]
        assert data.pairs is not None
        assert (len(data.pairs), data.pairs.photos.people) == (27, ("Cy_Ode", "Ed_Kim", "Flo_Orr"))
    off = load_data({"name": "lfw", "root": str(folder), "pairs": "none", "training_people": "none"})
    assert (off.pairs, off.training) == (None, None)


@pytest.mark.parametrize("name", ["lfw", "image_folder"])
def test_pairs_of_training_people_are_refused_and_what_is_said_helps(
    photo_folder: Path, write_list: WriteList, name: str
) -> None:
    write_list("mine.txt", *(["Flo_Orr\t1\t2"] * 10), *(["Ann_Lee\t1\tEd_Kim\t2"] * 10))
    write_list("training_people.txt", "Ann_Lee")
    settings = {"name": name, "root": str(photo_folder), "pairs": "mine.txt"}
    with pytest.raises(DataError, match=r"names 1 training or validation people \(Ann_Lee\)") as refused:
        load_data(settings)
    advice = dict(re.findall(r"data\.(\w+)=(\w+)", str(refused.value)))
    assert load_data(settings | advice).pairs is not None


def test_files_that_were_named_must_exist(photo_folder: Path) -> None:
    for key in ("pairs", "training_people"):
        with pytest.raises(DataError, match=r"There is no file absent\.txt, neither here nor in .*photos"):
            load_data({"name": "lfw", "root": str(photo_folder), key: "absent.txt"})


def test_lists_of_strangers_are_refused_and_some_strangers_logged(
    photo_folder: Path, write_list: WriteList, caplog: pytest.LogCaptureFixture
) -> None:
    settings = {"name": "lfw", "root": str(photo_folder), "report_people": "list.txt"}
    write_list("list.txt", "Zoe", "Yul")
    with pytest.raises(
        DataError, match=r"names nobody of the data set \(2 names: Yul, Zoe\).*such as Ann_Lee, Bob_Ray"
    ):
        load_data(settings)
    write_list("list.txt", "")
    with pytest.raises(DataError, match="names nobody"):
        load_data(settings)
    write_list("list.txt", "Zoe", "Ed_Kim", "")
    assert people(load_data(settings)) == [None, None, ("Ed_Kim",)]
    assert "1 of 2 people in" in caplog.text


def test_a_person_in_two_lists_is_refused(photo_folder: Path, write_list: WriteList) -> None:
    write_list("training_people.txt", "Ann_Lee", "Ed_Kim")
    write_list("report_people.txt", "Ed_Kim", "Flo_Orr")
    with pytest.raises(DataError, match="1 people are both training and report people: Ed_Kim"):
        load_data({"name": "lfw", "root": str(photo_folder)})


def test_lfw112(shared_data: Path) -> None:
    """The research-only photos: counts of the data's README, and sixty photos read from the tar."""
    folder = shared_data / "lfw112"
    data = load_data({"name": "lfw", "root": str(folder)})
    sizes = [(len(part), len(part.people)) for part in (data.training, data.validation, data.report) if part]
    assert sizes == [(8690, 4186), (1802, 600), (2741, 963)]
    assert np.sum(sizes, axis=0).tolist() == [13233, 5749]
    assert data.pairs is not None
    assert np.bincount(2 * data.pairs.folds + data.pairs.same).tolist() == [50] * 20
    assert data.report is not None
    photos = data.report.load(range(0, 2741, 46), size=112)
    assert (photos.images.shape, photos.skipped) == ((60, 112, 112, 3), ())
    assert (photos.images[..., 0] == photos.images[..., 2]).all()  # grey
    assert photos.images.std(axis=(1, 2, 3)).min() > 10


def test_lfw112_view_2_is_for_networks_trained_elsewhere(shared_data: Path) -> None:
    settings = {"name": "lfw", "root": str(shared_data / "lfw112"), "pairs": "pairs.txt"}
    with pytest.raises(DataError, match=r"names 3,?\d+ training or validation people"):
        load_data(settings)
    data = load_data(settings | {"training_people": "none", "validation_people": "none"})
    assert data.pairs is not None
    assert (len(data.pairs), len(data.pairs.photos), len(data.pairs.photos.people)) == (6000, 7701, 4281)
    assert np.bincount(2 * data.pairs.folds + data.pairs.same).tolist() == [300] * 20


def test_pairs_may_be_a_bin_for_every_option(photo_folder: Path) -> None:
    photos = [path.read_bytes() for path in sorted(photo_folder.glob("Ed_Kim/*.jpg"))] * 10
    write_bin(photo_folder / "own.bin", photos, [True, False] * 10)
    for name in ("lfw", "image_folder"):
        data = load_data({"name": name, "root": str(photo_folder), "pairs": "own.bin"})
        assert data.pairs is not None
        assert (len(data.pairs), data.pairs.photos.people) == (20, ("own.bin",))
        assert len(data.photos_to_judge) == len(data.require("report")) + 40


# image_folder


def test_image_folder_splits_by_names_and_nobody_moves_as_it_grows(photo_folder: Path) -> None:
    settings: dict[str, Any] = {"name": "image_folder", "root": str(photo_folder)}
    before = people(load_data(settings))
    everybody = [person for part in before if part for person in part]
    assert sorted(everybody) == ["Ann_Lee", "Bob_Ray", "Cy_Ode", "Di_Fox", "Ed_Kim", "Flo_Orr"]
    source = photo_folder / "Di_Fox" / "Di_Fox_0001.jpg"
    for number in range(40):
        (photo_folder / f"New_{number}").mkdir()
        (photo_folder / f"New_{number}" / "selfie.jpeg").write_bytes(source.read_bytes())
    after = people(load_data(settings))
    for old, new in zip(before, after, strict=True):
        assert set(old or ()) <= set(new or ())
    shares = [len(part or ()) / 46 for part in after]
    assert shares == pytest.approx([0.5, 0.2, 0.3], abs=0.15)


def test_image_folder_with_lists_and_fractions(photo_folder: Path, write_list: WriteList) -> None:
    settings: dict[str, Any] = {"name": "image_folder", "root": str(photo_folder)}
    only_report = load_data(settings | {"training_fraction": 0.0, "validation_fraction": 0.0})
    assert people(only_report)[:2] == [None, None]
    for training, validation in ((-0.1, 0.2), (0.7, 0.4)):
        with pytest.raises(InvalidInput, match="sum to at most 1"):
            load_data(settings | {"training_fraction": training, "validation_fraction": validation})
    write_list("validation_people.txt", "Cy_Ode")
    assert people(load_data(settings)) == [None, ("Cy_Ode",), None]


# procedural


def test_procedural_sets_and_pairs() -> None:
    data = load_data({"name": "procedural", "people": 20, "photos": 3})
    parts = people(data)
    assert [len(part or ()) for part in parts] == [10, 5, 5]
    assert len({person for part in parts for person in part or ()}) == 20
    assert data.pairs is not None
    assert (len(data.pairs), int(data.pairs.same.sum())) == (30, 15)


def test_procedural_photos_depend_on_seed_person_and_number_alone() -> None:
    few = load_data({"name": "procedural", "people": 20, "photos": 3}).require("training")
    many = load_data({"name": "procedural", "people": 40, "photos": 5}).require("training")
    other = load_data({"name": "procedural", "people": 20, "photos": 3, "seed": 1}).require("training")
    rows = many.positions(few.names)
    images = few.load(size=24).images
    assert (images.shape, images.dtype) == ((30, 24, 24, 3), np.uint8)
    np.testing.assert_array_equal(images, many.load(rows, size=24).images)
    assert len(np.unique(images.reshape(30, -1), axis=0)) == 30
    assert (images != other.load(size=24).images).mean() > 0.5
    assert few.fingerprint != other.fingerprint


def test_procedural_faces_look_alike_at_every_size() -> None:
    faces = load_data({"name": "procedural", "people": 20, "photos": 3}).require("report")
    small, large = faces.load([0, 1, 2], size=28).images, faces.load([0, 1, 2], size=112).images
    shrunk = large.reshape(3, 28, 4, 28, 4, 3).mean(axis=(2, 4))
    assert np.abs(shrunk - small).mean() < 12


def test_procedural_people_can_be_told_apart_but_not_by_pixels_alone() -> None:
    """Mean-free pixels verify clearly better than chance and clearly short of perfect."""
    data = load_data({"name": "procedural"})
    photos = data.require("report").load(size=32)
    values = Preprocessing(32).normalise(photos.images)
    pixels = (values - values.mean(axis=(1, 2), keepdims=True)).reshape(len(photos), -1)
    assert 0.65 < evaluate_all_pairs(pixels, photos.labels, ()).auc < 0.95
    assert 0.3 < leave_one_out(pixels, photos.labels).micro < 0.95
    pairs = data.pairs
    assert pairs is not None
    rows = data.require("report").positions(pairs.photos.names)
    distances = squared_distances(pixels[rows], pairs.first, pairs.second)
    assert 0.55 < evaluate_pairs(distances, pairs.same, pairs.folds, far=None).accuracy < 0.95


@pytest.mark.parametrize("settings", [{"people": 4}, {"photos": 1}, {"seed": -1}])
def test_procedural_sets_that_are_too_small_are_refused(settings: dict[str, int]) -> None:
    with pytest.raises(InvalidInput, match="enough people and photos for ten pairs"):
        load_data({"name": "procedural"} | settings)


def test_pairs_are_drawn_on_request_balanced_and_the_same_again(photo_folder: Path) -> None:
    settings = {"name": "image_folder", "root": str(photo_folder), "split": "none", "generate_pairs": 8}
    pairs, again = (load_data(settings).pairs for _ in range(2))
    assert pairs is not None
    assert again is not None
    assert pairs.same.sum() * 2 == len(pairs) > 0
    np.testing.assert_array_equal(pairs.first, again.first)
    people = np.array([name.split("/")[0] for name in pairs.photos.names])
    np.testing.assert_array_equal(people[pairs.first] == people[pairs.second], pairs.same)
    with pytest.raises(InvalidInput, match=r"data\.generate_pairs is -1"):
        load_data(settings | {"generate_pairs": -1})
