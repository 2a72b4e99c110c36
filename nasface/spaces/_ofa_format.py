"""OFA's file formats: the genotype dictionary (`net_config.json`) and the static network description (`net.config`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from nasface.errors import InvalidGenotype
from nasface.netspec import Conv, Layer, NetSpec
from nasface.runs import Json
from nasface.spaces._ofa_network import ACTIVATION, MAX_DEPTH, N_BLOCKS, N_STAGES, make_divisible

_ORDER = "weight_bn_act"


def genotype_dict(genotype: npt.NDArray[np.int8], resolution: int, kernel: int, expand: int) -> dict[str, list[int]]:
    """`{"ks","e","d","r"}` with `kernel` and `expand` standing in for inactive blocks."""
    kernels, expands = genotype[N_STAGES : N_STAGES + N_BLOCKS], genotype[N_STAGES + N_BLOCKS :]
    return {
        "ks": [int(k) or kernel for k in kernels],
        "e": [int(e) or expand for e in expands],
        "d": [int(d) for d in genotype[:N_STAGES]],
        "r": [resolution],
    }


def genes(description: Mapping[str, object]) -> npt.NDArray[np.int8]:
    """int8[45] from `{"ks","e","d"}`; a single number stands for all blocks or stages. Not yet canonical."""
    parts: list[int] = []
    for key, length in (("d", N_STAGES), ("ks", N_BLOCKS), ("e", N_BLOCKS)):
        if key not in description:
            raise InvalidGenotype(
                f"The genotype has no '{key}'; give {{'ks': [20], 'e': [20], 'd': [5]}} or a net.config."
            )
        value = description[key]
        values = [value] * length if isinstance(value, int) else value
        if not isinstance(values, Sequence) or len(values) != length or not all(_is_gene(v) for v in values):
            raise InvalidGenotype(
                f"'{key}' of the genotype must be one whole number or {length} of them, not {value!r:.40}."
            )
        parts.extend(values)
    return np.array(parts, np.int8)


def _is_gene(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 128


def genotype_of_net_config(config: Mapping[str, Any]) -> dict[str, list[int]]:
    """The genotype of a static description; stages are told apart by strides and by where the width changes."""
    try:
        blocks = [
            (int(b["in_channels"]), int(b["out_channels"]), int(b["stride"]), _kernel(b), _expand(b))
            for b in map(_conv_of, config["blocks"])
        ]
    except (KeyError, TypeError, AttributeError, ValueError, ZeroDivisionError) as error:
        raise InvalidGenotype(
            f"The net.config is not one of OFA's MobileNetV3 descriptions (missing {error})."
        ) from None
    stages: list[list[tuple[int, int]]] = []
    for in_channels, out_channels, stride, kernel, expand in blocks[1:]:
        if stride != 1 or in_channels != out_channels:
            stages.append([])
        if not stages or len(stages[-1]) == MAX_DEPTH:
            raise InvalidGenotype(f"The net.config does not have {N_STAGES} stages of at most {MAX_DEPTH} blocks.")
        stages[-1].append((kernel, expand))
    if len(stages) != N_STAGES:
        raise InvalidGenotype(f"The net.config has {len(stages)} stages, OFA's MobileNetV3 space has {N_STAGES}.")
    padded = [stage + [(0, 0)] * (MAX_DEPTH - len(stage)) for stage in stages]
    return {
        "ks": [kernel for stage in padded for kernel, _ in stage],
        "e": [expand for stage in padded for _, expand in stage],
        "d": [len(stage) for stage in stages],
    }


def check_net_config(given: Mapping[str, Any], own: Mapping[str, Any]) -> None:
    """Refuse a static description that is not of the very network whose description `own` is.

    Not looked at: the classifier, which is removed, and what does not change what the network computes.

    Raises:
        InvalidGenotype: It differs; the message names the first difference.
    """
    ends = ("first_conv", "final_expand_layer", "feature_mix_layer")
    parts = {
        "bn": (given.get("bn", own["bn"]), own["bn"], ("eps",)),
        **{part: (given.get(part), own[part], _CONV) for part in ends},
    }
    for i, (block, mine) in enumerate(zip(given["blocks"], own["blocks"], strict=True)):
        parts[f"blocks[{i}]"] = (_facts(block), _facts(mine), (*_BLOCK, "kernel_size", "mid_channels", "shortcut"))
    for part, (theirs, ours, fields) in parts.items():
        for field in fields:
            said = theirs.get(field, ours[field]) if isinstance(theirs, Mapping) else None
            if said != ours[field]:
                raise InvalidGenotype(
                    f"The net.config is of another network than those of this space: its {part} has "
                    f"{field}={said!r:.40}, the space's {ours[field]!r}; choose the space that it is of (width, "
                    "resolution, descriptor), or another file."
                )


_BLOCK = ("in_channels", "out_channels", "stride", "act_func", "use_se")
_CONV = (*_BLOCK, "kernel_size", "dilation", "groups", "bias", "use_bn")


def _facts(block: Mapping[str, Any]) -> dict[str, Any]:
    """What a block computes, however it is written down."""
    conv = _conv_of(block)
    mid = conv.get("mid_channels") or make_divisible(round(int(conv["in_channels"]) * conv["expand_ratio"]))
    facts = {name: conv[name] for name in _BLOCK if name in conv}
    return facts | {"kernel_size": _kernel(conv), "mid_channels": mid, "shortcut": bool(block.get("shortcut"))}


def _conv_of(block: Mapping[str, Any]) -> Mapping[str, Any]:
    conv: Mapping[str, Any] = block.get("conv") or block["mobile_inverted_conv"]  # the latter in older files
    return conv


def _kernel(block: Mapping[str, Any]) -> int:
    """The kernel's side; some tools write both sides."""
    kernel = block["kernel_size"]
    if isinstance(kernel, list | tuple):
        first, *others = kernel
        if any(side != first for side in others):
            raise InvalidGenotype(f"The net.config has a kernel of {kernel}; the space's kernels are square.")
        kernel = first
    return int(kernel)


