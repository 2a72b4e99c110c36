"""Models of others: any batch, 16 bits, bytes, several outputs; damaged files are one sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nasface.errors import InvalidInput, UnknownName
from nasface.runtimes import open_model
from nasface.runtimes._base import quantised, real

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

IMAGES = np.random.default_rng(0).standard_normal((5, 8, 8, 3)).astype(np.float32)


def onnx_model(path: Path, batch: int | str, kind: int, outputs: int = 1) -> Path:
    """The mean of each channel, and with a second output their two first."""
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node("Cast", ["in"], ["real"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["real", "axes"], ["out"], keepdims=0),
        helper.make_node("Gather", ["out", "first"], ["other"], axis=1),
    ]
    ends = (("out", 3), ("other", 2))
    graph = helper.make_graph(
        nodes[: 2 + (outputs == 2)],
        "net",
        [helper.make_tensor_value_info("in", kind, [batch, 3, 8, 8])],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, [batch, w]) for n, w in ends[:outputs]],
        [numpy_helper.from_array(np.array([2, 3]), "axes"), numpy_helper.from_array(np.array([0, 1]), "first")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)
    return path


@pytest.mark.parametrize("batch", [1, 4, "n"])
@pytest.mark.parametrize("kind", ["FLOAT", "FLOAT16"])
def test_onnx_of_any_batch(tmp_path: Path, batch: int | str, kind: str) -> None:
    path = onnx_model(tmp_path / "a.onnx", batch, getattr(onnx.TensorProto, kind))
    found = open_model(path).embed(IMAGES)
    np.testing.assert_allclose(found, IMAGES.mean(axis=(1, 2)), atol=2e-3)


def test_onnx_of_bytes_takes_the_photo(tmp_path: Path) -> None:
    model = open_model(onnx_model(tmp_path / "a.onnx", 1, onnx.TensorProto.UINT8))
    photos = np.full((2, 8, 8, 3), 200, np.float32)
    assert model.raw
    np.testing.assert_allclose(model.embed(photos), 200)


def test_several_outputs_are_asked_about(tmp_path: Path) -> None:
    path = onnx_model(tmp_path / "a.onnx", 1, onnx.TensorProto.FLOAT, outputs=2)
    with pytest.raises(InvalidInput, match=r"2 outputs \(out \(3\), other \(2\)\).*evaluation\.output=NAME"):
        open_model(path)
    assert open_model(path, output="other").embed(IMAGES).shape == (5, 2)
    with pytest.raises(UnknownName, match="othr"):
        open_model(path, output="othr")


@pytest.mark.parametrize("name", ["a.onnx", "a.pt", "a.tflite"])
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", ""),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "Git-LFS pointer.*`git lfs pull`"),
        (b"\0" * 4096, ""),
    ],
)
def test_damaged_files_are_one_sentence(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    (tmp_path / name).write_bytes(content)
    from nasface.errors import NasfaceError

    with pytest.raises(NasfaceError, match=f"{name}.*{reason}"):
        open_model(tmp_path / name, 8)


class Several(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"descriptor": x.mean((2, 3)), "norm": x.flatten(1).sum(1, keepdim=True)}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_torchscript_that_returns_a_dictionary(tmp_path: Path) -> None:
    torch.jit.script(Several()).save(str(tmp_path / "a.pt"))
    found = open_model(tmp_path / "a.pt", 8).embed(IMAGES)
    np.testing.assert_allclose(found, IMAGES.mean(axis=(1, 2)), atol=1e-5)


class Half(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.full((3,), 2.0, dtype=torch.float16))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x.float().mean((1, 2, 3)), x.mean((2, 3)) * self.scale


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_torchscript_in_half_precision_that_returns_a_tuple(tmp_path: Path) -> None:
    torch.jit.script(Half()).save(str(tmp_path / "a.pt"))
    np.testing.assert_allclose(open_model(tmp_path / "a.pt", 8).embed(IMAGES), 2 * IMAGES.mean(axis=(1, 2)), atol=5e-3)


def test_integers_of_a_model_stand_for_real_numbers_by_scale_and_zero_point() -> None:
    values = np.array([-1.0, 0.0, 0.26, 9.0], np.float32)
    given = quantised(values, np.int8, 0.05, -3)
    assert given.tolist() == [-23, -3, 2, 127], "rounded, moved by the zero point, kept within 8 bits"
    np.testing.assert_allclose(real(given, 0.05, -3), [-1.0, 0.0, 0.25, 6.5], atol=1e-6)
    np.testing.assert_array_equal(real(values, 0.05, -3), values)
