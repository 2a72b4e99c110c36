"""A NetSpec as a `torch.nn.Module`, with and without batch normalisation folded in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nasface.netspec import Conv, Linear, NetSpec, Op, PluginOp, Weights, has_bias
from nasface.netspec.plugin_op import computed
from nasface.supernets.interpreter import BN_EPS, BN_MOMENTUM, Interpreter, is_weighted


class SpecModule(nn.Module):
    """Any `NetSpec` as a module: images [n, 3, height, width], normalised, to descriptors [n, channels].

    Submodules stand under the operations' names, so a network cut from an OFA supernet has exactly the state-dict keys
    of OFA's static network (without the classifier), e.g. `blocks.3.conv.inverted_bottleneck.bn.running_mean`.

    Args:
        spec: The network.
        folded: Leave out batch normalisations; every convolution that had one has a bias instead.

    Attributes:
        calibrated: Whether the batch normalisations, if any, have been calibrated for this very network.
    """

    def __init__(self, spec: NetSpec, *, folded: bool = False) -> None:
        super().__init__()
        self.spec, self.folded = spec, folded
        self.calibrated = folded or not any(isinstance(op, Conv) and op.norm for op in spec.ops)
        self.run = Interpreter(spec)  # public: calibration computes the weighted operations itself
        self._modules_by_name: dict[str, nn.Module] = {}  # a plain dict: nothing is registered twice
        for op in spec.ops:
            if is_weighted(op):
                self._place(op.name, _submodule(op, folded))
            if isinstance(op, Conv) and op.norm and not folded:
                self._place(op.norm, nn.BatchNorm2d(op.shape[2], BN_EPS, BN_MOMENTUM))

    @classmethod
    def from_weights(cls, spec: NetSpec, weights: Weights) -> SpecModule:
        """The folded module, in eval mode and channels-last, with deployable weights."""
        module = cls(spec, folded=True)
        module.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in weights.items()})
        for parameter in module.parameters():
            if parameter.ndim == 4:  # convolutions are faster with channels last
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
        return module.eval()

    def fold(self) -> SpecModule:
        """A copy of this unfolded module with its batch normalisations folded in, where this one is."""
        folded = SpecModule.from_weights(self.spec, deployed_weights(self.state_dict(), self.spec))
        return folded.to(self.device)

    def forward(self, x: Tensor) -> Tensor:
        """Descriptors of a batch, of a network with one output."""
        return self.run(x, self.compute)

    def maps(self, x: Tensor) -> dict[str, Tensor]:
        """Every output [n, channels, height, width] of a batch by name."""
        return self.run.maps(x, self.compute)

    def compute(self, op: Op, x: Tensor) -> Tensor:
        """One operation with weights, its batch normalisation included."""
        y = self.convolve(op, x)
        norm = self.norm(op)
        return y if norm is None else cast(Tensor, norm(y))

    def convolve(self, op: Op, x: Tensor) -> Tensor:
        """One operation with weights, without its batch normalisation."""
        module = self._modules_by_name[op.name]
        if isinstance(op, Linear):
            return cast(Tensor, module(x.flatten(1)))[:, :, None, None]
        if isinstance(op, Conv) and op.shape[:2] == (1, 1) and op.kernel == op.groups == 1:  # several times faster so
            conv = cast(nn.Conv2d, module)
            return F.linear(x.flatten(1), conv.weight.flatten(1), conv.bias)[:, :, None, None]
        return cast(Tensor, module(x))

    def convolution(self, op: Conv) -> nn.Conv2d:
        """The module of a convolution."""
        return cast(nn.Conv2d, self._modules_by_name[op.name])

    def norm(self, op: Op) -> nn.BatchNorm2d | None:
        """The batch normalisation after `op`, if there is one here."""
        found = self._modules_by_name.get(op.norm) if isinstance(op, Conv) and op.norm else None
        return cast("nn.BatchNorm2d | None", found)

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return next(self.parameters()).device

    def parameters_of(self, op: Op) -> list[nn.Parameter]:
        """All learned values of one operation, its batch normalisation included."""
        modules = (self._modules_by_name.get(op.name), self.norm(op))
        return [parameter for module in modules if module is not None for parameter in module.parameters()]

    def _place(self, path: str, module: nn.Module) -> None:
        *parents, name = path.split(".")
        at: nn.Module = self
        for parent in parents:
            if parent not in at._modules:
                at.add_module(parent, nn.Module())
            at = at.get_submodule(parent)
        at.add_module(name, module)
        self._modules_by_name[path] = module


class MapsModule(nn.Module):
    """A network with several outputs as a module that gives all of them by name, [n, channels, height, width] each."""

    def __init__(self, network: SpecModule) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Every output of a batch."""
        return self.network.maps(x)


def _submodule(op: Op, folded: bool) -> nn.Module:
    if isinstance(op, Conv):
        bias = has_bias(op) if folded else op.bias
        return nn.Conv2d(op.in_channels, op.shape[2], op.kernel, op.stride, op.padding, groups=op.groups, bias=bias)
    if isinstance(op, Linear):
        return nn.Linear(op.in_features, op.shape[2], op.bias)
    return _PluginModule(op) if isinstance(op, PluginOp) else nn.PReLU(op.shape[2])


class _PluginModule(nn.Module):
    """A plug-in's operation with its weights."""

    def __init__(self, op: PluginOp) -> None:
        super().__init__()
        self._op = op
        for part, shape in op.weight_shapes().items():
            self.register_parameter(part, nn.Parameter(torch.empty(shape)))
            nn.init.trunc_normal_(getattr(self, part), std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        return computed(self._op, [x], dict(self.named_parameters()))


def deployed_weights(state: Mapping[str, Tensor], spec: NetSpec) -> dict[str, npt.NDArray[np.float32]]:
    """Weights with batch normalisation folded in, as exporters take them (`nasface.netspec.Weights`).

    Args:
        state: State dict of an unfolded network of `spec`.
        spec: The network.

    Returns:
        `weight * gamma / sqrt(variance + 1e-5)` and `beta - mean * gamma / sqrt(variance + 1e-5)`, computed in float64.
    """
    weights: dict[str, npt.NDArray[np.float32]] = {}
    for op in spec.ops:
        if isinstance(op, Conv) and op.norm:
            weight, bias = _fold(state, op.name, op.norm)
            weights[f"{op.name}.weight"], weights[f"{op.name}.bias"] = weight, bias
        elif is_weighted(op):
            names = [f"{op.name}.{part}" for part in op.weight_shapes()]
            weights |= {name: _array(state[name]) for name in names}
    return weights


def _fold(state: Mapping[str, Tensor], conv: str, norm: str) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    gamma, beta, mean, variance = (
        _array(state[f"{norm}.{name}"]).astype(np.float64) for name in ("weight", "bias", "running_mean", "running_var")
    )
    scale = gamma / np.sqrt(variance + BN_EPS)
    weight = _array(state[f"{conv}.weight"]) * scale[:, None, None, None]
    return weight.astype(np.float32), (beta - mean * scale).astype(np.float32)


def _array(tensor: Tensor) -> npt.NDArray[np.float32]:
    return np.ascontiguousarray(tensor.detach().float().cpu().numpy())
