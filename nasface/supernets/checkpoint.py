"""Supernet checkpoints: OFA's `.pth` in all its spellings, and safetensors with metadata.

Foreign files are read with `weights_only=True`: nothing in them is executed.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from nasface.errors import CheckpointError, listing
from nasface.reading import check_archive, check_fetched, check_shape, json_object, parse_json, read_json
from nasface.runs import atomic_write
from nasface.supernets._foreign import check_tensors, network_of
from nasface.supernets.elastic import ElasticNetwork
from nasface.supernets.options import METADATA

logger = logging.getLogger(__name__)

FORMAT = "nasface.supernet/1"
HEAD = "classifier."

INDEX = ".safetensors.index.json"
"""How the name of an index of sharded safetensors ends."""

_BLOCKED = re.compile(r"Unsupported (?:global: GLOBAL|class|operand) ([\w.]+)")

State = dict[str, Tensor]
Metadata = dict[str, Any]

_SPELLINGS = ((".mobile_inverted_conv.", ".conv."),)
_DOUBLED = ((".bn.bn.", ".bn."), (".conv.conv.weight", ".conv.weight"), (".linear.linear.", ".linear."))
_THOP = ("total_ops", "total_params")
_OPTIONAL = (".num_batches_tracked",)


class Checkpoint(NamedTuple):
    """What a file holds."""

    state: State
    metadata: Metadata


def read_checkpoint(path: Path, *, average: bool = False) -> Checkpoint:
    """Tensors and metadata of a checkpoint; only nasface's safetensors have metadata.

    See `nasface.supernets._foreign` for what trainers wrap networks in; `average` prefers their averaged weights.

    Raises:
        CheckpointError: The file is absent, truncated, not a checkpoint, holds objects other than tensors, or numbers
            that are not finite.
    """
    if not path.is_file():
        raise CheckpointError(f"There is no checkpoint {path}; give the path of a .pth or .safetensors file.")
    metadata: Metadata = {}
    if path.name.endswith(INDEX):
        content: object = _read_shards(path)
    elif path.suffix == ".safetensors":
        content, metadata = _read_safetensors(path)
    else:
        content = _read_pth(path)
    state = network_of(content, str(path), average=average)
    check_tensors(state, str(path))
    return Checkpoint(state, metadata)


def read_tensors(path: Path) -> State:
    """The tensors of a safetensors file by the names that they have there.

    Raises:
        CheckpointError: It is damaged, or holds numbers that are not finite.
    """
    state, _ = _read_safetensors(path)
    check_tensors(state, str(path))
    return state


def load_into(network: ElasticNetwork, state: Mapping[str, Tensor], source: str) -> None:
    """Copy a checkpoint into the network, whatever spelling OFA or its users gave the keys.

    Accepts dynamic and static (largest network) keys, `.mobile_inverted_conv.`, the `module.` prefix, thop's counters.
    A checkpoint without transform matrices leaves them the identity; a head of another size is skipped with a message.

    Args:
        network: Changed in place, only if everything fits.
        state: Tensors of the file.
        source: Name of the file for messages.

    Raises:
        CheckpointError: Keys are unknown or missing, or a shape differs.
    """
    own = network.state_dict()
    names = {_collapse(name): name for name in own}
    given = {_collapse(key): value for key, value in _clean(state).items()}
    given = {key: value for key, value in given.items() if not _skip_head(key, value, names, own, source)}
    _check_keys(given, names, source)
    for key, value in given.items():
        if value.shape != own[names[key]].shape:
            raise CheckpointError(
                f"{source} is of another network: {key} has shape {list(value.shape)}, and space {network.space.name} "
                f"of width {network.space.width:g} needs {list(own[names[key]].shape)}; "
                "choose the space it was trained for (space, space.width, space.descriptor)."
            )
    network.load_state_dict(own | {names[key]: value.to(own[names[key]].dtype) for key, value in given.items()})


def static_keys(state: Mapping[str, Tensor]) -> State:
    """A single network's tensors by OFA's static keys, without a classifier and what training left behind."""
    given = {_collapse(key): value for key, value in _clean(state).items()}
    return {key: value for key, value in given.items() if not key.startswith(HEAD)}


def classes_of(state: Mapping[str, Tensor]) -> int | None:
    """Outputs of the checkpoint's classifier head, or None."""
    weight = {_collapse(key): value for key, value in _clean(state).items()}.get("classifier.linear.weight")
    return None if weight is None or weight.ndim != 2 else len(weight)


def save_pth(network: ElasticNetwork, path: Path) -> None:
    """Write `{"state_dict": ...}` with OFA's dynamic keys, as OFA's own managers do."""
    with atomic_write(path) as temporary:
        torch.save({"state_dict": network.state_dict()}, temporary)


