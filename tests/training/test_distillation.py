"""Teachers of descriptors and of logits."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from nasface.data import FaceSet, load_data
from nasface.errors import DataError, InvalidInput
from nasface.training.distillation import DescriptorTeacher, centred, read_descriptors
from nasface.training.networks import StageShape
from nasface.training.objectives import DescriptorTeacherConfig
from nasface.training.teachers import FileTeacher, features_loss, logits_loss, matching_stages


@pytest.fixture(scope="module")
def faces() -> FaceSet:
    return load_data({"name": "procedural", "people": 20, "photos": 3}).require("training")


@pytest.fixture
def config(faces: FaceSet, tmp_path: Path) -> DescriptorTeacherConfig:
    """Row i + 1 is of photo i; row 0 is of nobody of ours."""
    values = np.arange((len(faces) + 1) * 4, dtype=np.float32).reshape(-1, 4)
    np.save(tmp_path / "d.npy", values)
    (tmp_path / "names.txt").write_text("\n".join(["somebody/else.png", *faces.names]) + "\n")
    return DescriptorTeacherConfig(file="d.npy", names="names.txt")


def test_rows_are_found_by_name(config: DescriptorTeacherConfig, faces: FaceSet, tmp_path: Path) -> None:
    config.sha256 = hashlib.sha256((tmp_path / "d.npy").read_bytes()).hexdigest()
    found = read_descriptors(config, tmp_path, faces)
    assert found[:, 0].tolist() == [4.0 * (row + 1) for row in range(len(faces))]


def test_a_teacher_of_other_photos_is_refused(config: DescriptorTeacherConfig, faces: FaceSet, tmp_path: Path) -> None:
    names = (tmp_path / "names.txt").read_text().splitlines()
    (tmp_path / "names.txt").write_text("\n".join(names[:-1]))
    with pytest.raises(DataError, match=r"shape \[31, 4\] and names.txt has 30 names"):
        read_descriptors(config, tmp_path, faces)
    (tmp_path / "names.txt").write_text("\n".join([*names[:-1], "some/other.png"]))
    with pytest.raises(DataError, match="of another data set: 1 of 30 training photos"):
        read_descriptors(config, tmp_path, faces)


def test_a_changed_teacher_is_refused(config: DescriptorTeacherConfig, faces: FaceSet, tmp_path: Path) -> None:
    config.sha256 = "0" * 64
    with pytest.raises(DataError, match="has the hash"):
        read_descriptors(config, tmp_path, faces)
    config.names = None
    with pytest.raises(DataError, match=r"teacher.names=FILE"):
        read_descriptors(config, tmp_path, faces)


def test_terms_are_zero_where_the_student_is_the_teacher() -> None:
    target = centred(np.random.default_rng(0).normal(size=(10, 6)))
    np.testing.assert_allclose(np.linalg.norm(target, axis=1), 1, rtol=1e-5)
    teacher = DescriptorTeacher(target, 16, DescriptorTeacherConfig(projection="fixed", descriptors=1.0))
    rows = torch.arange(10)
    perfect = torch.from_numpy(target) @ teacher.projection * 3
    terms = teacher.losses(perfect, rows)
    assert all(float(value) == pytest.approx(0, abs=1e-5) for value in terms.values())
    turned = teacher.losses(-perfect, rows)
    assert float(turned["descriptors"]) == pytest.approx(2, abs=1e-4)
    outside = teacher.losses(perfect + 3 * (torch.eye(16) - teacher.projection.T @ teacher.projection)[:10], rows)
    assert float(outside["descriptors"]) == pytest.approx(0, abs=1e-5)
    assert float(outside["span"]) > 0.05
    assert float(turned["similarities"]) == pytest.approx(0, abs=1e-5), "cosines between photos have no direction"


def test_learned_projection_has_gradients_and_a_fixed_one_does_not() -> None:
    target = centred(np.random.default_rng(0).normal(size=(10, 6)))
    student = torch.randn(10, 16)
    for projection, learns in (("learned", True), ("fixed", False)):
        teacher = DescriptorTeacher(target, 16, DescriptorTeacherConfig(projection=projection))
        assert bool(list(teacher.parameters())) == learns
        sum(teacher.losses(student.clone().requires_grad_(), torch.arange(10)).values()).backward()
    with pytest.raises(InvalidInput, match="no more numbers"):
        DescriptorTeacher(target, 4, DescriptorTeacherConfig(projection="fixed"))


def test_logits_loss_is_ofas() -> None:
    student, teacher = torch.randn(4, 5), torch.randn(4, 5)
    torch.testing.assert_close(logits_loss(student, teacher, 1.0), F.cross_entropy(student, teacher.softmax(1)))
    assert float(logits_loss(teacher, teacher, 1.0)) < float(logits_loss(student, teacher, 1.0))


def test_features_loss_is_relative() -> None:
    one = torch.full((2, 3, 4, 4), 2.0)
    assert float(features_loss([one * 0, one], (one, one))) == pytest.approx(0.5)


def test_stages_are_matched_by_size() -> None:
    student = [StageShape(*s) for s in [(28, 32), (14, 48), (7, 96), (7, 136), (4, 192)]]
    shapes = [(28, 24), (14, 40), (7, 80), (7, 112), (4, 192), (4, 320)]
    efficientnet = [StageShape(*shape) for shape in shapes]
    assert matching_stages(student, efficientnet) == [0, 1, 2, 3, 5]
    with pytest.raises(InvalidInput, match="no stage of 28 pixels"):
        matching_stages(student, efficientnet[1:])


def test_a_model_file_must_have_a_logit_a_person() -> None:
    def embed(images: np.ndarray) -> np.ndarray:
        return images.mean((1, 2)) @ np.ones((3, 7), np.float32)

    with pytest.raises(DataError, match="7 outputs, and there are 8 training people"):
        FileTeacher(embed, 32, 8, Path("t.onnx"))
    taught = FileTeacher(embed, 16, 7, Path("t.onnx"))(torch.ones(2, 3, 32, 32))
    assert taught.logits.shape == (2, 7)
    torch.testing.assert_close(taught.logits, torch.full((2, 7), 3.0))
