"""Checkpoints of today's trainers are taken, and what cannot be weights is refused before its values are touched."""

from __future__ import annotations

import argparse
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from nasface.errors import CheckpointError
from nasface.supernets import ElasticNetwork, ElasticSupernet, load_supernet
from nasface.supernets.checkpoint import read_checkpoint

State = dict[str, Any]


@pytest.fixture
def supernet(small: ElasticNetwork) -> ElasticSupernet:
    return ElasticSupernet(small, "small")


@pytest.fixture
def state(supernet: ElasticSupernet) -> State:
    return {name: value.clone() for name, value in supernet.network.state_dict().items()}


def prefixed(state: State, prefix: str) -> State:
    return {prefix + name: value for name, value in state.items()}


@pytest.mark.parametrize("prefix", ["_orig_mod.", "module._orig_mod.", "module.module.", "model.", "net.", "backbone."])
def test_prefixes(supernet: ElasticSupernet, state: State, prefix: str, tmp_path: Path) -> None:
    torch.save(prefixed(state, prefix), tmp_path / "net.pth")
    assert load_supernet(tmp_path / "net.pth", supernet.space).fingerprint == supernet.fingerprint


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"model": state, "optimizer": {"state": {0: {"step": torch.zeros(1)}}}},
        lambda state: {"net": state},
        lambda state: {"model_state_dict": state, "epoch": 3},
        lambda state: {"state_dict": state, "epoch": 1, "hyper_parameters": {"rate": 0.1}},
        lambda state: {"model_ema": state},
        lambda state: state | {"n_averaged": torch.tensor(7)},
        lambda state: state | {"head.weight": torch.zeros(3, 4)},
    ],
)
def test_containers(supernet: ElasticSupernet, state: State, wrap: Callable[[State], State], tmp_path: Path) -> None:
    torch.save(wrap(prefixed(state, "module.")), tmp_path / "net.pth")
    assert load_supernet(tmp_path / "net.pth", supernet.space).fingerprint == supernet.fingerprint


def test_averaged_weights_are_taken_when_asked_for(state: State, tmp_path: Path) -> None:
    average = {name: value + 1 if value.is_floating_point() else value for name, value in state.items()}
    torch.save({"model": state, "ema": prefixed(average, "module.")}, tmp_path / "net.pth")
    name = "blocks.4.conv.point_linear.conv.conv.weight"
    for asked, expected in ((False, state), (True, average)):
        found, _ = read_checkpoint(tmp_path / "net.pth", average=asked)
        assert torch.equal(found[name], expected[name])


def test_two_networks_are_asked_about(state: State, tmp_path: Path) -> None:
    torch.save(prefixed(state, "student.") | prefixed(state, "teacher."), tmp_path / "net.pth")
    with pytest.raises(CheckpointError, match=r"2 networks \(student\., teacher\.\); save the one you mean"):
        read_checkpoint(tmp_path / "net.pth")


def test_shards_with_an_index(supernet: ElasticSupernet, state: State, tmp_path: Path) -> None:
    names = sorted(state)
    parts = {"a-1of2.safetensors": names[::2], "a-2of2.safetensors": names[1::2]}
    for file, keys in parts.items():
        save_file({key: state[key].contiguous() for key in keys}, tmp_path / file)
    index = {"weight_map": {key: file for file, keys in parts.items() for key in keys}}
    (tmp_path / "a.safetensors.index.json").write_text(json.dumps(index))
    assert load_supernet(tmp_path / "a.safetensors.index.json", supernet.space).fingerprint == supernet.fingerprint
    (tmp_path / "a-2of2.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"a-2of2.safetensors, which is not beside it"):
        read_checkpoint(tmp_path / "a.safetensors.index.json")


def test_an_object_in_the_way_is_named_with_the_remedy(state: State, tmp_path: Path) -> None:
    torch.save({"state_dict": state, "args": argparse.Namespace(lr=1)}, tmp_path / "net.pth")
    with pytest.raises(CheckpointError, match=r"an object of argparse\.Namespace.*torch\.save\(\{\"state_dict\""):
        read_checkpoint(tmp_path / "net.pth")


KEY = "first_conv.conv.weight"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda w: w.bool(), "is of bool"),
        (lambda w: w.to(torch.int8), "is of int8"),
        (lambda w: w.to(torch.complex64), "is of complex64"),
        (lambda w: w.to(torch.float8_e4m3fn), "is of float8_e4m3fn"),
        (lambda w: w.to_sparse(), "no plain tensor"),
        (lambda w: w.to("meta"), "no plain tensor"),
        (lambda w: w.flatten()[:1].expand(10**10), "not so many numbers"),
        (lambda w: w * float("nan"), "not finite"),
    ],
)
def test_what_cannot_be_weights(
    state: State, make: Callable[[torch.Tensor], torch.Tensor], message: str, tmp_path: Path
) -> None:
    torch.save({"state_dict": state | {KEY: make(state[KEY])}}, tmp_path / "net.pth")
    with pytest.raises(CheckpointError, match=message):
        read_checkpoint(tmp_path / "net.pth")


def test_negative_variances(state: State, tmp_path: Path) -> None:
    state["first_conv.bn.running_var"] -= 5
    torch.save(state, tmp_path / "net.pth")
    with pytest.raises(CheckpointError, match="negative variances"):
        read_checkpoint(tmp_path / "net.pth")


def test_an_archive_that_unpacks_to_far_more(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "net.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\0" * 20_000_000)
    with pytest.raises(CheckpointError, match="would unpack to 20 MB"):
        read_checkpoint(tmp_path / "net.pth")


@pytest.mark.parametrize("name", ["net.pth", "net.safetensors"])
def test_a_git_lfs_pointer_is_said_to_be_one(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n")
    with pytest.raises(CheckpointError, match=f"{name}.*Git-LFS pointer.*`git lfs pull`"):
        read_checkpoint(tmp_path / name)
