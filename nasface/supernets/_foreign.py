"""Checkpoints as today's trainers leave them: where in the file the network is, and what its keys begin with.

One rule: the dictionary of tensors that has the network's first layer is taken, what all its keys begin with is taken
off, and heads and counters of training are left out; one line of the log says so. Whatever else the network does not
know is refused afterwards: a neck behind the descriptor, say, would have to be kept. Averaged weights ("ema") are taken
where nothing else is there, or where they are asked for.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from typing import Final

import torch
from torch import Tensor

from nasface.errors import CheckpointError, listing

logger = logging.getLogger(__name__)

State = dict[str, Tensor]

FIRST: Final = "first_conv."
HEADS: Final = re.compile(r"\b(\w*head|arc_?face|cos_?face|margin\w*|loss\w*|criterion|fc|logits|product)\b")
"""Modules behind the descriptor that only training needs."""

DEPTH: Final = 4
"""Dictionaries inside dictionaries that are looked into."""

_AVERAGE: Final = re.compile(r"ema|averag|swa", re.IGNORECASE)
_COUNTERS: Final = ("n_averaged", "total_ops", "total_params")


def network_of(content: object, source: str, *, average: bool = False) -> State:
    """The tensors of the network in what a checkpoint holds, by OFA's keys.

    Args:
        content: What was unpickled: tensors in dictionaries.
        source: Name of the file, for messages.
        average: Take the averaged weights where the file has both.

    Raises:
        CheckpointError: There is no such network, or it is not clear which one is meant.
    """
    found = dict(_dictionaries(content))
    choices = [(place, prefix) for place, state in found.items() for prefix in _prefixes(state)]
    if not choices:
        raise CheckpointError(
            f"{source} holds no network of OFA's kind (no tensor first_conv.conv.weight); give OFA's "
            '{"state_dict": ...}, a dictionary of tensors, or a trainer\'s checkpoint of such a network.'
        )
    averaged = [choice for choice in choices if _AVERAGE.search(".".join(choice)) or _is_average(found[choice[0]])]
    plain = [choice for choice in choices if choice not in averaged]
    wanted = (averaged or plain) if average else (plain or averaged)
    if len(wanted) > 1:
        names = listing([".".join(filter(None, choice)) for choice in wanted])
        raise CheckpointError(f"{source} holds {len(wanted)} networks ({names}); save the one you mean by itself.")
    [(place, prefix)] = wanted
    return _stripped(found[place], place, prefix, source)


def check_tensors(state: Mapping[str, Tensor], source: str) -> None:
    """Refuse what cannot be weights: by kind and shape first, so that no value is touched before.

    Raises:
        CheckpointError: See above.
    """
    for key, value in state.items():
        if value.is_meta or value.layout is not torch.strided or value.is_quantized:
            raise CheckpointError(f"{source}: {key} is no plain tensor of numbers; save the weights themselves.")
        if value.dtype not in _dtypes(key):
            raise CheckpointError(
                f"{source}: {key} is of {str(value.dtype).removeprefix('torch.')}; weights are floating-point numbers "
                "of 16, 32 or 64 bits."
            )
        if value.numel() * value.element_size() > value.untyped_storage().nbytes():
            raise CheckpointError(
                f"{source}: {key} has shape {list(value.shape)} but not so many numbers; save a copy."
            )
    for key, value in state.items():
        if not torch.isfinite(value).all():
            raise CheckpointError(f"{source} holds numbers that are not finite ({key}); use an undamaged checkpoint.")
        if key.endswith("running_var") and (value < 0).any():
            raise CheckpointError(f"{source}: {key} has negative variances; use an undamaged checkpoint.")


def _dtypes(key: str) -> tuple[torch.dtype, ...]:
    weights = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
    return (*weights, torch.int64, torch.int32) if key.endswith("num_batches_tracked") else weights


def _dictionaries(content: object, place: str = "", depth: int = 0) -> Iterator[tuple[str, State]]:
    """Dictionaries that hold tensors, by where they stand."""
    if not isinstance(content, Mapping) or depth > DEPTH:
        return
    tensors = {str(key): value for key, value in content.items() if isinstance(value, Tensor)}
    if tensors:
        yield place, tensors
    for key, value in content.items():
        yield from _dictionaries(value, f"{place}.{key}".lstrip("."), depth + 1)


def _prefixes(state: Mapping[str, Tensor]) -> list[str]:
    """What stands before the network's first layer; of networks side by side, each one's."""
    before = (key[: key.index(FIRST)] for key in state if FIRST in key)
    return sorted({prefix for prefix in before if not prefix or prefix.endswith(".")})


def _is_average(state: Mapping[str, Tensor]) -> bool:
    return "n_averaged" in state


def _stripped(state: Mapping[str, Tensor], place: str, prefix: str, source: str) -> State:
    heads = [key for key in state if HEADS.match(key.removeprefix(prefix)) or HEADS.match(key)]
    left_out = {*heads, *(key for key in state if key.endswith(_COUNTERS))}
    kept = {key.removeprefix(prefix): value for key, value in state.items() if key not in left_out}
    said = [f"tensors of '{place}'"] if place not in ("", "state_dict") else []
    said += [f"without the prefix '{prefix}'"] if prefix else []
    said += [f"{len(heads)} tensors of heads left out ({listing(heads, 3)})"] if heads else []
    if said:
        logger.info("%s: %s", source, "; ".join(said))
    return kept
