"""One trained network in a folder: OFA's `net.config` and its weights, as a search or OFA's users leave them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from nasface.errors import CheckpointError, InvalidInput, listing
from nasface.reading import read_json
from nasface.registry import build
from nasface.spaces import SearchSpace
from nasface.spaces.genotype_file import read_genotype
from nasface.supernets.checkpoint import State, read_checkpoint, read_tensors, static_keys
from nasface.supernets.module import SpecModule

CONFIG: Final = "net.config"
WEIGHTS: Final = ("model.safetensors", "*.safetensors", "*.pth", "*.pth.tar", "*.pt", "init", "checkpoint/*.pth.tar")
"""Where weights lie, the first that there is: our run folder, then what OFA's training and its users write."""


def load_network(folder: str | Path, *, space: str = "ofa_mbv3_face", resolution: int | None = None) -> SpecModule:
    """A trained network with its own batch-normalisation statistics, ready for `nasface.export`.

    Args:
        folder: Holds `net.config` and the weights.
        space: Name of the space that the network is of.
        resolution: Pixels; needed where no `result.json` lies beside.

    Raises:
        InvalidInput: A file is absent, or the resolution is not known.
        InvalidGenotype: The network is not one of the space.
        CheckpointError: The weights are damaged or of another network.
    """
    folder = Path(folder).expanduser()
    known = resolution or stated_resolution(folder)
    if known is None:
        raise InvalidInput(f"{folder} does not say at which resolution the network works; give resolution=, e.g. 224.")
    return read_network(folder, build("space", {"name": space, "resolution": known}))


def read_network(folder: Path, space: SearchSpace) -> SpecModule:
    """The network of a folder in a given space; see `load_network`."""
    genotype = read_genotype(folder / CONFIG, space)
    path = weights_file(folder)
    module = SpecModule(space.build(genotype))
    _load(module, _state(path, module), path)
    module.calibrated = True
    return module.eval()


def weights_file(folder: Path) -> Path:
    """The file with the weights; raises `InvalidInput` if there is none."""
    for pattern in WEIGHTS:
        if found := sorted(path for path in folder.glob(pattern) if path.is_file()):
            return found[0]
    raise InvalidInput(f"{folder} holds no weights; put one of {', '.join(WEIGHTS)} beside {CONFIG}.")


def stated_resolution(folder: Path) -> int | None:
    """What the `result.json` of a search beside the network says, in pixels."""
    try:
        content: Any = read_json(folder / "result.json")
        return int(content["decision"]["resolution"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _state(path: Path, module: SpecModule) -> State:
    """Tensors by the network's own names: as we wrote them, whatever the space; else of a checkpoint of OFA's kind."""
    if path.suffix == ".safetensors":
        tensors = read_tensors(path)
        if tensors.keys() == module.state_dict().keys():
            return tensors
    return static_keys(read_checkpoint(path).state)


def _load(module: SpecModule, given: State, path: Path) -> None:
    """Copy the weights; a classifier is left out."""
    own = module.state_dict()
    missing = [key for key in own if key not in given and not key.endswith(".num_batches_tracked")]
    unknown = [key for key in given if key not in own]
    if missing or unknown:
        lacks, knows = (f"{len(keys)} tensors ({listing(keys)})" if keys else "nothing" for keys in (missing, unknown))
        raise CheckpointError(
            f"{path} does not fit {CONFIG} beside it: it lacks {lacks} and holds {knows} the network does not have; "
            "give the two files of one network."
        )
    for key, value in given.items():
        if value.shape != own[key].shape:
            raise CheckpointError(
                f"{path} does not fit {CONFIG} beside it: {key} has shape {list(value.shape)}, not "
                f"{list(own[key].shape)}; give the two files of one network."
            )
    module.load_state_dict(own | {key: value.to(own[key].dtype) for key, value in given.items()})
