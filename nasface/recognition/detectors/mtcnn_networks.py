"""MTCNN's three networks in torch, with the weights that the package `mtcnn` holds.

K. Zhang et al., Joint face detection and alignment using multitask cascaded convolutional networks, IEEE Signal
Processing Letters 23(10), 2016. The package (MIT) runs them in TensorFlow; here its files of weights are read, and
nothing of it is imported. They are pickles, so they are opened only if they are the known ones to the byte.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from nasface.errors import MissingDependency, requires

Floats = npt.NDArray[np.float32]

WEIGHTS: Final = {
    "pnet": "ea6b0c3e685ebee3165326ad6484acc95f2ef78f1c94fbf40a55704fa989f7b5",
    "rnet": "cb00e6460f3c98b0bfafaba3c0a0ded4bdf6e62cee7174d969e8670d7e757fee",
    "onet": "94f6ea2f4cf985275ee958cdd762d17b6009348a4fb9d8c6be39ba73ffd22ca3",
}
"""SHA-256 of the files in mtcnn 1.0.0."""

PURPOSE: Final = "detector=mtcnn, with the weights of its release 1.0.0,"


class Network(nn.Module):
    """A body and linear ends: corrections of boxes, points where there are, logits of "nothing" and "a face"."""

    def __init__(self, body: list[nn.Module], ends: list[nn.Module]) -> None:
        super().__init__()
        self.body, self.ends = nn.Sequential(*body), nn.ModuleList(ends)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Of float32[n, 3, height, width]; the last one as probabilities."""
        x = self.body(x)
        *others, logits = [end(x) for end in self.ends]
        return [*others, logits.softmax(dim=1)]

    def run(self, pictures: Floats) -> list[Floats]:
        """Of float32[n, height, width, 3], values from -1 to 1: every end's [n, channels] or [n, channels, h, w]."""
        with torch.inference_mode():
            return [end.numpy() for end in self(torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))))]


class Networks(NamedTuple):
    """The cascade."""

    proposing: Network
    refining: Network
    placing: Network


class _Flat(nn.Module):
    """[n, c, h, w] to [n, w * h * c], as the weights count."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.permute(0, 3, 2, 1).flatten(1)


def _pnet() -> Network:
    body = [*_conv(3, 10, 3), nn.MaxPool2d(2, 2, ceil_mode=True), *_conv(10, 16, 3), *_conv(16, 32, 3)]
    return Network(body, [nn.Conv2d(32, 4, 1), nn.Conv2d(32, 2, 1)])


def _rnet() -> Network:
    body = [*_conv(3, 28, 3), nn.MaxPool2d(3, 2, ceil_mode=True), *_conv(28, 48, 3), nn.MaxPool2d(3, 2)]
    return Network([*body, *_conv(48, 64, 2), *_dense(576, 128)], [nn.Linear(128, 4), nn.Linear(128, 2)])


def _onet() -> Network:
    body = [*_conv(3, 32, 3), nn.MaxPool2d(3, 2, ceil_mode=True), *_conv(32, 64, 3), nn.MaxPool2d(3, 2)]
    body += [*_conv(64, 64, 3), nn.MaxPool2d(2, 2, ceil_mode=True), *_conv(64, 128, 2), *_dense(1152, 256)]
    return Network(body, [nn.Linear(256, 4), nn.Linear(256, 10), nn.Linear(256, 2)])


def _conv(channels: int, out: int, kernel: int) -> list[nn.Module]:
    return [nn.Conv2d(channels, out, kernel), nn.PReLU(out)]


def _dense(width: int, out: int) -> list[nn.Module]:
    return [_Flat(), nn.Linear(width, out), nn.PReLU(out)]


@cache
def networks() -> Networks:
    """The networks with their weights.

    Raises:
        MissingDependency: The package is not there, or is another release.
    """
    return Networks(_filled(_pnet(), "pnet"), _filled(_rnet(), "rnet"), _filled(_onet(), "onet"))


def _filled(network: Network, name: str) -> Network:
    with torch.no_grad():
        for parameter, value in zip(network.parameters(), _weights(name), strict=True):
            parameter.copy_(torch.from_numpy(_as_torch(value)))
    return network.eval()


def _as_torch(value: Floats) -> Floats:
    """Convolutions from (h, w, in, out), matrices from (in, out)."""
    if value.ndim == 4:
        return np.ascontiguousarray(value.transpose(3, 2, 0, 1))
    return np.ascontiguousarray(value.T) if value.ndim == 2 else value.reshape(-1)


def _weights(name: str) -> list[Floats]:
    with requires("mtcnn", "mtcnn", PURPOSE):
        import joblib
    file = weights_folder() / f"{name}.lz4"
    content = file.read_bytes() if file.is_file() else b""
    if hashlib.sha256(content).hexdigest() != WEIGHTS[name]:
        raise MissingDependency("mtcnn", "mtcnn", PURPOSE)
    return [np.asarray(value, np.float32) for value in joblib.load(io.BytesIO(content))]


def weights_folder() -> Path:
    """Where the package keeps its weights; nothing of it is imported.

    Raises:
        MissingDependency: The package is not there.
    """
    found = importlib.util.find_spec("mtcnn")
    if found is None or not found.submodule_search_locations:
        raise MissingDependency("mtcnn", "mtcnn", PURPOSE)
    return Path(found.submodule_search_locations[0]) / "assets" / "weights"
