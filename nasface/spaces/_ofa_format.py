"""OFA's file formats: the genotype dictionary (`net_config.json`) and the static network description (`net.config`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from nasface.errors import InvalidGenotype
from nasface.netspec import Conv, Layer, NetSpec
from nasface.runs import Json
from nasface.spaces._ofa_network import ACTIVATION, MAX_DEPTH, N_BLOCKS, N_STAGES

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
                f"'{key}' of the genotype must be one whole number or {length} of them, not {value!r}."
            )
        parts.extend(values)
    return np.array(parts, np.int8)


def _is_gene(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 128


def genotype_of_net_config(config: Mapping[str, Any]) -> dict[str, list[int]]:
    """The genotype of a static description; stages are told apart by strides and by where the width changes."""
    try:
        blocks = [block.get("conv") or block["mobile_inverted_conv"] for block in config["blocks"]]
        blocks = [
            (int(b["in_channels"]), int(b["out_channels"]), int(b["stride"]), _kernel(b), _expand(b)) for b in blocks
        ]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
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


def _kernel(block: Mapping[str, Any]) -> int:
    return int(block["kernel_size"])


def _expand(block: Mapping[str, Any]) -> int:
    mid = block.get("mid_channels")
    return round(int(mid) / int(block["in_channels"])) if mid else int(block["expand_ratio"])


def net_config(spec: NetSpec) -> Mapping[str, Json]:
    """OFA's static description of a network of the space; the head is an identity layer, as the face authors use it."""
    stem, *blocks, final_expand, _pool, mix = spec.layers
    width = mix.output_shape[2]
    return {
        "name": "MobileNetV3",
        "bn": {"momentum": 0.1, "eps": 1e-05, "ws_eps": None},
        "first_conv": _conv_config(stem),
        "blocks": [_block_config(block) for block in blocks],
        "final_expand_layer": _conv_config(final_expand),
        "feature_mix_layer": _conv_config(mix),
        "classifier": _identity_config(width),
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
