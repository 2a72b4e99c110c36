"""Checkpoints in all spellings, and everything that can be wrong with them."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import pickle
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from spoilt import spoilt

from nasface.assets import asset
from nasface.errors import CheckpointError, InvalidInput
from nasface.preprocessing import ARCFACE
from nasface.spaces import OfaMbv3, OfaMbv3Config
from nasface.supernets import ElasticNetwork, ElasticSupernet, RandomSupernet, load_supernet
from nasface.supernets.checkpoint import load_into
from nasface.supernets.source import open_source

State = dict[str, torch.Tensor]


@pytest.fixture
def supernet(small: ElasticNetwork) -> ElasticSupernet:
    return ElasticSupernet(small, "small", {"made by": "a test"})


def write(state: object, path: Path) -> Path:
    torch.save(state, path)
    return path


def state_of(supernet: ElasticSupernet) -> State:
    return {name: value.clone() for name, value in supernet.network.state_dict().items()}


def old_spelling(name: str) -> str:
    return f"module.{name.replace('.conv.', '.mobile_inverted_conv.', 1) if name.startswith('blocks') else name}"


def test_pth_round_trip(supernet: ElasticSupernet, tmp_path: Path) -> None:
    supernet.save(tmp_path / "net.pth")
    content = torch.load(tmp_path / "net.pth", weights_only=True)
    assert list(content) == ["state_dict"]
    assert list(content["state_dict"]) == list(supernet.network.state_dict())
    loaded = load_supernet(tmp_path / "net.pth", supernet.space)
    assert loaded.fingerprint == supernet.fingerprint
    assert loaded.network.classes == 5
    assert all(torch.equal(value, loaded.network.state_dict()[name]) for name, value in state_of(supernet).items())


def test_safetensors_keeps_metadata_and_float16_keeps_the_hash(supernet: ElasticSupernet, tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    supernet.save(path, float16=True, head=False)
    loaded = load_supernet(path, supernet.space)
    assert (loaded.fingerprint, loaded.name, loaded.provenance) == (
        supernet.fingerprint,
        "small",
        {"made by": "a test"},
    )
    assert loaded.network.classes is None
    assert path.stat().st_size < 2.3 * sum(value.numel() for value in loaded.network.state_dict().values())


def test_safetensors_tells_the_resolution(tmp_path: Path) -> None:
    space = OfaMbv3(OfaMbv3Config(resolution=48))
    ElasticSupernet(ElasticNetwork(space), "x").save(tmp_path / "net.safetensors", float16=True)
    assert load_supernet(tmp_path / "net.safetensors", "ofa_mbv3").resolution == 48
    assert load_supernet(tmp_path / "net.safetensors", "ofa_mbv3", resolution=64).resolution == 64


def test_hash_depends_on_weights_only(supernet: ElasticSupernet) -> None:
    before, state = supernet.fingerprint, supernet.network.state_dict()
    state["classifier.linear.bias"].add_(1)
    state["first_conv.bn.num_batches_tracked"].add_(1)
    assert ElasticSupernet(supernet.network, "other name").fingerprint == before
    state["blocks.7.conv.depth_conv.conv.5to3_matrix"][0, 0] += 0.1
    assert ElasticSupernet(supernet.network, "small").fingerprint != before


def test_old_spellings_prefix_and_thop_counters(supernet: ElasticSupernet, tmp_path: Path) -> None:
    state = {old_spelling(name): value for name, value in state_of(supernet).items()}
    state |= {"total_ops": torch.zeros(1), "module.first_conv.total_params": torch.zeros(1)}
    path = write({"epoch": 3, "best_acc": 0.5, "state_dict": state}, tmp_path / "net.pth")
    assert load_supernet(path, supernet.space).fingerprint == supernet.fingerprint


def test_static_largest_net_loads_and_leaves_transforms_the_identity(supernet: ElasticSupernet, tmp_path: Path) -> None:
    largest = {"ks": 7, "e": 6, "d": 4}
    state = supernet.extract(largest).state_dict()
    loaded = load_supernet(write({"state_dict": state}, tmp_path / "net.pth"), supernet.space)
    again = loaded.extract(largest).state_dict()
    assert all(torch.equal(value, again[name]) for name, value in state.items())
    assert torch.equal(loaded.network.get_parameter("blocks.9.conv.depth_conv.conv.7to5_matrix"), torch.eye(25))


def test_another_head_is_skipped_with_a_message(
    supernet: ElasticSupernet, small_space: OfaMbv3, caplog: pytest.LogCaptureFixture
) -> None:
    network = ElasticNetwork(small_space, classes=9)
    head = network.get_parameter("classifier.linear.weight").clone()
    with caplog.at_level(logging.WARNING):
        load_into(network, state_of(supernet), "other.pth")
    assert "other.pth has a classifier of 5 classes, which is skipped" in caplog.text
    assert torch.equal(network.get_parameter("classifier.linear.weight"), head)
    assert ElasticSupernet(network, "small").fingerprint == supernet.fingerprint


def test_missing_keys_are_named(supernet: ElasticSupernet, tmp_path: Path) -> None:
    state = state_of(supernet)
    del state["blocks.4.conv.point_linear.conv.conv.weight"]
    path = write({"state_dict": state}, tmp_path / "net.pth")
    with pytest.raises(CheckpointError, match=r"lacks 1 tensors \(blocks.4.conv.point_linear.conv.conv.weight\)"):
        load_supernet(path, supernet.space)


def test_one_missing_transform_is_an_error(supernet: ElasticSupernet, tmp_path: Path) -> None:
    state = state_of(supernet)
    del state["blocks.4.conv.depth_conv.conv.5to3_matrix"]
    with pytest.raises(CheckpointError, match="5to3_matrix"):
        load_supernet(write(state, tmp_path / "net.pth"), supernet.space)


def test_unknown_keys_are_named(supernet: ElasticSupernet, tmp_path: Path) -> None:
    state = state_of(supernet) | {"neck.weight": torch.zeros(2)}
    with pytest.raises(CheckpointError, match=r"1 tensors that the space does not know \(neck.weight\)"):
        load_supernet(write(state, tmp_path / "net.pth"), supernet.space)


def test_another_width_is_one_sentence(supernet: ElasticSupernet, tmp_path: Path) -> None:
    supernet.save(tmp_path / "net.pth")
    wider = OfaMbv3(OfaMbv3Config(width=0.5, resolution=32))
    with pytest.raises(CheckpointError, match=r"is of another network: .* width 0.5 needs") as caught:
        load_supernet(tmp_path / "net.pth", wider)
    assert "\n" not in str(caught.value)


def test_safetensors_of_another_space(supernet: ElasticSupernet, tmp_path: Path) -> None:
    supernet.save(tmp_path / "net.safetensors")
    with pytest.raises(CheckpointError, match="was made for the space"):
        load_supernet(tmp_path / "net.safetensors", "ofa_mbv3")


class Hostile:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path("executed"),)


def hostile(path: Path) -> None:
    path.write_bytes(pickle.dumps({"state_dict": Hostile()}))


def hostile_torch(path: Path) -> None:
    torch.save({"state_dict": Hostile()}, path)


def truncated(path: Path) -> None:
    torch.save({"state_dict": {"a": torch.zeros(4000)}}, path)
    path.write_bytes(path.read_bytes()[:9000])


BROKEN = {
    "hostile pickle": hostile,
    "hostile torch file": hostile_torch,
    "truncated": truncated,
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("these are not the weights you are looking for"),
    "list": lambda path: torch.save([torch.zeros(3)], path),
    "numbers": lambda path: torch.save({"state_dict": {"epoch": 3}}, path),
    "nothing": lambda path: torch.save({"state_dict": {}}, path),
}


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("kind", BROKEN)
def test_broken_and_hostile_files(
    kind: str, suffix: str, small_space: OfaMbv3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    BROKEN[kind](tmp_path / f"net{suffix}")
    with pytest.raises(CheckpointError) as caught:
        load_supernet(tmp_path / f"net{suffix}", small_space)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "executed").exists()


def test_absent_file(small_space: OfaMbv3, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="There is no checkpoint"):
        load_supernet(tmp_path / "nowhere.pth", small_space)


def test_numbers_that_are_not_finite(supernet: ElasticSupernet, tmp_path: Path) -> None:
    state = state_of(supernet)
    state["first_conv.bn.running_var"][0] = torch.nan
    with pytest.raises(CheckpointError, match=r"not finite \(first_conv.bn.running_var\)"):
        load_supernet(write(state, tmp_path / "net.pth"), supernet.space)


def test_values_too_large_for_float16(supernet: ElasticSupernet, tmp_path: Path) -> None:
    supernet.network.get_buffer("first_conv.bn.running_var")[0] = 1e6
    with pytest.raises(CheckpointError, match="float16 cannot hold"):
        supernet.save(tmp_path / "net.safetensors", float16=True)
    assert not list(tmp_path.iterdir())


def test_changed_weights_under_old_metadata(supernet: ElasticSupernet, tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    supernet.fingerprint = "0" * 64
    supernet.save(path)
    with pytest.raises(CheckpointError, match="other weights than it was saved with"):
        load_supernet(path, supernet.space)


def test_random_weights_are_a_function_of_the_genotype(small_space: OfaMbv3) -> None:
    supernet, genotype = RandomSupernet(small_space), {"ks": 5, "e": 3, "d": 2}
    first, second = supernet.weights(genotype), RandomSupernet(small_space).weights(genotype)
    other = supernet.weights({"ks": 5, "e": 3, "d": 3})
    name = "first_conv.conv.weight"
    assert not supernet.trained
    assert (first[name] == second[name]).all()
    assert (first[name] != other[name]).any()
    assert supernet.extract(genotype)(torch.zeros(2, 3, 32, 32)).shape == (2, small_space.descriptor)


def test_checkpoints_fit_only_their_kind_of_space(supernet: ElasticSupernet, tmp_path: Path) -> None:
    supernet.save(tmp_path / "net.pth")
    with pytest.raises(InvalidInput, match="supernet=random"):
        load_supernet(tmp_path / "net.pth", object())  # type: ignore[arg-type]


def test_the_embedded_supernet_is_as_its_provenance_says() -> None:
    path = asset("supernets", "lfw112.safetensors")
    said = json.loads(path.with_suffix(".provenance.json").read_text(encoding="utf-8"))
    supernet = load_supernet(path)
    assert said["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (said["hash"], 112, None) == (supernet.fingerprint, supernet.resolution, supernet.network.classes)
    assert said["trained"]["options"]["teacher"]["projection"] == "fixed"  # by our own trainer, with its defaults


def test_a_checkpoint_of_once_for_all_made_elsewhere(shared_data: Path) -> None:
    path = shared_data / "supernet_lfw112" / "ofa_mbv3_w1.2_lfw112.pth"
    supernet = load_supernet(path, "ofa_mbv3_face", resolution=112)
    assert supernet.fingerprint == "2e42f13aca4fb8ce86710dc5cab6d2ca76d6229a06745c27ea8e4360d934c49d"
    assert (supernet.resolution, supernet.network.classes) == (112, 4186)
    assert len(supernet.network.state_dict()) == 475


def test_damaged_metadata_is_refused_and_nothing_else(supernet: ElasticSupernet, tmp_path: Path) -> None:
    path, refused = tmp_path / "net.safetensors", 0
    supernet.save(path, float16=True, head=False)
    with safe_open(path, "pt") as file:
        whole = json.loads(file.metadata()["nasface"])
    for content in list(spoilt(whole | {"template": ARCFACE.to_dict(), "provenance": None}))[::3]:
        save_file({"first_conv.conv.weight": torch.zeros(1)}, path, {"nasface": json.dumps(content)})
        source = open_source({"name": "lfw112", "checkpoint": str(path)}, tmp_path)
        with contextlib.suppress(InvalidInput):
            assert source.resolution({}) is not None or source.template
        with pytest.raises((CheckpointError, InvalidInput)) as error:  # at the latest because of the one tensor
            load_supernet(path, supernet.space)
        refused += "undamaged safetensors" in str(error.value)
    assert refused > 15
