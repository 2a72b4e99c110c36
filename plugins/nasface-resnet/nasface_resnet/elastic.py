"""The supernet in torch: networks are cut from the weights of the largest one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from nasface import Supernet
from nasface.errors import CheckpointError
from nasface.spaces import SearchSpace
from nasface.supernets import SpecModule
from nasface.supernets.supernet import Genotype
from nasface.training.sliced import parts
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from nasface_resnet.space import HIGHEST


class ResnetSupernet(Supernet):
    """Shared weights of all networks of `resnet_small`.

    Args:
        space: A `Resnet`.
        weights: State dict of the largest network.
        fingerprint: Of the weights.
    """

    def __init__(self, space: SearchSpace, weights: Mapping[str, Tensor], fingerprint: str) -> None:
        self.space, self.name, self.fingerprint = space, "resnet_small", fingerprint
        self._weights = weights
        try:
            SpecModule(space.build(HIGHEST)).load_state_dict(dict(weights))
        except RuntimeError as error:
            first = str(error).splitlines()[-1].strip()
            raise CheckpointError(f"The weights do not fit {space.name} ({first}); set space.descriptor.") from error

    def extract(self, genotype: Genotype) -> SpecModule:
        """The first blocks and the first channels of the largest network."""
        module = SpecModule(self.space.build(self.canonical(genotype)))
        module.load_state_dict(parts(self._weights, module.state_dict()))
        return module.eval()


def read_weights(path: Path) -> dict[str, Tensor]:
    """Weights in float16 as float32.

    Raises:
        CheckpointError: The file cannot be read.
    """
    try:
        found = load_file(path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"The weights {path} cannot be read ({error}).") from error
    return {name: value.float() if value.is_floating_point() else value for name, value in found.items()}


def write_weights(path: Path, weights: Mapping[str, Tensor]) -> None:
    """Write them in float16."""
    from nasface.runs import atomic_write
    from safetensors.torch import save_file

    halves = {name: value.half() if value.is_floating_point() else value for name, value in weights.items()}
    with atomic_write(path) as temporary:
        save_file({name: value.contiguous() for name, value in halves.items()}, temporary)


def seeded(seed: int) -> torch.Generator:
    """A generator of torch."""
    return torch.Generator().manual_seed(seed)
