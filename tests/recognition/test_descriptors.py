"""A model file says the same about photos in every format and batch; a file of descriptors is read by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nasface.data import FaceSet, load_data
from nasface.errors import DataError, NasfaceError
from nasface.exporters import TFLiteConfig, TFLiteExporter
from nasface.netspec import INPUT, NetBuilder, NetSpec, Weights, random_weights
from nasface.preprocessing import Preprocessing
from nasface.recognition import embed_photos, read_descriptors

SIDE, WIDTH = 16, 8


@pytest.fixture(scope="module")
def faces() -> FaceSet:
    """More photos than the models take at once."""
    return load_data({"name": "procedural", "people": 20, "photos": 4}).everything


@pytest.fixture(scope="module")
def network() -> tuple[NetSpec, Weights]:
    net = NetBuilder("small", (SIDE, SIDE, 3))
    with net.layer("Conv"):
        x = net.activation(net.conv(INPUT, "stem", channels=WIDTH, kernel=3, stride=2, norm="stem.bn"), "relu")
        net.global_avg_pool(x, "pool")
    spec = net.build()
    return spec, random_weights(spec, np.random.default_rng(0))  # the weights of `write_torchscript`


@pytest.fixture(scope="module")
def tflite(network: tuple[NetSpec, Weights], tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("ai_edge_litert", reason="needs ai-edge-litert")
    return TFLiteExporter(TFLiteConfig()).export(*network, tmp_path_factory.mktemp("model") / "model.tflite", {}).path


TORCHSCRIPT = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")  # newer torch calls it the old way


@TORCHSCRIPT
def test_tflite_and_torchscript_say_the_same(
    network: tuple[NetSpec, Weights], tflite: Path, faces: FaceSet, tmp_path: Path
) -> None:
    torch = pytest.importorskip("torch", reason="needs torch")
    from nasface.supernets.module import SpecModule
    from nasface.timing.torch_timing import write_torchscript

    module, script = SpecModule.from_weights(*network), write_torchscript(network[0], tmp_path / "model.pt")
    images = torch.from_numpy(Preprocessing(SIDE).normalise(faces.load(size=SIDE).images)).permute(0, 3, 1, 2)
    with torch.inference_mode():
        expected = module(images).numpy()
    for found in (embed_photos(tflite, faces), embed_photos(script, faces, SIDE)):
        np.testing.assert_allclose(found.descriptors, expected, atol=1e-5)
        assert found.rows.tolist() == list(range(len(faces)))
        assert found.skipped == ()


def test_photos_that_cannot_be_read_are_named_and_the_others_keep_their_rows(tflite: Path, tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image", reason="needs pillow")
    for person in ("ann", "bob"):
        (tmp_path / person).mkdir()
        for number in range(2):
            image.new("RGB", (20, 20), (60 * number, 90, 30)).save(tmp_path / person / f"{number}.jpg")
    (tmp_path / "ann" / "1.jpg").write_bytes(b"no photo")
    faces = load_data({"name": "image_folder", "root": str(tmp_path), "split": "none"}).require("report")
    found = embed_photos(tflite, faces)
    assert [faces.names[row] for row in found.rows] == ["ann/0.jpg", "bob/0.jpg", "bob/1.jpg"]
    assert found.skipped == ("ann/1.jpg",)
    assert found.descriptors.shape == (3, WIDTH)
    np.testing.assert_array_equal(found.descriptors[0], found.descriptors[1])


@TORCHSCRIPT
def test_a_model_that_does_not_say_its_resolution_is_asked_for_it(
    network: tuple[NetSpec, Weights], faces: FaceSet, tmp_path: Path
) -> None:
    pytest.importorskip("torch", reason="needs torch")
    from nasface.timing.torch_timing import write_torchscript

    path = write_torchscript(network[0], tmp_path / "model.pt")
    with pytest.raises(NasfaceError, match=r"at which resolution it works; say it with space\.resolution="):
        embed_photos(path, faces)


@pytest.mark.parametrize("name", ["absent.tflite", "model.bin"])
def test_what_is_no_model_is_refused(faces: FaceSet, tmp_path: Path, name: str) -> None:
    (tmp_path / "model.bin").write_bytes(b"")
    with pytest.raises(NasfaceError, match=r"There is no model .*absent|Unknown kind of model file '\.bin'.*\.tflite"):
        embed_photos(tmp_path / name, faces)


NAMES = ["a/1.jpg", "a/2.jpg", "b/1.jpg"]
ROWS = np.arange(6, dtype=np.float32).reshape(3, 2)


def test_descriptors_are_found_by_name_in_either_kind_of_file(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", descriptors=ROWS.astype(np.float64), names=NAMES)
    np.save(tmp_path / "d.npy", ROWS)
    (tmp_path / "files.txt").write_text("\n".join(NAMES))
    for name in ("d.npz", "d.npy"):
        found = read_descriptors(tmp_path / name, ["b/1.jpg", "a/1.jpg"])
        np.testing.assert_array_equal(found, ROWS[[2, 0]])
        assert found.dtype == np.float32


@pytest.mark.parametrize(
    ("content", "wanted", "message"),
    [
        ({"descriptors": ROWS, "names": NAMES}, [*NAMES, "c/1.jpg"], r"lacks 1 of 4 photos \(c/1\.jpg\)"),
        ({"descriptors": ROWS[:2], "names": NAMES}, NAMES, r"\[2, 2\] for 3 names"),
        ({"rows": ROWS, "names": NAMES}, NAMES, r"give \.npz with 'descriptors' and 'names'"),
    ],
)
def test_files_that_do_not_fit_are_refused(
    content: dict[str, object], wanted: list[str], message: str, tmp_path: Path
) -> None:
    np.savez(tmp_path / "d.npz", **content)
    with pytest.raises(DataError, match=message):
        read_descriptors(tmp_path / "d.npz", wanted)
    (tmp_path / "d.npz").write_bytes(b"PK no archive")
    with pytest.raises(DataError, match="is not a file of descriptors"):
        read_descriptors(tmp_path / "d.npz", wanted)


@pytest.mark.parametrize("shape", [(3, 4), (3, 1, 1, 4)])
def test_descriptors_of_any_layout(tmp_path: Path, shape: tuple[int, ...]) -> None:
    values = np.arange(12, dtype=np.float32)
    np.savez(tmp_path / "d.npz", descriptors=values.reshape(shape), names=["a", "b", "c"])
    np.testing.assert_array_equal(read_descriptors(tmp_path / "d.npz", ["c", "a"]), values.reshape(3, 4)[[2, 0]])


@pytest.mark.parametrize(
    ("names", "rows", "message"),
    [
        (["a", "b", "a"], np.zeros((3, 4), np.float32), r"1 names more than once \(a\)"),
        (["a", "b"], np.zeros((3, 4), np.float32), r"shape \[3, 4\] for 2 names"),
        (["a", "b", "c"], np.zeros((3, 4), np.int8), "has int8 descriptors"),
        (["a", "b", "c"], np.full((3, 4), np.nan, np.float32), "not finite"),
    ],
)
def test_descriptors_that_could_be_misread_are_refused(
    tmp_path: Path, names: list[str], rows: np.ndarray, message: str
) -> None:
    np.savez(tmp_path / "d.npz", descriptors=rows, names=names)
    with pytest.raises(DataError, match=message):
        read_descriptors(tmp_path / "d.npz", ["a"])
