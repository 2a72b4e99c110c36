"""An independent, plain restatement of OFA's face network and its slicing rules; it shares no code with nasface."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

WIDTHS = [32, 48, 96, 136, 192]
STRIDES = [2, 2, 2, 1, 2]
SQUEEZED = [False, True, False, True, True]
HARD = [False, False, True, True, True]


def divisible(value):
    near = max(8, int(value + 4) // 8 * 8)
    return near + 8 if near < 0.9 * value else near


def hard_sigmoid(x):
    return F.relu6(x + 3) / 6


def hard_swish(x):
    return x * hard_sigmoid(x)


def norm(x, state, name, channels):
    parts = ("weight", "bias", "running_mean", "running_var")
    g, b, m, v = (state[f"{name}.{part}"][:channels].float() for part in parts)
    return (x - m[:, None, None]) / torch.sqrt(v[:, None, None] + 1e-5) * g[:, None, None] + b[:, None, None]


def kernel_numpy(state, block, kernel, mid):
    """Facts 2.4, in numpy."""
    w = state[f"blocks.{block}.conv.depth_conv.conv.conv.weight"].float().numpy()[:mid, 0]
    if kernel == 7:
        return w[:, None]
    matrix = state[f"blocks.{block}.conv.depth_conv.conv.7to5_matrix"].float().numpy()
    w = np.stack([(matrix @ each[1:6, 1:6].reshape(25)).reshape(5, 5) for each in w])
    if kernel == 5:
        return w[:, None]
    matrix = state[f"blocks.{block}.conv.depth_conv.conv.5to3_matrix"].float().numpy()
    return np.stack([(matrix @ each[1:4, 1:4].reshape(9)).reshape(3, 3) for each in w])[:, None]


def forward(state, ks, e, d, x):
    """Descriptors by the dynamic state dict `state`; ks and e have 20 entries, d has 5."""
    x = F.conv2d(x, state["first_conv.conv.weight"].float(), stride=2, padding=1)
    x = hard_swish(norm(x, state, "first_conv.bn", 24))
    p = "blocks.0.conv"
    y = F.conv2d(x, state[f"{p}.depth_conv.conv.weight"].float(), padding=1, groups=24)
    y = F.relu(norm(y, state, f"{p}.depth_conv.bn", 24))
    x = x + norm(F.conv2d(y, state[f"{p}.point_linear.conv.weight"].float()), state, f"{p}.point_linear.bn", 24)
    width = 24
    for stage in range(5):
        for position in range(d[stage]):
            gene = 4 * stage + position
            x = mbconv(state, gene + 1, stage, position, ks[gene], e[gene], width, x)
            width = WIDTHS[stage]
    x = F.conv2d(x, state["final_expand_layer.conv.weight"].float())
    x = hard_swish(norm(x, state, "final_expand_layer.bn", 1152))
    x = x.mean(3, keepdim=True).mean(2, keepdim=True)
    return hard_swish(F.conv2d(x, state["feature_mix_layer.conv.weight"].float())).flatten(1)


def mbconv(state, block, stage, position, kernel, expand, width, x):
    p = f"blocks.{block}.conv"
    act = hard_swish if HARD[stage] else F.relu
    mid, out = divisible(round(width * expand)), WIDTHS[stage]
    stride = STRIDES[stage] if position == 0 else 1
    y = F.conv2d(x, state[f"{p}.inverted_bottleneck.conv.conv.weight"][:mid, :width].float())
    y = act(norm(y, state, f"{p}.inverted_bottleneck.bn.bn", mid))
    depthwise = torch.from_numpy(kernel_numpy(state, block, kernel, mid))
    y = F.conv2d(y, depthwise, stride=stride, padding=kernel // 2, groups=mid)
    y = act(norm(y, state, f"{p}.depth_conv.bn.bn", mid))
    if SQUEEZED[stage]:
        s, r = f"{p}.depth_conv.se.fc", divisible(mid // 4)
        gate = y.mean((2, 3), keepdim=True)
        gate = F.conv2d(gate, state[f"{s}.reduce.weight"][:r, :mid].float(), state[f"{s}.reduce.bias"][:r].float())
        gate = F.relu(gate)
        gate = F.conv2d(gate, state[f"{s}.expand.weight"][:mid, :r].float(), state[f"{s}.expand.bias"][:mid].float())
        y = y * hard_sigmoid(gate)
    y = F.conv2d(y, state[f"{p}.point_linear.conv.conv.weight"][:out, :mid].float())
    y = norm(y, state, f"{p}.point_linear.bn.bn", out)
    return x + y if position else y
