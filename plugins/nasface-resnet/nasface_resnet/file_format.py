"""An exporter and the runtime of its files: a zip of the network's description and of its weights, run by torch."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from nasface import Exporter, NetSpec, register
from nasface.errors import InvalidInput
from nasface.exporters import Examples, Exported, Metadata, check_weights, describe, write_model
from nasface.netspec import Layer, Weights, operations, to_dict
from nasface.runtimes import Model, Runtime

SUFFIX: Final = ".nnz"
EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""Time of every entry: equal networks are equal bytes."""


@dataclass
class NnzConfig:
    """Parameters of the exporter: there are none."""

    name: str = "nnz"


@register("exporter", "nnz", config=NnzConfig)
class NnzExporter(Exporter):
    """A zip with network.json, metadata.json and one .npy a weight, in float32."""

    suffix = SUFFIX

    def __init__(self, config: NnzConfig | None = None) -> None:
        self.config = config or NnzConfig()

    def export(
        self, spec: NetSpec, weights: Weights, path: Path, metadata: Metadata, examples: Examples | None = None
    ) -> Exported:
        """Write the file."""
        check_weights(spec, weights)
        about = describe(spec, self.precision, metadata)
        parts = {"network.json": json.dumps(to_dict(spec)).encode(), "metadata.json": about}
        parts |= {f"{name}.npy": _npy(value) for name, value in sorted(weights.items())}
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in parts.items():
                archive.writestr(zipfile.ZipInfo(name, EPOCH), content, zipfile.ZIP_DEFLATED)
        return write_model(path, data.getvalue())


@register("runtime", "nnz")
def nnz() -> Runtime:
    """Files of exporter=nnz, run by torch."""
    return Runtime((SUFFIX,), open_nnz)


def open_nnz(path: Path, _resolution: int | None = None, _threads: int = 1, _output: str | None = None) -> Model:
    """Open a file.

    Raises:
        InvalidInput: It is damaged, or no such file.
    """
    import torch
    from nasface.supernets import SpecModule

    try:
        with zipfile.ZipFile(path) as archive:
            spec = _network(json.loads(archive.read("network.json")))
            names = [name for name in archive.namelist() if name.endswith(".npy")]
            weights = {name[:-4]: np.load(io.BytesIO(archive.read(name)), allow_pickle=False) for name in names}
        module = SpecModule.from_weights(spec, weights)
    except (OSError, ValueError, KeyError, RuntimeError, zipfile.BadZipFile) as error:
        raise InvalidInput(f"{path} is not an undamaged {SUFFIX} file ({error}); export it again.") from error

    @torch.no_grad()
    def embed(images: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        x = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
        found: npt.NDArray[np.float32] = module(x).numpy()
        return found

    return Model(spec.input_shape[0], embed)


def _npy(value: npt.NDArray[np.float32]) -> bytes:
    data = io.BytesIO()
    np.save(data, np.ascontiguousarray(value), allow_pickle=False)
    return data.getvalue()


def _network(described: Mapping[str, Any]) -> NetSpec:
    """The inverse of `nasface.netspec.to_dict`, all operations in one layer."""
    ops = tuple(_operation(dict(op)) for layer in described["layers"] for op in layer["ops"])
    height, width, channels = described["input_shape"]
    shape = (height, width, channels)
    return NetSpec(
        described["name"], shape, (Layer("network", ops[0].inputs[0], shape, ops),), tuple(described["outputs"])
    )


def _operation(fields: dict[str, Any]) -> operations.Op:
    kind = getattr(operations, fields.pop("op"))
    made: operations.Op = kind(**{name: tuple(v) if isinstance(v, list) else v for name, v in fields.items()})
    return made
