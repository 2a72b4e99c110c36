"""What options name is there before a task begins; what is not is said of all options in one sentence."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from nasface.configs import EXISTING
from nasface.errors import InvalidInput
from nasface.inputs import check_inputs
from nasface.registry import REGISTRY
from nasface.settings import Settings
from nasface.training import TrainingConfig

PATHS = ("file", "folder", "root", "checkpoint", "template", "init", "out", "table", "times", "state", "results")
WRITTEN_OR_NAMED = {
    *("assets.out", "pack.out", "recognition.out", "calibrate.folder", "training.folder", "files.folder", "ssh.folder"),
    *("adb.folder", "check.table", "learned.table", "analytic.table", "compare.results"),
    *("evolution.state", "evolution_paper.state"),
}
"""Options that are written, lie on a device, or name a latency table."""


def configs() -> Iterator[tuple[str, type]]:
    for field in dataclasses.fields(Settings):
        if isinstance(field.default_factory, type) and dataclasses.is_dataclass(field.default_factory):
            yield field.name, field.default_factory
    yield from ((c.name, c.config) for c in REGISTRY if c.config is not None and c.origin == "nasface")
    yield "training", TrainingConfig


def test_every_option_that_names_a_file_says_whether_it_is_read() -> None:
    undeclared = {
        f"{name}.{field.name}"
        for name, config in configs()
        for field in dataclasses.fields(config)
        if field.name in PATHS and EXISTING not in field.metadata
    }
    assert undeclared == WRITTEN_OR_NAMED


def test_all_that_is_missing_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "good.onnx").write_text("")
    (tmp_path / "loop").symlink_to("loop")
    given = Settings(
        task="evaluate",
        model=["good.onnx", "typo.onnx", "efficientnet_b0"],
        data={"name": "lfw", "root": "loop", "pairs": "auto", "groups": "none"},
        supernet={"name": "lfw112", "checkpoint": None, "template": "arcface"},
    )
    with pytest.raises(InvalidInput) as refused:
        check_inputs(given, tmp_path)
    wrong = "model=typo.onnx (No such file or directory), data.root=loop (Too many levels of symbolic links); give"
    assert f"read at {wrong}" in str(refused.value)


def test_files_may_lie_beside_the_photos(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "pairs.txt").write_text("")
    data = {"name": "lfw", "root": "photos", "pairs": "pairs.txt"}
    check_inputs(Settings(task="search", data=data), tmp_path)
    with pytest.raises(InvalidInput, match=r"data\.pairs=other\.txt"):
        check_inputs(Settings(task="search", data=data | {"pairs": "other.txt"}), tmp_path)


def test_what_a_task_makes_need_not_be_there(tmp_path: Path) -> None:
    for task, needed in {"search": True, "estimate_accuracy": False, "merge_tables": False}.items():
        settings = Settings(task=task)
        settings.accuracy.table = "mine.csv"
        if needed:
            with pytest.raises(InvalidInput, match=r"accuracy\.table=mine\.csv"):
                check_inputs(settings, tmp_path)
        else:
            check_inputs(settings, tmp_path)


def test_a_list_of_paths_is_looked_at_one_by_one_and_a_zero_byte_is_no_path(tmp_path: Path) -> None:
    settings = Settings(task="merge_tables")
    settings.accuracy.parts = ["a\0.csv"]
    with pytest.raises(InvalidInput, match="null byte"):
        check_inputs(settings, tmp_path)


def test_a_git_lfs_pointer_is_not_what_an_option_names(tmp_path: Path) -> None:
    (tmp_path / "mine.pth").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n")
    with pytest.raises(InvalidInput, match=r"supernet\.checkpoint=mine\.pth \(it is a Git-LFS pointer.*git lfs pull"):
        check_inputs(Settings(task="search", supernet={"name": "lfw112", "checkpoint": "mine.pth"}), tmp_path)