def _expand(block: Mapping[str, Any]) -> int:
    mid = block.get("mid_channels")
    return round(int(mid) / int(block["in_channels"])) if mid else int(block["expand_ratio"])


def net_config(spec: NetSpec) -> Mapping[str, Json]:
    """OFA's static description of a network of the space; the classifier stands for none.

    OFA's functions of latency and FLOPs look for a `LinearLayer` there, of the 1,000 classes that its tables know.
    """
    stem, *blocks, final_expand, _pool, mix = spec.layers
    width = mix.output_shape[2]
    return {
        "name": "MobileNetV3",
        "bn": {"momentum": 0.1, "eps": 1e-05, "ws_eps": None},
        "first_conv": _conv_config(stem),
        "blocks": [_block_config(block) for block in blocks],
        "final_expand_layer": _conv_config(final_expand),
        "feature_mix_layer": _conv_config(mix),
        "classifier": {
            "name": "LinearLayer",
            "in_features": width,
            "out_features": 1000,
            "bias": True,
            "use_bn": False,
            "act_func": None,
            "dropout_rate": 0,
            "ops_order": _ORDER,
        },
    }


def _conv_config(layer: Layer) -> Mapping[str, Json]:
    conv = layer.ops[0]
    if not isinstance(conv, Conv):
        raise TypeError(f"{layer.key} does not start with a convolution")
    return {
        "name": "ConvLayer",
        "kernel_size": conv.kernel,
        "stride": conv.stride,
        "dilation": 1,
        "groups": 1,
        "bias": False,
        "has_shuffle": False,
        "use_se": False,
        "in_channels": conv.in_channels,
        "out_channels": conv.shape[2],
        "use_bn": conv.norm is not None,
        "act_func": "h_swish",
        "dropout_rate": 0,
        "ops_order": _ORDER,
    }


def _block_config(layer: Layer) -> Mapping[str, Json]:
    in_channels, out_channels = layer.input_shape[2], layer.output_shape[2]
    fixed = layer.stage is None
    return {
        "name": "ResidualBlock",
        "conv": {
            "name": "MBConvLayer",
            "in_channels": in_channels,
            "out_channels": out_channels,
            "kernel_size": layer.kernel,
            "stride": layer.stride,
            "expand_ratio": 1 if fixed or layer.expand is None else round(layer.expand / in_channels),
            "mid_channels": None if fixed else layer.expand,
            "act_func": "relu" if layer.stage is None else ACTIVATION[layer.stage],
            "use_se": layer.se,
            "groups": None,
        },
        "shortcut": _identity_config(in_channels) if layer.idskip else None,
    }


def _identity_config(channels: int) -> Mapping[str, Json]:
    return {
        "name": "IdentityLayer",
        "in_channels": channels,
        "out_channels": channels,
        "use_bn": False,
        "act_func": None,
        "dropout_rate": 0,
        "ops_order": _ORDER,
    }
