"""The elastic network: OFA's dynamic parameters, and every sub-network as differentiable slices of them.

State-dict keys, shapes and order are those of OFA's dynamic MobileNetV3 (475 with the default choices and a
classifier). A sub-network is described by the state dict of its static network, whose tensors are views of (or computed
from) the elastic parameters: the first channels of every expansion, the first blocks of every stage, and depthwise
kernels derived from the largest by the block's transform matrices. The interpreter that runs a `SpecModule` runs those
slices as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nasface.netspec import Conv, NetSpec, Op
from nasface.spaces import OfaMbv3
from nasface.supernets.interpreter import BN_EPS, BN_MOMENTUM, Interpreter, convolve

_STATISTICS = ("running_mean", "running_var")
_COUNTER = "num_batches_tracked"


class ElasticNetwork(nn.Module):
    """All networks of an `OfaMbv3` space with shared parameters.

    Parameters start as OFA's: convolutions N(0, 2 / (kernel^2 * out channels)), transform matrices the identity, batch
    normalisations the identity.

    Args:
        space: The space; its resolution plays no role for the parameters.
        classes: Outputs of the classifier head, or None for no head. It is used in training only.
    """

    def __init__(self, space: OfaMbv3, classes: int | None = None) -> None:
        super().__init__()
        self.space, self.classes = space, classes
        self.max_depth = max(space.depths)
        for op in space.build(self.largest).ops:
            if isinstance(op, Conv):
                self._add_conv(op)
        if classes is not None:
            self._add_head(classes)

    def genotype_of(self, kernel: int, expand: int, depth: int) -> npt.NDArray[np.int8]:
        """The network with one choice everywhere."""
        return self.space.from_dict({"ks": kernel, "e": expand, "d": depth})

    @property
    def largest(self) -> npt.NDArray[np.int8]:
        """The network with the largest choice everywhere."""
        return self.genotype_of(self.space.kernels[-1], self.space.expands[-1], self.max_depth)

    def forward(self, x: Tensor, genotype: npt.NDArray[np.int8], features: list[Tensor] | None = None) -> Tensor:
        """Descriptors [n, channels] of images [n, 3, height, width] by one sub-network.

        In train mode batch normalisations use the batch's statistics and update their slice of the running ones.

        Args:
            x: The images.
            genotype: Canonical.
            features: Gets the outputs of the five stages, whose shapes are those of every sub-network.
        """
        spec = self.space.build(genotype)
        state = self.subnet_state(genotype, spec)
        ends = stage_ends(spec)
        watched = None if features is None else dict.fromkeys(ends, x)
        descriptors = Interpreter(spec)(x, lambda op, value: self._compute(state, op, value), watched)
        if features is not None and watched is not None:
            features += [watched[name] for name in ends]
        return descriptors

    def subnet_state(self, genotype: npt.NDArray[np.int8], spec: NetSpec | None = None) -> dict[str, Tensor]:
        """State dict of the static network of a canonical genotype, as slices; gradients flow to the parameters.

        Running statistics are views, so writing into them changes the elastic network's.
        """
        own = self.state_dict(keep_vars=True)
        places = self._places(genotype)
        state: dict[str, Tensor] = {}
        for op in (spec or self.space.build(genotype)).ops:
            if isinstance(op, Conv):
                name = _dynamic(op.name, places)
                state[f"{op.name}.weight"] = self._weight(own, op, name)
                if op.bias:
                    state[f"{op.name}.bias"] = _first(own[f"{name}.bias"], op.shape[2])
                if op.norm:
                    state.update(_norm_state(own, op.norm, _dynamic(op.norm, places), op.shape[2]))
        return state

    def _places(self, genotype: npt.NDArray[np.int8]) -> dict[int, int]:
        """Index of each static block -> index of the elastic block it is cut from; block 0 is fixed."""
        depths = self.space.to_dict(genotype)["d"]
        elastic = [1 + stage * self.max_depth + at for stage, depth in enumerate(depths) for at in range(depth)]
        return dict(enumerate(elastic, start=1))

    def _weight(self, own: Mapping[str, Tensor], op: Conv, name: str) -> Tensor:
        out_channels, in_channels, kernel, _ = op.weight_shape
        weight = _first(_first(own[f"{name}.weight"], out_channels), in_channels, 1)
        return self._derive_kernel(own, weight, name.removesuffix(".conv"), kernel)

    def _derive_kernel(self, own: Mapping[str, Tensor], weight: Tensor, path: str, kernel: int) -> Tensor:
        """Crop the centre of a depthwise kernel and transform it, one step down the kernel list at a time."""
        for larger, smaller in pairwise(sorted(self.space.kernels, reverse=True)):
            if not kernel < weight.shape[-1] == larger:
                continue
            margin = (larger - smaller) // 2
            crop = weight[:, :, margin : margin + smaller, margin : margin + smaller].flatten(2)
            weight = F.linear(crop, own[f"{path}.{_matrix(larger, smaller)}"]).view(-1, 1, smaller, smaller)
        return weight

    def _compute(self, state: Mapping[str, Tensor], op: Op, x: Tensor) -> Tensor:
        if not isinstance(op, Conv):
            raise TypeError(f"{op.name} has weights that an elastic network does not share")
        y = convolve(op, x, state[f"{op.name}.weight"], state.get(f"{op.name}.bias"))
        if op.norm is None:
            return y
        if self.training:
            state[f"{op.norm}.{_COUNTER}"].add_(1)
        weight, bias, mean, var = (state[f"{op.norm}.{part}"] for part in ("weight", "bias", *_STATISTICS))
        return F.batch_norm(y, mean, var, weight, bias, self.training, BN_MOMENTUM, BN_EPS)

    def _add_conv(self, op: Conv) -> None:
        name = _dynamic(op.name, None)
        if op.depthwise and name != op.name:
            for larger, smaller in reversed(list(pairwise(sorted(self.space.kernels, reverse=True)))):
                place = f"{name.removesuffix('.conv')}.{_matrix(larger, smaller)}"
                self._put(place, nn.Parameter(torch.eye(smaller**2)))
        deviation = (2.0 / (op.kernel**2 * op.shape[2])) ** 0.5
        self._put(f"{name}.weight", nn.Parameter(torch.randn(op.weight_shape) * deviation))
        if op.bias:
            self._put(f"{name}.bias", nn.Parameter(torch.zeros(op.shape[2])))
        if op.norm:
            self._add_norm(_dynamic(op.norm, None), op.shape[2])

    def _add_norm(self, path: str, channels: int) -> None:
        parts = nn.BatchNorm2d(channels).state_dict()
        for name, value in parts.items():
            learned = name in ("weight", "bias")
            self._put(f"{path}.{name}", nn.Parameter(value) if learned else value)

    def _add_head(self, classes: int) -> None:
        self.add_module("classifier", nn.Module())
        self.get_submodule("classifier").add_module("linear", nn.Linear(self.space.descriptor, classes))

    def _put(self, path: str, value: Tensor) -> None:
        *parents, name = path.split(".")
        at: nn.Module = self
        for parent in parents:
            if parent not in at._modules:
                at.add_module(parent, nn.Module())
            at = at.get_submodule(parent)
        if isinstance(value, nn.Parameter):
            at.register_parameter(name, value)
        else:
            at.register_buffer(name, value)


def stage_ends(spec: NetSpec) -> list[str]:
    """Names of the values that stages hand on: of blocks, the last before size or channels change; not the first."""
    blocks = [layer for layer in spec.layers if layer.kind == "expanded_conv"]
    ends = [a.ops[-1].name for a, b in pairwise(blocks) if (a.stage, a.output_shape) != (b.stage, b.output_shape)]
    return [*ends, blocks[-1].ops[-1].name][1:]


def _dynamic(path: str, places: Mapping[int, int] | None) -> str:
    """OFA's dynamic name of a static convolution or norm: elastic blocks repeat the last part, e.g. `...conv.conv`."""
    first, *rest = path.split(".")
    if first != "blocks" or rest[0] == "0":
        return path
    index = int(rest[0]) if places is None else places[int(rest[0])]
    tail = rest[1:] if "se" in rest else [*rest[1:], rest[-1]]
    return ".".join([first, str(index), *tail])


def _matrix(larger: int, smaller: int) -> str:
    return f"{larger}to{smaller}_matrix"


def _first(values: Tensor, n: int, dim: int = 0) -> Tensor:
    """The first n of a dimension; all of them without a slice, whose gradient would be one more tensor."""
    return values if values.shape[dim] == n else values.narrow(dim, 0, n)


def _norm_state(own: Mapping[str, Tensor], name: str, source: str, channels: int) -> dict[str, Tensor]:
    parts = {f"{name}.{part}": _first(own[f"{source}.{part}"], channels) for part in ("weight", "bias", *_STATISTICS)}
    return parts | {f"{name}.{_COUNTER}": own[f"{source}.{_COUNTER}"]}
