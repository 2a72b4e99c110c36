"""Supernets: what a search cuts its networks from."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from nasface.errors import CheckpointError, InvalidInput
from nasface.netspec import random_weights
from nasface.preprocessing import Template
from nasface.registry import REGISTRY
from nasface.runs import Json
from nasface.spaces import OfaMbv3, SearchSpace
from nasface.supernets.checkpoint import (
    HEAD,
    Metadata,
    classes_of,
    load_into,
    read_checkpoint,
    save_pth,
    save_safetensors,
)
from nasface.supernets.elastic import ElasticNetwork
from nasface.supernets.module import SpecModule, deployed_weights

Genotype = npt.NDArray[np.int8] | Mapping[str, object]
"""int8[n_genes], or the dictionary of `SearchSpace.from_dict`, e.g. `{"ks": [20], "e": [20], "d": [5]}`."""


class Supernet(ABC):
    """One set of shared weights for all networks of a space.

    Attributes:
        space: The space, at the resolution the supernet was trained for or that the user chose.
        name: What reports call it.
        fingerprint: sha256 (hex) that identifies the weights; accuracy tables carry it.
        trained: False for a stand-in whose weights are random: it has no accuracy.
    """

    space: SearchSpace
    name: str
    fingerprint: str
    trained: bool = True

    @property
    def resolution(self) -> int:
        """Side of the square input in pixels."""
        return self.space.resolution

    @abstractmethod
    def extract(self, genotype: Genotype) -> SpecModule:
        """The sub-network as a module of its own, in eval mode; its weights are copies.

        Its batch normalisations hold the supernet's running statistics: calibrate before measuring or exporting.

        Raises:
            InvalidGenotype: It is not a network of the space.
        """

    def weights(self, genotype: Genotype) -> dict[str, npt.NDArray[np.float32]]:
        """Deployable weights of the uncalibrated sub-network, batch normalisation folded in."""
        module = self.extract(genotype)
        return deployed_weights(module.state_dict(), module.spec)

    def canonical(self, genotype: Genotype) -> npt.NDArray[np.int8]:
        """The canonical genotype of either form; raises `InvalidGenotype`."""
        if isinstance(genotype, Mapping):
            return self.space.from_dict(genotype)
        row: npt.NDArray[np.int8] = self.space.canonical(np.asarray(genotype)[None, :])[0]
        return row


class ElasticSupernet(Supernet):
    """A trained supernet.

    Args:
        network: The elastic network.
        name: What reports call it.
        provenance: Where it comes from: free JSON values, kept in the own file format.
        template: Where its training photos have eyes, nose and mouth, if that is known; likewise.
    """

    def __init__(
        self,
        network: ElasticNetwork,
        name: str,
        provenance: Mapping[str, Json] | None = None,
        template: Template | None = None,
    ) -> None:
        self.network, self.space, self.name = network.eval(), network.space, name
        self.provenance, self.template = dict(provenance or {}), template
        self.fingerprint = weights_fingerprint(network)

    @torch.no_grad()
    def extract(self, genotype: Genotype) -> SpecModule:
        """See `Supernet.extract`; kernels are derived through the transform matrices, as OFA's `get_active_subnet`."""
        row = self.canonical(genotype)
        module = SpecModule(self.space.build(row))
        module.load_state_dict(self.network.subnet_state(row, module.spec))
        return module.eval()

    def save(self, path: Path, *, float16: bool = False, head: bool = True) -> None:
        """Write `.safetensors` (own format, with metadata) or, for any other suffix, OFA's `.pth` in float32."""
        if path.suffix == ".safetensors":
            save_safetensors(self.network, path, self._metadata(), float16=float16, head=head)
        else:
            save_pth(self.network, path)

    def _metadata(self) -> Metadata:
        return {
            "name": self.name,
            "space": self.space.fingerprinted(),
            "resolution": self.resolution,
            "hash": self.fingerprint,
            "provenance": self.provenance,
        } | ({} if self.template is None else {"template": self.template.to_dict()})


class RandomSupernet(Supernet):
    """A stand-in for any space: every network gets its own random weights, for export and timing. It has no accuracy.

    Args:
        space: Any space.
        seed: Of the weights; equal genotypes get equal weights.
    """

    trained = False

    def __init__(self, space: SearchSpace, seed: int = 0) -> None:
        self.space, self.name, self.seed = space, "random", seed
        self.fingerprint = hashlib.sha256(f"random:{space.fingerprint()}:{seed}".encode()).hexdigest()

    def extract(self, genotype: Genotype) -> SpecModule:
        """The network with random weights; it has no batch normalisations to calibrate."""
        row = self.canonical(genotype)
        return SpecModule.from_weights(self.space.build(row), self.weights(row))

    def weights(self, genotype: Genotype) -> dict[str, npt.NDArray[np.float32]]:
        """Random deployable weights, a function of seed and genotype."""
        row = self.canonical(genotype)
        entropy = hashlib.sha256(f"{self.fingerprint}:{self.space.to_text(row)}".encode()).digest()
        return random_weights(self.space.build(row), np.random.default_rng(list(entropy)))


def weights_fingerprint(network: ElasticNetwork) -> str:
    """sha256 over names, shapes and float16 values of all tensors that decide what the sub-networks compute.

    The head and the batch counters do not. Rounding to float16 gives a supernet and its float16 copy one identity: they
    share their accuracy table.
    """
    digest = hashlib.sha256()
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point() and not name.startswith(HEAD):
            digest.update(f"{name}{list(tensor.shape)}".encode())
            digest.update(tensor.detach().cpu().half().contiguous().numpy().tobytes())
    return digest.hexdigest()


def load_supernet(
    path: str | Path, space: str | SearchSpace = "ofa_mbv3_face", resolution: int | None = None
) -> ElasticSupernet:
    """Load OFA's `.pth` or nasface's `.safetensors`.

    Args:
        path: The checkpoint.
        space: Name or instance of an `ofa_mbv3` space.
        resolution: Input side in pixels; None takes the file's own, else the space's. An instance keeps its own.

    Raises:
        CheckpointError: The file cannot be read or does not fit the space.
    """
    path = Path(path)
    state, metadata = read_checkpoint(path)
    built = _space(space, resolution or metadata.get("resolution"))
    signature = json.loads(json.dumps(built.fingerprinted()))
    if metadata and metadata.get("space") != signature:
        raise CheckpointError(
            f"{path} was made for the space {json.dumps(metadata.get('space'))}, not {json.dumps(signature)}; "
            "set space and its parameters accordingly."
        )
    network = ElasticNetwork(built, classes_of(state))
    load_into(network, state, str(path))
    name = str(metadata.get("name", path.stem))
    template = Template.from_dict(metadata["template"]) if "template" in metadata else None
    supernet = ElasticSupernet(network, name, metadata.get("provenance"), template)
    if metadata.get("hash", supernet.fingerprint) != supernet.fingerprint:
        raise CheckpointError(f"{path} holds other weights than it was saved with; fetch or save it again.")
    return supernet


def _space(space: str | SearchSpace, resolution: int | None) -> OfaMbv3:
    built = space
    if isinstance(space, str):
        built = REGISTRY.build("space", {"name": space} | ({} if resolution is None else {"resolution": resolution}))
    if not isinstance(built, OfaMbv3):
        raise InvalidInput(
            f"Checkpoints fit ofa_mbv3 spaces, not {getattr(built, 'name', space)}; use supernet=random there."
        )
    return built
