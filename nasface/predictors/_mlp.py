"""What the multi-layer perceptrons share: hidden layers, first weights, batches, Adam on one thread, their file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, ClassVar, Final, Self

import numpy as np
import numpy.typing as npt

from nasface.errors import InvalidInput, MissingDependency, NotFitted
from nasface.predictors._checks import PerceptronOptions
from nasface.runs import atomic_write
from nasface.spaces import Features

if TYPE_CHECKING:
    from torch import Tensor

Parameters = dict[str, npt.NDArray[np.float32]]

HIDDEN: Final = 3
"""Hidden layers."""


def torch_library(purpose: str) -> ModuleType:
    """The module, or `MissingDependency`."""
    try:
        import torch
    except ImportError as error:
        raise MissingDependency("torch", "torch", f"predictor {purpose}") from error
    return torch


class Perceptron:
    """The fitted state of a multi-layer perceptron, and its file.

    Attributes:
        config: Has the predictor's `name`.
        parameters: Names of what is kept in the file.
    """

    config: PerceptronOptions
    parameters: ClassVar[frozenset[str]]
    _parameters: Parameters | None = None

    def save(self, path: Path) -> None:
        """Write a safetensors file."""
        write_parameters(path, self.config.name, self._fitted)

    def load(self, path: Path) -> Self:
        """Read what `save` wrote; PyTorch itself is not needed for that, nor for asking."""
        self._parameters = read_parameters(path, self.config.name, set(self.parameters))
        return self

    @property
    def _fitted(self) -> Parameters:
        if self._parameters is None:
            raise NotFitted(f"{self.config.name} was asked before it was fitted; call fit() or load() first.")
        return self._parameters


def hidden_layers(parameters: Parameters, x: Features, key: str) -> npt.NDArray[np.float32]:
    """What the three hidden layers make of networks, float32[n, hidden]; `key.format(number)` names a layer."""
    h = np.asarray(x, np.float32)
    for layer in map(key.format, range(HIDDEN)):
        h = np.maximum(h @ parameters[f"{layer}.weight"].T + parameters[f"{layer}.bias"], 0)
    return h


def torch_hidden_layers(torch: ModuleType, weights: Mapping[str, Tensor], x: Tensor, key: str) -> Tensor:
    """The same in torch, for training."""
    for layer in map(key.format, range(HIDDEN)):
        x = torch.relu(torch.nn.functional.linear(x, weights[f"{layer}.weight"], weights[f"{layer}.bias"]))
    return x


def train(
    torch: ModuleType,
    config: PerceptronOptions,
    weights: Mapping[str, Tensor],
    rows: Iterator[npt.NDArray[np.intp]],
    loss: Callable[[npt.NDArray[np.intp]], Tensor | None],
    betas: tuple[float, float] = (0.9, 0.999),
) -> Parameters:
    """Learn weights in place by Adam, at a rate that falls to zero along a half cosine.

    Args:
        torch: The module.
        config: Steps, rate and weight decay.
        weights: That require gradients.
        rows: Of each batch, see `batches`.
        loss: Of a batch; None of one that teaches nothing.
        betas: Of Adam.
    """
    optimiser = torch.optim.Adam(
        weights.values(), lr=config.learning_rate, betas=betas, weight_decay=config.weight_decay
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, config.steps)
    for chosen in rows:
        if (error := loss(chosen)) is None:
            continue
        optimiser.zero_grad()
        error.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    return {name: value.detach().numpy() for name, value in weights.items()}


@contextmanager
def one_thread(torch: ModuleType) -> Iterator[None]:
    """Train so that the result does not depend on the machine's number of cores."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def initial(names: Sequence[str], sizes: Sequence[int], rng: np.random.Generator) -> Parameters:
    """Uniform in +-1/sqrt(inputs), PyTorch's default for linear layers.

    Args:
        names: "layers.NUMBER[.0].weight" or ".bias"; layer i has `sizes[i]` inputs and `sizes[i + 1]` outputs.
        sizes: Widths, the inputs first.
        rng: Draws.
    """
    parameters = {}
    for name in names:
        layer = int(name.split(".")[1])
        inputs, outputs = sizes[layer], sizes[layer + 1]
        shape = (outputs, inputs) if name.endswith("weight") else (outputs,)
        parameters[name] = rng.uniform(-(inputs**-0.5), inputs**-0.5, shape).astype(np.float32)
    return parameters


def batches(n: int, batch: int, steps: int, rng: np.random.Generator, least: int = 1) -> Iterator[npt.NDArray[np.intp]]:
    """`steps` batches of `batch` rows, or of an eighth of a small table but `least`, out of shuffled passes over n."""
    size = max(least, min(batch, n // 8))
    per_pass = n // size
    order = rng.permutation(n)
    for step in range(steps):
        if step and step % per_pass == 0:
            order = rng.permutation(n)
        start = step % per_pass * size
        yield order[start : start + size]


def check_training(config: PerceptronOptions, n: int) -> None:
    """Refuse parameters that are out of range.

    Raises:
        InvalidInput: With the range, or with fewer than two networks.
    """
    for key in ("hidden", "steps", "batch"):
        if getattr(config, key) < 1:
            raise InvalidInput(f"predictor.{key} is {getattr(config, key)}; give 1 or more.")
    if not config.learning_rate > 0 or config.weight_decay < 0:
        raise InvalidInput(
            f"predictor.learning_rate {config.learning_rate} must be above 0 and "
            f"predictor.weight_decay {config.weight_decay} not negative."
        )
    if n < 2:
        raise InvalidInput(f"An {config.name} needs two or more networks to learn from, not {n}.")


def write_parameters(path: Path, name: str, parameters: Parameters) -> None:
    """Write a safetensors file, atomically."""
    content = _safetensors(name).save(parameters, metadata={"format": f"nasface {name} 1"})
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)  # the library's own writer turns a full disk into an error of its own


def read_parameters(path: Path, name: str, expected: set[str]) -> Parameters:
    """Read what `write_parameters` wrote; PyTorch itself is not needed for that.

    Raises:
        InvalidInput: The file is damaged, or of another predictor.
    """
    library = _safetensors(name)
    try:
        found: Parameters = library.load_file(path)
    except Exception as error:  # safetensors raises its own errors, OSError or ValueError, by kind of damage
        raise InvalidInput(f"{path} is not a saved {name} ({error}); fit it again.") from error
    if set(found) != expected:
        raise InvalidInput(f"{path} does not hold the parameters of an {name}; fit it again.")
    return found


def _safetensors(purpose: str) -> ModuleType:
    try:
        import safetensors.numpy
    except ImportError as error:
        raise MissingDependency("safetensors", "torch", f"predictor {purpose}") from error
    return safetensors.numpy