def save_safetensors(network: ElasticNetwork, path: Path, metadata: Metadata, *, float16: bool, head: bool) -> None:
    """Write the own format: OFA's dynamic keys and JSON metadata; `head` includes the classifier.

    Raises:
        CheckpointError: A value does not fit into float16.
    """
    from safetensors.torch import save

    state = {
        key: value.contiguous()  # the library takes no other layout, and training keeps channels last
        for key, value in network.state_dict().items()
        if head or not key.startswith(HEAD)
    }
    if float16:
        state = {key: value.half() if value.is_floating_point() else value for key, value in state.items()}
        if not all(bool(torch.isfinite(value).all()) for value in state.values()):
            raise CheckpointError("The supernet has values above 65504, which float16 cannot hold; save it in float32.")
    content = save(state, {"nasface": json.dumps({"format": FORMAT} | metadata, sort_keys=True)})
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)  # the library's own writer turns a full disk into an error of its own


def _read_pth(path: Path) -> object:
    try:
        check_archive(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises whatever the broken part raises: pickle, zip, EOF, Runtime, Key errors
        if blocked := _BLOCKED.search(str(error)):
            raise CheckpointError(
                f"{path} also holds an object of {blocked[1]}, and objects of a checkpoint may run code, so that none "
                "is read: where you trust the file, load it with torch.load(..., weights_only=False) and save its "
                'tensors alone, torch.save({"state_dict": model.state_dict()}, "clean.pth").'
            ) from None
        reason = str(error).strip().split("\n", 1)[0].split(". ", 1)[0][:120]
        raise CheckpointError(
            f"{path} is not a checkpoint that can be read safely ({type(error).__name__}: {reason}); "
            "give an undamaged file holding only tensors."
        ) from None


def _read_shards(path: Path) -> State:
    """The tensors of safetensors files that an index beside them lists."""
    try:
        files = sorted({str(name) for name in json_object(json_object(read_json(path))["weight_map"]).values()})
    except (OSError, ValueError, KeyError) as error:
        raise CheckpointError(f"{path} is not an index of safetensors files ({error}); fetch it again.") from None
    state: State = {}
    for name in files:
        shard = path.parent / Path(name).name  # beside the index and nowhere else
        if not shard.is_file():
            raise CheckpointError(f"{path} lists {name}, which is not beside it; fetch all files of the checkpoint.")
        state |= _read_safetensors(shard)[0]
    return state


def _read_safetensors(path: Path) -> tuple[State, Metadata]:
    from safetensors import safe_open

    try:
        check_fetched(path)
        with safe_open(path, "pt") as file:
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a mapping)
            metadata = json_object(parse_json((file.metadata() or {}).get("nasface", "{}")))
            check_shape(metadata, METADATA)
    except Exception as error:  # the library raises its own error class, JSON and OS errors
        raise CheckpointError(
            f"{path} is not an undamaged safetensors file ({error}); make or fetch it again."
        ) from None
    if metadata and metadata.get("format") != FORMAT:
        raise CheckpointError(f"{path} has the format {metadata.get('format')!r}; this version reads {FORMAT}.")
    return state, metadata


def _clean(state: Mapping[str, Tensor]) -> State:
    """Without thop's counters and the prefix that data-parallel training leaves, in the current spelling."""
    cleaned = {}
    for key, value in state.items():
        key = key.removeprefix("module.")
        for old, new in _SPELLINGS:
            key = key.replace(old, new)
        if not key.startswith(_THOP) and not key.endswith(_THOP):
            cleaned[key] = value
    return cleaned


def _collapse(key: str) -> str:
    """The static spelling, which dynamic and static keys share."""
    for doubled, single in _DOUBLED:
        key = key.replace(doubled, single)
    return key


def _skip_head(key: str, value: Tensor, names: Mapping[str, str], own: Mapping[str, Tensor], source: str) -> bool:
    if not key.startswith(HEAD):
        return False
    fits = key in names and own[names[key]].shape == value.shape
    if not fits and key.endswith("weight"):
        logger.warning("%s has a classifier of %d classes, which is skipped: it does not fit.", source, len(value))
    return not fits


def _check_keys(given: Mapping[str, Tensor], names: Mapping[str, str], source: str) -> None:
    unknown = [key for key in given if key not in names]
    if unknown:
        raise CheckpointError(
            f"{source} has {len(unknown)} tensors that the space does not know ({listing(unknown)}); "
            "choose the space it was trained for."
        )
    static = not any(key.endswith("_matrix") for key in given)
    missing = [
        names[key]
        for key in names
        if key not in given
        and not key.startswith(HEAD)
        and not key.endswith(_OPTIONAL)
        and not (static and key.endswith("_matrix"))
    ]
    if missing:
        raise CheckpointError(f"{source} lacks {len(missing)} tensors ({listing(missing)}); give the whole supernet.")
