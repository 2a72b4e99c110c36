"""`torch.export` files: the graph that torch itself keeps, for ExecuTorch, AOTInductor and torch on other machines."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

from nasface.errors import requires
from nasface.exporters._base import (
    METADATA_NAME,
    Examples,
    Exported,
    Exporter,
    Metadata,
    check_weights,
    describe,
    write_model,
)
from nasface.netspec import NetSpec, Weights
from nasface.registry import register


@dataclass
class TorchExportConfig:
    """Parameters of `torch_export`: none."""

    name: str = "torch_export"


@register("exporter", "torch_export", config=TorchExportConfig)
class TorchExportExporter(Exporter):
    """`torch.export` file (`.pt2`) in float32; any number of images."""

    suffix = ".pt2"

    def __init__(self, config: TorchExportConfig) -> None:
        pass

    def export(
        self,
        spec: NetSpec,
        weights: Weights,
        path: Path,
        metadata: Metadata,
        examples: Examples | None = None,
    ) -> Exported:
        """Write the network to `path`, see `Exporter.export`."""
        with requires("torch", "torch", "exporter torch_export"):
            import torch

            from nasface.supernets import SpecModule
            from nasface.supernets.module import MapsModule
        check_weights(spec, weights)
        description = describe(spec, self.precision, metadata, layout="NCHW")
        height, width, channels = spec.input_shape
        module = SpecModule.from_weights(spec, weights)
        for parameter in module.parameters():
            parameter.data = parameter.data.contiguous()  # from_weights lays convolutions out for running them here
        shapes = {"x": {0: torch.export.Dim("images")}}
        whole = MapsModule(module) if len(spec.outputs) > 1 else module
        program = torch.export.export(whole, (torch.zeros(2, channels, height, width),), dynamic_shapes=shapes)
        for node in program.graph.nodes:
            node.meta.pop("stack_trace", None)  # names of files on this machine
        buffer = io.BytesIO()
        torch.export.save(program, buffer, extra_files={METADATA_NAME: description.decode()})
        return write_model(path, buffer.getvalue())


def torch_export_metadata(data: bytes) -> str | None:
    """The JSON description inside the bytes of a `.pt2` file, or None if there is none.

    Raises:
        ValueError: It is no such file, or damaged.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            found = [name for name in archive.namelist() if name.endswith(f"extra/{METADATA_NAME}")]
            return archive.read(found[0]).decode() if found else None
    except zipfile.BadZipFile as error:
        raise ValueError(str(error)) from error
